"""What a problem file holds, as frozen plain data; formulas and equations stay strings.

``read_tables`` checks types without any conversion, unknown keys and ranges, by pydantic's engine:
``import pydantic`` and its model classes take longer to load than a small problem takes to explain.
What concerns two values at once is in ``handgrad.model.agreement``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, cast

from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator
from pydantic_core import core_schema as schema

from handgrad.errors import quoted
from handgrad.model.arrays import Array, described
from handgrad.model.forms import (
    Activation,
    Bias,
    Loss,
    Weights,
    array_form,
    as_activation,
    as_bias,
    as_loss,
    as_schedule,
    as_weights,
    unknown_name,
)
from handgrad.model.limits import Limits
from handgrad.model.schedules import Schedule
from handgrad.model.vocabulary import (
    BACKWARD,
    DECIMAL_MARKS,
    DERIVATIVES,
    INITS,
    OPTIMIZERS,
    PRESETS,
    REDUCTIONS,
    UPDATES,
    VECTORS,
)

__all__ = [
    "Claim",
    "EquationsTable",
    "LayerTable",
    "NetworkTable",
    "NotationTable",
    "Origin",
    "ProblemFile",
    "StopTable",
    "TrainingTable",
]


@dataclass(frozen=True)
class Origin:
    """The text a problem was read from, for mistakes that are found later."""

    name: str = "<text>"
    text: str = ""


@dataclass(frozen=True)
class LayerTable:
    """One ``[[network.layers]]``; ``units`` is None only where a file of values has to say it.

    ``b`` is None for a layer without bias.
    """

    units: int | None = None
    activation: Activation = field(default=Activation())
    W: Weights = field(default=Weights())
    b: Bias | None = field(default=Bias())


@dataclass(frozen=True)
class NetworkTable:
    """``[network]``; ``init`` is None if not given, ``values`` names a file of weights."""

    layers: tuple[LayerTable, ...]
    loss: Loss = field(default=Loss())
    seed: int = 0
    init: str | None = None
    values: str | None = None


@dataclass(frozen=True)
class EquationsTable:
    """``[equations]``: forward equations as text, and the quantity to differentiate."""

    forward: str
    loss: str
    reduce: Literal["sum", "mean"] = "sum"
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True)
class StopTable:
    """``stop`` in ``[training]``, tested before each update."""

    loss_below: float


@dataclass(frozen=True)
class TrainingTable:
    """``[training]``; None stands for what was not given. Steps and epochs are never both given."""

    optimizer: str = "sgd"
    learning_rate: float | None = None
    l2: float = 0.0
    steps: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    shuffle: bool = False
    clip_norm: float | None = None
    clip_value: float | None = None
    schedule: Schedule = field(default=Schedule())
    stop: StopTable | None = None
    momentum: float | None = None
    alpha: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    weight_decay: float | None = None

    def options(self) -> dict[str, float]:
        """The options of the optimizer that were given."""
        given = {name: getattr(self, name) for name in OPTIMIZERS[self.optimizer]}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class NotationTable:
    """``[notation]``: how things are shown; None stands for what was not given."""

    loss: str | None = None
    target: str | None = None
    learning_rate: str | None = None
    digits: int | None = None
    significant: int | None = None
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    preset: tuple[str, ...] = ()
    derivative: Literal["", "∂", "d", "δ"] = ""
    decimal_mark: Literal[".", ","] = "."
    vectors: Literal["rows", "columns"] = "rows"
    backward: Literal["steps", "chain", "delta", "matrix"] = "steps"
    updates: Literal["backward", "forward"] = "backward"
    appendix: bool = False


@dataclass(frozen=True)
class Claim:
    """One of ``[[claims]]``: a number somebody printed, as a string with all its digits."""

    quantity: str
    value: str
    step: int = 1


@dataclass(frozen=True)
class ProblemFile:
    """A whole problem file; exactly one of ``network`` and ``equations`` is not None.

    Beside a network, ``x`` and ``y`` of ``data`` are matrices with one row per example.
    """

    version: int = 1
    title: str = ""
    source: str = ""
    data: Mapping[str, Array] = field(default_factory=dict[str, Array])
    network: NetworkTable | None = None
    equations: EquationsTable | None = None
    parameters: Mapping[str, Array] = field(default_factory=dict[str, Array])
    training: TrainingTable = TrainingTable()
    notation: NotationTable = NotationTable()
    claims: tuple[Claim, ...] = ()
    origin: Origin = field(default=Origin(), compare=False, repr=False)


def read_tables(document: Mapping[str, object]) -> ProblemFile:
    """The problem file of a document of ``tomllib``, each table checked by itself.

    Raises pydantic's ``ValidationError`` with every mistake.
    """
    return _VALIDATOR.validate_python(document)


def _one_of(known: tuple[str, ...], kind: str) -> CoreSchema:
    def name(raw: object) -> object:
        if isinstance(raw, str) and raw in known:
            return raw
        message = unknown_name(raw, known, kind)
        raise PydanticCustomError("mistake", "{message}", {"message": message})

    return _read(name)


def _as_presets(raw: object) -> tuple[str, ...]:
    """One preset, or a list of them."""
    listed = cast("list[object]", raw) if isinstance(raw, list) else [raw]
    for name in listed:
        if not isinstance(name, str) or name not in PRESETS:
            message = unknown_name(name, PRESETS, "preset of the notation")
            raise PydanticCustomError("mistake", "{message}", {"message": message})
    return tuple(map(str, listed))


_CLAIMED = re.compile(r"[-+−]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+−]?\d++)?", re.ASCII)


def _claimed_value(raw: object) -> object:
    if isinstance(raw, str) and _CLAIMED.fullmatch(raw.strip()):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        message = (
            f"{described(raw)} was given as a number. Put it in quotes, all digits as printed."
        )
    elif isinstance(raw, str):
        message = f'{quoted(raw)} is not a number. Write it as printed, for example "0.3005".'
        if re.fullmatch(r"[-+]?\d+,\d+", raw):
            message += " The decimal mark is a point."
    else:
        message = f"{described(raw)} was given; a number in quotes is expected."
    raise PydanticCustomError("mistake", "{message}", {"message": message})


def _read(function: Callable[[Any], Any]) -> CoreSchema:
    return schema.no_info_plain_validator_function(function)


def _text(least: int = 1) -> CoreSchema:
    return schema.str_schema(strict=True, min_length=least)


def _whole(least: int, most: int = 2**63 - 1) -> CoreSchema:
    return schema.int_schema(strict=True, ge=least, le=most)


def _real(
    *, ge: float | None = None, gt: float | None = None, lt: float | None = None
) -> CoreSchema:
    return schema.float_schema(strict=True, allow_inf_nan=False, ge=ge, gt=gt, lt=lt)


def _list_of(item: CoreSchema) -> CoreSchema:
    return schema.tuple_schema([item], variadic_item_index=0)


def _table_of(value: CoreSchema) -> CoreSchema:
    return schema.dict_schema(schema.str_schema(), value)


def _table(kind: type[Any], **columns: CoreSchema) -> CoreSchema:
    """The schema of a table that becomes ``kind``, with the defaults that ``kind`` has."""
    defaults = {entry.name: entry for entry in fields(kind)}
    rows = [
        schema.dataclass_field(name, _with_default(defaults[name], column), kw_only=True)
        for name, column in columns.items()
    ]
    arguments = schema.dataclass_args_schema(kind.__name__, rows, extra_behavior="forbid")
    return schema.dataclass_schema(kind, arguments, list(columns))


def _with_default(entry: Field[Any], column: CoreSchema) -> CoreSchema:
    if entry.default is not MISSING:
        return schema.with_default_schema(column, default=entry.default)
    if entry.default_factory is not MISSING:
        return schema.with_default_schema(column, default_factory=entry.default_factory)
    return column


_LAYER = _table(
    LayerTable,
    units=_whole(1),
    activation=_read(as_activation),
    W=_read(as_weights),
    b=_read(as_bias),
)
_NETWORK = _table(
    NetworkTable,
    layers=_list_of(_LAYER),
    loss=_read(as_loss),
    seed=_whole(0),
    init=_one_of(INITS, "way of drawing weights"),
    values=_text(),
)
_EQUATIONS = _table(
    EquationsTable,
    forward=_text(),
    loss=_text(),
    reduce=_one_of(REDUCTIONS, "reduction"),
    frozen=_list_of(_text()),
)
_TRAINING = _table(
    TrainingTable,
    optimizer=_one_of(tuple(OPTIMIZERS), "optimizer"),
    learning_rate=_real(ge=0),
    l2=_real(ge=0),
    steps=_whole(0),
    epochs=_whole(0),
    batch_size=_whole(1),
    shuffle=schema.bool_schema(strict=True),
    clip_norm=_real(gt=0),
    clip_value=_real(gt=0),
    schedule=_read(as_schedule),
    stop=_table(StopTable, loss_below=_real(ge=0)),
    momentum=_real(ge=0, lt=1),
    alpha=_real(ge=0, lt=1),
    beta1=_real(ge=0, lt=1),
    beta2=_real(ge=0, lt=1),
    epsilon=_real(gt=0),
    weight_decay=_real(ge=0),
)
_NOTATION = _table(
    NotationTable,
    loss=_text(),
    target=_text(),
    learning_rate=_text(),
    digits=_whole(0, Limits.decimals),
    significant=_whole(1, Limits.decimals),
    names=_table_of(_text()),
    preset=_read(_as_presets),
    derivative=_one_of(DERIVATIVES, "sign of a derivative"),
    decimal_mark=_one_of(DECIMAL_MARKS, "decimal mark"),
    vectors=_one_of(VECTORS, "way of writing vectors"),
    backward=_one_of(BACKWARD, "reading of the backward pass"),
    updates=_one_of(UPDATES, "order of the updates"),
    appendix=schema.bool_schema(strict=True),
)
_CLAIM = _table(Claim, quantity=_text(), value=_read(_claimed_value), step=_whole(1, Limits.steps))
_VALIDATOR = SchemaValidator(
    _table(
        ProblemFile,
        version=_whole(1, 1),
        title=_text(0),
        source=_text(0),
        data=_table_of(_read(array_form)),
        network=_NETWORK,
        equations=_EQUATIONS,
        parameters=_table_of(_read(array_form)),
        training=_TRAINING,
        notation=_NOTATION,
        claims=_list_of(_CLAIM),
    )
)
