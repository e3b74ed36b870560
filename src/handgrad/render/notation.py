"""How quantities are called on a page: a reference in, its name as base, subscript, superscript out.

Names given by the user (``"W1[1,1]" = "w_{11}"``) go before the usual ones, for an element or for a
whole quantity. They change what is shown, never what is computed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from handgrad.calculus.expr import Position, Ref, Symbol
from handgrad.language.writing import name
from handgrad.model.optimizers import ETA
from handgrad.model.problem import Problem
from handgrad.render.dialects import Pattern, combined

__all__ = ["Name", "Names"]

MOST_COUNTED = 10_000  # weights in one numbering; nobody counts further
LONGEST = 60  # characters of a name that are shown


@dataclass(frozen=True)
class Name:
    """A name as it is set: base, subscript, superscript, and what is put around it."""

    base: str
    sub: str = ""
    sup: str = ""
    loss: Name | None = None  # set for a gradient
    state: str = ""  # what an optimizer remembers: m, v, mhat, vhat
    new: bool = False


@dataclass(frozen=True)
class Names:
    """The names of one page; where one example is ``alone``, the index that counts them is left out."""

    own: Mapping[str, Name] = field(default_factory=dict[str, Name])
    patterns: Mapping[str, Pattern] = field(default_factory=dict[str, Pattern])
    batched: frozenset[Symbol] = frozenset()  # those whose first index counts examples
    alone: bool = False
    layered: bool = False
    loss: Symbol = field(default_factory=lambda: Symbol("L"))
    per_example: Symbol | None = None
    layers: int = 0
    derivative: str = ""

    @staticmethod
    def of(problem: Problem) -> Names:
        """The names a problem asks for."""
        notation, dialect = problem.notation, combined(problem.notation.preset)
        letters = {
            str(problem.loss): notation.loss or dialect.letters.get("loss", ""),
            str(ETA): notation.learning_rate or dialect.letters.get("learning_rate", ""),
        }
        if problem.layered:
            letters["y"] = notation.target or dialect.letters.get("target", "")
        asked = {key: letter for key, letter in letters.items() if letter} | dict(notation.names)
        own = {key: parsed(written) for key, written in asked.items()}
        patterns = dialect.patterns if problem.layered else dict[str, Pattern]()
        return Names(
            {**_counted(problem, patterns), **own},
            patterns,
            problem.batched,
            problem.examples == 1,
            problem.layered,
            problem.loss,
            problem.per_example,
            max((s.number or 0 for s in problem.values if s.base == "W"), default=0),
            notation.derivative,
        )

    def indices(self, ref: Ref) -> tuple[Position, ...]:
        """The indices that are shown."""
        omitted = self.alone and ref.symbol.plain in self.batched
        return ref.indices[1:] if omitted else ref.indices

    @property
    def of_loss(self) -> Name:
        """The name of the loss, as it stands in a gradient."""
        return self.own.get(str(self.loss)) or Name(str(self.loss))

    def given(self, ref: Ref) -> tuple[Name, tuple[Position, ...]] | None:
        """The user's name, for the element or for the whole, and the indices still to be shown."""
        rest = self.indices(ref)
        if ref.symbol.state == "δ":
            ref = Ref(ref.symbol.plain.gradient(self.loss), ref.indices)
        for written in (name(ref), name(Ref(ref.symbol, rest))):
            if written in self.own:
                return self.own[written], ()
        whole = self.own.get(str(ref.symbol))
        if whole:
            return whole, rest
        pattern = self.patterns.get(ref.symbol.base)
        if pattern is None or ref.symbol.number is None or ref.symbol != ref.symbol.plain:
            return None
        return self.placed(pattern, ref), ()

    def placed(self, pattern: Pattern, ref: Ref) -> Name:
        """A pattern filled in: the layer, the unit, the input it comes from, the example."""
        shown = [str(position) for position in self.indices(ref)]
        own = 2 if ref.symbol.base == "W" else 1
        examples, units = shown[:-own], shown[-own:]
        last = ref.symbol.number == self.layers
        layer = "o" if last else "h" if self.layers == 2 else f"h{ref.symbol.number},"
        places = dict(zip("ji", units, strict=False))
        places["u"] = layer + places["j"] if units else ""
        letters = pattern.below if "#" not in pattern.below else "ji"
        inside = [places[letter] for letter in letters if places.get(letter)]
        apart = "," if any(len(p) > 1 for p in inside) and len(inside) > 1 else ""
        below = ",".join((*examples, apart.join(inside))) if inside else ""
        base = pattern.base.upper() if own == 2 and not shown else pattern.base
        above = pattern.above or ("" if shown or self.layers == 1 else "({l})")
        return Name(base, below, above.format(l=ref.symbol.number))

    def name(self, ref: Ref) -> Name:
        """The name of a reference with everything that belongs to it."""
        symbol = ref.symbol
        found = self.given(ref)
        if found is None and symbol.state == "δ":
            return self.delta(ref)
        if found is None and symbol != symbol.plain:
            inner = self.name(Ref(symbol.plain, ref.indices))
            loss = self.of_loss if symbol.loss else None
            return replace(inner, loss=loss, state=symbol.state, new=symbol.new)
        if found is None:
            return self.usual(ref)
        own, rest = found
        inside = ",".join(map(str, (own.sub, *rest) if own.sub else rest))
        return replace(own, sub=inside)

    def delta(self, ref: Ref) -> Name:
        """δ for dL/dz: with the layer above, or with what it belongs to below."""
        inside = ",".join(map(str, self.indices(ref)))
        if self.patterns.get("z"):
            return replace(self.name(Ref(ref.symbol.plain, ref.indices)), base="δ")
        if self.layered:
            return Name("δ", inside, f"({ref.symbol.number})")
        of = self.own.get(str(ref.symbol.plain))
        below = f"{of.base}{of.sub}" if of else str(ref.symbol.plain)
        return Name("δ", ",".join(filter(None, (below, inside))))

    def usual(self, ref: Ref) -> Name:
        """Without a name of the user's: the layer above, the indices below."""
        symbol = ref.symbol
        base, _, below = symbol.base.partition("_")
        inside = ",".join(map(str, self.indices(ref)))
        if symbol == self.per_example:  # E_1 is the loss of the first example
            return Name(self.of_loss.base, inside)
        if below:
            return Name(base, ",".join(filter(None, (below, inside))))
        if symbol.number is None:
            return Name(base, inside)
        if self.layered and symbol.base in ("W", "b", "z", "a"):
            return Name(base, inside, f"({symbol.number})")
        return Name(base, ",".join(filter(None, (str(symbol.number), inside))))


def _counted(problem: Problem, patterns: Mapping[str, Pattern]) -> dict[str, Name]:
    """The names of elements that are counted through all layers, as w1 to w8."""
    found: dict[str, Name] = {}
    for base, pattern in patterns.items():
        if "#" not in pattern.below:
            continue
        arrays = [(s, np.shape(v)) for s, v in problem.values.items() if s.base == base]
        if sum(math.prod(shape) for _, shape in arrays) > MOST_COUNTED:
            continue
        places = ((s, at) for s, shape in arrays for at in np.ndindex(shape))
        for number, (symbol, at) in enumerate(places, 1):
            element = Ref(symbol, tuple(place + 1 for place in at))
            found[name(element)] = Name(pattern.base, str(number))
    return found


def clean(written: str) -> str:
    """A name without control characters or marks that change the direction of writing, bounded."""
    kept = "".join(c for c in written if c.isprintable() and c not in _DIRECTION)
    return kept if len(kept) <= LONGEST else kept[: LONGEST - 1] + "…"


_DIRECTION = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c"


def parsed(written: str) -> Name:
    """``w_{11}^{(1)}`` as base, subscript and superscript, in either order.

    >>> parsed("w^{(1)}_{11}")
    Name(base='w', sub='11', sup='(1)', loss=None, state='', new=False)
    """
    written = clean(written)
    base = re.match(r"[^_^]*", written)
    parts = {"_": "", "^": ""}
    for mark, braced, plain in re.findall(r"([_^])(?:\{([^{}]*)\}|([^_^{}]+))", written):
        parts[mark] = braced or plain
    return Name(base[0] if base else written, parts["_"], parts["^"])
