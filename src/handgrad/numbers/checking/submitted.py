"""Somebody else's gradient, in the forms it comes in, read into one array for each parameter."""

# A door: what comes in is whatever a user gave, so types are looked at and not believed.
# pyright: reportUnnecessaryIsInstance=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np

from handgrad.calculus.derivation import Derivation
from handgrad.calculus.expr import Symbol
from handgrad.errors import FileError, InputError
from handgrad.model.describe import as_array
from handgrad.model.files import regular_file
from handgrad.model.limits import Limits
from handgrad.model.spelling import did_you_mean
from handgrad.model.weights import read_weights
from handgrad.numbers.archives import read_archive

__all__ = ["Gradient", "read_gradient", "submitted"]

Array = Any
Gradient: TypeAlias = Mapping[str, Array] | Callable[..., Mapping[str, Array]]


def read_gradient(path: Path) -> dict[str, Array]:
    """The arrays of an ``.npz`` or ``.safetensors`` file by name.

    Raises ``FileError`` for a file that is neither.
    """
    regular_file(path, Limits.data_bytes, "the path of an .npz file")
    if path.suffix == ".safetensors":
        return read_weights(path, expected="a .safetensors file of gradients")
    if path.suffix == ".npz":
        return read_archive(path)
    raise FileError(f"{path}: gradients are read from .npz (numpy.savez) or .safetensors files.")


def submitted(
    gradient: Gradient, derivation: Derivation, values: Mapping[Symbol, Array]
) -> dict[Symbol, Array]:
    """The gradient by each parameter it has one for, as float64.

    A name is that of a parameter or of its gradient: ``W1``, ``dL/dW1``. A function is called with
    ``values``: by keyword as far as it asks for them by name, else as one mapping. Tensors of
    PyTorch are converted. Raises ``InputError`` for anything else, an unknown name, or a number
    that is not finite.
    """
    given: Any = _called(gradient, values) if callable(gradient) else gradient
    if not isinstance(given, Mapping):
        raise InputError(
            f"A gradient is a mapping from the names of parameters to arrays; got "
            f"{type(given).__name__}. Give for example {{'W1': …, 'b1': …}}, or a function that "
            "returns that."
        )
    known = {str(s): s for s in derivation.parameters}
    known |= {str(s.gradient(derivation.loss)): s for s in derivation.parameters}
    found: dict[Symbol, Array] = {}
    for name, array in cast("Mapping[object, Array]", given).items():
        symbol = known.get(name) if isinstance(name, str) else None
        if symbol is None:
            there = ", ".join(map(str, derivation.parameters))
            near = did_you_mean(name, known)
            raise InputError(f"There is no parameter {name!r:.60}.{near} There are {there}.")
        if symbol in found:
            raise InputError(f"The gradient of {symbol} is given twice. Keep one of them.")
        found[symbol] = as_array(_plain(array, symbol), f"the gradient of {symbol}")
    return found


def _plain(array: Array, symbol: Symbol) -> Array:
    if array is None:
        raise InputError(f"The gradient of {symbol} is None. Was backward() called?")
    if hasattr(array, "detach"):  # a PyTorch tensor, whatever its device and precision
        return array.detach().cpu().double().numpy()
    return array


def _called(function: Callable[..., Any], values: Mapping[Symbol, Array]) -> Any:
    """What the function returns; it gets copies, so that it may write into them."""
    arrays = {str(s): np.array(v, dtype=np.float64) for s, v in values.items()}
    try:
        wanted = list(signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions written in C do not say what they take
        return function(arrays)
    if any(p.kind is Parameter.VAR_KEYWORD for p in wanted):
        return function(**arrays)
    required = [p for p in wanted if p.default is Parameter.empty]
    if len(required) == 1 and required[0].name not in arrays:
        return function(arrays)
    missing = [p.name for p in required if p.name not in arrays]
    if missing or not wanted:
        raise InputError(
            f"The function of the gradient takes {', '.join(missing) or 'nothing'}; it may take "
            f"one mapping of all arrays, or by name any of {', '.join(arrays)}."
        )
    return function(**{p.name: arrays[p.name] for p in wanted if p.name in arrays})
