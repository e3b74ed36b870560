"""Small random networks and their worked solution: one step of one example, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.planted.expressions import (
    HALF,
    ONE,
    Add,
    Div,
    Expr,
    Fn,
    Mul,
    Neg,
    Quantity,
    Ref,
    Square,
    minus,
)

SIZES = ((1, 1), (2, 1), (1, 1, 1), (1, 2, 1), (2, 2, 1), (2, 2, 2), (3, 2, 1))
LIKELY = (1, 1, 2, 2, 3, 3, 1)
ETA = Quantity("eta")
RATES = ("0.1", "0.5", "0.01", "0.2", "0.4", "0.25", "1")


@dataclass(frozen=True)
class Net:
    """Sizes, functions, what is given. ``bias``: none, unit (trained), layer (one each, frozen)."""

    sizes: tuple[int, ...]
    hidden: str
    output: str
    loss: str  # half_squared, binary, categorical
    bias: str
    givens: dict[Quantity, str]
    target_first: bool  # ½(y − a)² or ½(a − y)²

    @property
    def depth(self) -> int:
        return len(self.sizes) - 1

    def activation(self, layer: int) -> str:
        return self.output if layer == self.depth else self.hidden

    def source(self, layer: int, j: int, turn: int) -> Quantity:
        """The j-th input of a layer."""
        return Quantity("a", layer - 1, 0 + j, turn=turn) if layer > 1 else Quantity("x", 0, j)


@dataclass(frozen=True)
class Step:
    """One line: name = formula in symbols = numbers put in = value.

    The formula, the numbers put in and what was really computed are the same unless a slip sets
    them apart. ``spoil`` changes the printed digits; ``label`` is the name that is printed.
    """

    target: Quantity
    formula: Expr
    numbers: Expr
    computed: Expr
    phase: str
    label: Quantity | None = None
    spoil: Any = None


def step(target: Quantity, formula: Expr, phase: str) -> Step:
    return Step(target, formula, formula, formula, phase)


def random_net(rng: np.random.Generator, wanted: str = "") -> Net:
    """A network on which the wanted slip can be made."""
    sizes = SIZES[rng.choice(len(SIZES), p=np.array(LIKELY) / sum(LIKELY))]
    if wanted in ("updated_weight", "wrong_weight", "mislabelled", "wrong_operand"):
        sizes = SIZES[2 + int(rng.integers(5))]
    if wanted in ("wrong_weight", "mislabelled"):
        sizes = SIZES[3 + int(rng.integers(4))]
    loss = str(rng.choice(["half_squared", "binary", "categorical"], p=[0.8, 0.1, 0.1]))
    if wanted == "factor":
        loss = "half_squared"
    if wanted == "softmax" or (loss == "categorical"):
        sizes, loss = (2, 2, 2), "categorical"
    hidden = str(rng.choice(["sigmoid", "tanh", "relu"], p=[0.6, 0.2, 0.2]))
    output = {"binary": "sigmoid", "categorical": "softmax"}.get(
        loss, str(rng.choice(["sigmoid", "tanh", "identity"], p=[0.75, 0.1, 0.15]))
    )
    if wanted == "derivative" and output == "identity":
        output = "sigmoid"
    bias = str(rng.choice(["none", "unit", "layer"], p=[0.25, 0.6, 0.15]))
    if wanted == "bias" and bias == "none":
        bias = "unit"
    givens = _givens(rng, sizes, output, loss, bias)
    return Net(sizes, hidden, output, loss, bias, givens, bool(rng.random() < 0.5))


def _drawn(rng: np.random.Generator, low: float, high: float, digits: int = 2) -> str:
    while True:
        text = f"{rng.uniform(low, high):.{digits}f}"
        if abs(float(text)) >= 0.05:
            return text.rstrip("0").rstrip(".") if rng.random() < 0.7 else text


def _givens(
    rng: np.random.Generator, sizes: tuple[int, ...], output: str, loss: str, bias: str
) -> dict[Quantity, str]:
    digits = int(rng.choice([1, 2], p=[0.6, 0.4]))
    givens: dict[Quantity, str] = {}
    for j in range(1, sizes[0] + 1):
        givens[Quantity("x", 0, j)] = _drawn(rng, 0.1, 1.5, digits)
    hot = int(rng.integers(1, sizes[-1] + 1))
    for k in range(1, sizes[-1] + 1):
        text = _drawn(rng, 0.05, 0.95 if output != "identity" else 1.5)
        if loss != "half_squared":
            text = str(int(k == hot)) if loss == "categorical" else str(int(rng.integers(2)))
        givens[Quantity("y", 0, k)] = text
    for layer in range(1, len(sizes)):
        for i in range(1, sizes[layer] + 1):
            for j in range(1, sizes[layer - 1] + 1):
                low = -0.9 if rng.random() < 0.3 else 0.1
                givens[Quantity("W", layer, i, j)] = _drawn(rng, low, 0.9, digits)
            if bias == "unit":
                givens[Quantity("b", layer, i)] = _drawn(rng, 0.05, 0.7, digits)
        if bias == "layer":
            givens[Quantity("b", layer)] = _drawn(rng, 0.05, 0.7)
    givens[ETA] = str(rng.choice(RATES, p=[0.35, 0.3, 0.05, 0.1, 0.1, 0.05, 0.05]))
    return givens


# --- the solution ----------------------------------------------------------------------------


def bias_of(net: Net, layer: int, i: int) -> Quantity:
    return Quantity("b", layer, i if net.bias == "unit" else 0)


def forward(net: Net, turn: int = 1, split: bool = False) -> Iterator[Step]:
    """The pass from the inputs to the loss; the second one with the new parameters."""
    new = "n" if turn > 1 else ""
    for layer in range(1, net.depth + 1):
        units = range(1, net.sizes[layer] + 1)
        for i in units:
            terms: list[Expr] = [
                Mul((Ref(Quantity("W" + new, layer, i, j)), Ref(net.source(layer, j, turn))))
                for j in range(1, net.sizes[layer - 1] + 1)
            ]
            if net.bias != "none":
                bias = bias_of(net, layer, i)
                terms.append(Ref(bias._replace(kind="b" + (new if net.bias == "unit" else ""))))
            z = Quantity("z", layer, i, turn=turn)
            yield step(z, Add(tuple(terms)) if len(terms) > 1 else terms[0], "forward")
            if net.activation(layer) != "softmax":
                yield _activation(net, z)
        if net.activation(layer) == "softmax":
            yield from _softmax(net, layer, turn)
    yield from _loss(net, turn, split)


def _activation(net: Net, z: Quantity) -> Step:
    name = net.activation(z.layer)
    body = Ref(z) if name == "identity" else Fn(name, Ref(z))
    return step(z._replace(kind="a"), body, "forward")


def _softmax(net: Net, layer: int, turn: int) -> Iterator[Step]:
    units = range(1, net.sizes[layer] + 1)
    powers = [Fn("exp", Ref(Quantity("z", layer, i, turn=turn))) for i in units]
    for i in units:
        yield step(
            Quantity("a", layer, i, turn=turn), Div(powers[i - 1], Add(tuple(powers))), "forward"
        )


def _loss(net: Net, turn: int, split: bool) -> Iterator[Step]:
    outputs = range(1, net.sizes[-1] + 1)
    parts = [_error(net, k, turn) for k in outputs]
    total = Quantity("L", turn=turn)
    if len(parts) == 1:
        yield step(total, parts[0], "loss")
    elif split and net.loss == "half_squared":
        errors = [Quantity("E", 0, k, turn=turn) for k in outputs]
        yield from (step(e, part, "loss") for e, part in zip(errors, parts, strict=True))
        yield step(total, Add(tuple(Ref(e) for e in errors)), "loss")
    elif net.loss == "categorical":
        yield step(
            total, next(p for k, p in zip(outputs, parts, strict=True) if _hot(net, k)), "loss"
        )
    else:
        yield step(total, Add(tuple(parts)), "loss")


def _hot(net: Net, k: int) -> bool:
    return net.givens[Quantity("y", 0, k)] == "1"


def _error(net: Net, k: int, turn: int) -> Expr:
    a, y = Ref(Quantity("a", net.depth, k, turn=turn)), Ref(Quantity("y", 0, k))
    if net.loss == "categorical":
        return Neg(Fn("log", a))
    if net.loss == "binary":
        first = Mul((y, Fn("log", a)))
        return Neg(Add((first, Mul((minus(ONE, y), Fn("log", minus(ONE, a)))))))
    return Mul((HALF, Square(minus(y, a) if net.target_first else minus(a, y))))


def slope(net: Net, layer: int, i: int) -> Expr | None:
    """f′ as books write it; none for the identity."""
    a, z = Ref(Quantity("a", layer, i)), Ref(Quantity("z", layer, i))
    match net.activation(layer):
        case "sigmoid":
            return Mul((a, minus(ONE, a)))
        case "tanh":
            return minus(ONE, Square(a))
        case "relu":
            return Fn("step", z)
    return None


def backward(net: Net, layout: str) -> Iterator[Step]:
    """From the loss down, in factors (chain) or by δ (delta); the updates are apart."""
    for layer in range(net.depth, 0, -1):
        for i in range(1, net.sizes[layer] + 1):
            yield from deltas(net, layer, i, layout, slope(net, layer, i))
        for i in range(1, net.sizes[layer] + 1):
            gz = Ref(Quantity("gz", layer, i))
            for j in range(1, net.sizes[layer - 1] + 1):
                body = Mul((gz, Ref(net.source(layer, j, 1))))
                yield step(Quantity("gW", layer, i, j), body, "backward")
            if net.bias == "unit":
                yield step(Quantity("gb", layer, i), gz, "backward")


def deltas(net: Net, layer: int, i: int, layout: str, f: Expr | None) -> Iterator[Step]:
    """The lines down to dL/dz of one unit, whose slope is ``f``."""
    gz, ga = Quantity("gz", layer, i), Quantity("ga", layer, i)
    short = layer == net.depth and net.loss != "half_squared"
    if short and (layout == "delta" or net.loss == "categorical"):
        a, y = Ref(Quantity("a", layer, i)), Ref(Quantity("y", 0, i))
        yield step(gz, minus(a, y), "backward")
        return
    from_above = _from_above(net, layer, i)
    if layout == "delta" or f is None:
        yield step(gz, _product(from_above, f), "backward")
        return
    fp = Quantity("fp", layer, i)
    yield step(ga, from_above, "backward")
    yield step(fp, f, "backward")
    yield step(gz, Mul((Ref(ga), Ref(fp))), "backward")


def _product(left: Expr, right: Expr | None) -> Expr:
    if right is None:
        return left
    factors = [f for e in (left, right) for f in (e.factors if isinstance(e, Mul) else (e,))]
    return Mul(tuple(factors))


def _from_above(net: Net, layer: int, i: int) -> Expr:
    if layer < net.depth:
        terms = tuple(
            Mul((Ref(Quantity("gz", layer + 1, k)), Ref(Quantity("W", layer + 1, k, i))))
            for k in range(1, net.sizes[layer + 1] + 1)
        )
        return Add(terms) if len(terms) > 1 else terms[0]
    a, y = Ref(Quantity("a", layer, i)), Ref(Quantity("y", 0, i))
    if net.loss == "binary":
        return Add((Neg(Div(y, a)), Div(minus(ONE, y), minus(ONE, a))))
    return minus(a, y)


def updates(net: Net, layer: int) -> Iterator[Step]:
    for i in range(1, net.sizes[layer] + 1):
        for j in range(1, net.sizes[layer - 1] + 1):
            yield _update(Quantity("W", layer, i, j))
        if net.bias == "unit":
            yield _update(Quantity("b", layer, i))


def _update(q: Quantity) -> Step:
    gradient = Ref(q._replace(kind="g" + q.kind))
    return step(q._replace(kind=q.kind + "n"), minus(Ref(q), Mul((Ref(ETA), gradient))), "update")


def solution(net: Net, layout: str, early: bool, second: bool, split: bool) -> tuple[Step, ...]:
    """All lines in the order of the page; ``early``: the upper layer is updated before the lower."""
    steps = list(forward(net, 1, split))
    down = list(backward(net, layout))
    renewals = [list(updates(net, layer)) for layer in range(net.depth, 0, -1)]
    for layer, renewal in zip(range(net.depth, 0, -1), renewals, strict=True):
        steps += [s for s in down if s.target.layer == layer]
        steps += renewal if early else []
    steps += [] if early else [s for renewal in renewals for s in renewal]
    return tuple(steps + (list(forward(net, 2, split)) if second else []))
