"""Names as matplotlib's mathematics sets them: every sign of a user's name is a sign on the page."""

from __future__ import annotations

from handgrad.render.notation import Name

__all__ = ["mathtext", "plain_text"]

# A sign that means something between dollar signs, and what is shown instead of it
SPECIAL = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "_": r"\_", "%": r"\%",
    "#": "♯", "^": "ˆ", "~": "∼", "`": "ˋ", '"': "″", "'": "′", " ": r"\ ", "\u00a0": r"\ ",
}  # fmt: skip
OUTSIDE = "□"  # for a sign that the font of every matplotlib, DejaVu Sans, lacks


def mathtext(name: Name) -> str:
    r"""A name with its indices, between dollar signs.

    >>> mathtext(Name("W", "1,2", "(1)"))
    '$W^{\\mathrm{(1)}}_{\\mathrm{1,2}}$'
    """
    base = name.base.strip() or OUTSIDE
    written = _signs(base) if len(base) == 1 else rf"\mathrm{{{_signs(base)}}}"
    for mark, part in (("^", name.sup), ("_", name.sub)):
        written += rf"{mark}{{\mathrm{{{_signs(part)}}}}}" if part else ""
    return f"${written}$"


def _signs(text: str) -> str:
    return "".join(SPECIAL.get(c) or (c if _is_set(c) else OUTSIDE) for c in text)


def plain_text(text: str) -> str:
    """A title without signs that the font lacks."""
    return "".join(c if _is_set(c) else OUTSIDE for c in text)


def _is_set(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _ROWS) or character in _SIGNS


_ROWS = ((0x20, 0x7E), (0xA0, 0x24F), (0x391, 0x3C9), (0x400, 0x45F))  # Latin, Greek, Cyrillic
_SIGNS = frozenset("ϕϵϑ–—‘’“”…′″∂∇∑∏∞≈≠≤≥±×÷·−√∈ℓ→←↑↓∼ˆˋ♯□ẋẏẑŷḣ")
