"""An example to be written down: a network, its lines with slips in them, and what is true.

``clean`` and ``slipped`` make one from a seed. ``Story.roles`` says of each printed number whether
it is a root of the slip, only follows from one, or has nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from tests.planted.expressions import Quantity, references
from tests.planted.networks import ETA, Net, Step, random_net, solution
from tests.planted.pen import digit_slips
from tests.planted.rounding import Habit, last_place
from tests.planted.runs import after
from tests.planted.slips import CATALOGUE, Case, Change, planted
from tests.planted.working import Line, admissible, true_values, work

ROOT, FOLLOWS, FINE, EITHER = "root", "follows", "fine", "either"
Key = tuple[str, int]  # ("line", 3), ("partial", 3), ("summary", 0), ("run", 1), ("given", 2)
STYLES = ("carried", "full", "cut", "half_even", "mixed", "three")


@dataclass(frozen=True)
class Story:
    """Everything a writer needs, and everything the judge needs."""

    seed: int
    dialect: str
    net: Net
    habit: Habit
    style: str
    layout: str
    early: bool
    second: bool
    split: bool
    count: int | None
    clean_steps: tuple[Step, ...]
    steps: tuple[Step, ...]
    lines: tuple[Line, ...]
    summary: tuple[tuple[Quantity, Quantity], ...]  # the name printed, the quantity meant
    run: tuple[tuple[Quantity, str], ...]
    changes: tuple[Change, ...]
    visible: tuple[bool, ...] = ()
    unique: tuple[bool, ...] = ()
    roots: tuple[frozenset[Key], ...] = ()  # visible roots of each change

    @property
    def texts(self) -> dict[Quantity, str]:
        return dict(self.net.givens) | {line.step.target: line.text for line in self.lines}

    def roles(self) -> dict[Key, str]:
        """What each printed number is."""
        found: dict[Key, str] = {("given", n): FINE for n in range(len(self.net.givens))}
        dirty = _roots_and_followers(self)
        for n, line in enumerate(self.lines):
            found["line", n] = found["partial", n] = dirty.get(line.step.target, FINE)
        for n, (label, quantity) in enumerate(self.summary):
            role = FOLLOWS if quantity in dirty else FINE
            found["summary", n] = FOLLOWS if role == FINE and label in dirty else role
            if label != quantity:
                found["summary", n] = ROOT
        late = any(c.late for c in self.changes)
        for n in range(len(self.run)):
            found["run", n] = ROOT if late else FOLLOWS if self.rate else FINE
        if self.rate:
            found["given", list(self.net.givens).index(ETA)] = EITHER
        return found

    @property
    def rate(self) -> str | None:
        return next((c.rate for c in self.changes if c.rate), None)


def _roots_and_followers(story: Story) -> dict[Quantity, str]:
    dirty: dict[Quantity, str] = {}
    touched = {n for change in story.changes for n in change.lines}
    everywhere = any(c.pencil != "decimal" for c in story.changes)
    labels = {s.label for s in story.steps if s.label}
    for n, step in enumerate(story.steps):
        if n in touched or everywhere:
            dirty[step.target] = ROOT
        elif any(q in dirty for q in references(step.computed)) or step.target in labels:
            dirty[step.target] = FOLLOWS
    return dirty


# --- making one ------------------------------------------------------------------------------


def _habit(rng: np.random.Generator, style: str, digits: int) -> Habit:
    habit = Habit(
        digits=3 if style == "three" else digits,
        carried=style != "full",
        way={"cut": "cut", "half_even": "half_even"}.get(style, "half_away"),
        significant=bool(rng.random() < 0.35),
        stripped=bool(rng.random() < 0.4),
        partials=bool(rng.random() < 0.6),
    )
    if style == "mixed":
        habit = replace(habit, jitter=tuple(int(n) for n in rng.integers(-1, 3, size=7)))
    return habit


def _suited(steps: Sequence[Step], net: Net, habit: Habit) -> Habit:
    """Significant digits where decimals would leave one or none."""
    values = true_values(steps, net.givens).values()
    smallest = min(abs(v) for v in values if v)
    return (
        replace(habit, significant=True)
        if smallest < Decimal(1).scaleb(1 - habit.digits)
        else habit
    )


def clean(
    seed: int, dialect: str = "", style: str = "", digits: int = 0, wanted: str = ""
) -> Story:
    """A document without a slip; ``wanted`` chooses a network on which that slip could be made."""
    rng = np.random.default_rng([seed, 5])
    net = random_net(rng, wanted)
    dialect = dialect or str(rng.choice(["markdown", "webpage", "plain"]))
    style = style or str(rng.choice(STYLES, p=[0.35, 0.35, 0.08, 0.07, 0.1, 0.05]))
    layout = str(rng.choice(["delta", "chain"]))
    early = net.depth > 1 and (wanted == "updated_weight" or bool(rng.random() < 0.5))
    second = wanted == "stale_value" or bool(rng.random() < 0.3)
    split = dialect == "webpage"
    steps = solution(net, layout, early, second, split)
    habit = _suited(steps, net, _habit(rng, style, digits or int(rng.integers(3, 10))))
    long_run = wanted == "step_count" or rng.random() < 0.2
    count = int(rng.choice([10, 50, 100, 200, 1000])) if long_run else None
    summary = tuple((s.target, s.target) for s in steps if s.phase == "update")
    story = Story(
        seed, dialect, net, habit, style, layout, early, second, split, count,
        steps, steps, tuple(work(steps, net.givens, habit)), summary, (), (),
    )  # fmt: skip
    return replace(story, run=_run(story, 0, None))


def _run(story: Story, late: int, rate: str | None) -> tuple[tuple[Quantity, str], ...]:
    if story.count is None:
        return ()
    found = after(story.net, story.count + late, Decimal(rate) if rate else None)
    habit = replace(story.habit, jitter=(0,))
    return tuple(
        (q._replace(turn=story.count), habit.printed(Decimal(repr(float(v)))))
        for q, v in found.items()
        if abs(v) > 1e-12  # the loss of what is learnt by heart is noise
    )


def _case(story: Story) -> Case:
    return Case(story.net, story.steps, story.texts, story.layout, story.early, story.count)


def _applied(story: Story, change: Change) -> Story:
    steps = planted(story.steps, change)
    pencil = change.pencil
    lines = work(steps, story.net.givens, story.habit, pencil)
    summary = story.summary
    if change.swapped:
        one, two = change.swapped
        names = {one: two, two: one}
        summary = tuple((names.get(label, label), q) for label, q in summary)
    run = _run(story, change.late, change.rate) if change.late or change.rate else story.run
    return replace(
        story, steps=steps, lines=tuple(lines), summary=summary, run=run,
        changes=(*story.changes, change),
    )  # fmt: skip


def slipped(seed: int, names: Sequence[str], dialect: str = "", digits: int = 0) -> Story | None:
    """A document with these slips; none if this network has no place for them."""
    rng = np.random.default_rng([seed, 6])
    style = str(rng.choice(["carried", "full"]))
    story = clean(seed, dialect, style, digits, names[0])
    if "precision" in names and story.habit.digits < 5:
        return None
    for name in names:
        taken = {n for c in story.changes for n in c.lines}
        changes = [
            c for c in CATALOGUE[name](_case(story), rng)
            if taken.isdisjoint(c.lines) and _possible(story, c)
        ]  # fmt: skip
        found = _chosen(story, changes, rng)
        if found is None:
            return None
        story = found
    return _judged(story)


def _possible(story: Story, change: Change) -> bool:
    if change.name == "precision":
        floats = change.pencil == "float32"
        return story.habit.digits >= 8 if floats else int(change.pencil) <= story.habit.digits - 3
    return not change.late or story.count is not None


def _chosen(story: Story, changes: list[Change], rng: np.random.Generator) -> Story | None:
    """One of the changes, whether its digits show or not; but it must change something."""
    for n in rng.permutation(len(changes))[:20]:
        try:
            new = _applied(story, changes[n])
        except ArithmeticError:  # the logarithm of a negative output
            continue
        if _does_something(story, new, changes[n]):
            return new
    return None


def _does_something(old: Story, new: Story, change: Change) -> bool:
    if not change.lines or any(s.label or s.spoil for s in change.lines.values()):
        return True
    return any(old.lines[n].raw != new.lines[n].raw for n in change.lines)


# --- visible, unique -------------------------------------------------------------------------


def _judged(story: Story) -> Story:
    roots = tuple(frozenset(_visible_roots(story, change)) for change in story.changes)
    visible = tuple(bool(keys) for keys in roots)
    alone = len(story.changes) == 1
    unique = tuple(
        seen and (not alone or _is_unique(story, change))
        for seen, change in zip(visible, story.changes, strict=True)
    )
    return replace(story, roots=roots, visible=visible, unique=unique)


def _visible_roots(story: Story, change: Change) -> Iterator[Key]:
    """Roots whose digits no clean calculation from the numbers above them gives."""
    for n in _root_lines(story, change):
        line, texts = story.lines[n], story.texts
        step = story.clean_steps[n]
        if line.step.label:
            if texts[line.step.label] != line.text:
                yield "line", n
        elif line.text not in admissible(step, n, _known(story), story.habit, change.name):
            yield "line", n
    if change.swapped:
        for n, (label, quantity) in enumerate(story.summary):
            if label in change.swapped and story.texts[label] != story.texts[quantity]:
                yield "summary", n
    if change.late:
        right = dict(_run(story, 0, None))
        yield from (("run", n) for n, (q, text) in enumerate(story.run) if right[q] != text)


def _root_lines(story: Story, change: Change) -> Sequence[int]:
    return range(len(story.lines)) if change.pencil != "decimal" else sorted(change.lines)


def _known(story: Story) -> list[dict[Quantity, Decimal]]:
    """Printed, true, and unrounded values."""
    printed = {q: Decimal(text) for q, text in story.texts.items()}
    true = true_values(story.clean_steps, story.net.givens)
    exact = dict(printed)
    for line in story.lines:
        if line.step.spoil is None:
            exact[line.step.target] = line.raw
    return [printed, true, exact]


def _is_unique(story: Story, change: Change) -> bool:
    """No slip of another name at the same first line gives the same digits throughout."""
    first = min(change.lines, default=None)
    if first is None or change.pencil != "decimal":
        return True
    if _same_by_digits(story, change, first):
        return False
    base = replace(
        story, steps=story.clean_steps, changes=(),
        lines=tuple(work(story.clean_steps, story.net.givens, story.habit)),
    )  # fmt: skip
    rng = np.random.default_rng(story.seed)
    goal = [line.text for line in story.lines]
    for name, make in CATALOGUE.items():
        if name in (change.name, "arithmetic", "last_digit", "digit", "truncated", "mislabelled"):
            continue
        for other in make(_case(base), rng):
            if min(other.lines, default=None) == first and _digits_of(base, other) == goal:
                return False
    return True


def _digits_of(base: Story, change: Change) -> list[str]:
    try:
        lines = work(planted(base.steps, change), base.net.givens, base.habit)
    except ArithmeticError:
        return []
    return [line.text for line in lines]


def _same_by_digits(story: Story, change: Change, first: int) -> bool:
    """The wrong digits may also come of a slip of the pen, or of rounding."""
    if change.name in ("digit", "mislabelled", "truncated", "last_digit"):
        return False
    wrong = story.lines[first].text
    rights = admissible(story.clean_steps[first], first, _known(story), story.habit, change.name)
    near = any(abs(Decimal(wrong) - Decimal(r)) <= last_place(r) for r in rights)
    return near or any(wrong in digit_slips(r) for r in rights)
