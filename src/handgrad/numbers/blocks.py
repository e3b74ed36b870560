"""Kernels run over a part of an array at a time, so that what lies between stays in the cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

__all__ = ["elementwise", "rowwise"]

Array = Any  # a NumPy array or scalar of any float type, real or complex
BLOCK = 1 << 13  # numbers: about as many as the innermost cache holds of a kernel's arrays


def elementwise(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """An elementwise function in blocks, in float64 or better, rounded once to the type it is given.

    So float32 loses nothing on the way.
    """

    @wraps(kernel)
    def blocked(*given: Array) -> Array:
        dtype = np.result_type(*given)
        wide = np.result_type(dtype, np.float64)
        arrays = [np.asarray(z) for z in given]
        result = np.empty(np.broadcast_shapes(*(a.shape for a in arrays)), dtype)
        if result.size <= BLOCK:
            result[...] = kernel(*(a.astype(wide, copy=False) for a in arrays))
            return result
        flat, parts = result.reshape(-1), [a.reshape(-1) for a in np.broadcast_arrays(*arrays)]
        for n in range(0, flat.size, BLOCK):
            flat[n : n + BLOCK] = kernel(
                *(a[n : n + BLOCK].astype(wide, copy=False) for a in parts)
            )
        return result

    return blocked


def rowwise(kernel: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function from each row of an array to a row of the same length, some rows at a time."""

    @wraps(kernel)
    def blocked(z: Array) -> Array:
        if z.size <= BLOCK or z.ndim == 1:
            return kernel(z)
        rows = z.reshape(-1, z.shape[-1])
        result = np.empty_like(rows)
        step = max(1, BLOCK // z.shape[-1])
        for n in range(0, len(rows), step):
            result[n : n + step] = kernel(rows[n : n + step])
        return result.reshape(z.shape)

    return blocked
