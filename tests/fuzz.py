"""Everything that reads something from a stranger, given what ``strangers`` draw.

    python -m tests.fuzz --count 100000 --loader problem        all loaders where none is named

A loader gives a result or one of our own errors, in bounded time; anything else is printed with its
seed, and ends the command with status 1. ``--show`` prints what one seed gives.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from tests import strangers

import handgrad as hg
from handgrad.calculus.expr import Symbol
from handgrad.cli.explain import drawn
from handgrad.errors import HandgradError
from handgrad.language.reading import parse_element, parse_equations, parse_formula
from handgrad.model.loading import problem_of
from handgrad.model.positions import decode
from handgrad.model.problem_file import parse_problem
from handgrad.numbers.archives import read_archive

SECONDS = 2.0  # of processor time for one case; the slowest honest page takes a tenth of it
LONGEST = 12_000  # characters of one message: at most 51 mistakes of one file
PAGES = 0.02  # the share of problems whose pages are written too


def _worked(problem: hg.Problem, rng: Random) -> None:
    """Through derivation and evaluation, and now and then onto a page of every format."""
    hg.evaluate(hg.derive(problem), problem)
    if rng.random() < PAGES:
        worked = hg.explain(problem, steps=rng.choice((1, 1, 2)))
        for page in (worked.to_text, worked.to_markdown, worked.to_latex, worked.to_json):
            page()


def _problem(content: bytes, rng: Random) -> None:
    file = parse_problem(decode(content, "net.toml"), "net.toml")
    problem = problem_of(file, _folder())
    if sum(array.size for array in problem.values.values()) < 1000:
        _worked(problem, rng)


GIVEN = {
    name: 0.5
    if not shape
    else [0.5] * shape[0]
    if len(shape) == 1
    else [[0.5] * shape[1]] * shape[0]
    for name, shape in strangers.GIVEN.items()
}


def _equations(text: str, rng: Random) -> None:
    data = {name: GIVEN[name] for name in ("x", "T")}
    if rng.random() < 0.3:
        data = {name: [value, value, value] for name, value in data.items()}
    parameters = {name: value for name, value in GIVEN.items() if name not in data}
    _worked(hg.Equations(text, loss="E", parameters=parameters, data=data), rng)


def _language(text: str, rng: Random) -> None:
    parse_equations(text, "E")


def _expression(text: str, rng: Random) -> None:
    parse_formula(text)


def _formula(text: str, rng: Random) -> None:
    place = rng.choice(("activation", "loss"))
    _worked(hg.Network([2, 1], x=[[0.5, 1.0]], y=[[1.0]], **{place: text}), rng)


@cache
def _small() -> hg.Problem:
    return hg.Network([2, 2, 1])


@cache
def _names() -> dict[str, Symbol]:
    trace = hg.evaluate(hg.derive(_small()), _small())
    return dict(trace.names)


def _element(text: str, rng: Random) -> None:
    parse_element(text, _names())
    if rng.random() < PAGES:
        hg.explain(_small(), of=text).to_text()


def _claim(text: str, rng: Random) -> None:
    parse_problem(
        "[[network.layers]]\nW = [[1.0]]\n[[claims]]\nquantity = 'L'\n" + f"value = '{text}'"
    )


def _sizes(text: str, rng: Random) -> None:
    drawn(text, "sigmoid", "half_squared_error", 1, 0)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz."))


def _archive(content: bytes, rng: Random) -> None:
    path = _folder() / "gradient.npz"
    path.write_bytes(content)
    found = read_archive(path)
    if rng.random() < 0.1:
        hg.check(_small(), gradient=found)


WITH_WEIGHTS = """\
[data]
x = [[0.5, 1.0]]
y = [[1.0]]
[network]
values = "w.safetensors"
[[network.layers]]
activation = "tanh"
{}
[[network.layers]]
"""


@cache
def _with_weights(units: str) -> Any:
    return parse_problem(WITH_WEIGHTS.format(units), "net.toml")


def _tensors(content: bytes, rng: Random) -> None:
    (_folder() / "w.safetensors").write_bytes(content)
    problem = problem_of(_with_weights(rng.choice(("", "units = 2"))), _folder())
    if rng.random() < 0.1:
        _worked(problem, rng)


@dataclass(frozen=True)
class Loader:
    """What is drawn, and what reads it."""

    draw: Callable[[Random], Any]
    read: Callable[[Any, Random], None]


LOADERS: Mapping[str, Loader] = {
    "problem": Loader(strangers.problem, _problem),
    "equations": Loader(strangers.equations, _equations),
    "language": Loader(strangers.equations, _language),
    "expression": Loader(strangers.formula, _expression),
    "formula": Loader(strangers.formula, _formula),
    "element": Loader(strangers.element, _element),
    "claims": Loader(strangers.claim, _claim),
    "network": Loader(strangers.sizes, _sizes),
    "npz": Loader(strangers.archive, _archive),
    "safetensors": Loader(strangers.tensors, _tensors),
}


def examined(seed: int, loader: str) -> tuple[str, str]:
    """How one case ends (read, or the name of the error), and what is wrong with that, or ""."""
    rng = Random(f"{loader} {seed}")
    chosen = LOADERS[loader]
    case = chosen.draw(rng)
    started = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            chosen.read(case, rng)
        ended, said = "read", ""
    except HandgradError as error:
        ended, said = type(error).__name__, _complaint(str(error))
    except Exception as error:  # noqa: BLE001  what may come is the question
        place = traceback.extract_tb(error.__traceback__)[-1]
        ended = "crash"
        said = f"{type(error).__name__}: {error!s:.200} ({Path(place.filename).name} line {place.lineno})"
    taken = time.process_time() - started
    if taken > SECONDS:
        said = f"{taken:.1f} s"
    return ended, f"{loader} {seed}: {said}" if said else ""


INTERNAL = re.compile(r"Traceback|object at 0x|<class|<function|Symbol\(|Num\(|Fraction\(|float64")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]")


def _complaint(message: str) -> str:
    """What no message may be: empty, endless, made of internals, or able to steer a terminal."""
    if not message.strip():
        return "a message without words"
    if len(message) > LONGEST:
        return f"a message of {len(message)} characters"
    for what, pattern in (("internals", INTERNAL), ("a control character", CONTROL)):
        found = pattern.search(message)
        if found:
            return f"{what}, {found[0]!r}, in {message!r:.300}"
    return ""


def run(loader: str, seeds: range, processes: int) -> tuple[Counter[str], list[str]]:
    """All seeds of one loader: how they ended, and the complaints."""
    if processes == 1:
        results = (examined(seed, loader) for seed in seeds)
        return _counted(results)
    with get_context("spawn").Pool(processes) as pool:
        return _counted(pool.imap_unordered(partial(examined, loader=loader), seeds, chunksize=200))


def _counted(results: Any) -> tuple[Counter[str], list[str]]:
    ends: Counter[str] = Counter()
    complaints: list[str] = []
    for ended, said in results:
        ends[ended] += 1
        complaints += [said] if said else []
    return ends, complaints


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--loader", choices=list(LOADERS), action="append")
    parser.add_argument("--show", type=int, metavar="SEED", help="print the case of one seed")
    chosen = parser.parse_args()
    wrong = 0
    for loader in chosen.loader or LOADERS:
        if chosen.show is not None:
            case = LOADERS[loader].draw(Random(f"{loader} {chosen.show}"))
            sys.stdout.write(
                f"{case.decode(errors='replace') if isinstance(case, bytes) else case}\n"
            )
            sys.stdout.write(f"{examined(chosen.show, loader)}\n")
            continue
        started = time.perf_counter()
        seeds = range(chosen.first, chosen.first + chosen.count)
        ends, complaints = run(loader, seeds, chosen.processes)
        rate = chosen.count / (time.perf_counter() - started)
        told = ", ".join(f"{count} {end}" for end, count in ends.most_common())
        sys.stdout.write(
            f"{loader}: {chosen.count} cases ({told}): {len(complaints)} wrong; {rate:,.0f}/s\n"
        )
        for said in complaints[:200]:
            sys.stdout.write(f"    {said}\n")
        sys.stdout.flush()
        wrong += len(complaints)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
