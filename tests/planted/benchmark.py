"""Plant slips, write documents, have them audited, and print how well that went.

    python -m tests.planted --count 500 --clean 2000 [--slips 2] [--seed S] [--show N]

Thresholds: single slips located 98 %, named 90 % where the digits leave one explanation; pairs 90
and 70 %; no false alarm on a clean document, 95 % of its numbers judged. Missed: exit status 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context

import numpy as np
from tests.planted.scoring import Score, scored
from tests.planted.slips import CATALOGUE
from tests.planted.story import Story, clean, slipped

GOALS = {1: (0.98, 0.90), 2: (0.90, 0.70)}
JUDGED = 0.95
Task = tuple[str, int]  # ("clean", 17), ("slips", 4)
Result = tuple[Score | str, str]  # the score or what broke, and how it looked


def story_of(task: Task, slips: int, only: Sequence[str]) -> Story | None:
    kind, seed = task
    if kind == "clean":
        return clean(seed)
    names = list(only) or list(CATALOGUE)
    rng = np.random.default_rng([seed, 8])
    chosen = [names[seed % len(names)]]
    while len(chosen) < slips:
        other = str(rng.choice([n for n in CATALOGUE if n not in (*chosen, "precision")]))
        chosen.append(other)
    return slipped(seed, chosen)


def judged(task: Task, slips: int, only: Sequence[str]) -> Result | None:
    """One document; none where the slip had no place in the network drawn."""
    story = story_of(task, slips, only)
    if story is None:
        return None
    try:
        score, document, report = scored(story)
    except Exception:  # noqa: BLE001  whatever the audit does, the others are still judged
        return f"{task[0]} {task[1]}: {traceback.format_exc()}", ""
    shown = (
        "" if not score.complaints else _shown(score, document.text, json.dumps(report, indent=1))
    )
    return score, shown


def _shown(score: Score, text: str, report: str) -> str:
    said = "\n".join(f"  {c}" for c in score.complaints)
    numbered = "\n".join(f"{n:4} {line}" for n, line in enumerate(text.splitlines(), start=1))
    return (
        f"=== seed {score.seed}, {'+'.join(score.names) or 'clean'}, {score.dialect}, "
        f"{score.digits} digits, {score.style}\n{said}\n{numbered}\n{report}\n"
    )


# --- tables ----------------------------------------------------------------------------------


def _rate(some: int, all_: int) -> str:
    return f"{some:4}/{all_:<4} {some / all_:6.1%}" if all_ else "   -           "


def slip_rows(scores: Iterable[Score]) -> Iterator[str]:
    """For each slip: documents, visible, located of those, unique, named of those."""
    rows: dict[str, list[tuple[bool, bool, bool, bool]]] = defaultdict(list)
    for s in scores:
        for n, name in enumerate(s.names):
            rows[name].append((s.visible[n], s.located[n], s.unique[n], s.named[n]))
    yield f"{'slip':16} {'visible':>16} {'located':>16} {'unique':>16} {'named':>16}"
    for name in [*(n for n in CATALOGUE if n in rows), "all"]:
        some = rows[name] if name != "all" else [r for group in rows.values() for r in group]
        yield f"{name:16} {' '.join(_rates(some))}"


def _rates(rows: Sequence[tuple[bool, bool, bool, bool]]) -> list[str]:
    visible = [r for r in rows if r[0]]
    unique = [r for r in visible if r[2]]
    return [
        _rate(len(visible), len(rows)),
        _rate(sum(r[1] for r in visible), len(visible)),
        _rate(len(unique), len(visible)),
        _rate(sum(r[3] for r in unique), len(unique)),
    ]


def digit_rows(scores: Sequence[Score]) -> Iterator[str]:
    yield f"{'digits':16} {'visible':>16} {'located':>16} {'unique':>16} {'named':>16}"
    for digits in sorted({s.digits for s in scores}):
        rows = [
            (s.visible[n], s.located[n], s.unique[n], s.named[n])
            for s in scores if s.digits == digits for n in range(len(s.names))
        ]  # fmt: skip
        yield f"{digits:<16} {' '.join(_rates(rows))}"


def dialect_rows(scores: Sequence[Score]) -> Iterator[str]:
    for dialect in sorted({s.dialect for s in scores}):
        some = [s for s in scores if s.dialect == dialect]
        rows = [
            (s.visible[n], s.located[n], s.unique[n], s.named[n])
            for s in some
            for n in range(len(s.names))
        ]
        yield f"{dialect:16} {' '.join(_rates(rows))}"


def clean_rows(scores: Sequence[Score]) -> Iterator[str]:
    heads = f"{'documents':>10} {'with alarms':>12} {'judged < 95 %':>14} {'least':>7} {'mean':>7}"
    yield f"{'clean':16} {heads}"
    groups = [("all", lambda s: True)]
    groups += [(n, lambda s, n=n: s.style == n) for n in sorted({s.style for s in scores})]
    groups += [(n, lambda s, n=n: s.dialect == n) for n in sorted({s.dialect for s in scores})]
    for name, belongs in groups:
        some = [s for s in scores if belongs(s)]
        judged_ = [s.judged for s in some]
        yield (
            f"{name:16} {len(some):10} {sum(s.alarms > 0 for s in some):12} "
            f"{sum(j < JUDGED for j in judged_):14} {min(judged_):7.1%} {np.mean(judged_):7.1%}"
        )


def is_enough(scores: Sequence[Score], slips: int) -> bool:
    """Whether the thresholds are met."""
    pairs = [
        (s.visible[n], s.located[n], s.unique[n], s.named[n])
        for s in scores for n in range(len(s.names))
    ]  # fmt: skip
    visible, unique = [p for p in pairs if p[0]], [p for p in pairs if p[0] and p[2]]
    located, named = GOALS[slips]
    clean_ = [s for s in scores if not s.names]
    return (
        sum(p[1] for p in visible) >= located * len(visible)
        and sum(p[3] for p in unique) >= named * len(unique)
        and all(s.alarms == 0 and s.judged >= JUDGED for s in clean_)
    )


def tasks(chosen: argparse.Namespace) -> list[Task]:
    first = chosen.seed
    return [("clean", first + n) for n in range(chosen.clean)] + [
        ("slips", first + n) for n in range(chosen.count)
    ]


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="documents with slips")
    parser.add_argument("--clean", type=int, default=0, help="documents without")
    parser.add_argument("--slips", type=int, choices=(1, 2), default=1)
    parser.add_argument("--only", nargs="*", default=[], choices=list(CATALOGUE))
    parser.add_argument("--seed", type=int, default=0, help="of the first document")
    parser.add_argument("--show", type=int, default=0, help="print so many failures in full")
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args(given)


def main() -> int:
    chosen = arguments()
    scores: list[Score] = []
    broken: list[str] = []
    shown = 0
    work = partial(judged, slips=chosen.slips, only=chosen.only)
    with get_context("spawn").Pool(chosen.processes) as pool:
        for result in pool.imap(work, tasks(chosen), chunksize=5):
            if result is None:
                continue
            score, page = result
            if isinstance(score, str):
                broken.append(score)
            else:
                scores.append(score)
            if page and shown < chosen.show:
                shown += 1
                sys.stdout.write(f"{page}\n")
    sys.stdout.write(summary(scores, broken))
    return 1 if broken or not scores or not is_enough(scores, chosen.slips) else 0


def summary(scores: Sequence[Score], broken: Sequence[str]) -> str:
    """Everything that is counted, and what is complained of most."""
    slips, without = [s for s in scores if s.names], [s for s in scores if not s.names]
    rows = [*slip_rows(slips), "", *dialect_rows(slips), "", *digit_rows(slips)] if slips else []
    rows += ["", *clean_rows(without)] if without else []
    alarms = sum(s.alarms > 0 for s in slips)
    rows += ["", f"{alarms} of {len(slips)} documents with slips: something else flagged too."]
    seconds = sorted(s.seconds for s in scores) or [0.0]
    rows += [
        f"Seconds a document: median {seconds[len(seconds) // 2]:.2f}, most {seconds[-1]:.2f}."
    ]
    kinds = Counter(c.split(":")[0].split(" on line")[0] for s in scores for c in s.complaints)
    rows += [f"{count:5} × {kind}" for kind, count in kinds.most_common(8)]
    rows += [f"The audit broke on {len(broken)}:", *broken[:3]] if broken else []
    return "\n".join(rows) + "\n"
