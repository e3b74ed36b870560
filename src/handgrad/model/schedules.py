"""Schedules of the learning rate: an epoch in, the factor of the rate in it out.

A schedule is data. Epochs count from 0; with all examples in one batch an epoch is an update.
``warmup`` goes before any of them: the rate rises in equal steps to its full size, and the schedule
begins there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from handgrad.errors import InputError
from handgrad.model.spelling import did_you_mean

__all__ = [
    "ENDLESS",
    "SCHEDULES",
    "Pace",
    "Patience",
    "Row",
    "Schedule",
    "factor",
    "filled",
    "judged",
    "out_of_range",
    "patience_of",
    "schedule_of",
]


@dataclass(frozen=True)
class Schedule:
    """A schedule by its name in ``SCHEDULES``, with the options that were given."""

    name: str = "constant"
    options: Mapping[str, float] = field(default_factory=dict[str, float])


Given = Callable[[str], float]  # the value of an option by its name


@dataclass(frozen=True)
class Row:
    """One schedule: its factor in an epoch, and its options with their defaults."""

    factor: Callable[[int, int, Given], float]  # (epoch, examples of an epoch, options)
    options: Mapping[str, float]


def _steady(epoch: int, rows: int, given: Given) -> float:  # noqa: ARG001 (as every schedule)
    return 1.0


def _inverse(epoch: int, rows: int, given: Given) -> float:
    """One over a power of the examples seen: scikit-learn's ``invscaling``."""
    return (epoch * rows + 1) ** -given("power")


def _cosine(epoch: int, rows: int, given: Given) -> float:  # noqa: ARG001 (the same)
    """Half a wave of the cosine, from 1 down to ``end``, where it stays."""
    part = min(epoch / given("epochs"), 1.0)
    return given("end") + (1 - given("end")) * (1 + math.cos(math.pi * part)) / 2


USUAL_EPOCHS = 200.0
SCHEDULES: Mapping[str, Row] = {
    "constant": Row(_steady, {"warmup": 0}),
    "inverse_scaling": Row(_inverse, {"power": 0.5, "warmup": 0}),
    "adaptive": Row(
        _steady, {"divisor": 5, "patience": 10, "tolerance": 0, "least": 1e-6, "warmup": 0}
    ),
    "cosine": Row(_cosine, {"epochs": USUAL_EPOCHS, "end": 0, "warmup": 0}),
}
RANGES: Mapping[str, tuple[float, float, bool, str]] = {  # least, most, whole, in words
    "warmup": (0, math.inf, True, "a whole number of epochs"),
    "power": (0, math.inf, False, "a number from 0 up"),
    "divisor": (1, math.inf, False, "a number from 1 up"),
    "patience": (1, math.inf, True, "a whole number of epochs from 1 up"),
    "tolerance": (0, math.inf, False, "a number from 0 up"),
    "least": (0, math.inf, False, "a learning rate, from 0 up"),
    "epochs": (1, math.inf, True, "a whole number of epochs from 1 up"),
    "end": (0, 1, False, "a factor from 0 to 1"),
}


def _given(schedule: Schedule) -> Given:
    values = {**SCHEDULES[schedule.name].options, **schedule.options}
    return values.__getitem__


def factor(schedule: Schedule, epoch: int, rows: int) -> float:
    """What the learning rate is multiplied by in an epoch of so many examples.

    What ``adaptive`` does to it depends on the losses, and is in ``judged``.

    >>> [factor(Schedule("cosine", {"epochs": 4, "warmup": 2}), n, 1) for n in range(3)]
    [0.5, 1.0, 1.0]
    """
    given = _given(schedule)
    warmup = int(given("warmup"))
    if epoch < warmup:
        return (epoch + 1) / warmup
    return SCHEDULES[schedule.name].factor(epoch - warmup, rows, given)


def filled(schedule: Schedule, epochs: int) -> Schedule:
    """The schedule over a run of so many epochs, where it has to know and was not told."""
    if schedule.name != "cosine" or "epochs" in schedule.options:
        return schedule
    left = max(1, epochs - int(_given(schedule)("warmup")))
    return replace(schedule, options={**schedule.options, "epochs": left})


@dataclass(frozen=True)
class Pace:
    """How the losses of the epochs have gone, and what that has made of the learning rate."""

    best: float = math.inf
    waited: int = 0  # epochs without a better loss
    factor: float = 1.0


@dataclass(frozen=True)
class Patience:
    """What happens after ``epochs`` in a row without a loss better by ``tolerance``.

    The learning rate is divided, or the run ends where the rate's factor is not above ``least``:
    infinity for a run that only ends.
    """

    epochs: int
    tolerance: float = 0.0
    divisor: float = 1.0
    least: float = math.inf


ENDLESS = Patience(2**31 - 1)


def patience_of(schedule: Schedule, learning_rate: float) -> Patience | None:
    """What an adaptive schedule asks for: scikit-learn's rule."""
    if schedule.name != "adaptive":
        return None
    given = _given(schedule)
    least = given("least") / learning_rate if learning_rate else math.inf
    return Patience(int(given("patience")), given("tolerance"), given("divisor"), least)


def judged(pace: Pace, loss: float, patience: Patience) -> tuple[Pace, bool]:
    """The pace after an epoch, and whether to go on.

    >>> judged(Pace(1.0, waited=1), 1.0, Patience(2, divisor=5, least=1e-6))
    (Pace(best=1.0, waited=0, factor=0.2), True)
    """
    waited = 0 if loss < pace.best - patience.tolerance else pace.waited + 1
    after = Pace(min(loss, pace.best), waited, pace.factor)
    if waited < patience.epochs:
        return after, True
    if pace.factor > patience.least:
        return replace(after, waited=0, factor=pace.factor / patience.divisor), True
    return after, False


def out_of_range(options: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Every option whose value means nothing, with what was expected."""
    for key, value in options.items():
        least, most, whole, said = RANGES[key]
        if not least <= value <= most or value == math.inf or (whole and value != int(value)):
            yield key, f"{key} is {value:g}; {said} is expected."


def schedule_of(given: Any) -> Schedule:
    """The schedule of a name, or of a mapping of a name and options.

    Raises ``InputError`` for an unknown name or option, and for an option out of range.

    >>> schedule_of({"name": "adaptive", "divisor": 2}).options
    {'divisor': 2.0}
    """
    table = _table(given)
    name = table.pop("name", None)
    if not isinstance(name, str) or name not in SCHEDULES:
        hint = did_you_mean(name, SCHEDULES)
        raise InputError(
            f"There is no schedule {name!r:.60}.{hint} There are {', '.join(SCHEDULES)}."
        )
    options = {key: _option(name, key, value) for key, value in table.items()}
    for _, said in out_of_range(options):
        raise InputError(f"The schedule {name}: {said}")
    return Schedule(name, options)


def _table(given: Any) -> dict[str, Any]:
    if isinstance(given, Schedule):
        return {"name": given.name, **given.options}
    if isinstance(given, str):
        return {"name": given}
    if isinstance(given, Mapping):
        return {str(key): value for key, value in cast("Mapping[Any, Any]", given).items()}
    raise InputError(f"schedule is {given!r:.60}; give a name, or a mapping with a name.")


def _option(name: str, key: str, value: object) -> float:
    known = SCHEDULES[name].options
    if key not in known:
        hint = did_you_mean(key, known)
        raise InputError(
            f"{name} has no option {key!r:.60}.{hint} Its options: {', '.join(known)}."
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{key} of {name} is {value!r:.60}; a number is expected.")
    return float(value)
