"""How each function of the rule table is computed with NumPy: one line a function.

Every kernel takes arrays (or numbers) of floats or complex floats and keeps their type. Complex
input is for the complex step: where a comparison decides, the real part decides it.
"""

# NumPy says nothing of the type of a result where an argument is any float array or scalar.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

__all__ = ["ALONG", "ELEMENTWISE", "REAL_ONLY"]

Array = Any  # a NumPy array or scalar of any float type


def _sigmoid(z: Array) -> Array:
    e = np.exp(np.where(np.real(z) >= 0, -z, z))  # never overflows
    return np.where(np.real(z) >= 0, 1 / (1 + e), e / (1 + e))


def _softplus(z: Array) -> Array:
    negative = np.where(np.real(z) >= 0, -z, z)
    return np.log1p(np.exp(negative)) + np.where(np.real(z) >= 0, z, z * 0)


def _sech(z: Array) -> Array:
    e = np.exp(np.where(np.real(z) >= 0, -z, z))
    return 2 * e / (1 + e * e)


def _larger(x: Array, y: Array, *more: Array) -> Array:
    larger = np.where(np.real(x) >= np.real(y), x, y)
    return _larger(larger, *more) if more else larger


def _smaller(x: Array, y: Array) -> Array:
    return np.where(np.real(x) <= np.real(y), x, y)


def _step(z: Array) -> Array:
    return np.where(np.real(z) > 0, z * 0 + 1, z * 0)


def _equal(x: Array, y: Array) -> Array:
    """1 where both are equal up to rounding: a maximum is found again among its terms."""
    left, right = np.real(x), np.real(y)
    size = np.maximum(np.abs(left), np.abs(right))
    close = np.abs(left - right) <= size * max(8 * np.finfo(size.dtype).eps, 2.0**-40)
    return np.where(close, x * 0 + 1, x * 0)


def _relu(z: Array) -> Array:
    return np.where(np.real(z) > 0, z, z * 0)


def _abs(z: Array) -> Array:
    return np.where(np.real(z) >= 0, z, -z)


def _real(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A function of the mathematics library, element by element, in the type of its argument."""

    def kernel(z: Array) -> Array:
        flat = np.asarray(z)
        values = [function(float(v)) for v in flat.ravel()]
        return np.asarray(values, dtype=flat.dtype).reshape(flat.shape)

    return kernel


_erf, _erfc = _real(math.erf), _real(math.erfc)


def _in_double(kernel: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Worked out in float64 and rounded once, so that float32 loses nothing on the way."""

    def rounded(z: Array) -> Array:
        wide = np.asarray(z, dtype=np.float64)
        return np.asarray(kernel(wide), dtype=np.asarray(z).dtype)

    return rounded


def _halves(z: Array) -> tuple[Array, Array]:
    """A number as the sum of two of half as many digits, whose products are exact (Veltkamp)."""
    scaled = z * 134217729.0
    high = scaled - (scaled - z)
    return high, z - high


ROOT, ROOT_REST = math.sqrt(2), -9.667293313452913e-17  # √2 is their sum to 32 digits


FAR = 40.0  # further out the normal density is 0 and its integral 0 or 1, to the last digit


@_in_double
def _normal_cdf(z: Array) -> Array:
    """erfc(−z/√2)/2, the rounding of −z/√2 made good: erfc multiplies it by up to z²."""
    z = np.clip(z, -FAR, FAR)
    x = -z / ROOT
    (x1, x2), (r1, r2) = _halves(x), _halves(np.float64(ROOT))
    product = x * ROOT
    rest = ((x1 * r1 - product) + x1 * r2 + x2 * r1) + x2 * r2  # x·√2 is product + rest, exactly
    missing = -((z + product) + rest + x * ROOT_REST) / ROOT
    return (_erfc(x) - missing * (2 / math.sqrt(math.pi)) * np.exp(-x * x)) / 2


@_in_double
def _real_pdf(z: Array) -> Array:
    """The square is taken in two exact parts: the exponential multiplies its rounding by z²."""
    z = np.clip(z, -FAR, FAR)
    high, low = _halves(z)
    return np.exp(-high * high / 2) * np.exp(-low * (z + high) / 2) / math.sqrt(2 * math.pi)


def _normal_pdf(z: Array) -> Array:
    if np.iscomplexobj(z):
        return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return _real_pdf(z)


@_in_double
def _gelu(z: Array) -> Array:
    return z * _normal_cdf(z)


def _elu(z: Array, slope: Array) -> Array:
    return _relu(z) + slope * np.expm1(_smaller(z, z * 0))


def _huber(z: Array, delta: Array) -> Array:
    near = _smaller(_abs(z), delta)
    return near * (_abs(z) - near / 2)


ELEMENTWISE: Mapping[str, Callable[..., Array]] = {
    "abs": _abs,
    "arctan": np.arctan,
    "elu": _elu,
    "equal": _equal,
    "erf": _erf,
    "exp": np.exp,
    "expm1": np.expm1,
    "gelu": _gelu,
    "huber": _huber,
    "identity": lambda z: z,
    "leaky_relu": lambda z, slope: _relu(z) + slope * _smaller(z, z * 0),
    "log": np.log,
    "log_sigmoid": lambda z: -_softplus(-z),
    "max": lambda *z: reduce(_larger, z),  # a maximum over an index, written out, has any number
    "min": lambda *z: reduce(_smaller, z),
    "normal_cdf": _normal_cdf,
    "normal_pdf": _normal_pdf,
    "relu": _relu,
    "sech": _sech,
    "sigmoid": _sigmoid,
    "sign": lambda z: _step(z) - _step(-z),
    "silu": lambda z: z * _sigmoid(z),
    "softplus": _softplus,
    "sqrt": np.sqrt,
    "step": _step,
    "tanh": np.tanh,
}


# kernels that take no complex numbers, so that no complex step goes through them
REAL_ONLY = frozenset({"erf", "gelu", "normal_cdf"})


def _shifted(z: Array) -> tuple[Array, Array, Array]:
    """Along the last axis: the largest, the distance to it, and e to that without the largest."""
    top = np.argmax(np.real(z), axis=-1, keepdims=True)
    largest = np.take_along_axis(z, top, axis=-1)
    distance = z - largest
    others = np.exp(distance)
    np.put_along_axis(others, top, 0, axis=-1)
    return largest, distance, np.sum(others, axis=-1, keepdims=True)


def _softmax(z: Array) -> Array:
    _, distance, others = _shifted(z)
    return np.exp(distance) / (1 + others)


def _log_softmax(z: Array) -> Array:
    _, distance, others = _shifted(z)
    return distance - np.log1p(others)


def _logsumexp(z: Array) -> Array:
    largest, _, others = _shifted(z)
    return (largest + np.log1p(others))[..., 0]


def _largest(z: Array) -> Array:
    return _shifted(z)[0][..., 0]


# along the last axis of an array
ALONG: Mapping[str, Callable[[Array], Array]] = {
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "max": _largest,
    "softmax": _softmax,
}
