"""A derivation and the values of its givens in, the value of every quantity out.

Each index names an axis. Products below a Σ are contracted at once, so that a weighted sum runs as
one matrix product; the same walk serves float64, float32 and complex numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation
from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Position,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    Value,
)
from handgrad.calculus.functions import FUNCTIONS, by_definition
from handgrad.errors import LimitError, ShapeError
from handgrad.model.limits import Limits
from handgrad.model.shapes import check_shapes, shape_text
from handgrad.numbers.arithmetic import FLOATS, Arithmetic
from handgrad.numbers.kernels import NUMPY, Library
from handgrad.numbers.trouble import not_finite

__all__ = ["Trace", "evaluate", "followed", "kernel_of", "value_of"]

Array = Any
FEW = 3  # indices of an expression that need no look at its size
MOST_INDICES = 32
LARGE = 1 << 15  # multiply-adds above which a contraction is worth planning
SMALL = (
    1 << 12
)  # numbers in all quantities together, up to which float64 is rounded at the end only


@dataclass(frozen=True)
class Trace(Mapping[str, Array]):
    """The value of every quantity, by name or symbol: ``trace["dL/dW1"]`` is an array."""

    arrays: Mapping[Symbol, Array]
    arithmetic: Arithmetic = field(default=FLOATS, repr=False)
    names: Mapping[str, Symbol] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", {str(symbol): symbol for symbol in self.arrays})

    def __getitem__(self, key: str | Symbol) -> Array:
        symbol = self.names.get(key) if isinstance(key, str) else key
        if symbol is None or symbol not in self.arrays:
            raise KeyError(f"no quantity {key}; there are {', '.join(self.names)}")
        return self.arrays[symbol]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.arrays)


@dataclass(frozen=True, slots=True)
class Labelled:
    """An array whose axes carry index names."""

    array: Array
    names: tuple[str, ...] = ()


def evaluate(
    derivation: Derivation,
    values: Mapping[Symbol, Array],
    dtype: Any = np.float64,
    carry: int | None = None,
    arithmetic: Arithmetic = FLOATS,
) -> Trace:
    """Every quantity of the derivation, in the order of its equations.

    ``values`` holds an array for each given, of as many axes as the derivation says. With ``carry``
    every result is rounded to that many decimals and used on, by the forms books print. Raises
    ``ShapeError`` where arrays do not fit together, ``NumericError`` where a result is not finite.
    With exact numbers the ``dtype`` is ``object``.

    Small problems in float64 are worked out in extended precision where the machine has it, and
    rounded at the end: every number of a textbook's network is then the float nearest to the truth.
    """
    known = {s: arithmetic.given(v, dtype) for s, v in values.items()}
    missing = [str(s) for s in derivation.givens if s not in known]
    if missing:
        raise ShapeError(f"No value for {', '.join(missing)}.")
    sizes = check_shapes(derivation, {s: v.shape for s, v in known.items()})
    many = sum(map(math.prod, sizes.values()))
    if many > Limits.elements:
        largest = max(sizes, key=lambda s: math.prod(sizes[s]))
        raise LimitError(
            f"A step has {many:,} numbers, most of them in {largest} "
            f"({shape_text(sizes[largest])}); at most "
            f"{Limits.elements:,} are accepted. Use smaller arrays or fewer examples."
        )
    if carry is None and dtype == np.float64 and many <= SMALL:
        known = {s: v.astype(np.longdouble) for s, v in known.items()}
    for equation in derivation.equations:
        walk = _Walk(known, book=carry is not None, library=arithmetic.library)
        say = partial(_not_finite, equation, walk)
        array = arithmetic.checked(equation, _evaluated(equation, walk), dtype, say)
        known[equation.lhs.symbol] = array if carry is None else _rounded(array, carry)
    return Trace({s: v.astype(dtype) for s, v in known.items()}, arithmetic)


def _not_finite(equation: Equation, walk: _Walk, told: Array) -> str:
    return not_finite(equation, told, walk.rounded(told.dtype), walk.known, book=walk.book)


def value_of(expr: Expr, values: Mapping[Symbol, Array], library: Library = NUMPY) -> Any:
    """The value of an expression without free indices."""
    with np.errstate(all="ignore"):
        return _Walk(values, library=library).value(expr).array


def kernel_of(function: str, library: Library = NUMPY) -> Callable[..., Array]:
    """An elementwise function on the arrays of a library: its kernel there, or its definition."""
    return library.elementwise.get(function) or partial(_defined, function, library)


def _defined(function: str, library: Library, *arguments: Array) -> Array:
    definition = FUNCTIONS[function].definition
    assert definition is not None, f"{function} has no definition, so it needs a kernel"
    places = [Ref(Symbol(f"argument{n}")) for n in range(len(arguments))]
    known = {ref.symbol: z for ref, z in zip(places, arguments, strict=True)}
    return value_of(definition(*places), known, library)


def followed(
    equations: Iterable[Equation], values: Mapping[Symbol, Array], library: Library
) -> dict[Symbol, Array]:
    """Every quantity of the equations by the arrays of one library, its tracers included.

    ``values`` holds arrays that fit, as ``check_shapes`` says; whether results are finite is not
    looked at.
    """
    known = dict(values)
    for equation in equations:
        known[equation.lhs.symbol] = _followed(equation, _Walk(known, library=library))
    return known


def _followed(equation: Equation, walker: _Walk) -> Array:
    names = tuple(str(position) for position in equation.lhs.indices)
    shape = tuple(walker.size(p) for p in equation.lhs.indices if isinstance(p, Index))
    array = _aligned(walker.value(equation.rhs), names)
    return walker.library.xp.broadcast_to(array, shape)


def _evaluated(equation: Equation, walker: _Walk) -> Array:
    with np.errstate(all="ignore"):
        array = _followed(equation, walker)
    dtype = np.result_type(*walker.known.values()) if walker.known else array.dtype
    return np.ascontiguousarray(array, dtype=dtype).reshape(array.shape)


def _rounded(array: Array, decimals: int) -> Array:
    """Rounded as by hand: the number as it is written, halves away from zero."""
    unit = Decimal(1).scaleb(-decimals)
    flat = [float(Decimal(f"{v:.12g}").quantize(unit, ROUND_HALF_UP)) for v in array.ravel()]
    return np.asarray(flat, dtype=array.dtype).reshape(array.shape)


def _aligned(value: Labelled, names: tuple[str, ...]) -> Array:
    """The array with its axes in the order of ``names``, missing ones of length 1."""
    if not names or not value.names:
        return value.array
    if value.names == names:
        return value.array
    order = [value.names.index(name) for name in names if name in value.names]
    array = value.array.transpose(order)
    places = tuple(slice(None) if name in value.names else None for name in names)
    return array[places]


def _union(values: list[Labelled]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for value in values for name in value.names))


class _Walk:
    """Evaluates one expression over known values; of two forms the stable one, or the book's."""

    def __init__(
        self, known: Mapping[Symbol, Array], *, book: bool = False, library: Library = NUMPY
    ) -> None:
        self.known, self.book, self.library = known, book, library

    def size(self, index: Index) -> int:
        if index.axis is None:
            raise ShapeError(f"Nothing says how far the index {index.name} runs.")
        symbol, place = index.axis
        return int(np.shape(self.known[symbol])[place])

    def value(self, expr: Expr) -> Labelled:
        match expr:
            case Num(value):
                return Labelled(self.library.number(value))
            case Value(value):
                return Labelled(value)
            case Ref():
                return self.reference(expr)
            case Sum(terms):
                return self.broadcast([self.value(term) for term in terms], _plus)
            case Product(factors):
                return self.product(factors)
            case Power():
                return self.power(expr)
            case Call(function, arguments):
                return self.call(function, arguments)
            case Sigma(indices, body):
                return self.sigma(indices, body)
            case Along():
                return self.along(expr)
            case Delta(left, right):
                return self.delta(left, right)
            case Forms(book, stable):
                return self.value(book if self.book else stable)
            case _:
                raise TypeError(f"{type(expr).__name__} has no value")

    def rounded(self, dtype: Any) -> Callable[[Expr], tuple[Array, tuple[str, ...]]]:
        """How a part of an expression is valued, as an array of ``dtype`` and its indices."""

        def valued(expr: Expr) -> tuple[Array, tuple[str, ...]]:
            with np.errstate(all="ignore"):
                found = self.value(expr)
                return np.asarray(found.array).astype(dtype), found.names

        return valued

    def broadcast(self, values: list[Labelled], combine: Any) -> Labelled:
        names = _union(values)
        if len(names) > FEW:
            _refuse_size(names, values)
        result = _aligned(values[0], names)
        for value in values[1:]:
            result = combine(result, _aligned(value, names))
        return Labelled(result, names)

    def reference(self, ref: Ref) -> Labelled:
        array = self.known[ref.symbol]
        if any(isinstance(position, int) for position in ref.indices):
            array = array[tuple(p - 1 if isinstance(p, int) else slice(None) for p in ref.indices)]
        names = [p.name for p in ref.indices if isinstance(p, Index)]
        if len(set(names)) == len(names):
            return Labelled(array, tuple(names))
        unique = tuple(dict.fromkeys(names))
        letters = [unique.index(name) for name in names]
        diagonal = self.library.xp.einsum(array, letters, list(range(len(unique))))
        return Labelled(diagonal, unique)

    def product(self, factors: tuple[Expr, ...]) -> Labelled:
        result: Labelled | None = None
        for factor in factors:
            match factor:
                case Power(base, Num(value)) if value == -1 and result is not None:
                    result = self.broadcast([result, self.value(base)], self.divided)
                case _:
                    value = self.value(factor)
                    result = value if result is None else self.broadcast([result, value], _times)
        return result or Labelled(1)

    def power(self, expr: Power) -> Labelled:
        base = self.value(expr.base)
        match expr.exponent:
            case Num(value) if value == 2:
                return Labelled(base.array * base.array, base.names)
            case Num(value) if value == -1:
                return Labelled(self.divided(1, base.array), base.names)
            case Num(value) if value * 2 == 1:
                return Labelled(self.library.xp.sqrt(base.array), base.names)
            case _:
                return self.broadcast([base, self.value(expr.exponent)], self.raised)

    def call(self, function: str, arguments: tuple[Expr, ...]) -> Labelled:
        values = [self.value(argument) for argument in arguments]
        names = _union(values)
        kernel = kernel_of(function, self.library)
        arrays = (_aligned(value, names) for value in values)
        return Labelled(
            kernel(*(np.asarray(a) * 1.0 if isinstance(a, int) else a for a in arrays)), names
        )

    def along(self, expr: Along) -> Labelled:
        kernel, xp = self.library.along.get(expr.function), self.library.xp
        definition = None if kernel else by_definition(expr)
        if kernel is None and definition is not None:
            return self.value(definition)
        assert kernel is not None, f"no kernel for {expr.function}"
        value = self.value(expr.body)
        name = expr.index.name
        outer = tuple(n for n in value.names if n != name)
        body = _aligned(value, (*outer, name))
        if name not in value.names:
            body = xp.repeat(xp.asarray(body)[..., None], self.size(expr.index), axis=-1)
        result = kernel(body)
        if expr.at is None:
            return Labelled(result, outer)
        if isinstance(expr.at, int):
            return Labelled(result[..., expr.at - 1], outer)
        if expr.at.name not in outer:
            return Labelled(result, (*outer, expr.at.name))
        letters = [*range(len(outer)), outer.index(expr.at.name)]
        return Labelled(xp.einsum(result, letters, list(range(len(outer)))), outer)

    def delta(self, left: Position, right: Position) -> Labelled:
        if isinstance(left, int):
            left, right = right, left
        if isinstance(left, int):
            return Labelled(float(left == right))
        if isinstance(right, int):
            array = np.zeros(self.size(left))
            array[right - 1] = 1.0
            return Labelled(array, (left.name,))
        if left == right:
            return Labelled(1.0)
        return Labelled(np.eye(self.size(left), self.size(right)), (left.name, right.name))

    def sigma(self, indices: tuple[Index, ...], body: Expr) -> Labelled:
        factors = body.factors if isinstance(body, Product) else (body,)
        summed = {index.name for index in indices}
        values = [self.value(f) for f in factors]
        inside = [v for v in values if summed & set(v.names)]
        outside = [v for v in values if not summed & set(v.names)]
        present = {name for v in inside for name in v.names}
        outside += [Labelled(self.size(i)) for i in indices if i.name not in present]
        total = self.contracted(inside, summed) if inside else Labelled(1)
        return self.broadcast([*outside, total], _times)

    def contracted(self, values: list[Labelled], summed: set[str]) -> Labelled:
        names = _union(values)
        kept = tuple(name for name in names if name not in summed)
        if len(names) > FEW:
            _refuse_size(kept, values)
        if len(values) == 1:
            axes = tuple(n for n, name in enumerate(names) if name in summed)
            return Labelled(self.library.xp.sum(values[0].array, axis=axes), kept)
        operands: list[Any] = []
        for value in values:
            operands += [value.array, [names.index(name) for name in value.names]]
        lengths = {n: s for v in values for n, s in zip(v.names, v.array.shape, strict=True)}
        work = int(np.prod([lengths[name] for name in names], dtype=float))
        outcome = [names.index(name) for name in kept]
        einsum = self.library.xp.einsum
        return Labelled(einsum(*operands, outcome, optimize=work > LARGE), kept)

    def divided(self, a: Array, b: Array) -> Array:
        return self.library.xp.divide(a, b)

    def raised(self, a: Array, b: Array) -> Array:
        return self.library.xp.power(a * 1.0, b)


def _refuse_size(names: tuple[str, ...], values: list[Labelled]) -> None:
    """Refuse what an expression of many indices would need in between."""
    lengths = {n: s for v in values for n, s in zip(v.names, np.shape(v.array), strict=True)}
    many = math.prod(lengths[name] for name in names)
    if many > Limits.elements or len(lengths) > MOST_INDICES:
        raise LimitError(
            f"An expression over the indices {', '.join(lengths)} has {many:,} numbers; at most "
            f"{Limits.elements:,} numbers and {MOST_INDICES} indices are accepted. Sum over some first."
        )


def _plus(a: Array, b: Array) -> Array:
    return a + b


def _times(a: Array, b: Array) -> Array:
    return a * b
