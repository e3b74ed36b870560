"""Slips of the pen: the right value, written with wrong digits."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from tests.planted.rounding import Habit, last_place


def miscalculated(
    rng: np.random.Generator, raw: Decimal, right: str, habit: Habit, place: int
) -> str:
    for _ in range(50):
        factor = Decimal(str(rng.uniform(0.6, 1.6)))
        text = habit.printed(raw * factor, place)
        far = abs(Decimal(text) - Decimal(right)) > 2 * last_place(right)
        if far and text not in digit_slips(right):
            return text
    return right


def cut(rng: np.random.Generator, raw: Decimal, right: str, habit: Habit, place: int) -> str:
    return habit.printed(raw, place, "cut")


def off_by_one(rng: np.random.Generator, raw: Decimal, right: str, habit: Habit, place: int) -> str:
    exact = habit.rounded(raw, habit.digits_at(place), habit.way)
    cut = habit.rounded(raw, habit.digits_at(place), "cut")
    if not exact or not raw:
        return right
    away = (exact - cut) or Decimal(1).scaleb(int(exact.as_tuple().exponent)) * (
        1 if rng.random() < 0.5 else -1
    )
    return habit.shown(exact + away)


def digit_slips(right: str) -> list[str]:
    """A digit swapped with its neighbour, left out, the point moved or lost."""
    sign, body = ("-", right[1:]) if right.startswith("-") else ("", right)
    mantissa, mark, exponent = body.partition("e")
    found = []
    for n in range(len(mantissa) - 1):
        one, two = mantissa[n], mantissa[n + 1]
        if one.isdigit() and two.isdigit() and one != two:
            found.append(mantissa[:n] + two + one + mantissa[n + 2 :])
    whole, point, decimals = mantissa.partition(".")
    if point:
        found += [f"{whole}.{decimals[:n]}{decimals[n + 1 :]}" for n in range(len(decimals) - 1)]
        found += [f"{whole}.0{decimals}", f"{whole}{decimals[0]}.{decimals[1:]}".lstrip("0")]
    texts = [f"{sign}{'0' if t.startswith('.') else ''}{t}{mark}{exponent}" for t in found]
    far = [t for t in texts if not t.endswith(".") and t != right]
    return [t for t in far if abs(Decimal(t) - Decimal(right)) > last_place(right)]


def miswritten(rng: np.random.Generator, raw: Decimal, right: str, habit: Habit, place: int) -> str:
    found = digit_slips(right) if Decimal(right) else []
    return str(found[int(rng.integers(len(found)))]) if found else right
