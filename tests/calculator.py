"""A printed calculation in, its number out: the page read back by other means than the package's.

``from_text`` and ``from_latex`` turn what is printed into Python's own signs; ``calculated`` works it
out with the functions of the standard library.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache

FUNCTIONS = {
    "equal": lambda x, y: float(x == y),
    "exp": math.exp,
    "log": math.log,
    "log_sigmoid": lambda z: -math.log1p(math.exp(-z)),
    "max": max,
    "sech": lambda z: 1 / math.cosh(z),
    "sign": lambda z: math.copysign(bool(z), z),
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "sqrt": math.sqrt,
    "step": lambda z: float(z > 0),
    "tanh": math.tanh,
}
IN_TEXT = {
    "ln σ(": "log_sigmoid(",
    "ln(": "log(",
    "σ(": "sigmoid(",
    "√(": "sqrt(",
    "−": "-",
    "·": "*",
    "½": "(1/2)",
    "²": "**2",
    "³": "**3",
    "^": "**",
}
IN_LATEX = {
    r"\ln\sigma": "log_sigmoid",
    r"\ln": "log",
    r"\sigma": "sigmoid",
    r"\tanh": "tanh",
    r"\max": "max",
    r"\text{sign}": "sign",
    r"\text{step}": "step",
    r"\text{sech}": "sech",
    r"\cdot": "*",
    r"\left(": "(",
    r"\right)": ")",
}


def calculated(written: str) -> float:
    """The value of a calculation in Python's signs, such as ``1/(1 + exp(-0.25))``."""
    return float(eval(written, {"__builtins__": {}}, FUNCTIONS))


def from_text(printed: str, names: Mapping[str, Callable[[str], float]] | None = None) -> str:
    """Text as printed, in Python's signs. ``names`` give the number of a name at its indices."""
    if names:
        printed = _any_of(tuple(names)).sub(
            lambda found: f"({names[found[1]](found[2] or '')!r})", printed
        )
    for sign, word in IN_TEXT.items():
        printed = printed.replace(sign, word)
    return re.sub(r"\[([^\[\]=]*) = ([^\[\]=]*)\]", r"equal(\1, \2)", printed)


@cache
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    """A name and the indices behind it; the longest name first, so that dL/da2 is not read as a2."""
    either = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)({either})(?:\[([\d,]+)\])?(?![a-zA-Z0-9_([])")


def from_latex(printed: str) -> str:
    """LaTeX as printed, numbers only, in Python's signs."""
    written, place = "", 0
    while place < len(printed):
        rest = printed[place:]
        word = next((w for w in IN_LATEX if rest.startswith(w)), "")
        if rest.startswith(r"\frac"):
            above, place = _group(printed, place + len(r"\frac"))
            below, place = _group(printed, place)
            written += f"(({from_latex(above)})/({from_latex(below)}))"
        elif rest.startswith((r"\sqrt", "e^")):
            inside, place = _group(printed, place + rest.index("{"))
            written += f"{'exp' if rest[0] == 'e' else 'sqrt'}({from_latex(inside)})"
        elif rest.startswith("^"):
            inside, place = _group(printed, place + 1)
            written += f"**({from_latex(inside)})"
        elif rest.startswith(r"\left["):
            end = printed.index(r"\right]", place)
            left, right = printed[place + len(r"\left[") : end].split("=")
            written += f"equal({from_latex(left)}, {from_latex(right)})"
            place = end + len(r"\right]")
        else:
            written += IN_LATEX.get(word, rest[0])
            place += len(word) or 1
    return written


def _group(text: str, start: int) -> tuple[str, int]:
    """What stands between the brace at ``start`` and its partner, and the place behind it."""
    assert text[start] == "{", text[start:]
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start + 1 : place], place + 1
    raise AssertionError(f"a brace without a partner in {text}")
