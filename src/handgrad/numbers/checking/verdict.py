"""What a check of gradients found: data, and the same as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from handgrad.calculus.expr import Ref, Symbol
from handgrad.language.writing import name

__all__ = ["Check", "Disagreement", "Kink", "Witness"]

SHOWN = 8


@dataclass(frozen=True)
class Witness:
    """An independent derivative: what it was asked, and how the gradient compares with it.

    ``expected`` is how far a right gradient may be from it by rounding, ``largest`` how far the
    gradient is, both relative to the largest gradient; ``asked`` says of what.
    """

    name: str
    asked: str
    expected: float
    largest: float


@dataclass(frozen=True)
class Disagreement:
    """One element of a gradient, what it should be, and the witness that says so."""

    element: Ref
    given: float
    expected: float
    witness: str = ""

    @property
    def relative(self) -> float:
        """How far apart they are, relative to the larger of both."""
        size = max(abs(self.given), abs(self.expected))
        return abs(self.given - self.expected) / size if size else 0.0


@dataclass(frozen=True)
class Kink:
    """An element at which the loss has a kink: every slope from ``low`` to ``high`` is right.

    ``where`` says which quantity is at the kink of which function, if that was found.
    """

    element: Ref
    given: float
    low: float
    high: float
    where: str = ""


@dataclass(frozen=True)
class Check:
    """The outcome: the witnesses, and every disagreement in the order of the layers.

    ``compared`` counts the derivatives that were looked at; ``exhaustive`` is false where the search
    in a large problem stopped at the first few. ``kinks`` are elements at which the loss has a kink
    and the gradient one of its slopes: those are never called wrong. ``notes`` says what else the
    reader should know: a witness that could not be asked, numbers in single precision.
    """

    loss: Symbol
    compared: int
    witnesses: tuple[Witness, ...]
    wrong: tuple[Disagreement, ...]
    kinks: tuple[Kink, ...]
    missing: tuple[Symbol, ...]
    exhaustive: bool = True
    notes: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong and nothing is missing."""
        return not self.wrong and not self.missing

    @property
    def first(self) -> Disagreement | None:
        """The first element that is wrong, in the order of the layers."""
        return self.wrong[0] if self.wrong else None

    @property
    def largest(self) -> Disagreement | None:
        """The element that is furthest from what it should be."""
        return max(self.wrong, key=lambda p: abs(p.given - p.expected), default=None)

    def quantity(self, element: Ref) -> str:
        """The derivative by an element, by its public name: ``dL/dW1[2,1]``."""
        return name(Ref(element.symbol.gradient(self.loss), element.indices))

    def __str__(self) -> str:
        return "\n".join([self._headline(), "", *self._asked(), *self._wrong(), *self._kinks()])

    def _headline(self) -> str:
        compared = _counted(self.compared, "derivative")
        if not self.wrong:
            agree = "it agrees" if self.compared == 1 else "they agree"
            said = f"{compared} checked: {agree}."
            return f"{said} {self._missing()}" if self.missing else said
        number = len(self.wrong) if self.exhaustive else f"at least {len(self.wrong)}"
        verb = "disagrees" if len(self.wrong) == 1 and self.exhaustive else "disagree"
        return f"{compared} checked: {number} {verb}. {self._missing()}".rstrip()

    def _missing(self) -> str:
        if not self.missing:
            return ""
        return f"No gradient was given for {', '.join(map(str, self.missing))}."

    def _asked(self) -> list[str]:
        rows = [("witness", "asked for", "expected error", "largest difference")]
        rows += [(w.name, w.asked, f"{w.expected:.0e}", f"{w.largest:.1e}") for w in self.witnesses]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        lines.append("Errors and differences are relative to the largest gradient.")
        return [*lines, *self.notes]

    def _wrong(self) -> list[str]:
        if not self.wrong:
            return []
        number = self.wrong[0].element.symbol.number
        layer = f", in layer {number}" if number is not None else ""
        lines = ["", f"The first that is wrong{layer}:", *self._pair(self.wrong[0])]
        others = self.wrong[1:]
        if not others:
            return lines
        if self.largest is not self.wrong[0] and self.largest is not None:
            lines += ["The one furthest off:", *self._pair(self.largest)]
        listed = ", ".join(self.quantity(p.element) for p in others[:SHOWN])
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        return [*lines, f"Also wrong: {listed}{more}."]

    def _pair(self, pair: Disagreement) -> list[str]:
        quantity = self.quantity(pair.element)
        blank = " " * len(quantity)
        return [
            f"  {quantity}  given      {pair.given!r}",
            f"  {blank}  should be  {pair.expected!r}",
            f"  {blank}  off by {pair.relative:.1e} of it, says the {pair.witness}",
        ]

    def _kinks(self) -> list[str]:
        if not self.kinks:
            return []
        lines = ["", "At a kink of the loss every slope between two is right, and no error:"]
        for kink in self.kinks[:SHOWN]:
            where = f": {kink.where}" if kink.where else ""
            lines.append(
                f"  {self.quantity(kink.element)}  given {kink.given:.6g}, from {kink.low:.6g} to "
                f"{kink.high:.6g}{where}"
            )
        more = len(self.kinks) - SHOWN
        return [*lines, f"  and {more} more"] if more > 0 else lines

    def to_json(self) -> str:
        """One object: ``agrees``, ``compared``, ``witnesses``, ``wrong``, ``kinks``, ``missing``."""
        document: dict[str, Any] = {
            "agrees": self.agrees,
            "compared": self.compared,
            "exhaustive": self.exhaustive,
            "witnesses": [vars(witness) for witness in self.witnesses],
            "wrong": [
                {
                    "quantity": self.quantity(pair.element),
                    "given": pair.given,
                    "expected": pair.expected,
                    "relative": pair.relative,
                    "witness": pair.witness,
                }
                for pair in self.wrong
            ],
            "kinks": [
                {
                    "quantity": self.quantity(kink.element),
                    "given": kink.given,
                    "low": kink.low,
                    "high": kink.high,
                    "where": kink.where,
                }
                for kink in self.kinks
            ],
            "missing": [str(symbol) for symbol in self.missing],
            "notes": list(self.notes),
        }
        return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
