"""Text under the pen: numbers are marked as they are written, and their places found at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from tests.planted.expressions import Expr, Quantity, Ref
from tests.planted.setting import Leaf, Marks, Setter
from tests.planted.story import Key, Story

MARK = re.compile("\x02(\\w+):(\\d+)\x03(.*?)\x04")


@dataclass(frozen=True)
class Place:
    """Where a number is printed, from 1, and how."""

    line: int
    column: int
    printed: str


@dataclass(frozen=True)
class Document:
    """A finished document, and the place of each number in it."""

    text: str
    suffix: str
    places: Mapping[Key, Place]


def marked(kind: str, number: int, text: str) -> str:
    return f"\x02{kind}:{number}\x03{text}\x04"


def finished(text: str, suffix: str) -> Document:
    """The text without its marks, and where they were."""
    places: dict[Key, Place] = {}
    lines: list[str] = []
    for row, line in enumerate(text.split("\n"), start=1):
        clear, end = "", 0
        for match in MARK.finditer(line):
            clear += line[end : match.start()]
            places[match[1], int(match[2])] = Place(row, len(clear) + 1, match[3])
            clear, end = clear + match[3], match.end()
        lines.append(clear + line[end:])
    return Document("\n".join(lines), suffix, places)


class Writer:
    """What the three dialects share: how a chain is put together. The words are their own."""

    def __init__(self, story: Story, marks: Marks, name: Leaf, arrow: str = "=") -> None:
        self.story, self.marks, self.name, self.arrow = story, marks, name, arrow
        self.rng = np.random.default_rng([story.seed, 7])
        self.nearly = str(self.rng.choice(["=", self.nearly_equal]))

    nearly_equal = "≈"

    def digits(self, text: str) -> str:
        return Setter(self.marks, self.name, numeric=True).number(text)

    def symbols(self, expr: Expr) -> str:
        return Setter(self.marks, self.name, numeric=False).set(expr)

    def given(self, quantity: Quantity) -> str:
        """A given value, marked."""
        number = list(self.story.net.givens).index(quantity)
        return marked("given", number, self.digits(self.story.net.givens[quantity]))

    def links(self, place: int) -> list[str]:
        """The parts of a chain: name, symbols, numbers, partial results, value."""
        line = self.story.lines[place]
        step = line.step
        put_in = Setter(self.marks, lambda q: line.operands[q], numeric=True)
        parts = [self.name(step.label or step.target), self.symbols(step.formula)]
        if not isinstance(step.numbers, Ref):
            parts.append(put_in.set(step.numbers))
        if line.partial is not None:
            parts.append(put_in.set(line.partial))
        return [*parts, marked("line", place, self.digits(line.text))]

    def chain(self, place: int) -> str:
        first, *rest = self.links(place)
        update = self.story.lines[place].step.phase == "update"
        *middle, last = rest
        text = f"{first} {self.arrow if update else '='} {' = '.join(middle)}"
        return f"{text} {self.nearly} {last}"

    def places(self, wanted: Callable[[int], bool]) -> Iterator[int]:
        return (n for n in range(len(self.story.lines)) if wanted(n))

    def target(self, place: int) -> Quantity:
        return self.story.lines[place].step.target

    def chosen(self, *phrases: str) -> str:
        return str(self.rng.choice(phrases))

    def summary(self) -> Iterator[tuple[str, str]]:
        """Name and marked value of each updated parameter."""
        texts = self.story.texts
        for n, (label, quantity) in enumerate(self.story.summary):
            yield self.name(label), marked("summary", n, self.digits(texts[quantity]))

    def run(self) -> Iterator[tuple[Quantity, str]]:
        for n, (quantity, text) in enumerate(self.story.run):
            yield quantity, marked("run", n, self.digits(text))


def flat(story: Story, kind: str) -> dict[Quantity, int]:
    """Weights or biases counted through, layer by layer, unit by unit."""
    known = [q for q in story.net.givens if q.kind == kind]
    return {q: n for n, q in enumerate(known, start=1)}
