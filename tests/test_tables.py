"""Tables as people have them: read as meant, or refused with the row and the column."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

import handgrad as hg
from handgrad.cli import commands, main
from handgrad.errors import FileError, HandgradError, InputError, LimitError
from handgrad.training import columns
from handgrad.training.beginning import Wish, set_up
from handgrad.training.examples import with_examples
from handgrad.training.memory import estimate
from handgrad.training.tables import read_table

FLOWERS = "length,width,colour,kind\n1.5,2,red,a\n2.5,,blue,b\n3.5,4,red,a\n4.5,5,,b\n"


def written(folder, content, name="data.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def prepared(path, target, **options):
    table = read_table(path)
    preparation, rows, notes = columns.prepare(table, target, **options)
    x = columns.inputs(preparation, table, rows, notes)
    return x, columns.targets(preparation.target, table, rows), notes, preparation


def test_numbers_are_scaled_and_categories_become_columns(tmp_path):
    x, y, notes, preparation = prepared(written(tmp_path, FLOWERS), "kind")
    assert preparation.target.classes == ("a", "b")
    assert y.tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    length, width = np.array([1.5, 2.5, 3.5, 4.5]), np.array([2, 11 / 3, 4, 5])
    assert_allclose(x[:, 0], (length - length.mean()) / length.std())
    assert_allclose(x[:, 1] * np.std([2, 4, 5]) + 11 / 3, width)
    assert x[:, 2:].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert notes == [
        '"width": 1 missing; the mean of the others stands in.',
        '"colour": 1 missing; a category of its own stands in.',
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(("\ufeff" + FLOWERS).encode(), id="BOM"),
        pytest.param(FLOWERS.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(FLOWERS.replace(",", "\t").encode(), id="tabs"),
        pytest.param(FLOWERS.encode("utf-16"), id="UTF-16"),
        pytest.param(FLOWERS.replace(",", ";").replace(".", ",").encode(), id="semicolons"),
        pytest.param(
            ("\ufeff" + FLOWERS.replace(",", ";").replace(".", ",").replace("\n", "\r\n")).encode(),
            id="BOM-semicolons-CRLF",
        ),
        pytest.param(FLOWERS.replace("red", '"red"').encode(), id="quotes"),
        pytest.param((FLOWERS + "\n\n").encode(), id="blank-lines"),
        pytest.param(FLOWERS.replace(",,", ",NA,").encode(), id="NA"),
    ],
)
def test_every_spelling_of_a_table_is_the_same_table(tmp_path, content):
    x, y, *_ = prepared(written(tmp_path, FLOWERS), "kind")
    other_x, other_y, *_ = prepared(written(tmp_path, content, "other.csv"), "kind")
    assert_allclose(other_x, x)
    assert_allclose(other_y, y)


def test_the_fast_way_through_plain_numbers_reads_the_same(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 4))
    lines = [",".join(map(repr, row)) for row in values.tolist()]
    plain = read_table(written(tmp_path, "\n".join(("a,b,c,d", *lines)) + "\n"))
    assert np.array_equal(np.stack([c.numbers for c in plain.columns.values()], 1), values)
    lines[7] = "," + lines[7].partition(",")[2]
    slow = read_table(written(tmp_path, "\n".join(("a,b,c,d", *lines)) + "\n", "slow.csv"))
    found = np.stack([c.numbers for c in slow.columns.values()], 1)
    assert np.isnan(found[7, 0])
    assert np.array_equal(np.delete(found, 7, 0), np.delete(values, 7, 0))


def test_a_table_without_names_gets_some(tmp_path):
    assert list(read_table(written(tmp_path, "1,2\n3,4\n")).columns) == ["column1", "column2"]


def test_parquet_and_arrays_read_as_the_csv_does(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    x, y, notes, _ = prepared(written(tmp_path, FLOWERS), "kind")
    pq.write_table(
        pa.table(
            {
                "length": [1.5, 2.5, 3.5, 4.5],
                "width": [2, None, 4, 5],
                "colour": pa.array(["red", "blue", "red", None]).dictionary_encode(),
                "kind": ["a", "b", "a", "b"],
            }
        ),
        tmp_path / "data.parquet",
    )
    other_x, other_y, other_notes, _ = prepared(tmp_path / "data.parquet", "kind")
    assert_allclose(other_x, x)
    assert_allclose(other_y, y)
    assert other_notes == notes
    np.savez(tmp_path / "data.npz", x=[[1.0, 2.0], [3.0, 5.0]], y=[0, 1])
    table = read_table(tmp_path / "data.npz")
    assert list(table.columns) == ["x[1]", "x[2]", "y"]


def bad(content, target="y", name="data.csv", **options):
    return content, target, name, options


BAD = {
    "empty": (bad(""), "is empty"),
    "blank": (bad("  \n\n"), "is empty"),
    "names only": (bad("x,y\n"), "holds no examples"),
    "one row": (bad("x,y\n1,2\n"), '1 of 1 rows with a value in "y"; at least 2'),
    "text among numbers": (bad("x,y\n1,0\n2,1\nthree,0\n"), 'row 4, column "x" is "three"'),
    "text after a blank line": (bad("x,y\n1,0\n\n2,1\nthree,0\n"), 'row 5, column "x" is "three"'),
    "text among targets": (bad("x,y\n1,0\n2,1\n3,yes\n"), 'row 4, column "y" is "yes"'),
    "infinite": (bad("x,y\n1,0\ninf,1\n"), 'row 3, column "x" is infinite'),
    "too large": (bad("x,y\n1,0\n1e300,1\n"), 'row 3, column "x" is 1e+300, too large'),
    "target too large": (bad("x,y\n1,0.5\n2,1e200\n"), 'row 3, column "y" is 1e+200, too large'),
    "no such target": (
        bad("x,answer\n1,2\n2,3\n", "anwser"),
        'no column "anwser". Did you mean "answer"?',
    ),
    "target all missing": (bad("x,y\n1,\n2,NaN\n"), "0 of 2 rows with a value"),
    "one class": (bad("x,y\n1,a\n2,a\n"), 'every "y" is "a"'),
    "one number": (bad("x,y\n1,2.5\n2,2.5\n"), 'every "y" is 2.5'),
    "constant column": (bad("x,y\n1,0\n1,1\n"), "no column to learn from"),
    "thousands set apart": (
        bad('x,y\n"1,234.5",0\n"2,345.5",1\n'),
        'row 2, column "x" is "1,234.5", a number whose thousands are set apart',
    ),
    "thousands set apart, with a comma": (
        bad("x;y\n1.234,5;0\n2.345,5;1\n"),
        'row 2, column "x" is "1.234,5", a number whose thousands',
    ),
    "target dropped": (bad("x,y\n1,0\n2,1\n", drop=("y",)), '"y" is the target and cannot be'),
    "target a category and a number": (
        bad("x,y\n1,0\n2,1\n", categorical=("y",), task="regression"),
        "Leave one of them out",
    ),
    "ragged": (bad("x,y\n1,0\n1,2,3\n"), "row 3 has 3 cells, and the first row 2"),
    "twice the same name": (bad("x,x\n1,a\n"), 'two columns are called "x"'),
    "identifiers": (
        bad("x,y\n" + "".join(f"n{n},{n % 2}\n" for n in range(30))),
        "30 different texts in 30 rows",
    ),
    "no text file": (bad(b"x,y\n\x001,2\n"), "zero bytes"),
    "latin-1": (bad("x,y\n1,\xe9\n".encode("latin-1")), "line 2 is not UTF-8"),
    "a million columns": (bad(",".join(f"c{n}" for n in range(10**6)) + "\n"), "1,000,000 columns"),
    "another ending": (bad("x", name="data.xls"), "give a table of examples"),
    "no parquet": (bad("x", name="data.parquet"), "cannot be read as Parquet"),
    "no archive": (bad("x", name="data.npz"), "no archive of numbers"),
}


@pytest.mark.parametrize("which", BAD)
def test_what_cannot_be_learned_from_is_refused_in_words(tmp_path, which):
    (content, target, name, options), said = BAD[which]
    with pytest.raises(HandgradError) as found:
        prepared(written(tmp_path, content, name), target, **options)
    assert said in str(found.value)


@pytest.mark.parametrize("which", BAD)
def test_the_command_refuses_it_before_training(tmp_path, capsys, which):
    (content, target, name, options), said = BAD[which]
    path = written(tmp_path, content, name)
    given = [f"--{k}={v}" if isinstance(v, str) else f"--{k}={v[0]}" for k, v in options.items()]
    with pytest.raises(SystemExit) as ended:
        main(["train", str(path), "--target", target, *given])
    shown = capsys.readouterr()
    assert ended.value.code == 2
    # a table with another ending is looked for among the examples
    assert said in shown.err or path.suffix == ".xls"
    assert shown.err.count("Error: ") == 1
    assert "updates" not in shown.out


def test_columns_and_rows_that_teach_nothing_are_left_out_and_named(tmp_path):
    content = "same,none,x,y\n3,,1.0,a\n3,,2.0,b\n3,NaN,3.0,\n3,,nan,a\n"
    x, y, notes, _ = prepared(written(tmp_path, content), "y")
    assert notes == [
        '1 rows have no "y" and are left out.',
        '"same" is the same in every row and left out.',
        '"none" is empty and left out.',
        '"x": 1 missing; the mean of the others stands in.',
    ]
    assert_allclose(x[:, 0], [-1, 1, 0])
    assert y.tolist() == [[1, 0], [0, 1], [1, 0]]


def test_a_million_columns_of_an_archive_are_refused_at_once(tmp_path):
    np.savez(tmp_path / "wide.npz", x=np.zeros((2, 10**6)), y=np.arange(2))
    with pytest.raises(LimitError, match="1,000,001 columns; at most 65,536"):
        read_table(tmp_path / "wide.npz")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("length,side\n1.5,n\nlong,s\n", 'row 3, column "length" is "long"'),
        ("length,side\nlong,n\n", 'row 2, column "length" is "long"'),
        ("side\nn\n", 'no column "length"'),
        ("length,side\n1e300,n\n", 'row 2, column "length" is 1e+300'),
    ],
)
def test_new_rows_that_do_not_fit_are_told_with_their_place(
    tmp_path, flowers, capsys, content, said
):
    assert run("train", flowers, "--epochs", 1, "--run", tmp_path / "model").exit_code == 0
    new = written(tmp_path, content, "new.csv")
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(tmp_path / "model"), str(new)])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_an_empty_column_of_new_rows_counts_as_missing(tmp_path, flowers):
    assert run("train", flowers, "--epochs", 1, "--run", tmp_path / "model").exit_code == 0
    new = written(tmp_path, "length,side\n,n\n", "new.csv")
    found = run("predict", tmp_path / "model", new)
    assert found.exit_code == 0
    assert len(found.output.splitlines()) == 2


@pytest.mark.parametrize("shape", [(200, 100, 1), (2000, 30, 300)], ids=str)
def test_the_estimate_of_memory_is_of_the_size_of_what_is_taken(shape):
    rows, inputs, units = shape
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(rows, inputs)), rng.normal(size=(rows, 1))
    problem = hg.Network([inputs, units, 1], x=x[:1], y=y[:1], optimizer="adam")
    problem = with_examples(problem, x, y, "float64")
    estimated = estimate(set_up(problem, Wish(1)).task)
    tracemalloc.start()
    hg.train(problem, epochs=3, engine="numpy")
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * taken < estimated + 2**20 < 3 * taken + 2**20


def test_there_is_no_such_file(tmp_path):
    with pytest.raises(FileError):
        read_table(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ([[1.0, float("nan")]], [[1.0]], "row 1, column 2 of x is nan"),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0]], "x has 2, y has 1"),
        ([[1.0]], [[1.0]], "x has 1 number for each example, and the problem takes 2 numbers"),
        ([], [], "hold no example"),
        ([["a", "b"]], [[1.0]], "x is no array of numbers"),
        (1.0, [[1.0]], "x is a single number"),
        ([[1.0, 2.0]], None, "Give x and y, or neither"),
        ([[1.0, 1e300]], [[1.0]], "row 1, column 2 of x is 1e+300, too large for float32"),
    ],
)
def test_arrays_that_do_not_fit_are_told(x, y, said):
    problem = hg.Network([2, 1], x=[[0.0, 0.0]], y=[[0.0]])
    with pytest.raises(InputError) as found:
        hg.train(problem, x, y)
    assert said in str(found.value)


def test_memory_that_will_not_suffice_is_refused_with_the_estimate(monkeypatch):
    from handgrad.training import memory

    monkeypatch.setattr(memory, "_available", lambda: 2**20)
    problem = hg.Network([100, 1000, 1], x=np.zeros((1, 100)), y=[[0.0]])
    with pytest.raises(
        HandgradError, match=r"needs about [\d.]+ MiB of memory, and 1\.0 MiB are free"
    ):
        hg.train(problem)


# --- the commands ------------------------------------------------------------------------------


def run(*arguments):
    return CliRunner().invoke(commands, [*map(str, arguments)], catch_exceptions=True)


@pytest.fixture
def flowers(tmp_path):
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=90)
    rows = [f"{k + rng.normal() / 4:.4f},{rng.choice(['n', 's'])},{'abc'[k]}" for k in kind]
    return written(tmp_path, "\n".join(("length,side,kind", *rows)) + "\n")


def test_train_predict_and_evaluate_a_table(tmp_path, flowers):
    model = tmp_path / "model"
    done = run("train", flowers, "--epochs", 60, "--learning-rate", 0.01, "--run", model)
    assert done.exit_code == 0, done.output
    assert "90 rows; 2 columns as 3 inputs → kind, 3 classes" in done.output
    scored = run("evaluate", model, flowers)
    assert float(scored.output.split()[1]) > 0.85
    answers = run("predict", model, flowers).output.splitlines()
    lines = flowers.read_text().splitlines()
    assert answers[0] == "kind"
    right = sum(a == line[-1] for a, line in zip(answers[1:], lines[1:], strict=True))
    assert right / 90 == pytest.approx(float(scored.output.split()[1]), abs=1e-4)
    chances = run("predict", model, flowers, "--probabilities").output.splitlines()
    assert chances[0] == "a,b,c"
    assert sum(map(float, chances[1].split(","))) == pytest.approx(1)


def test_an_update_of_a_run_is_explained_from_its_folder(tmp_path, flowers):
    model = tmp_path / "model"
    assert run("train", flowers, "--epochs", 5, "--run", model).exit_code == 0
    page = run("explain", model, "--step", 7, "--of", "W2[1,4]")
    assert page.exit_code == 0
    assert "Update 7 of 15" in page.output
    assert "W2_new[1,4]" in page.output
    paper = run("explain", model, "--step", 7, "-o", tmp_path / "page.html")
    assert paper.exit_code == 0, paper.output
    refused = run("explain", model, "--step", 7, "--carry", 3)
    assert refused.exit_code == 2


def test_a_run_is_taken_up_again(tmp_path):
    model = tmp_path / "model"
    assert run("train", "xor", "--epochs", 10, "--loss-below", 0, "--run", model).exit_code == 0
    more = run("train", "--resume", model, "--epochs", 25)
    assert more.exit_code == 0, more.output
    assert "25 updates, 25 epochs" in more.output
    whole = run("train", "xor", "--epochs", 25, "--loss-below", 0)
    assert whole.output.splitlines()[1:] == more.output.splitlines()[2:]


def test_a_number_is_learned_in_its_own_units(tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    rows = [f"{v:.6f},{1000 + 300 * v:.6f}" for v in x]
    table = written(tmp_path, "\n".join(("x,y", *rows)) + "\n")
    model = tmp_path / "model"
    done = run("train", table, "--hidden", "8", "--learning-rate", 0.01, "--run", model)
    assert "R² 0.99" in done.output or "R² 1.0" in done.output
    answers = run("predict", model, table).output.splitlines()[1:]
    assert_allclose([float(a) for a in answers], 1000 + 300 * x, atol=60)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train",), "Give a problem file or a table"),
        (("train", "xor", "--hidden", "3"), "--hidden has no meaning for a problem file"),
        (
            ("train", "--resume", "m", "--seed", "3"),
            "--seed has no meaning for a run taken up again",
        ),
        (("train", "xor", "--run", ""), "the name is empty"),
        (("sweep", "xor", "--seeds", "2", "-o", "no-such/a.png"), "there is no folder no-such"),
        (("train", "no-such"), "no such"),
        (("train", "no-such.csv"), "no-such.csv"),
        (("predict", "no-such", "x.csv"), "holds no run"),
        (("train", "DATA", "--hidden", "3,x"), "write numbers of units"),
        (("train", "DATA", "--target", "knd"), 'Did you mean "kind"?'),
        (("train", "DATA", "--optimizer", "adm"), 'Did you mean "adam"?'),
        (("train", "DATA", "--init", "xavier"), 'Did you mean "glorot"?'),
        (("train", "xor", "--init", "he"), "--init has no meaning for a problem file"),
        (("train", "DATA", "--schedule", "cosin"), 'Did you mean "cosine"?'),
        (("train", "DATA", "--clip-norm", "1", "--clip-value", "1"), "Give one of them"),
    ],
)
def test_mistakes_on_the_command_line_are_told(flowers, arguments, said):
    command = [str(flowers) if a == "DATA" else a for a in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "handgrad", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cell_that_a_spreadsheet_would_run_is_written_as_text(tmp_path):
    table = written(
        tmp_path, "x,y\n" + "".join(f"{n},{'=1+1' if n > 9 else 'b'}\n" for n in range(20))
    )
    model = tmp_path / "model"
    assert run("train", table, "--run", model, "--test", 0).exit_code == 0
    assert "'=1+1" in run("predict", model, table).output


@pytest.mark.parametrize("place", ["flowers.csv", "model/start.safetensors"])
def test_answers_do_not_take_the_place_of_what_they_are_made_from(tmp_path, flowers, place):
    model = tmp_path / "model"
    assert run("train", flowers, "--epochs", 2, "--run", model).exit_code == 0
    output = flowers if place == "flowers.csv" else tmp_path / place
    before = output.read_bytes()
    refused = run("predict", model, flowers, "-o", output)
    assert isinstance(refused.exception, InputError)
    assert "what the answers are made from" in str(refused.exception)
    assert output.read_bytes() == before


def test_patience_alone_ends_a_run(flowers):
    found = run("train", flowers, "--epochs", 100, "--patience", 1, "--learning-rate", 0)
    assert "no improvement" in found.output


def test_a_part_that_is_no_number_is_refused(flowers):
    refused = run("train", flowers, "--test", "nan")
    assert isinstance(refused.exception, InputError)
    assert "--test is nan" in str(refused.exception)
