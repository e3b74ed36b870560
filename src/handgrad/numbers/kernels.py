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
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from handgrad.numbers import vectors
from handgrad.numbers.blocks import elementwise
from handgrad.numbers.twofold import halves, two_product, two_sum

__all__ = ["ALONG", "ELEMENTWISE", "NUMPY", "REAL_ONLY", "Library"]

Array = Any  # a NumPy array or scalar of any float type
WHOLE = 1 << 53  # whole numbers below are doubles


def _plain_number(value: Fraction | int) -> float | int:
    """A whole number stays one, so that it adds no rounding; beyond a double it is infinite."""
    if value.denominator == 1 and abs(value) < WHOLE:
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


@dataclass(frozen=True)
class Library:
    """An array library: the module with NumPy's functions, and one kernel for each function."""

    xp: Any
    elementwise: Mapping[str, Callable[..., Array]]  # what is not in it goes by its definition
    along: Mapping[str, Callable[[Array], Array]]  # along the last axis
    number: Callable[[Fraction | int], Any] = _plain_number  # what an exact number becomes


def _away(z: Array) -> Array:
    """−|z|, whose exponential never overflows."""
    return np.where(np.real(z) >= 0, -z, z)


def _sigmoid(z: Array) -> Array:
    e = np.exp(_away(z))
    return np.where(np.real(z) >= 0, 1 / (1 + e), e / (1 + e))


def _softplus(z: Array) -> Array:
    return np.log1p(np.exp(_away(z))) + np.where(np.real(z) >= 0, z, 0)


def _sech(z: Array) -> Array:
    e = np.exp(_away(z))
    return 2 * e / (1 + e * e)


def _larger(x: Array, y: Array, *more: Array) -> Array:
    larger = np.where(np.real(x) >= np.real(y), x, y)
    return _larger(larger, *more) if more else larger


def _smaller(x: Array, y: Array) -> Array:
    return np.where(np.real(x) <= np.real(y), x, y)


def _step(z: Array) -> Array:
    return np.asarray(np.real(z) > 0, np.result_type(z))


def _equal(x: Array, y: Array) -> Array:
    """1 where both are equal up to rounding: a maximum is found again among its terms."""
    left, right = np.real(x), np.real(y)
    size = np.maximum(np.abs(left), np.abs(right))
    close = np.abs(left - right) <= size * max(8 * np.finfo(size.dtype).eps, 2.0**-40)
    return np.asarray(close, np.result_type(x, y))


def _relu(z: Array) -> Array:
    return np.where(np.real(z) > 0, z, 0)


def _abs(z: Array) -> Array:
    return np.where(np.real(z) >= 0, z, -z)


def _real(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A function of the mathematics library, element by element, in the type of its argument."""

    def kernel(z: Array) -> Array:
        flat = np.asarray(z)
        values = map(function, flat.ravel().astype(np.float64).tolist())
        return np.fromiter(values, flat.dtype, flat.size).reshape(flat.shape)

    return kernel


_erf, _erfc = _real(math.erf), _real(math.erfc)


@elementwise
def _silu(z: Array) -> Array:
    """z·σ(z); e^z in two factors, so that it does not underflow before the product does."""
    root = np.exp(_away(z) / 2)
    e = root * root
    return np.where(np.real(z) >= 0, z / (1 + e), z * root * (root / (1 + e)))


@elementwise
def _mish(z: Array) -> Array:
    """z·tanh(ln(1 + e^z)), the hyperbolic tangent as a fraction in e^−|z|."""
    root = np.exp(_away(z) / 2)
    e = root * root
    above = z * ((1 + 2 * e) / (1 + 2 * e + 2 * e * e))
    below = z * root * (root * (e + 2) / (e * (e + 2) + 2))
    return np.where(np.real(z) >= 0, above, below)


# √2, and 2√(2/π) with and without the factor 0.044715: each the sum of two floats, to 32 digits
ROOT, ROOT_REST = math.sqrt(2), -9.667293313452913e-17
LINE, LINE_REST = 1.5957691216057308, -9.96930880911092e-17
CUBE, CUBE_REST = 0.07135481627260025, -6.175149918155315e-19


@elementwise
def _gelu_gate(z: Array, c: Array) -> Array:
    """c·σ(v) with v = 2√(2/π)·(z + 0.044715·z³), in two floats: σ multiplies its rounding by v."""
    if np.iscomplexobj(z):
        return c * _sigmoid(z * (LINE + CUBE * z * z))
    near = np.clip(z, -99, 99)  # beyond, σ is 0 or 1
    square, square_rest = two_product(near, near)
    cubic, cubic_rest = two_product(CUBE, square)
    cubic_rest = cubic_rest + CUBE * square_rest + CUBE_REST * square
    factor, factor_rest = two_sum(LINE, cubic)
    v, v_rest = two_product(near, factor)
    v_rest = v_rest + near * (factor_rest + LINE_REST + cubic_rest)
    root = np.exp(_away(v) / 2)
    e = root * root
    above = c / (1 + e) * (1 + v_rest * (e / (1 + e)))
    below = c * root * (root / (1 + e)) * (1 + v_rest / (1 + e))
    return np.where(z >= 0, above, below)


FAR = 40.0  # further out the integral of the normal density is 0 or 1, to the last digit


@elementwise
def _normal_cdf(z: Array) -> Array:
    """erfc(−z/√2)/2, the rounding of −z/√2 made good: erfc multiplies it by up to z²."""
    z = np.clip(z, -FAR, FAR)
    x = np.asarray(-z / ROOT, np.float64).astype(z.dtype)  # as erfc takes it
    product, rest = two_product(x, ROOT)
    missing = -((z + product) + rest + x * ROOT_REST) / ROOT
    return (_erfc(x) - missing * (2 / math.sqrt(math.pi)) * np.exp(-x * x)) / 2


TAIL = 37.0  # where the series of the normal integral is exact to the last digit
STEEP = 300.0  # a power of e that is taken out of what would underflow


@elementwise
def _gaussian(z: Array, height: Array) -> Array:
    """The square is taken in two exact parts: the exponential multiplies its rounding by z²."""
    if np.iscomplexobj(z):
        return height * np.exp(-z * z / 2)
    near = np.clip(z, -1000, 1000)
    high, low = halves(near)
    square = high * high / 2
    steep = square > STEEP
    value = height * np.exp(np.where(steep, STEEP, 0) - square)
    value = value + value * np.expm1(-low * (near + high) / 2)
    return value * np.where(steep, math.exp(-STEEP), 1)


def _normal_pdf(z: Array) -> Array:
    return _gaussian(z, 1 / math.sqrt(2 * math.pi))


@elementwise
def _gelu(z: Array) -> Array:
    """z·Φ(z); far out by its asymptotic series, before Φ underflows."""
    t = np.clip(z, -FAR, -TAIL) ** -2.0
    series = reduce(lambda value, c: value * t + c, (10395, -945, 105, -15, 3, -1, 1))
    return np.where(z < -TAIL, -_normal_pdf(z) * series, z * _normal_cdf(z))


SELU_SCALE, SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848


def _elu(z: Array, slope: Array) -> Array:
    return _relu(z) + slope * np.expm1(_smaller(z, 0))


def _selu(z: Array) -> Array:
    return SELU_SCALE * _elu(z, SELU_ALPHA)


def _clipped(z: Array, low: float, high: float) -> Array:
    inside = (np.real(z) > low) & (np.real(z) < high)
    return np.where(inside, z, np.clip(np.real(z), low, high))


def _huber(z: Array, delta: Array) -> Array:
    near = _smaller(_abs(z), delta)
    return near * (_abs(z) - near / 2)


ELEMENTWISE: Mapping[str, Callable[..., Array]] = {
    "abs": _abs,
    "arctan": np.arctan,
    "cos": np.cos,
    "elu": _elu,
    "equal": _equal,
    "erf": _erf,
    "exp": np.exp,
    "expm1": np.expm1,
    "gaussian": _gaussian,
    "gelu": _gelu,
    "gelu_gate": _gelu_gate,
    "gelu_tanh": lambda z: _gelu_gate(z, z),
    "hard_sigmoid": lambda z: _clipped(z + 3, 0, 6) / 6,
    "hard_silu": lambda z: z * (_clipped(z + 3, 0, 6) / 6),
    "hard_tanh": lambda z: _clipped(z, -1, 1),
    "huber": _huber,
    "identity": lambda z: z,
    "leaky_relu": lambda z, slope: _relu(z) + slope * _smaller(z, 0),
    "log": np.log,
    "log_sigmoid": lambda z: -_softplus(-z),
    "max": lambda *z: reduce(_larger, z),  # a maximum over an index, written out, has any number
    "min": lambda *z: reduce(_smaller, z),
    "mish": _mish,
    "normal_cdf": _normal_cdf,
    "normal_pdf": _normal_pdf,
    "relu": _relu,
    "sech": _sech,
    "selu": _selu,
    "sigmoid": _sigmoid,
    "sign": lambda z: _step(z) - _step(-z),
    "silu": _silu,
    "sin": np.sin,
    "softplus": _softplus,
    "softsign": lambda z: z / (1 + _abs(z)),
    "sqrt": np.sqrt,
    "step": _step,
    "tanh": np.tanh,
}


# kernels that take no complex numbers: the complex step goes on by differences of their values
REAL_ONLY = frozenset({"erf", "gelu", "normal_cdf"})


# along the last axis of an array
ALONG: Mapping[str, Callable[[Array], Array]] = {
    "hardmax": vectors.hardmax,
    "log_softmax": vectors.log_softmax,
    "logsumexp": vectors.logsumexp,
    "max": vectors.largest,
    "softmax": vectors.softmax,
    "softmax_rest": vectors.softmax_rest,
}

NUMPY = Library(np, ELEMENTWISE, ALONG)
