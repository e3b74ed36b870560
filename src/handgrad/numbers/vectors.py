"""Softmax and its relatives along the last axis of an array: real or complex, of any float type.

The distance to the largest number is taken exactly, in two floats; the rounding of z − max would
come out of the exponential multiplied by the distance.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.numbers.blocks import rowwise
from handgrad.numbers.twofold import total, two_sum

__all__ = ["hardmax", "largest", "log_softmax", "logsumexp", "softmax", "softmax_rest"]

Array = Any  # a NumPy array of any float type, real or complex; what decides is the real part


def _top(z: Array) -> tuple[Array, Array]:
    """Where the largest number is, and the number."""
    place = np.argmax(z.real, axis=-1, keepdims=True)
    return place, np.take_along_axis(z, place, axis=-1)


def _distance(z: Array) -> tuple[Array, Array, Array, Array]:
    """The place of the largest number, the number, and the distance to it in two floats."""
    place, top = _top(z)
    distance, rest = two_sum(z, -top)
    if not np.isfinite(distance).all():  # then its exponential is 0 all the same
        rest = np.where(np.isfinite(distance), rest, 0)
    return place, top, distance, rest


def _powers(place: Array, distance: Array, rest: Array) -> tuple[Array, Array]:
    """The powers of e to the distance, 1 at the largest number; and the sum of all others."""
    powers = np.exp(distance)
    powers += powers * rest
    np.put_along_axis(powers, place, 0, axis=-1)
    others = total(powers)
    np.put_along_axis(powers, place, 1, axis=-1)
    return powers, others


@rowwise
def softmax(z: Array) -> Array:
    """e^z over its sum."""
    place, _, distance, rest = _distance(z)
    powers, others = _powers(place, distance, rest)
    powers /= 1 + others
    return powers


@rowwise
def softmax_rest(z: Array) -> Array:
    """1 − softmax: the others' share, also where the own share rounds to 1."""
    place, _, distance, rest = _distance(z)
    powers, others = _powers(place, distance, rest)
    shares = 1 - powers / (1 + others)
    np.put_along_axis(shares, place, others / (1 + others), axis=-1)
    return shares


@rowwise
def log_softmax(z: Array) -> Array:
    """The logarithm of softmax, also where softmax rounds to 1 or 0."""
    place, _, distance, rest = _distance(z)
    _, others = _powers(place, distance, rest)
    rest -= np.log1p(others)
    distance += rest
    return distance


def logsumexp(z: Array) -> Array:
    """The logarithm of Σ e^z, without the axis."""
    place, top, distance, rest = _distance(z)
    _, others = _powers(place, distance, rest)
    return (top + np.log1p(others))[..., 0]


def hardmax(z: Array) -> Array:
    """1 at the largest number, shared equally by those that tie with it."""
    ties = np.asarray(np.real(z) == np.real(_top(z)[1]), z.dtype)
    return ties / np.sum(ties, axis=-1, keepdims=True)


def largest(z: Array) -> Array:
    """The largest number, without the axis."""
    return _top(z)[1][..., 0]
