"""What a document says, as data: equations and given values, each from where on it holds.

The equations are taken as printed. Of several for one name the last one above a place counts there,
since a page may hold two networks.
"""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from handgrad.auditing.reading.nodes import Chain, Name, Written
from handgrad.auditing.roles import is_computed, is_generic, is_loss, is_parameter, is_rate
from handgrad.calculus.expr import Expr

__all__ = ["Definition", "Given", "Said"]

AFTERWARDS = re.compile(
    r"\b(updat\w*|new|results?|after|iteration|epoch \d|neue?[rs]?|nach|final|adjusted|nouvel\w*|"
    r"nuev[oa]s?|\w_?t ?\+ ?1)\b",
    re.IGNORECASE,
)
BEFOREHAND = re.compile(
    r"\b(old|before|previous|current|initial|alte?[rs]?|vorher|ancien\w*|avant)\b", re.IGNORECASE
)
NEAREST = 12  # equations of one name, above a place and below it, that are tried there


@dataclass(frozen=True)
class Definition:
    """An equation of the document: from ``place`` on (the number of its chain) the name is ``expr``."""

    place: int
    expr: Expr


@dataclass(frozen=True)
class Given:
    """A value the document states for a name, from a chain on."""

    place: int
    written: Written
    value: float
    computed: bool = False  # worked out from the numbers of its own line, for want of a formula


@dataclass
class Said:
    """Names with their equations and given values; places count the chains of the document."""

    definitions: dict[Name, list[Definition]] = field(default_factory=dict[Name, list[Definition]])
    givens: dict[Name, list[Given]] = field(default_factory=dict[Name, list[Given]])
    functions: dict[str, tuple[tuple[Name, ...], Expr]] = field(
        default_factory=dict[str, tuple[tuple[Name, ...], Expr]]
    )
    updated: set[Name] = field(default_factory=set[Name])  # names that have a new value somewhere
    restarts: dict[Name, list[int]] = field(
        default_factory=dict[Name, list[int]]
    )  # where the new value is used on, in reading order
    news: set[tuple[Name, int]] = field(
        default_factory=set[tuple[Name, int]]
    )  # stated where the new value is meant
    lifted: set[tuple[Name, int]] = field(
        default_factory=set[tuple[Name, int]]
    )  # equations that were numbers: they hold where these stand
    known: dict[Name, list[tuple[int, str]]] = field(
        default_factory=dict[Name, list[tuple[int, str]]]
    )  # the names of a problem, and from where on
    loose: set[Name] = field(
        default_factory=set[Name]
    )  # given by what is put in for them, or behind ≈
    coarse: set[Name] = field(default_factory=set[Name])  # given with fewer digits than they have
    accumulates: bool = False  # updates go by what is updated itself, such as a velocity
    top: Name | None = None  # the loss, where a problem tells

    def define(self, name: Name, expr: Expr, place: int) -> None:
        """One more equation."""
        insort(self.definitions.setdefault(name, []), Definition(place, expr), key=_place)

    def give(
        self,
        name: Name,
        written: Written,
        place: int,
        value: float | None = None,
        *,
        computed: bool = False,
    ) -> None:
        """One more given value: the number printed, or one that is known more exactly."""
        number = written.value if value is None else value
        given = Given(place, written, number, computed)
        insort(self.givens.setdefault(name, []), given, key=_place)

    def replace_given(self, name: Name, written: Written) -> None:
        """The name has another value than was stated, everywhere."""
        self.givens[name] = [Given(g.place, written, written.value) for g in self.givens[name]]

    def refine(self, name: Name, value: float) -> None:
        """The name has a value that was printed rounded, everywhere."""
        self.givens[name] = [replace(given, value=value) for given in self.givens[name]]

    def renewed(self, name: Name, place: int) -> bool:
        """Whether the value stated for a name at a place was taken as that after the update."""
        return (name, place) in self.news

    def renews(self, name: Name, written: Written, chain: Chain) -> bool:
        """Whether a stated value is that after the update: a summary, a table of results."""
        before = self.givens.get(name, [])
        _, table, column = chain.context.rpartition(" / ")
        moved = bool(table and before and AFTERWARDS.search(column))
        trained = is_parameter(name) or name in self.updated
        if name.new or name.of is not None or not (trained or moved):
            return False
        if any(written.rounded.low <= entry.value <= written.rounded.high for entry in before):
            return False
        if table and BEFOREHAND.search(column):
            return False
        headed = AFTERWARDS.search(chain.context) is not None
        return (name in self.updated and bool(before)) or headed

    def called(self, name: Name, place: int) -> str | None:
        """What a problem calls a name that the document uses at a place."""
        return next(
            (own for since, own in reversed(self.known.get(name, ())) if since <= place), None
        )

    # the entries that hold at a place

    def given(self, name: Name, place: int) -> Given | None:
        """The value stated for a name at a place: the last above it, or else the first below."""
        return _at(self.givens.get(name, ()), place)

    def holding(self, name: Name, place: int) -> list[Definition]:
        """The equations of a name around a place, the one that holds there first."""
        entries = self.definitions.get(name, [])
        here = bisect_right(entries, place, key=_place)
        above, below = entries[max(here - NEAREST, 0) : here], entries[here : here + NEAREST]
        found = [*reversed(above), *below]
        return [d for d in found if not self._over(name, d, place)] if self.lifted else found

    def _over(self, name: Name, definition: Definition, place: int) -> bool:
        """Whether an equation that was numbers no longer holds: there are others since, or still."""
        since = definition.place if definition.place <= place else -1
        return (name, definition.place) in self.lifted and any(
            given.computed and since < given.place <= place for given in self.givens.get(name, ())
        )

    # what the names are for

    def restarted(self, name: Name, place: int) -> int | None:
        """Where the pass begins in which a name is used with its new value; None in the first."""
        places = self.restarts.get(name, ())
        before = bisect_right(places, place)
        if not before:
            return None
        restart, stated = places[before - 1], self.given(name, place)
        again = stated is not None and restart < stated.place <= place
        return None if again else restart

    def rounded(self) -> set[Name]:
        """The names whose given value is the rounded result of something the document does not tell."""
        return self.coarse | {
            name
            for name in self.givens
            if not is_parameter(name)
            and name not in self.known
            and (name in self.definitions or name.of is not None or is_computed(name))
        }

    @property
    def first_update(self) -> int:
        """Where the document first works out a new value; all before it is the first pass."""
        entries = (*self.definitions.items(), *self.givens.items())
        return min((e.place for name, found in entries if name.new for e in found), default=0)

    def rate(self, place: int) -> Name | None:
        """What the learning rate is called."""
        for name in self.givens:
            if is_rate(name) and self.given(name, place):
                return name
        return None

    def loss(self) -> Name | None:
        """What is differentiated by parameters: the loss."""
        if self.top is not None:
            return self.top
        tops = [n.of for n in (*self.definitions, *self.givens) if n.of is not None]
        named = [top for top in tops if self.definitions.get(top) and not is_generic(top)]
        losses = [top for top in named if is_loss(top)]
        from_tops = losses or named
        if from_tops:
            return max(dict.fromkeys(from_tops), key=from_tops.count)
        known = [n for n in self.definitions if is_loss(n)]
        return known[0] if known else None


def _at(entries: Sequence[Given], place: int) -> Given | None:
    return entries[max(bisect_right(entries, place, key=_place) - 1, 0)] if entries else None


def _place(entry: Definition | Given) -> int:
    return entry.place
