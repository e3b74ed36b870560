"""Documents made to hurt: the audit refuses them in a few words, or judges them in bounded time and room.

Each is handed to the command line in a process of its own, whose processor time and memory are read
from the system.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.measured import Outcome, Runner

ROOT = Path(__file__).parents[1]
SECONDS, MEGABYTES = 2.0, 300.0
MEGABYTE = 1_000_000

GOOD = """\
The input is $x = 0.5$, the weight $w = 0.3$, the bias $b = 0.1$.

$$z = w \\cdot x + b = 0.3 \\cdot 0.5 + 0.1 = 0.25$$
"""


def _filled(text: str, size: int) -> str:
    return text * (size // len(text) + 1)


def _nested_ellipses(depth: int) -> str:
    """a_1·(…) + a_2·(…) + … + a_400·(…), with the same in the brackets."""
    inner = "x"
    for n in range(depth):
        letter = "abcdefgh"[n]
        inner = f"({letter}_1*{inner} + {letter}_2*{inner} + … + {letter}_400*{inner})"
    return inner


def _notebook(cells: object) -> str:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _code(output: object) -> dict[str, object]:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": 1,
        "source": "z",
        "outputs": [output],
    }


def _text_cell(source: str) -> dict[str, object]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _png() -> dict[str, object]:
    data = base64.b64encode(bytes(6 * MEGABYTE)).decode()
    return {"output_type": "display_data", "metadata": {}, "data": {"image/png": data}}


def _stream() -> dict[str, object]:
    return {"output_type": "stream", "name": "stdout", "text": ["loss = 0.25\n"] * 400_000}


def _fractions(count: int) -> str:
    return "$$z = " + r"\frac{1}{1 + " * count + "x" + "}" * count + " = 0.5$$\n"


def _new_values(count: int) -> str:
    rows = (f"w = w - η*x = {0.5 - 0.1 * n:.2f}\n" for n in range(count))
    return "w=0.5\nη=0.1\nx=1\n" + "".join(rows)


def _general(count: int) -> str:
    rows = (f"a{n}_j = h*0.{n + 1}\na{n}_1 = 0.5*0.{n + 1} = 0.7\n" for n in range(count))
    return "h = 0.5\n" + "".join(rows)


def _velocities(count: int) -> str:
    rows = (f"v = 0.9*v + x = {n % 9}\nw = w - η*v = 0.{n % 9}\n" for n in range(count))
    return "x=1\nη=0.1\nw=0.5\nv=0\n" + "".join(rows)


def _slopes(count: int) -> str:
    rows = (f"∂L/∂w = 2*(w*x-1)*x = -1.0{n}\n" for n in range(count))
    return "w=0.5\nx=1\nL = (w*x-1)^2\n" + "".join(rows)


def _entities(levels: int) -> str:
    rows = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">\n' for n in range(1, levels))
    return f'<!DOCTYPE html [\n<!ENTITY l0 "lol">\n{rows}]>\n<p>\\( z = &l{levels - 1}; = 0.25 \\)</p>\n'


def _table(rows: int, columns: int) -> str:
    row = "|" + " 0.5 |" * columns + "\n"
    return row + "|" + " --- |" * columns + "\n" + row * rows


HOSTILE: dict[str, tuple[str, Callable[[], str | bytes]]] = {
    # size
    "ten megabytes of good lines": (".md", lambda: _filled(GOOD, 10 * MEGABYTE)),
    "ten megabytes of prose": (".txt", lambda: _filled("So it goes on and on. \n", 10 * MEGABYTE)),
    "ten megabytes of dollars": (".md", lambda: "$" * 10 * MEGABYTE),
    "three megabytes of good lines": (".md", lambda: _filled(GOOD, 3 * MEGABYTE)),
    "three megabytes of prose": (".txt", lambda: _filled("So it goes on and on. \n", 3 * MEGABYTE)),
    "a line of two megabytes": (".txt", lambda: "z = " + _filled("0.1 + ", 2 * MEGABYTE) + "0 = 1\n"),
    "a line of two megabytes of words": (".md", lambda: _filled("word ", 2 * MEGABYTE)),
    "a chain of 100,000 links": (".md", lambda: "$z = " + "0.5 = " * 100_000 + "0.5$\n"),
    "a chain of a million equal signs": (".md", lambda: "$$" + "=" * MEGABYTE + "$$\n"),
    "a table of a million cells": (".md", lambda: _table(1000, 1000)),
    "a table of one row of a million cells": (".md", lambda: _table(1, 500_000)),
    "a table of 400,000 cells": (".md", lambda: _table(400, 1000)),
    "a wide HTML table": (".html", lambda: "<table>" + ("<tr>" + "<td>0.5</td>" * 500 + "</tr>") * 500),
    "50,000 names": (".txt", lambda: "".join(f"w{n} = 0.{n}\n" for n in range(1, 50_001))),
    "a million blank lines": (".md", lambda: "\n" * MEGABYTE),
    # nesting
    "10,000 nested fractions": (".md", lambda: _fractions(10_000)),
    "10,000 fractions never closed": (".md", lambda: "$$z = " + r"\frac{1}{1 + " * 10_000 + "$$\n"),
    "100,000 open brackets": (".md", lambda: "$z = " + "(" * 100_000 + "1" + ")" * 100_000 + " = 1$\n"),
    "100,000 brackets in plain text": (".txt", lambda: "z = " + "(" * 100_000 + "1 = 1\n"),
    "10,000 superscripts": (".md", lambda: "$z = " + "x^{" * 10_000 + "2" + "}" * 10_000 + " = 1$\n"),
    "10,000 subscripts": (".md", lambda: "$z = " + "w_{" * 10_000 + "1" + "}" * 10_000 + " = 1$\n"),
    "10,000 roots": (".md", lambda: "$z = " + r"\sqrt{" * 10_000 + "2" + "}" * 10_000 + " = 1$\n"),
    "10,000 signs": (".md", lambda: "$z = " + "-" * 10_000 + "1 = 1$\n"),
    "10,000 calls": (".txt", lambda: "z = " + "sigmoid(" * 10_000 + "1" + ")" * 10_000 + " = 0.7\n"),
    "10,000 left and right": (
        ".md", lambda: "$z = " + r"\left(" * 10_000 + "1" + r"\right)" * 10_000 + " = 1$\n"
    ),
    "10,000 nested block quotes": (".md", lambda: ">" * 10_000 + " z = 0.5\n"),
    "10,000 nested lists": (".md", lambda: "".join(" " * n + "- a\n" for n in range(3000))),
    "50,000 open tags": (".html", lambda: "<div>" * 50_000 + "\\( z = 0.5 \\)"),
    "unclosed braces": (".md", lambda: "$$\\frac{1}{1 + e^{-x} = 0.5$$\n" + GOOD),
    "unclosed braces a hundred thousand times": (".md", lambda: "$" + "{" * 100_000 + "$\n" + GOOD),
    "environments never ended": (".tex", lambda: r"\begin{align}" * 10_000 + "z = 0.5"),
    "dollars that do not match": (".md", lambda: "$z = 0.5\n\n" * 50_000),
    # macros
    "macros that are never closed": (".tex", lambda: r"\def\a{" * 70_000),
    "macros of macros, two arguments each": (
        ".tex",
        lambda: "".join(
            rf"\newcommand{{\{chr(n + 1)}}}[2]{{\{chr(n)}{{#1#1}}{{#2#2}}\{chr(n)}{{#2}}{{#1}}}}" + "\n" for n in range(97, 121)
        ) + r"$\y{1}{2} = 0.5$" + "\n" + GOOD,
    ),
    "uses of a macro without its arguments": (".tex", lambda: r"\newcommand{\q}[9]{#1}" + "\n" + r"\q{{" * 100_000),
    "a macro that grows": (".tex", lambda: rf"\newcommand{{\q}}{{{'0.5+' * 400}1}}" + "\n$z = " + r"\q+" * 20_000 + "1$\n"),
    "a def that calls itself": (".tex", lambda: r"\def\a{\a\a}" + "\n$z = \\a = 0.5$\n" + GOOD),
    "a tower of defs": (
        ".tex",
        lambda: "\\def\\a{1+1}\n"
        + "".join(rf"\def\{chr(n + 1)}{{\{chr(n)}\{chr(n)}\{chr(n)}\{chr(n)}}}" + "\n" for n in range(97, 121))
        + "$z = \\y = 0.5$\n",
    ),
    "newcommand bomb": (
        ".md",
        lambda: "$"
        + "".join(rf"\newcommand{{\x{'i' * n}}}{{{(chr(92) + 'x' + 'i' * (n - 1)) * 9}}}" for n in range(1, 30))
        + r"z = \x" + "i" * 29 + " = 1$\n",
    ),
    # numbers
    "1e999999": (".txt", lambda: "x = 1e999999\nw = 2\nz = w*x = 2*1e999999 = 2e999999\n"),
    "1e-999999": (".md", lambda: "$x = 1e-999999$, $w = 2$, $z = w x = 1 / 1e-999999 = 5$\n"),
    "an exponent of a hundred digits": (".txt", lambda: "x = 1e" + "9" * 100 + "\nz = 2*x = 5\n"),
    "9^9^9^9": (".md", lambda: "$z = 9^{9^{9^9}} = 1.5$ and $y = 9^9^9^9 = 2$\n"),
    "9**9**9**9": (".txt", lambda: "z = 9**9**9**9 = 1.5\nz = (((9^9)^9)^9)^9 = 3\n"),
    "2 to a billion": (".md", lambda: "$z = 2^{1000000000} = 4.0$, $y = 0.5^{-1000000000} = 1$\n"),
    "e to e to e": (".md", lambda: "$z = e^{e^{e^{e^{100}}}} = 1$, $\\sigma(-1e308 * 1e308) = 0$\n"),
    "division by zero": (".md", lambda: "$z = \\frac{1}{0} = 1$, $y = \\frac{0}{0} = 0.5$, $\\ln(0) = 1$\n"),
    "a million digits": (".txt", lambda: "x = 0." + "3" * MEGABYTE + "\n" + GOOD),
    "a million digits multiplied": (".txt", lambda: "z = " + "7" * 500_000 + "*" + "7" * 500_000 + " = 1\n"),
    "digits of other scripts": (".txt", lambda: "x = ٠.٥\nw = ０.３\nz = w*x = ² = 0.15\n"),
    "a loss over a billion updates": (
        ".md", lambda: GOOD + "\nAfter 1000000000 updates $w = 0.7$ and after 10^{18} epochs $w = 0.8$.\n"
    ),
    "a network of a million units": (
        ".txt", lambda: "A 1000000-1000000-1 network with sigmoid units.\nThe learning rate is 0.5.\nL = 0.3\n"
    ),
    "a sum to a trillion": (".md", lambda: "$L = \\sum_{i=1}^{1000000000000} 0.5 = 3$\n"),
    # bytes
    "NUL": (".md", lambda: b"$z = 0.5\x00$\n\x00\x00 $x = 1$"),
    "not UTF-8": (".md", lambda: b"\xff\xfe\x80 $z = 0.3 \xb7 0.5 = 0.15$\n"),
    "UTF-16": (".md", lambda: GOOD.encode("utf-16")),
    "a byte order mark": (".md", lambda: b"\xef\xbb\xbf" + GOOD.encode()),
    "empty": (".md", lambda: b""),
    "random bytes": (".txt", lambda: bytes((n * 7919 + n // 251) % 256 for n in range(MEGABYTE))),
    "a picture": (".md", lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1000),
    "surrogates": (".md", lambda: b"$z = \xed\xa0\x80 = 0.5$\n"),
    "right-to-left marks": (".md", lambda: "$z = \u202e52.0 = 5.0 \u202c\u200f\u2067 = 0.25$\n" + GOOD),
    "combining marks": (".md", lambda: "$z" + "\u0301" * 100_000 + " = 0.5$\n"),
    "carriage returns": (".md", lambda: "$z = 0.5$\r" * 50_000),
    "escape sequences of a terminal": (".txt", lambda: "\x1b]0;owned\x07\x1b[2J z = 0.5\n" + GOOD),
    # other formats
    "a notebook with broken JSON": (".ipynb", lambda: '{"cells": [{"cell_type": "markdown", "source"'),
    "a notebook that is a list": (".ipynb", lambda: "[1, 2, 3]"),
    "a notebook whose cells are numbers": (".ipynb", lambda: _notebook([1, None, "x", [], {}])),
    "a notebook with sources of numbers": (".ipynb", lambda: _notebook([{"cell_type": "markdown", "source": 5}])),
    "a notebook with NaN": (".ipynb", lambda: '{"cells": NaN, "metadata": Infinity}'),
    "a notebook nested deep": (".ipynb", lambda: '{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "a notebook with a number of a million digits": (".ipynb", lambda: '{"cells": ' + "9" * MEGABYTE + "}"),
    "a notebook with a large picture": (".ipynb", lambda: _notebook([_code(_png()), _text_cell(GOOD)])),
    "a notebook with large output": (".ipynb", lambda: _notebook([_code(_stream()), _text_cell(GOOD)])),
    "2,000 sums with an ellipsis": (".txt", lambda: "z = x_1 + x_2 + … + x_400 = 0.5\n" * 2_000),
    "one name with 5,000 formulas": (".txt", lambda: "z = x_1 + x_2 + x_400 = 0.5\n" * 5_000),
    "one name with 990 formulas of no value": (".txt", lambda: "z = x_1 + x_2 + x_400 = 0.5\n" * 990),
    "one name with 990 new values": (".txt", lambda: _new_values(990)),
    "general formulas and their quantities": (".txt", lambda: _general(480)),
    "many velocities": (".txt", lambda: _velocities(480)),
    "700 wrong slopes": (".txt", lambda: _slopes(700)),
    # as many formulas as are read
    "590 formulas of no value for one name": (".txt", lambda: "z = x_1 + x_2 + x_400 = 0.5\n" * 590),
    "590 new values of one name": (".txt", lambda: _new_values(590)),
    "290 general formulas and their quantities": (".txt", lambda: _general(290)),
    "290 velocities": (".txt", lambda: _velocities(290)),
    "590 wrong slopes": (".txt", lambda: _slopes(590)),
    "an ellipsis within an ellipsis": (".txt", lambda: f"z = {_nested_ellipses(6)} = 0.5\n"),
    "a notebook with 50,000 cells": (".ipynb", lambda: _notebook([_text_cell("$z = 0.5$")] * 50_000)),
    "an entity bomb": (".html", lambda: _entities(12)),
    "a million entities": (".html", lambda: "<p>" + "&lt;" * MEGABYTE + "</p>"),
    "numeric entities out of range": (".html", lambda: "<p>\\( z = &#x110000; &#99999999999; = 0.5 \\)</p>"),
    "comments never closed": (".html", lambda: "<!--" * 200_000),
    "attributes without end": (".html", lambda: "<a " + "b='c " * 200_000),
    "scripts never closed": (".html", lambda: "<script>" * 50_000 + "$z = 0.5$"),
    # backtracking
    "spaces before an equal sign": (".txt", lambda: "z" + " " * 200_000 + "\n"),
    "a million commas": (".md", lambda: "$x = " + "0,5, " * 200_000 + "$\n"),
    "a million pipes": (".md", lambda: "|" * MEGABYTE),
    "a million stars": (".md", lambda: "*" * MEGABYTE + "a" + "*" * MEGABYTE),
    "a million backticks": (".md", lambda: "`" * 500_000 + " z = 1 " + "`" * 499_999),
    "a million brackets of links": (".md", lambda: "[" * 500_000),
    "backslashes": (".md", lambda: "$" + "\\" * 500_000 + "$"),
    "a million minus signs in a table": (".md", lambda: "| a |\n|" + "-" * MEGABYTE + "|\n| 0.5 |\n"),
    "learning rates": (".txt", lambda: _filled("the learning rate the learning rate is set to ", MEGABYTE)),
}  # fmt: skip


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


def audited(runner: Runner, path: Path) -> Outcome:
    return runner(path.parent, ["audit", str(path), "--format", "json"])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_or_judged_in_bounds(
    name: str, tmp_path: Path, runner: Runner
) -> None:
    suffix, make = HOSTILE[name]
    made, path = make(), tmp_path / f"document{suffix}"
    path.write_bytes(made if isinstance(made, bytes) else made.encode())
    found = audited(runner, path)
    status, out, err = found.status, found.out, found.err
    assert status in (0, 1, 2), (status, err[-2000:])
    assert "Traceback" not in err + out, err[-2000:]
    assert found.seconds < SECONDS, f"{found.seconds:.1f} s of processor time"
    assert found.megabytes < MEGABYTES, f"{found.megabytes:.0f} MB"
    if status == 2:
        assert err.strip(), "refused without a word"
        assert len(err.strip().splitlines()) <= 6
        assert len(err) < 1000, f"{len(err)} characters of complaint"
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", err), "control characters are passed on"
    else:
        report = json.loads(out)
        assert set(report) >= {"claims", "causes", "unread", "conventions", "wrong"}


def test_the_bounds_are_noticed(tmp_path: Path, runner: Runner) -> None:
    """What measures the bounds sees a good document, and what a loop costs."""
    path = tmp_path / "document.md"
    path.write_text(GOOD, encoding="utf-8")
    found = audited(runner, path)
    assert (found.status, json.loads(found.out)["wrong"]) == (0, 0)
    assert 0.01 < found.seconds < SECONDS
    assert 5 < found.megabytes < MEGABYTES
    waste = runner(tmp_path, "held = bytearray(2 * 10**8)\nfor _ in range(10**7): pass")
    assert waste.seconds > 0.1
    assert waste.megabytes > 200
