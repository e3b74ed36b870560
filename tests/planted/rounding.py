"""How an author writes numbers: how many digits, rounded how, and which value is carried on."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

WAYS = {"half_away": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "cut": ROUND_DOWN}


@dataclass(frozen=True)
class Habit:
    """Digits and carrying. ``jitter`` are added to ``digits`` in turn: mixed precision on a page."""

    digits: int
    carried: bool = True
    way: str = "half_away"
    significant: bool = False
    stripped: bool = False  # 0.6560 is written 0.656
    jitter: tuple[int, ...] = (0,)
    partials: bool = True

    def digits_at(self, place: int) -> int:
        return max(2, self.digits + self.jitter[place % len(self.jitter)])

    def printed(self, number: Decimal, place: int = 0, way: str | None = None) -> str:
        """The number as it is written, in plain digits or as 1.2e-5."""
        rounded = self.rounded(number, self.digits_at(place), way or self.way)
        return self.shown(rounded)

    def rounded(self, number: Decimal, digits: int, way: str) -> Decimal:
        if not number:
            return Decimal(0).scaleb(-digits)
        unit = number.adjusted() + 1 - digits if self.significant else -digits
        rounded = number.quantize(Decimal(1).scaleb(unit), WAYS[way])
        if self.significant and rounded and rounded.adjusted() > number.adjusted():
            rounded = rounded.quantize(Decimal(1).scaleb(unit + 1))  # 0.0999… to 0.10
        return rounded or abs(rounded)  # never -0.00

    def shown(self, rounded: Decimal) -> str:
        if rounded and rounded.adjusted() < -4 and self.significant:
            mantissa = rounded.scaleb(-rounded.adjusted())
            return f"{self._plain(mantissa)}e{rounded.adjusted()}"
        return self._plain(rounded)

    def _plain(self, number: Decimal) -> str:
        text = format(number, "f")
        if self.stripped and "." in text:
            text = text.rstrip("0").rstrip(".") or "0"
        return text


def last_place(text: str) -> Decimal:
    """One in the last printed place: 0.0001 of 0.1234, 1e-7 of 1.23e-5."""
    return Decimal(1).scaleb(int(Decimal(text).as_tuple().exponent))
