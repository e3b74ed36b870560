"""A printed calculation in, its number out: the page read back by other means than the package's.

``from_text``, ``from_latex``, ``from_mathml`` and ``from_typst`` turn what is printed into Python's
own signs; ``calculated`` works it out with the functions of the standard library.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

FUNCTIONS = {
    "equal": lambda x, y: float(x == y),
    "exp": math.exp,
    "frac": lambda above, below: above / below,
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
    "⅓": "(1/3)",
    "⅔": "(2/3)",
    "⅙": "(1/6)",
    "⅚": "(5/6)",
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


IN_TYPST = {
    "ln σ(": "log_sigmoid(",
    "ln(": "log(",
    "σ(": "sigmoid(",
    '"': "",
    r"\(": "(",
    r"\)": ")",
    "e^(": "exp(",
    "^(": "**(",
    " dot ": "*",
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


def from_typst(printed: str) -> str:
    """The mathematics of Typst as printed, numbers only, in Python's signs."""
    for sign, word in IN_TYPST.items():
        printed = printed.replace(sign, word)
    return re.sub(r"\[([^\[\]=]*) = ([^\[\]=]*)\]", r"equal(\1, \2)", printed)


def _group(text: str, start: int) -> tuple[str, int]:
    """What stands between the brace at ``start`` and its partner, and the place behind it."""
    assert text[start] == "{", text[start:]
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[start + 1 : place], place + 1
    raise AssertionError(f"a brace without a partner in {text}")


# --- MathML ----------------------------------------------------------------------------------

IN_MATHML = {"−": "-", "⋅": "*", "\u2061": "", "ln": "log", "σ": "sigmoid"}


def from_mathml(
    element: Element, quantity: Callable[[str, str, str], float | None] | None = None
) -> str:
    """A formula, as a browser reads it, in Python's signs.

    ``quantity`` gives the number of a name: its letter, what stands below it, what stands above.
    """
    read = partial(from_mathml, quantity=quantity)
    kind, parts, words = element.tag, list(element), (element.text or "").strip()
    if kind in ("math", "mrow"):
        return _compared(parts, read) or "".join(map(read, parts))
    named = _quantity(element, quantity) if quantity else None
    if named is not None:
        return f"({named!r})"
    match kind, parts:
        case (("mn" | "mo" | "mi"), []):
            return IN_MATHML.get(words, words)
        case "mfrac", [above, below]:
            return f"(({read(above)})/({read(below)}))"
        case "msqrt", _:
            return f"sqrt({''.join(map(read, parts))})"
        case "msup", [base, exponent]:
            if base.tag == "mi" and base.text == "e":
                return f"exp({read(exponent)})"
            return f"({read(base)})**({read(exponent)})"
    raise AssertionError(f"<{kind}> is not expected in {ET.tostring(element)}")


def _compared(parts: list[Element], read: Callable[[Element], str]) -> str | None:
    """``[z = a]``: 1 where both are equal."""
    signs = [part.text for part in parts]
    if not parts or (signs[0], signs[-1]) != ("[", "]"):
        return None
    middle = signs.index("=")
    left, right = parts[1:middle], parts[middle + 1 : -1]
    return f"equal({''.join(map(read, left))}, {''.join(map(read, right))})"


def _quantity(element: Element, quantity: Callable[[str, str, str], float | None]) -> float | None:
    """The number of a name such as W with 1,2 below and (1) above, or of ∂L over ∂ such a name."""
    parts = list(element)
    if element.tag == "mfrac" and list(parts[0]) and parts[0][0].text == "∂":
        top, (_, bottom) = _words(parts[0]), list(parts[1])
        found = _name(bottom)
        return quantity(f"d{top[1:]}/d{found[0]}", *found[1:]) if found else None
    name = _name(element)
    return quantity(*name) if name else None


def _name(element: Element) -> tuple[str, str, str] | None:
    """The letter of a name, what stands below it and what stands above."""
    parts = list(element)
    match element.tag:
        case "mi":
            return _words(element), "", ""
        case "msub" if parts[0].tag == "mi":
            return _words(parts[0]), _words(parts[1]), ""
        case "msup" if parts[0].tag == "mi" and _words(parts[1]).startswith("("):
            return _words(parts[0]), "", _words(parts[1])
        case "msubsup" if parts[0].tag == "mi":
            return _words(parts[0]), _words(parts[1]), _words(parts[2])
    return None


def _words(element: Element) -> str:
    return "".join(element.itertext())
