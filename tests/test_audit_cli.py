"""handgrad audit on the command line: exit status, formats, copies, one message for each mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import handgrad as hg
from handgrad.auditing.system import values
from handgrad.cli import main
from handgrad.cli.audit import audit

TEXT = """w1 = 0.2, w2 = 0.3, b = 0.1, x1 = 0.5, x2 = 0.4

z = w1*x1 + w2*x2 + b = 0.2*0.5 + 0.3*0.4 + 0.1 = {}
"""
WRONG, RIGHT = TEXT.format("0.33"), TEXT.format("0.32")


@pytest.fixture
def post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document with one slip, in the folder that commands are run in."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "post.md"
    path.write_text(WRONG, encoding="utf-8")
    return path


def ran(*arguments: str, **options: str) -> Result:
    return CliRunner().invoke(audit, list(arguments), **options)  # type: ignore[arg-type]


def status(*arguments: str) -> int:
    """The exit status of the whole program, where a mistake of the user's is told."""
    with pytest.raises(SystemExit) as ended:
        main(["audit", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_one_where_something_is_wrong_and_zero_where_nothing_is(post: Path) -> None:
    found = ran("post.md")
    assert (found.exit_code, found.output.splitlines()[0]) == (1, "post.md:3")
    assert "z = 0.33 is wrong, right: 0.32" in found.output
    post.write_text(RIGHT, encoding="utf-8")
    assert ran("post.md").exit_code == 0


def test_json_is_an_object_or_a_list_of_them(post: Path) -> None:
    post.with_name("right.md").write_text(RIGHT, encoding="utf-8")
    one = json.loads(ran("post.md", "--format", "json").output)
    first, second = json.loads(ran("post.md", "right.md", "--format", "json").output)
    assert (first, second["wrong"]) == (one, 0)
    claim = next(c for c in one["claims"] if c["printed"] == "0.33")
    assert {
        "quantity",
        "symbol",
        "printed",
        "line",
        "column",
        "step",
        "local",
        "true",
        "verdict",
        "cause",
    } == set(claim)
    assert (claim["line"], claim["column"]) == (3, WRONG.splitlines()[2].index("0.33") + 1)
    assert one["causes"][claim["cause"]]["explains"] == [one["claims"].index(claim)]


def test_a_network_by_the_name_of_an_example(post: Path) -> None:
    post.with_name("mine.txt").write_text("z1 = 1.1\na1 = 0.7503\na2 = 0.8655\n", encoding="utf-8")
    found = ran("mine.txt", "--network", "sum-of-two-2-2-1")
    assert found.exit_code == 1
    assert found.output.startswith("First wrong: line 3, a_2 = 0.8655 is wrong, right: 0.8665")


def test_an_example_is_audited_by_its_name() -> None:
    found = ran("one-neuron")
    assert found.exit_code == 1
    assert "b1_new[1] = 0.125 is wrong, right: 0.123" in found.output


def test_fix_writes_a_copy_that_audits_clean(post: Path) -> None:
    found = ran("post.md", "--fix")
    copy = post.with_name("post.fixed.md")
    assert found.exit_code == 0
    assert copy.read_text("utf-8") == RIGHT
    assert post.read_text("utf-8") == WRONG
    assert hg.audit(copy).clean
    assert "post.fixed.md: 1 number corrected." in found.output


def test_fix_of_a_clean_document_writes_nothing(post: Path) -> None:
    post.write_text(RIGHT, encoding="utf-8")
    assert ran("post.md", "--fix").exit_code == 0
    assert not post.with_name("post.fixed.md").exists()


def test_the_document_itself_is_not_overwritten(
    post: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status("post.md", "--fix", "-o", "post.md") == 2
    assert status("post.md", "--format", "annotated", "-o", "./post.md") == 2
    assert "is the document itself" in capsys.readouterr().err
    assert post.read_text("utf-8") == WRONG


def test_copies_go_where_they_are_told(post: Path) -> None:
    assert ran("post.md", "--fix", "-o", "new.md").exit_code == 0
    assert post.with_name("new.md").read_text("utf-8") == RIGHT
    assert ran("post.md", "--format", "annotated", "-o", "marked.md").exit_code == 1
    assert "<mark>0.33</mark>" in post.with_name("marked.md").read_text("utf-8")
    assert ran("post.md", "--format", "annotated").output == post.with_name("marked.md").read_text(
        "utf-8"
    )


@pytest.mark.usefixtures("post")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.md"], "none.md cannot be read"),
        (["post.md", "none.md"], "none.md cannot be read"),
        (["post.md", "--network", "none.toml"], "none.toml"),
        (["post.md", "-o", "out.md"], "-o takes the one copy"),
        (["post.md", "post.md", "--fix", "-o", "out.md"], "-o takes the one copy"),
        (["post.md", "post.md", "--format", "annotated"], "annotated takes one document"),
        (["words.md"], "no number was found"),
        (["values.md"], "values are stated and nothing is calculated"),
        (["post.md", "--fix", "-o", "nowhere/out.md"], "there is no folder"),
    ],
)
def test_what_cannot_be_used_is_one_message_and_status_two(
    arguments: list[str], said: str, post: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    post.with_name("words.md").write_text("Nothing here.\n", encoding="utf-8")
    post.with_name("values.md").write_text("w1 = 0.2\nw2 = 0.3\n", encoding="utf-8")
    assert status(*arguments) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.err.startswith("Error: ")
    assert shown.out == ""
    assert not post.with_name("out.md").exists()


def test_help_shows_how_it_runs_in_continuous_integration() -> None:
    said = ran("--help").output
    assert "pip install handgrad && handgrad audit posts/*.md" in said
    assert "--network" in said


def test_documents_are_completed_as_files() -> None:
    argument = next(p for p in audit.params if p.name == "documents")
    (item,) = argument.shell_complete(audit.make_context("audit", ["x"]), "po")
    assert (item.value, item.type) == ("po", "file")


def test_the_catalogue_is_public_and_each_slip_can_be_planted() -> None:
    names = [slip.name for slip in hg.slips]
    assert len(set(names)) == len(names) == 18
    assert all(slip.title for slip in hg.slips)
    net = hg.load(Path(__file__).parents[1] / "examples" / "sum-of-two-2-2-1.toml")
    made = hg.plant(net, "sign", seed=1)
    (slip,) = made.made
    true = values(made.system)[slip.where[0]]
    assert made.values()[slip.where[0]] == pytest.approx(-true, rel=1e-12)
    with pytest.raises(hg.InputError, match="There is no slip"):
        hg.plant(net, "laziness")


def test_the_documentation_lists_the_whole_catalogue() -> None:
    page = (Path(__file__).parents[1] / "docs" / "audit.md").read_text("utf-8")
    for slip in hg.slips:
        assert f"| `{slip.name}` | {slip.title} | {slip.of} |" in page
