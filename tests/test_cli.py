"""The command line: what it prints, what it writes, and how it says no.

Most tests call ``main`` in this process; a few start a process of their own, for what only a process
has: pipes, terminals, signals and an exit status.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import handgrad as hg
from handgrad.cli import HOMES, main
from pages import EXAMPLES, READINGS, ROOT, problem

ESCAPE = "\x1b"
COMMAND = [sys.executable, "-m", "handgrad"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm-256color"}
ENVIRONMENT.pop("NO_COLOR", None)


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    out: str
    err: str
    status: int


Run = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch, tmp_path: Path) -> Run:
    """Calls the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        signal, "signal", lambda *_: None
    )  # main() is made for a process of its own

    def called(*arguments: str) -> Said:
        capsys.readouterr()
        try:
            main(list(arguments))
            status = 0
        except SystemExit as exit_:
            status = int(exit_.code or 0)
        return Said(*capsys.readouterr(), status)

    return called


def alone(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    settings = {"capture_output": True, "text": True, "env": ENVIRONMENT, "timeout": 60} | options
    return subprocess.run([*COMMAND, *arguments], check=False, **settings)


def through_a_shell(line: str, **options) -> subprocess.CompletedProcess[str]:
    """A line for the shell, in which {} is the command."""
    settings = {"capture_output": True, "text": True, "env": ENVIRONMENT, "timeout": 60} | options
    return subprocess.run(["bash", "-c", line.format(" ".join(COMMAND))], check=False, **settings)


def files(folder: Path | str = ".") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def made(kind: str, name: str) -> str:
    """The page of an example in a format, as the command writes it."""
    worked = hg.explain(problem(name))
    return worked.to_html(worked.pictures()) if kind == "html" else getattr(worked, f"to_{kind}")()


# --- what it shows ---------------------------------------------------------------------------


def test_explain_prints_the_page(run):
    said = run("explain", "one-neuron")
    assert said == Said(hg.explain(problem("one-neuron")).to_text(), "", 0)


@pytest.mark.parametrize("kind", ["text", "markdown", "latex", "html", "json"])
def test_the_format_can_be_said(run, kind):
    said = run("explain", "xor", "--format", kind)
    assert said == Said(made(kind, "xor"), "", 0)


def test_json_is_whole_and_says_so_where_a_part_is_asked_for(run):
    said = run("explain", "xor", "--format", "json", "--of", "W1[2,1]", "--symbols")
    assert said.out == made("json", "xor")
    assert said.err == "JSON has every equation and number, whatever --of and --symbols may say.\n"
    assert run("explain", "xor", "--format", "json").err == ""


def test_pages_that_can_have_the_picture_unless_it_is_not_wanted(run):
    worked = hg.explain(problem("xor"))
    for kind, start in (("html", "<svg"), ("typst", "#figure(image(")):
        assert run("explain", "xor", "--format", kind).out.count(start) == 1
        bare = run("explain", "xor", "--format", kind, "--no-pictures").out
        assert bare == getattr(worked, f"to_{kind}")()


@pytest.mark.parametrize("reading", READINGS)
def test_the_reading_can_be_said(run, reading):
    said = run("explain", "xor", "--reading", reading)
    assert said.out == hg.explain(problem("xor"), reading=reading).to_text()


def test_options_of_explain_reach_the_page(run):
    one = run("explain", "xor", "--of", "W1[2,1]", "--reading", "chain").out
    assert one == hg.explain(problem("xor"), of="W1[2,1]", reading="chain").to_text()
    assert "Step 3: Forward pass" in run("explain", "one-neuron", "--step", "3").out
    assert "Step 2: Update" in run("explain", "one-neuron", "--steps", "2").out
    assert not re.search(r"\d\.\d", run("explain", "xor", "--symbols").out)
    assert "0.56217650" in run("explain", "one-neuron", "--digits", "8").out
    assert "Appendix" in run("explain", "xor", "--appendix").out
    assert "Appendix" not in run("explain", "xor").out


def test_training_that_stops_early_says_so_on_standard_error(run):
    said = run("explain", "one-hidden-neuron", "--steps", "100", "--format", "json")
    assert len(json.loads(said.out)["steps"]) == 81
    assert said.err == "Training stops after 81 updates: the loss is below 0.001.\n"
    assert said.status == 0


def test_a_network_without_a_file(run):
    said = run("explain", "--network", "2-3-1", "--seed", "4", "--format", "json")
    values = json.loads(said.out)["steps"][0]["values"]
    assert [len(values["W1"]), len(values["W1"][0]), len(values["W2"][0])] == [3, 2, 3]
    assert run("explain", "--network", "2-3-1", "--seed", "4", "--format", "json") == said
    assert run("explain", "--network", "2-3-1", "--seed", "5", "--format", "json") != said
    two = run("explain", "--network", "3-3", "--examples", "2", "--loss", "cross_entropy").out
    assert "softmax" in two


def test_a_large_network_is_summarised_unless_asked_for_in_full(run):
    short = run("explain", "--network", "20-20-20").out
    assert "more elements are worked out in the same way" in short
    assert len(short) < 20_000 < len(run("explain", "--network", "20-20-20", "--full").out)


def test_a_file_wins_over_an_example_of_its_name(run):
    Path("xor").write_text("not a problem", "utf-8")
    assert "xor: line 1" in run("explain", "xor").err


def test_examples_are_listed_and_printed(run):
    listed = run("examples").out
    assert [line.split()[0] for line in listed.splitlines()] == EXAMPLES
    assert all(problem(name).title in listed for name in EXAMPLES)
    printed = run("examples", "xor").out
    assert printed == (ROOT / "examples" / "xor.toml").read_text("utf-8")
    assert run("examples", "xor.toml").out == printed
    copied = run("examples", "xor", "-o", "mine.toml")
    assert copied.status == 0
    assert Path("mine.toml").read_text("utf-8") == printed
    assert run("explain", "mine.toml").out == run("explain", "xor").out


def test_limits_are_printed(run):
    rows = dict(line.split() for line in run("limits").out.splitlines())
    assert rows["file_bytes"] == "1,048,576"
    assert rows["operations_in_full"] == "2,000"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(run, shell):
    said = run("completion", shell)
    assert said.status == 0
    assert "_HANDGRAD_COMPLETE" in said.out


def test_examples_are_completed():
    asked = {
        "_HANDGRAD_COMPLETE": "bash_complete",
        "COMP_WORDS": "handgrad explain two",
        "COMP_CWORD": "2",
    }
    said = alone(env=ENVIRONMENT | asked).stdout
    assert "plain,two-neurons-in-a-row" in said
    assert "xor" not in said


def test_version_and_help(run, monkeypatch):
    assert re.fullmatch(r"handgrad \S.*\n", run("--version").out)
    monkeypatch.setattr("importlib.metadata.version", lambda name: _raise(PackageNotFoundError))
    assert run("--version") == Said("handgrad, not installed\n", "", 0)
    for words in ([], ["explain"], ["examples"], ["new"], ["limits"], ["completion"]):
        said = run(*words, "--help")
        assert said.status == 0
        assert said.out.startswith("Usage: handgrad")
        assert run(*words, "-h") == said


# --- files it writes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text"),
        ("a.md", "markdown"),
        ("a.markdown", "markdown"),
        ("a.TEX", "latex"),
        ("a.html", "html"),
        ("a.htm", "html"),
        ("a.json", "json"),
    ],
)
def test_the_ending_says_the_format(run, name, kind):
    said = run("explain", "one-neuron", "-o", name)
    assert said == Said("", f"Wrote {name}.\n", 0)
    assert Path(name).read_text("utf-8") == made(kind, "one-neuron")
    assert files() == [name]


def test_the_format_said_wins_over_the_ending(run):
    assert run("explain", "one-neuron", "--format", "json", "-o", "a.txt").status == 0
    assert json.loads(Path("a.txt").read_text("utf-8"))


def test_a_file_is_replaced_and_keeps_its_permissions(run):
    old = Path("a.txt")
    old.write_text("old", "utf-8")
    old.chmod(0o640)
    assert run("explain", "one-neuron", "-o", "a.txt").status == 0
    assert old.read_text("utf-8").startswith("One neuron")
    assert old.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(run):
    Path("real.txt").write_text("old", "utf-8")
    Path("link.txt").symlink_to("real.txt")
    assert run("explain", "one-neuron", "-o", "link.txt").status == 0
    assert Path("link.txt").is_symlink()
    assert Path("real.txt").read_text("utf-8").startswith("One neuron")
    Path("loop.txt").symlink_to("loop.txt")
    assert "link that leads nowhere" in run("explain", "one-neuron", "-o", "loop.txt").err


def test_a_pipe_or_device_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert alone("explain", "one-neuron", "-o", str(pipe)).returncode == 0
    assert os.read(reader, 100).decode().startswith("One neuron\n")
    os.close(reader)
    assert pipe.is_fifo()


def test_a_long_name_and_an_odd_one_are_accepted(run):
    for name in ("n" * 250 + ".txt", "ü … \udcff.txt", "-.txt", "{}.txt", "%s.txt"):
        assert run("explain", "one-neuron", "-o", f"./{name}").status == 0
        assert Path(name).exists()
    assert run("new", "./\udcff.toml").status == 0


@pytest.mark.parametrize("failing", ["write", "fsync", "replace"])
def test_a_disk_error_leaves_the_old_file_and_nothing_else(run, monkeypatch, failing):
    Path("a.json").write_text("old", "utf-8")

    def fails(*_, **__):
        raise OSError(28, "No space left on device")

    if failing == "write":
        monkeypatch.setattr(os, "fdopen", fails)
    elif failing == "fsync":
        monkeypatch.setattr(os, "fsync", fails)
    else:
        monkeypatch.setattr(Path, "replace", fails)
    said = run("explain", "one-neuron", "-o", "a.json")
    assert said == Said("", "Error: a.json cannot be written: No space left on device.\n", 2)
    assert Path("a.json").read_text("utf-8") == "old"
    assert files() == ["a.json"]


def test_a_full_disk_leaves_nothing(tmp_path):
    done = through_a_shell("ulimit -f 1; {} explain xor --format json -o a.json", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr == "Error: a.json cannot be written: File too large.\n"
    assert files(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to(run):
    Path("locked").mkdir(mode=0o500)
    said = run("explain", "one-neuron", "-o", "locked/a.txt")
    assert said.err == "Error: locked/a.txt cannot be written: Permission denied.\n"
    assert files("locked") == []


def test_new_writes_a_problem_that_explains_and_never_overwrites(run):
    said = run("new", "net.toml")
    assert said == Said("Wrote net.toml. Next: handgrad explain net.toml\n", "", 0)
    content = Path("net.toml").read_text("utf-8")
    assert run("explain", "net.toml").status == 0
    again = run("new", "net.toml", "--equations")
    assert again.status == 2
    assert again.err == "Error: net.toml is there already. Choose another name, or give --force.\n"
    assert Path("net.toml").read_text("utf-8") == content
    assert run("new", "net.toml", "--equations", "--force").status == 0
    assert "[equations]" in Path("net.toml").read_text("utf-8")
    assert run("explain", "net.toml").status == 0


# --- how it says no --------------------------------------------------------------------------

LAYER = "[data]\nx = [[{x}]]\ny = [[1.0]]\n[network]\n[[network.layers]]\n{layer}\n"
EQUATION = "[equations]\nloss = 'E'\nforward = '{}'\n[parameters]\nw = {}\n"
BROKEN = {
    "half.toml": "[data]\nx = [[1.0",
    "empty.toml": "",
    "utf16.toml": "x = 1".encode("utf-16"),
    "typo.toml": LAYER.format(x=1.0, layer="units = 1\nactivaton = 'tanh'"),
    "words.toml": LAYER.format(x="'a'", layer="units = 1"),
    "shapes.toml": LAYER.format(x="1.0, 2.0", layer="W = [[1.0]]"),
    "equation.toml": EQUATION.format("E = (w", 1.0),
    "undefined.toml": EQUATION.format("E = w*q", 1.0),
    "infinite.toml": EQUATION.format("E = exp(w)", 1000.0),
    "logarithm.toml": EQUATION.format("E = log(w)", -1.0),
    "deep.toml": EQUATION.format("E = " + "(" * 500 + "w" + ")" * 500, 1.0),
    "nested.toml": "x = " + "[" * 500 + "]" * 500,
    "large.toml": "#" * 2**21,
}  # fmt: skip

REFUSED = [
    ("", "Usage: handgrad"),
    ("nonsense", "No such command 'nonsense'"),
    ("explain", "Give a FILE, or --network such as 2-2-1."),
    ("explain xor --network 2-2-1", "Give a FILE, or --network such as 2-2-1."),
    ("explain nothing.toml", "nothing.toml: there is no such file."),
    ("explain .", "is a folder"),
    ("explain xor --nonsense", "No such option '--nonsense'"),
    ("explain xor --format odt", "'odt' is not one of"),
    ("explain xor --reading backwards", "'backwards' is not one of"),
    ("explain xor --steps 0", "Invalid value for '--steps'"),
    ("explain xor --steps two", "Invalid value for '--steps'"),
    ("explain xor --step 1 --steps 2", "Give --steps or --step, not both."),
    ("explain xor --step 100000", "There is no step 100000: the loss is below 0.01 after 769 updates"),
    ("explain xor --digits 18", "Invalid value for '--digits'"),
    ("explain xor --of W9", "There is no quantity 'W9'. There are L, W1,"),
    ("explain xor --of W1[3,1]", "W1[3,1]: index 1 of W1 runs from 1 to 2."),
    ("explain xor --of x", "x is given; there is nothing to work out."),
    ("explain xor -o a.odt", "a.odt: the ending says nothing about the format. Known: .txt,"),
    ("explain xor -o missing/a.txt", "there is no folder missing. Make it first."),
    ("explain xor --format text -o .", ". is a folder. Give the name of a file."),
    ("explain --network 2", "needs inputs and at least one layer"),
    ("explain --network 2-x-1", "write the numbers of units, inputs first: 2-2-1."),
    ("explain --network 2-0-1", "a number of units is 0"),
    ("explain --network 99999-1", "At most 256 layers of 65,536 units"),
    ("explain --network 60000-60000", "at most 50,000,000 are accepted."),
    ("explain --network 2-1 --activation sigmond", "There is no activation 'sigmond'."),
    ("explain --network 2-1 --activation z+", "Expected a number, a name or a bracket"),
    ("explain --network 2-1 --activation z+q", "uses q; it may use z only."),
    ("explain --network 2-1 --loss mse", "There is no loss 'mse'."),
    ("explain --network 2-1 --seed -1", "Invalid value for '--seed'"),
    ("explain --network 2-1 --examples 0", "Invalid value for '--examples'"),
    ("new .", ". is there already."),
    ("new missing/net.toml", "there is no folder missing."),
    ("examples nonsense", "There is no example 'nonsense'."),
    ("examples -o a.toml", "Say which example to copy."),
    ("completion tcsh", "'tcsh' is not one of 'bash', 'zsh', 'fish'."),
    ("explain half.toml", "half.toml: line 2, column"),
    ("explain empty.toml", "a problem has a [network] or [equations]"),
    ("explain utf16.toml", "the file is UTF-16. Save it as UTF-8."),
    ("explain typo.toml", 'unknown key "activaton". Did you mean "activation"?'),
    ("explain words.toml", "words.toml: line 2, column 7"),
    ("explain shapes.toml", "shapes.toml: line 6"),
    ("explain equation.toml", "equation.toml: line 3"),
    ("explain undefined.toml", "q, in the equation of E, is not defined."),
    ("explain infinite.toml", "E is inf: exp(w) is inf where w = 1000."),
    ("explain logarithm.toml", "E is nan: log(w) is nan where w = -1. A logarithm needs"),
    ("explain deep.toml", "nest more than 60 deep"),
    ("explain nested.toml", "nested.toml: "),
    ("explain large.toml", "a problem file may have 1048576 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), REFUSED)
def test_what_cannot_be_used_is_refused_in_words(run, line, expected):
    for name, content in BROKEN.items():
        if name in line:
            Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = files()
    said = run(*line.split())
    assert said.status == 2
    assert said.out == ""
    assert expected in said.err
    assert "Traceback" not in said.err
    assert len(said.err) < 3_000
    assert files() == before


def test_a_mistake_ends_the_process_with_two_and_one_block_on_standard_error():
    done = alone("explain", "nothing.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert re.fullmatch(r"Error: nothing\.toml: there is no such file\. .*\n", done.stderr)


def test_a_problem_too_deep_or_too_large_to_work_out_is_refused_in_words(run, monkeypatch):
    for error, words in ((RecursionError, "nested too deeply"), (MemoryError, "not enough memory")):
        monkeypatch.setattr("handgrad.verbs.explain", lambda *_, error=error, **__: _raise(error))
        said = run("explain", "xor")
        assert said.status == 2
        assert words in said.err


def _raise(error: type[BaseException]) -> None:
    raise error


# --- pipes, terminals, signals ---------------------------------------------------------------


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What the command prints on a terminal of its own."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=inner,
        stderr=inner,
        stdin=inner,
        env=ENVIRONMENT | environment,
    )
    os.close(inner)
    pieces = []
    while True:
        try:
            pieces.append(os.read(outer, 65536))
        except OSError:  # the terminal is closed
            break
        if not pieces[-1]:
            break
    os.close(outer)
    assert process.wait(60) == 0
    return b"".join(pieces).decode().replace("\r\n", "\n")


def test_a_terminal_shows_colours_and_a_pipe_does_not():
    coloured = on_a_terminal("explain", "one-neuron", COLUMNS="100")
    assert f"{ESCAPE}[1m" in coloured
    plain = re.sub(rf"{ESCAPE}\[[0-9;]*m", "", coloured)
    assert plain == hg.explain(problem("one-neuron")).to_text(100)
    piped = alone("explain", "one-neuron")
    assert ESCAPE not in piped.stdout
    assert piped.stdout == hg.explain(problem("one-neuron")).to_text()


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(variable):
    assert ESCAPE not in on_a_terminal("explain", "one-neuron", **variable)


def test_a_reader_that_stops_early_hears_no_complaint():
    done = through_a_shell("{} explain general-formulation --reading steps | head -1")
    assert (done.stdout, done.stderr) == ("General formulation\n", "")


def test_output_is_utf_8_whatever_the_locale():
    settings = ENVIRONMENT | {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1"}
    done = alone("explain", "one-neuron", env=settings, text=False)
    assert done.stdout.decode("utf-8") == hg.explain(problem("one-neuron")).to_text()


@pytest.mark.parametrize("command", ["", *HOMES])
def test_help_reads_well(command):
    shown = alone(*command.split(), "--help").stdout
    assert "\\" not in shown
    assert "..." not in shown.partition("Commands:")[2]  # one line each, whole
    assert "handgrad" in shown.partition("Options:")[0] + shown[-200:]


def test_every_command_is_listed_and_there():
    listed = alone("--help").stdout.partition("Commands:")[2]
    assert re.findall(r"(?m)^  (\w+) ", listed) == list(HOMES) == sorted(HOMES)
    assert alone("explian").returncode == 2


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_it_with_130_and_one_line(tmp_path):
    pipe = tmp_path / "net.toml"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*COMMAND, "explain", "net.toml", "--steps", "1000000", "-o", "a.json"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    pipe.write_text((ROOT / "examples" / "recurrence.toml").read_text("utf-8"), "utf-8")
    process.send_signal(signal.SIGINT)  # the problem has been asked for: the command is at work
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err.strip() == "Interrupted."
    assert files(tmp_path) == ["net.toml"]


# --- pictures --------------------------------------------------------------------------------


def test_a_picture_goes_to_standard_output_or_into_a_file(run, tmp_path):
    shown = run("draw", "xor", "--of", "W1[2,1]", "--theme", "dark")
    assert (shown.status, shown.err, shown.out[:4]) == (0, "", "<svg")
    assert run("draw", "xor", "--of", "W1[2,1]", "--theme", "dark", "-o", "a.svg").status == 0
    assert (tmp_path / "a.svg").read_text("utf-8") == shown.out
    wrote = run("draw", "xor", "-o", "b.png", "--width", "300")
    assert (wrote.status, wrote.err) == (0, "Wrote b.png.\n")
    assert (tmp_path / "b.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("xor", "-o", "a.gif"), "a.gif: a picture is written as .svg, .png or .pdf"),
        (("xor", "-o", "a"), "a: a picture is written as"),
        (("xor", "-o", "a.svg", "--width", "300"), "--width is for PNG"),
        (("xor", "--of", "Q"), "Q"),
        (("xor", "--example", "9"), "Example 9 is not in step 1. There: 1, 2, 3, 4."),
        (("xor", "--view", "none"), "'none' is not one of"),
        (("maxout", "--view", "update"), "Its picture is the view graph"),
        (("nowhere.toml",), "nowhere.toml"),
        (("xor", "-o", "folder/a.svg"), "there is no folder"),
    ],
)
def test_what_cannot_be_drawn_leaves_no_file(run, tmp_path, arguments, said):
    found = run("draw", *arguments)
    assert (found.status, found.out) == (2, "")
    assert said in found.err
    assert list(tmp_path.iterdir()) == []
