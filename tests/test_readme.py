"""The commands README shows are run, and print what it says they print."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

import pytest

from handgrad.cli import main

README = Path(__file__).parent.parent / "README.md"
COMMAND = "$ handgrad "


def console_blocks(text: str) -> list[str]:
    return re.findall(r"^```console\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[tuple[str, list[str]]]:
    """Every command of a block, with the lines shown below it."""
    lines = block.splitlines()
    starts = [n for n, line in enumerate(lines) if line.startswith(COMMAND)]
    shown = (takewhile(lambda line: not line.startswith(COMMAND), lines[n + 1 :]) for n in starts)
    return [(lines[n].removeprefix(COMMAND), list(s)) for n, s in zip(starts, shown, strict=True)]


def agrees(shown: list[str], printed: list[str]) -> bool:
    """Whether the lines are those that were printed; a line … stands for any number of them."""
    if not shown:
        return not printed
    if shown[0] == "…":
        return any(agrees(shown[1:], printed[n:]) for n in range(len(printed) + 1))
    return bool(printed) and shown[0] == printed[0] and agrees(shown[1:], printed[1:])


def arguments(command: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r"'([^']*)'|(\S+)", command)]


def test_every_command_of_the_readme_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = [c for block in console_blocks(README.read_text("utf-8")) for c in commands(block)]
    assert len(found) > 5
    for command, shown in found:
        with suppress(SystemExit):  # status 1: the answer is no, which README shows too
            main(arguments(command))
        captured = capsys.readouterr()
        printed = [line.rstrip() for line in (captured.out + captured.err).splitlines()]
        assert agrees(shown, printed), f"handgrad {command} prints\n" + "\n".join(printed)


def test_a_wrong_digit_would_be_noticed() -> None:
    assert agrees(["a = 1", "…", "b = 2"], ["a = 1", "c", "d", "b = 2"])
    assert not agrees(["a = 1", "…", "b = 2"], ["a = 1", "c", "d", "b = 3"])
    assert not agrees(["a = 1"], ["a = 1", "b = 2"])


def test_the_number_of_examples_is_the_one_said() -> None:
    examples = list((README.parent / "examples").glob("*.toml"))
    assert f"lists {len(examples)} problems" in README.read_text("utf-8")
