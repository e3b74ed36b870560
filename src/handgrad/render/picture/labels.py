"""Names, numbers and formulas in, labels of a picture out: pieces of text, and how wide they are.

A label is a tuple of runs (letters, raised, lowered). Which font shows it is not known here, so
``width`` says how wide it is in the widest of the usual ones: what is placed by it never overlaps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from unicodedata import category, normalize

from handgrad.calculus.expr import Expr, Ref
from handgrad.language.writing import text
from handgrad.render.digits import Digits
from handgrad.render.notation import Name, Names
from handgrad.render.text import FUNCTIONS

__all__ = [
    "NARROW",
    "SIZES",
    "WIDTH",
    "Label",
    "Run",
    "Writer",
    "extent",
    "joined",
    "plain",
    "spread",
    "width",
    "wrapped",
]

# how wide characters are at most, in em: DejaVu Sans and Serif, Liberation, upright and italic
WIDTHS = (
    (0.35, " ,./:;\\'ijl|·′’"),
    (0.5, '"*J`r!t²³ᵀ()-I[]f'),
    (0.65, "$0123456789abdeghknopqu{}δηβθλμρτχ√∘sz∂εẑ?_cvxyγŷ–“”"),
    (0.75, "FLPSTZασπABEKVXYφΣΔ"),
    (0.85, "CGRψ#+<=>DOQU^~−×≈ωΦ∞≤≥"),
    (1.05, "&HNwŵ%m→←…½—⋮¼@MW"),
)
WIDTH = {character: wide for wide, characters in WIDTHS for character in characters}
SQUARE = 1.05  # of any other character, which is set to that width
NARROW = 0.72  # a raised piece is at least so wide, as a part of its width
SIZES = {"sup": 0.7, "sub": 0.7, "letter": 1.12}  # as a part of the label's
BOLD = 1.2  # how much wider bold letters are
LONGEST = 12  # characters of a base, or of a script, that are shown in a picture


@dataclass(frozen=True)
class Run:
    """A piece of text; ``kind`` is plain, letter (italic), sup, sub or bold."""

    text: str
    kind: str = "plain"


Label = tuple[Run, ...]


def plain(written: str) -> Label:
    """A label of upright text."""
    return (Run(drawable(written)),)


def drawable(written: str) -> str:
    """Composed letters, each with one mark above at most: a pile of them would leave its box."""
    kept = ""
    for character in normalize("NFC", written):
        if not (category(character) in ("Mn", "Me") and kept and category(kept[-1])[0] == "M"):
            kept += character
    return kept


def joined(parts: list[Label], between: str) -> Label:
    """Labels one after the other."""
    runs: list[Run] = []
    for number, part in enumerate(parts):
        runs += [Run(between), *part] if number and between else part
    return tuple(runs)


def spread(run: Run) -> float:
    """How wide one run is at most, in em of the label."""
    wide = sum(WIDTH.get(c, SQUARE) for c in run.text)
    return wide * SIZES.get(run.kind, 1.0) * (BOLD if run.kind == "bold" else 1.0)


def width(label: Label, size: float) -> float:
    """How wide a label is at most; what is lowered stands below what is raised before it."""
    total, before = 0.0, Run("")
    for run in label:
        own = spread(run)
        total += own
        if run.kind == "sub" and before.kind == "sup":
            above = NARROW * spread(before)
            total += max(0.0, above - NARROW * own) - above
        before = run
    return total * size


def extent(label: Label, size: float) -> tuple[float, float]:
    """How far a label reaches above and below its baseline, at most."""
    kinds = {run.kind for run in label}
    return size * (1.0 if "sup" in kinds else 0.92), size * (0.46 if "sub" in kinds else 0.27)


def wrapped(label: Label, size: float, room: float) -> Iterator[Label]:
    """A label on as many lines as it needs, broken at blanks and after a dot between factors."""
    line: list[Run] = []
    for word in _words(label):
        if line and width((*line, *word), size) > room:
            yield _trimmed(line)
            line = []
        line += word
    if line:
        yield _trimmed(line)


def _words(label: Label) -> Iterator[list[Run]]:
    """Where a line may end: after a blank, a dot, or twenty letters without either."""
    word: list[Run] = []
    for run in label:
        for piece in re.findall(r"[^ ·]{0,20}[ ·]|[^ ·]{1,20}", run.text):
            word.append(replace(run, text=piece))
            ends = piece.endswith((" ", "·")) or len(piece) == 20
            if ends and not re.search(r"[=≈+−·] $", piece):
                yield word
                word = []
    yield word


def _trimmed(runs: list[Run]) -> Label:
    """The runs of a line without blanks at its ends, pieces of one kind put together again."""
    made: list[Run] = []
    for run in (run for run in runs if run.text):
        if made and made[-1].kind == run.kind and run.kind in ("plain", "bold"):
            made[-1] = replace(run, text=made[-1].text + run.text)
        else:
            made.append(run)
    if made:
        made[0] = replace(made[0], text=made[0].text.lstrip())
        made[-1] = replace(made[-1], text=made[-1].text.rstrip())
    return tuple(made)


@dataclass(frozen=True)
class Writer:
    """Names and expressions as labels, in the notation of a problem."""

    names: Names
    digits: Digits

    @property
    def sign(self) -> str:
        """The sign of a derivative."""
        return self.names.derivative or "∂"

    @property
    def comma(self) -> str:
        """What stands between numbers in a row."""
        return "; " if self.digits.mark == "," else ", "

    def number(self, value: float) -> Label:
        """The digits of a number; its exponent raised: 4.25·10⁻¹⁸."""
        mantissa, _, exponent = self.digits.show(float(value)).replace("-", "−").partition("e")
        return (Run(f"{mantissa}·10"), Run(exponent, "sup")) if exponent else (Run(mantissa),)

    def equal(self, name: Label, value: float) -> Label:
        """``name = value``, or ≈ where the digits shown are not all there are."""
        sign = "=" if self.digits.exact(value) else "≈"
        return (*name, Run(f" {sign} ".lstrip() if not name else f" {sign} "), *self.number(value))

    def name(self, ref: Ref) -> Label:
        """A reference as it is called."""
        return _set(self.names.name(ref), self.sign)

    def base(self, ref: Ref) -> Label:
        """The letter of a reference, or the user's name: its place says which element it is."""
        found = self.names.given(ref)
        return _set(found[0] if found else Name(self.names.name(ref).base), self.sign)

    def partial(self, top: Label, bottom: Label) -> Label:
        """∂top/∂bottom."""
        return (Run(self.sign), *top, Run(f"/{self.sign}"), *bottom)

    def formula(self, expr: Expr) -> Label:
        """An expression, its names and numbers set as labels."""
        kept: list[Label] = []

        def leaf(ref: Ref) -> str:
            return mark(self.name(ref))

        def raised(mark: str) -> str:  # a power of what has a superscript needs brackets
            scripts = {run.kind for run in kept[ord(mark) - _FIRST]}
            return f"({mark})" if "sup" in scripts else mark

        def shown(value: float) -> str:
            number = self.number(value)
            return number[0].text if len(number) == 1 else mark(number)

        def mark(label: Label) -> str:
            kept.append(label)
            return chr(_FIRST + len(kept) - 1)

        written = text(expr, leaf, shown, FUNCTIONS, self.digits.exactly, self.sign)
        written = re.sub("([\ue000-\uf8ff])(?=[²³^])", lambda m: raised(m[1]), written)
        written = re.sub(r"Σ_(\S+)", lambda m: "Σ" + mark((Run(m[1], "sub"),)), written)
        written = re.sub(r"\(([A-Za-z]\d?), ", lambda m: mark((Run(m[1], "sub"),)) + "(", written)
        pieces = (p for p in re.split(r"([\ue000-\uf8ff])", written) if p)
        found = (
            kept[ord(p) - _FIRST] if _FIRST <= ord(p[0]) <= _LAST else (Run(p),) for p in pieces
        )
        return tuple(run for part in found for run in part)


# private characters: they stand for labels while a formula is written
_FIRST, _LAST = 0xE000, 0xF8FF


def _set(name: Name, sign: str) -> Label:
    base = drawable(name.base)
    base = base if len(base) <= LONGEST else f"{base[: LONGEST - 1]}…"
    if name.state and name.state != "δ":
        runs: Label = (Run(name.state[0], "letter"), Run(base, "sub"))
    else:
        runs = (Run(base, "letter"),)
    sub = ",".join(filter(None, (name.sub, "new" if name.new else "")))
    scripts = (Run(_short(name.sup), "sup"), Run(_short(sub), "sub"))
    runs += tuple(run for run in scripts if run.text)
    return (Run(sign), *_set(name.loss, sign), Run(f"/{sign}"), *runs) if name.loss else runs


def _short(script: str) -> str:
    script = drawable(script)
    return script if len(script) <= LONGEST else f"{script[: LONGEST - 1]}…"
