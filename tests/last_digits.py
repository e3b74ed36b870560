"""How far every function and derivative is from the truth, in units in the last place (ulp).

The truth has 400 digits and comes from ``tests.oracles.mpmath_functions``; what is measured comes
from ``evaluate``, in plain float64 or float32 as a large network has it. Where an exact result is no
normal number, the unit is that of the smallest normal one. Where the terms of a derivative cancel,
to less than a third of their size, the unit is that of their size.

``python -m tests.last_digits`` prints the table of docs/accuracy.md; ``--write`` puts it there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mpmath import mp, mpf
from tests.oracles.mpmath_functions import ELEMENTWISE, VECTORS, Terms

from handgrad.calculus.derivation import Derivation, Equation, Phase
from handgrad.calculus.expr import Call, Expr, Index, Ref, Symbol
from handgrad.calculus.functions import FUNCTIONS, slope
from handgrad.model.problem import derive, equations_problem
from handgrad.numbers.evaluate import SMALL, evaluate
from handgrad.numbers.updates import start

Array = Any
DIGITS = 400
Z, C, OUT = Symbol("z"), Symbol("c"), Symbol("f")
N = Index("n", (Z, 0))
SECOND = {  # values of the second argument
    "elu": (0.01, 0.3, 1.0, 1.6732632423543772),
    "equal": (0.0, 0.3, 1e300),
    "gaussian": (1.0, -0.3, 1e-5, 3e7),
    "gelu_gate": (1.0, -0.3, 1e-5),
    "huber": (0.01, 1.0, 2.5),
    "leaky_relu": (0.01, 0.3, 1.25),
    "max": (0.0, 0.3, -1e-300, 1e300),
    "min": (0.0, 0.3, -1e-300, 1e300),
}
EDGES = (  # where something begins to saturate, cancel or underflow
    (-1.3, -0.7), (-22.5, -20.5), (-38.6, -37.3), (-27.0, -25.0), (-746.0, -705.0), (700.0, 746.0),
    (-14.0, -13.0), (-104.0, -86.0), (86.0, 104.0), (-10.0, -9.0), (-355.0, -340.0), (340.0, 355.0),
)  # fmt: skip


@dataclass(frozen=True)
class Worst:
    """The largest error seen, in ulp, and where."""

    ulps: float = 0.0
    place: str = ""

    def or_(self, other: Worst) -> Worst:
        return other if other.ulps > self.ulps else self


def points(dtype: Any, count: int) -> Array:
    """Numbers over the whole range of a float type, ``count`` of each kind."""
    rng = np.random.default_rng(3)
    info = np.finfo(dtype)
    low, high = np.log10(float(info.smallest_subnormal)), np.log10(float(info.max))
    sizes = 10.0 ** rng.uniform(low, high, 2 * count)
    kinks = np.array([0.0, 1.0, 3.0, 0.3, 0.01, 2.5, 1.25], dtype)
    near = np.concatenate([kinks, np.nextafter(kinks, dtype(9)), np.nextafter(kinks, dtype(-9))])
    extremes = [info.smallest_subnormal, info.tiny, info.eps, info.max]
    spans = [(-5, 5), (-5, 5), (-40, 40), (-750, 750), *EDGES]
    uniform = np.concatenate([rng.uniform(*span, count) for span in spans])
    half = np.concatenate([sizes, near, extremes, np.arange(1, 40) * (np.pi / 2)])
    with np.errstate(over="ignore"):
        found = np.concatenate([half, -half, uniform]).astype(dtype)
    return found[np.isfinite(found)]


def unit(dtype: Any, exact: Any) -> Any:
    """The distance of floats at an exact number."""
    info = np.finfo(dtype)
    exponent = mp.frexp(exact)[1] - info.nmant - 1 if exact else info.minexp - info.nmant
    return mpf(2) ** max(int(exponent), info.minexp - info.nmant)


def error(found: Any, terms: Terms, dtype: Any) -> float:
    """How many units a result is from the sum of its exact terms."""
    exact, size = mp.fsum(terms), mp.fsum(map(abs, terms))
    scale = exact if abs(exact) >= size / 3 else size
    return float(abs(mpf(float(found)) - exact) / unit(dtype, scale))


def representable(terms: Terms, dtype: Any) -> bool:
    return abs(mp.fsum(terms)) <= mpf(float(np.finfo(dtype).max))


def computed(expr: Expr, given: Sequence[Array], dtype: Any) -> Array:
    """The expression of z[n] and c[n], evaluated as an equation of a large network."""
    copies = SMALL // len(given[0]) + 1  # beyond this size floats are not widened
    tiled = {s: np.tile(v, copies) for s, v in zip((Z, C), given, strict=False)}
    equation = Equation(Ref(OUT, (N,)), expr, Phase.FORWARD)
    derivation = Derivation((equation,), dict.fromkeys(tiled, 1), OUT)
    return evaluate(derivation, tiled, dtype)[OUT][: len(given[0])]


def arguments(name: str, dtype: Any, count: int) -> list[Array]:
    """Points for every argument of a function, inside its domain."""
    z = points(dtype, count)
    z = z[z > 0] if FUNCTIONS[name].samples[0] > 0 else z
    if FUNCTIONS[name].arity == 1:
        return [z]
    seconds = [np.full(len(z), c) for c in SECOND[name]]
    with np.errstate(over="ignore"):
        second = np.clip(np.concatenate(seconds), -3e38, 3e38).astype(dtype)
        first = np.tile(z, len(seconds))
        if name == "equal":  # which means equal up to rounding
            clear = (first == second) | (abs(first - second) > 1e-5 * abs(second))
            first, second = first[clear], second[clear]
    return [first, second]


def elementwise(name: str, place: int | None, dtype: Any, count: int) -> Worst:
    """The worst value of a function (``place`` None), or derivative by one argument."""
    given = arguments(name, dtype, count)
    row = ELEMENTWISE[name]
    truth: Callable[..., Terms] = (
        (lambda *z: (row.value(*z),)) if place is None else row.slopes[place]
    )
    with mp.workdps(DIGITS):
        exact = [truth(*(mpf(float(v)) for v in z)) for z in zip(*given, strict=True)]
        inside = [representable(terms, dtype) for terms in exact]
        given = [v[inside] for v in given]
        refs = tuple(Ref(s, (N,)) for s in (Z, C)[: len(given)])
        value = Call(name, refs)
        expr = value if place is None else slope(name, place, refs, value)[1]
        found = computed(expr, given, dtype)
        kept = [terms for terms, good in zip(exact, inside, strict=True) if good]
        worst = Worst()
        for n, terms in enumerate(kept):
            where = ", ".join(repr(float(v[n])) for v in given)
            worst = worst.or_(Worst(error(found[n], terms, dtype), where))
        return worst


def vectors(dtype: Any, count: int) -> Iterator[Array]:
    """Matrices with rows of logits: alike, spread, saturated, tied, far from 0, and long."""
    rng = np.random.default_rng(4)
    for size in (2, 3, 10, 60):
        rows = count if size < 60 else 2
        z = rng.normal(size=(rows, size)) * 10.0 ** rng.uniform(-3, 2.5, (rows, 1))
        z[:, 0] += rng.choice([0.0, 20.0, 80.0, 600.0], rows)
        z[::5, -1] = z[::5, 0]
        yield (z + rng.choice([0.0, 1e3, -1e6], (rows, 1))).astype(dtype)


def loss_of(name: str, z: Array, g: Array) -> Any:
    """E = Σ g·f(z) with z trained, so that dE/dz is the pullback of g; rows enough for plain floats."""
    copies = SMALL // z.size + 1
    read = f"{name}(k, z[m,k])" + ("" if FUNCTIONS[name].reduces else "[j]")
    axes = "m" if FUNCTIONS[name].reduces else "m,j"
    source = f"f[{axes}] = {read}\nE = sum({axes}, g[{axes}]*f[{axes}])"
    tiled = {s: np.tile(v, (copies,) + (1,) * (v.ndim - 1)) for s, v in (("z", z), ("g", g))}
    return equations_problem(source, "E", {"z": tiled["z"]}, {"g": tiled["g"]})


def weights(name: str, z: Array) -> Array:
    """What arrives at each value: every second row a single 1."""
    rng = np.random.default_rng(5)
    if FUNCTIONS[name].reduces:
        return rng.normal(size=len(z)).astype(z.dtype)
    g = rng.normal(size=z.shape)
    g[::2] = np.eye(z.shape[1])[rng.integers(z.shape[1], size=len(g[::2]))]
    return g.astype(z.dtype)


def along(name: str, dtype: Any, count: int) -> tuple[Worst, Worst]:
    """The worst value and the worst derivative of a function along an index."""
    values, slopes = Worst(), Worst()
    with mp.workdps(DIGITS):
        for z in vectors(dtype, count):
            g = weights(name, z)
            problem = loss_of(name, z, g)
            derivation = derive(problem)
            trace = evaluate(derivation, start(problem, derivation), dtype)
            for n, row in enumerate(z):
                if name == "max" and near_tie(row):
                    continue
                exact = [mpf(float(v)) for v in row]
                arriving = [mpf(float(v)) for v in np.atleast_1d(g[n])]
                where = f"{row!r} and {g[n]!r}"
                found = np.atleast_1d(trace["f"][n])
                for f, terms in zip(found, VECTORS[name].value(exact), strict=True):
                    values = values.or_(Worst(error(f, terms, dtype), where))
                truth = VECTORS[name].pullback(exact, arriving)
                for f, terms in zip(trace["dE/dz"][n], truth, strict=True):
                    slopes = slopes.or_(Worst(error(f, terms, dtype), where))
    return values, slopes


def near_tie(z: Array) -> bool:
    """Whether some number is the largest only up to rounding."""
    below = z[z < np.max(z)]
    return below.size > 0 and bool(np.max(z) - np.max(below) <= 1e-5 * np.max(np.abs(z)))


# --- the table -------------------------------------------------------------------------------


def table(count: int) -> str:
    """The errors of every row of the rule table, as Markdown."""
    lines = [
        "| function | value, float64 | derivative, float64 | value, float32 | derivative, float32 |"
    ]
    lines.append("|---|---|---|---|---|")
    for name, row in sorted(FUNCTIONS.items()):
        cells: list[Worst] = []
        vector: list[Worst] = []
        for dtype in (np.float64, np.float32):
            if row.arity:
                slopes = [elementwise(name, n, dtype, count) for n in range(row.arity)]
                worst = Worst()
                for found in slopes:
                    worst = worst.or_(found)
                cells += [elementwise(name, None, dtype, count), worst]
            if row.pullback:
                vector += along(name, dtype, count)
        for title, found in ((f"`{name}`", cells), (f"`{name}(k, …)`", vector)):
            if found:
                lines.append(f"| {title} | {' | '.join(f'{w.ulps:.1f}' for w in found)} |")
    return "\n".join(lines) + "\n"


BEGIN, END = "<!-- table: python -m tests.last_digits --write -->\n", "<!-- end of table -->"


def main() -> None:
    parser = argparse.ArgumentParser(description="Errors of every function in ulp.")
    parser.add_argument("--count", type=int, default=60, help="points of each kind")
    parser.add_argument("--write", action="store_true", help="put the table into docs/accuracy.md")
    options = parser.parse_args()
    found = table(options.count)
    if not options.write:
        print(found)  # noqa: T201 (what the command is for)
        return
    path = Path(__file__).parents[1] / "docs" / "accuracy.md"
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n{found}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
