"""What the audit said of a document against what was done to it."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tests.planted import markdown, plain, webpage
from tests.planted.paper import Document
from tests.planted.story import FINE, Key, Story

import handgrad as hg

WRITERS = {"markdown": markdown.write, "webpage": webpage.write, "plain": plain.write}
FLAGGED = {"wrong", "inherited", "mislabelled", "unexplained"}
# Verdicts that name the slip themselves, where no cause needs to be said.
VERDICT_SAYS = {
    "truncated": {"truncated"},
    "last_digit": {"unexplained"},
    "mislabelled": {"mislabelled"},
}
Report = Mapping[str, Any]


@dataclass(frozen=True)
class Score:
    """One document judged. Empty complaints: nothing to mend."""

    seed: int
    names: tuple[str, ...]
    dialect: str
    style: str
    digits: int
    visible: tuple[bool, ...]
    unique: tuple[bool, ...]
    located: tuple[bool, ...]  # of each slip
    named: tuple[bool, ...]
    alarms: int  # claims flagged that have nothing to do with a slip
    judged: float  # part of the printed numbers
    seconds: float
    complaints: tuple[str, ...]


def written(story: Story) -> Document:
    return WRITERS[story.dialect](story)


def report_of(document: Document) -> Report:
    """The audit's report, as its JSON contract says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"document{document.suffix}"
        path.write_text(document.text, encoding="utf-8")
        found = hg.audit(path).to_json()
    return json.loads(found) if isinstance(found, str) else found


def number_in(printed: str) -> Decimal | None:
    """The number meant: 1.2e-5, 1.2 \\times 10^{-5}, −3."""
    text = printed.replace("\N{MINUS SIGN}", "-").replace("&minus;", "-")
    text = re.sub(r"\s*(\\times|\\cdot|×|·|\*)\s*10\^\{?(-?\d+)\}?", r"e\2", text)
    try:
        return Decimal(text.strip(" $"))
    except InvalidOperation:
        return None


def is_flagged(claim: Mapping[str, Any]) -> bool:
    return claim["verdict"] in FLAGGED or claim["local"] == "wrong"


class Matching:
    """Claims of a report beside the numbers that were written."""

    def __init__(self, story: Story, document: Document, report: Report) -> None:
        self.roles, self.places = story.roles(), document.places
        self.keys: dict[tuple[int, Decimal | None], list[Key]] = {}
        self.lines: dict[int, list[Key]] = {}
        for key, place in self.places.items():
            self.keys.setdefault((place.line, number_in(place.printed)), []).append(key)
            self.lines.setdefault(place.line, []).append(key)
        self.claims: list[Mapping[str, Any]] = list(report["claims"])

    def of(self, key: Key) -> Iterator[Mapping[str, Any]]:
        """Claims that are this number."""
        place = self.places[key]
        for claim in self.claims:
            same = number_in(str(claim["printed"])) == number_in(place.printed)
            if claim["line"] == place.line and same:
                yield claim

    def on_line_of(self, key: Key) -> Iterator[Mapping[str, Any]]:
        return (c for c in self.claims if c["line"] == self.places[key].line)

    def is_alarm(self, claim: Mapping[str, Any]) -> bool:
        """Flagged, though neither it nor anything else on its line comes of a slip."""
        keys = self.keys.get((claim["line"], number_in(str(claim["printed"]))))
        keys = keys or self.lines.get(claim["line"], [])
        return is_flagged(claim) and all(self.roles[key] == FINE for key in keys)

    def is_judged(self, key: Key) -> bool:
        return any(c["verdict"] != "unjudged" for c in self.of(key))


def scored(
    story: Story, audit: Callable[[Document], Report] = report_of
) -> tuple[Score, Document, Report]:
    """Write the document, have it audited, and say how right the report is."""
    document = written(story)
    begun = time.perf_counter()
    report = audit(document)
    seconds = time.perf_counter() - begun
    match = Matching(story, document, report)
    located, named = zip(
        *(_found(story, n, match, report) for n in range(len(story.changes))), strict=True
    ) if story.changes else ((), ())  # fmt: skip
    alarms = [c for c in match.claims if match.is_alarm(c)]
    missed = [key for key in match.places if not match.is_judged(key)]
    judged = 1 - len(missed) / len(match.places)
    score = Score(
        story.seed, tuple(c.name for c in story.changes), story.dialect, story.style,
        story.habit.digits, story.visible, story.unique, located, named,
        len(alarms), judged, seconds,
        tuple(_complaints(story, match, located, named, alarms, missed)),
    )  # fmt: skip
    return score, document, report


def _found(story: Story, n: int, match: Matching, report: Report) -> tuple[bool, bool]:
    """Whether the slip was located, and named."""
    name, keys = story.changes[n].name, story.roots[n]
    accepted = VERDICT_SAYS.get(name, set())
    located, named = bool(keys), False
    every = [[*match.of(key)] or [*match.on_line_of(key)] for key in keys]
    for claims in every:
        located &= any(is_flagged(c) or c["verdict"] in accepted for c in claims)
    for claim in (c for claims in every for c in claims):
        cause = claim["cause"]
        said = None if cause is None else str(report["causes"][cause]["slip"])
        named |= said is not None and _plainly(said) == name
        named |= cause is None and claim["verdict"] in accepted
    if story.changes[n].pencil != "decimal":  # every line is a root, one found is enough
        located = any(is_flagged(c) for claims in every for c in claims)
    return located, named


def _plainly(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _complaints(
    story: Story,
    match: Matching,
    located: Sequence[bool],
    named: Sequence[bool],
    alarms: Sequence[Mapping[str, Any]],
    missed: Sequence[Key],
) -> Iterator[str]:
    for claim in alarms:
        yield (
            f"false alarm on line {claim['line']}: {claim['printed']} ({claim['symbol']}) is called "
            f"{claim['verdict']}, local {claim['local']}"
        )
    for n, change in enumerate(story.changes):
        where = ", ".join(str(match.places[k].line) for k in sorted(story.roots[n]))
        what = f"{change.name}: {change.detail}, line {where}"
        if story.visible[n] and not located[n]:
            yield f"not located: {what}"
        elif story.unique[n] and not named[n]:
            yield f"not named: {what}"
    if not story.changes and len(missed) > 0.05 * len(match.places):
        some = ", ".join(f"{match.places[k].printed} in {match.places[k].line}" for k in missed[:8])
        yield f"{len(missed)} of {len(match.places)} numbers not judged: {some} …"
