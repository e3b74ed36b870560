"""Every function and its derivatives, from their mathematical definitions, in mpmath's precision.

Nothing of handgrad is imported. A derivative is a tuple of the terms that it is the sum of: where
they cancel, their size is what an error is measured by. At a kink the slope is the stated one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mpmath import mp, mpf

__all__ = ["ELEMENTWISE", "VECTORS", "Reference"]

Number = Any
Terms = tuple[Number, ...]


@dataclass(frozen=True)
class Reference:
    """A function, and for each argument the terms of the derivative by it."""

    value: Callable[..., Number]
    slopes: tuple[Callable[..., Terms], ...]


def _exp(z: Number) -> Number:
    """e^z; below 10^-40000, which nothing here can tell from 0, without the long way there."""
    return mp.exp(z) if z > -100_000 else mpf(0)


def _sigmoid(z: Number) -> Number:
    return 1 / (1 + _exp(-z)) if z >= 0 else _exp(z) / (1 + _exp(z))


def _density(z: Number) -> Number:
    return _exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def _normal(z: Number) -> Number:
    if abs(z) > 1000:  # mpmath's erfc refuses; the rest is below e^-500000
        return _truth(z > 0)
    return mp.erfc(-z / mp.sqrt(2)) / 2


def _sech(z: Number) -> Number:
    return 2 * _exp(-abs(z)) / (1 + _exp(-2 * abs(z)))


def _tanh(z: Number) -> Number:
    return mp.tanh(z) if abs(z) < 100_000 else _sign(z)


def _softplus(z: Number) -> Number:
    return mp.log1p(_exp(-abs(z))) + max(z, mpf(0))


def _clip(low: Number, z: Number, high: Number) -> Number:
    return max(mpf(low), min(mpf(high), z))


def _truth(condition: bool) -> Number:
    return mpf(int(condition))


def _sign(z: Number) -> Number:
    return mpf(int(z > 0) - int(z < 0))


def _share(ahead: Number) -> Terms:
    return ((1 + _sign(ahead)) / 2,)


def _inner(z: Number) -> Number:
    return mp.sqrt(2 / mp.pi) * (z + mpf("0.044715") * z**3)


def _one_plus_tanh(u: Number) -> Number:
    return 2 * _sigmoid(2 * u)


def _gelu_tanh_slope(z: Number) -> Terms:
    u = _inner(z)
    rise = mp.sqrt(2 / mp.pi) * (1 + 3 * mpf("0.044715") * z * z)
    return _one_plus_tanh(u) / 2, z * _sech(u) ** 2 * rise / 2


def _gelu_gate_slope(z: Number, c: Number) -> Terms:
    rise = mp.sqrt(2 / mp.pi) * (1 + 3 * mpf("0.044715") * z * z)
    return (c * _sech(_inner(z)) ** 2 * rise / 2,)


def _mish_gate(z: Number) -> Number:
    """tanh(ln(1 + e^z)) = ((1 + e^z)² − 1)/((1 + e^z)² + 1)"""
    e = _exp(-abs(z))
    return (1 + 2 * e) / (1 + 2 * e + 2 * e * e) if z > 0 else e * (e + 2) / (e * (e + 2) + 2)


def _mish_slope(z: Number) -> Terms:
    return _mish_gate(z), z * _sigmoid(z) * _sech(_softplus(z)) ** 2


def _one(function: Callable[[Number], Number]) -> tuple[Callable[..., Terms]]:
    return (lambda z: (function(z),),)


SCALE, ALPHA = "1.0507009873554804934193349852946", "1.6732632423543772848170429916717"


def _elu(z: Number, c: Number) -> Number:
    return z if z > 0 else c * mp.expm1(z)


def _elu_slope(z: Number, c: Number) -> Number:
    return mpf(1) if z > 0 else c * _exp(z)


def _huber(z: Number, delta: Number) -> Number:
    return z * z / 2 if abs(z) <= delta else delta * (abs(z) - delta / 2)


def _hard_silu_slope(z: Number) -> Number:
    return mpf(0) if z <= -3 else mpf(1) if z >= 3 else z / 3 + mpf(1) / 2


def _zero(*_: Number) -> Terms:
    return (mpf(0),)


ELEMENTWISE: dict[str, Reference] = {
    "abs": Reference(abs, _one(_sign)),
    "arctan": Reference(mp.atan, _one(lambda z: 1 / (1 + z * z))),
    "cos": Reference(mp.cos, _one(lambda z: -mp.sin(z))),
    "elu": Reference(_elu, (lambda z, c: (_elu_slope(z, c),), lambda z, c: (_elu(min(z, 0), 1),))),
    "equal": Reference(lambda x, y: _truth(x == y), (_zero, _zero)),
    "erf": Reference(mp.erf, _one(lambda z: 2 / mp.sqrt(mp.pi) * _exp(-z * z))),
    "exp": Reference(_exp, _one(_exp)),
    "expm1": Reference(mp.expm1, _one(_exp)),
    "gaussian": Reference(
        lambda z, c: c * _exp(-z * z / 2),
        (lambda z, c: (-z * c * _exp(-z * z / 2),), lambda z, c: (_exp(-z * z / 2),)),
    ),
    "gelu": Reference(lambda z: z * _normal(z), (lambda z: (_normal(z), z * _density(z)),)),
    "gelu_gate": Reference(
        lambda z, c: c * _one_plus_tanh(_inner(z)) / 2,
        (_gelu_gate_slope, lambda z, c: (_one_plus_tanh(_inner(z)) / 2,)),
    ),
    "gelu_tanh": Reference(lambda z: z * _one_plus_tanh(_inner(z)) / 2, (_gelu_tanh_slope,)),
    "hard_sigmoid": Reference(
        lambda z: _clip(0, z + 3, 6) / 6, _one(lambda z: _truth(-3 < z < 3) / 6)
    ),
    "hard_silu": Reference(lambda z: z * _clip(0, z + 3, 6) / 6, _one(_hard_silu_slope)),
    "hard_tanh": Reference(lambda z: _clip(-1, z, 1), _one(lambda z: _truth(-1 < z < 1))),
    "huber": Reference(
        _huber, (lambda z, d: (_clip(-d, z, d),), lambda z, d: (max(mpf(0), abs(z) - d),))
    ),
    "identity": Reference(lambda z: z, _one(lambda z: mpf(1))),
    "leaky_relu": Reference(
        lambda z, c: z if z > 0 else c * z,
        (lambda z, c: (mpf(1) if z > 0 else c,), lambda z, c: (min(z, mpf(0)),)),
    ),
    "log": Reference(mp.log, _one(lambda z: 1 / z)),
    "log_sigmoid": Reference(lambda z: -_softplus(-z), _one(lambda z: _sigmoid(-z))),
    "max": Reference(max, (lambda x, y: _share(x - y), lambda x, y: _share(y - x))),
    "min": Reference(min, (lambda x, y: _share(y - x), lambda x, y: _share(x - y))),
    "mish": Reference(lambda z: z * _mish_gate(z), (_mish_slope,)),
    "normal_cdf": Reference(_normal, _one(_density)),
    "normal_pdf": Reference(_density, _one(lambda z: -z * _density(z))),
    "relu": Reference(lambda z: max(z, mpf(0)), _one(lambda z: _truth(z > 0))),
    "sech": Reference(_sech, _one(lambda z: -_sech(z) * _tanh(z))),
    "selu": Reference(
        lambda z: mpf(SCALE) * _elu(z, mpf(ALPHA)),
        _one(lambda z: mpf(SCALE) * _elu_slope(z, mpf(ALPHA))),
    ),
    "sigmoid": Reference(_sigmoid, _one(lambda z: _sigmoid(z) * _sigmoid(-z))),
    "sign": Reference(_sign, (_zero,)),
    "silu": Reference(
        lambda z: z * _sigmoid(z), (lambda z: (_sigmoid(z), z * _sigmoid(z) * _sigmoid(-z)),)
    ),
    "sin": Reference(mp.sin, _one(mp.cos)),
    "softplus": Reference(_softplus, _one(_sigmoid)),
    "softsign": Reference(lambda z: z / (1 + abs(z)), _one(lambda z: 1 / (1 + abs(z)) ** 2)),
    "sqrt": Reference(mp.sqrt, _one(lambda z: 1 / (2 * mp.sqrt(z)))),
    "step": Reference(lambda z: _truth(z > 0), (_zero,)),
    "tanh": Reference(_tanh, _one(lambda z: _sech(z) ** 2)),
}


@dataclass(frozen=True)
class VectorReference:
    """A function of a vector: the terms of each of its values, and ∂(g·value)/∂z likewise."""

    value: Callable[[Sequence[Number]], list[Terms]]
    pullback: Callable[[Sequence[Number], Sequence[Number]], list[Terms]]


def _shares(z: Sequence[Number]) -> list[Number]:
    top = max(z)
    powers = [_exp(v - top) for v in z]
    whole = mp.fsum(powers)
    return [p / whole for p in powers]


def _softmax_pullback(z: Sequence[Number], g: Sequence[Number]) -> list[Terms]:
    a = _shares(z)
    pairs = list(zip(a, g, strict=True))
    return [tuple(aj * ak * (gj - gk) for ak, gk in pairs) for aj, gj in pairs]


def _log_softmax_pullback(z: Sequence[Number], g: Sequence[Number]) -> list[Terms]:
    return [
        (gj * (1 - aj), *(-aj * gk for k, gk in enumerate(g) if k != j))
        for j, (aj, gj) in enumerate(zip(_shares(z), g, strict=True))
    ]


def _logsumexp(z: Sequence[Number]) -> list[Terms]:
    return [(max(z), -mp.log(max(_shares(z))))]


def _log_shares(z: Sequence[Number]) -> list[Terms]:
    whole = mp.log(max(_shares(z)))
    return [(v - max(z) + whole,) for v in z]


def _largest_shares(z: Sequence[Number]) -> list[Number]:
    return [_truth(v == max(z)) / list(z).count(max(z)) for v in z]


VECTORS: dict[str, VectorReference] = {
    "hardmax": VectorReference(
        lambda z: [(v,) for v in _largest_shares(z)], lambda z, g: [_zero() for _ in z]
    ),
    "log_softmax": VectorReference(_log_shares, _log_softmax_pullback),
    "logsumexp": VectorReference(_logsumexp, lambda z, g: [(g[0] * a,) for a in _shares(z)]),
    "max": VectorReference(
        lambda z: [(max(z),)], lambda z, g: [(g[0] * h,) for h in _largest_shares(z)]
    ),
    "softmax": VectorReference(lambda z: [(a,) for a in _shares(z)], _softmax_pullback),
    "softmax_rest": VectorReference(
        lambda z: [(1 - a,) for a in _shares(z)],
        lambda z, g: [tuple(-t for t in terms) for terms in _softmax_pullback(z, g)],
    ),
}
