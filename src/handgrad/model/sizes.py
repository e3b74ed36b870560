"""The sizes that a document of ``tomllib`` gives for a network, None for what it does not say.

Whatever has the wrong type says nothing: that is a mistake of the single value, reported elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from handgrad.model.arrays import shape_of

__all__ = ["LayerSizes", "NetworkSizes", "Table", "count_in", "is_flat", "table_in", "tables_in"]

Table = Mapping[str, object]


@dataclass(frozen=True)
class LayerSizes:
    """The sizes that one layer gives."""

    given: int | None
    rows: int | None
    columns: int | None
    biases: int | None
    one_bias: bool
    """b is one number, without saying that it is shared."""
    says_units: bool
    """Something is given that has to say it, right or wrong."""
    says_inputs: bool

    @staticmethod
    def of(raw: Table | None) -> LayerSizes:
        """The sizes in one table of layers; None is an element that is no table."""
        if raw is None:
            return LayerSizes(None, None, None, None, False, says_units=True, says_inputs=True)
        W, b = _value(raw.get("W")), _value(raw.get("b"))
        shared = table_in(raw, "b").get("shared") is True
        rows, columns = _pair(shape_of(W))
        return LayerSizes(
            given=count_in(raw.get("units")),
            rows=rows,
            columns=columns,
            biases=_flat_length(b),
            one_bias=isinstance(b, int | float) and not isinstance(b, bool) and not shared,
            says_units="units" in raw or W is not None,
            says_inputs=W is not None,
        )

    @property
    def units(self) -> int | None:
        """The number of units, by what says it first."""
        return self.given or self.rows or self.biases


@dataclass(frozen=True)
class NetworkSizes:
    """The sizes of a network: of each layer, its units and inputs as far as they are known."""

    layers: list[LayerSizes]
    units: list[int | None]
    inputs: list[int | None]
    x: tuple[int, int] | None
    y: tuple[int, int] | None
    from_file: bool

    @staticmethod
    def of(document: Table) -> NetworkSizes:
        """The sizes in a document that has a network."""
        network, data = table_in(document, "network"), table_in(document, "data")
        x, y, from_file = _rows(data.get("x")), _rows(data.get("y")), "values" in network
        layers = [LayerSizes.of(layer) for layer in tables_in(network, "layers")]
        units = [layer.units for layer in layers]
        if layers and not layers[-1].says_units and units[-1] is None and y and not from_file:
            units[-1] = y[1]
        first = x[1] if x else layers[0].columns if layers else None
        return NetworkSizes(layers, units, [first, *units[:-1]], x, y, from_file)


def table_in(raw: Table, key: str) -> Table:
    """The table at a key, empty if something else is there."""
    value = raw.get(key)
    return cast("Table", value) if isinstance(value, dict) else {}


def tables_in(raw: Table, key: str) -> list[Table | None]:
    """The list of tables at a key, None standing for other elements."""
    value = raw.get(key)
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Table", item) if isinstance(item, dict) else None for item in items]


def count_in(raw: object) -> int | None:
    """A whole number from 1 to 64 bits; true and false are none, though Python counts with them."""
    return raw if isinstance(raw, int) and raw is not True and 0 < raw < 2**63 else None


def is_flat(raw: object) -> bool:
    """A list that holds no lists."""
    return _flat_length(raw) is not None


def _flat_length(raw: object) -> int | None:
    shape = shape_of(raw)
    return shape[0] if shape is not None and len(shape) == 1 else None


def _value(raw: object) -> object:
    """The value of a parameter, given by itself or in a table."""
    return cast("Table", raw).get("value") if isinstance(raw, dict) else raw


def _pair(shape: tuple[int, ...] | None) -> tuple[int, int] | tuple[None, None]:
    return (shape[0], shape[1]) if shape is not None and len(shape) == 2 else (None, None)


def _rows(raw: object) -> tuple[int, int] | None:
    """Examples and columns; a number, or a flat list, is one example."""
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return 1, 1
    shape = shape_of(raw)
    if shape is None or 0 in shape:
        return None
    if len(shape) == 1:
        return 1, shape[0]
    return (shape[0], shape[1]) if len(shape) == 2 else None
