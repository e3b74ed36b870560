"""What has to agree between the values of a problem file: a document comes in, mistakes go out.

It looks at the document of ``tomllib`` itself and passes over whatever has the wrong type, so that
these mistakes are reported together with those of the single values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import cast

from handgrad.errors import EquationError, TextError, quoted
from handgrad.language.reading import symbol
from handgrad.model.arrays import Array, Matrix, Wrong, as_array, shape_of
from handgrad.model.equations import fitting_equations
from handgrad.model.forms import unknown_key
from handgrad.model.limits import Limits
from handgrad.model.positions import Path
from handgrad.model.schema import LayerTable, ProblemFile
from handgrad.model.sizes import (
    LayerSizes,
    NetworkSizes,
    Table,
    count_in,
    is_flat,
    table_in,
    tables_in,
)
from handgrad.model.spelling import closest
from handgrad.model.targets import lonely_softmax, target_outside
from handgrad.model.vocabulary import LOSSES, OPTIMIZERS

__all__ = ["disagreements", "settled", "too_many"]


def disagreements(document: Table, limits: Limits) -> list[Wrong]:
    """What in a document does not agree with something else in it, or with the limits."""
    wrong = list(_kind_of_problem(document))
    if "network" in document:
        wrong.extend(_network(document, limits))
    if "equations" in document:
        wrong.extend(_equations(document))
    wrong.extend(_training(table_in(document, "training"), limits))
    notation = table_in(document, "notation")
    if "digits" in notation and "significant" in notation:
        message = "digits and significant are both given. Give one of them."
        wrong.append(Wrong(("notation", "significant"), message))
    return wrong


def too_many(document: Table, limits: Limits) -> list[Wrong]:
    """Looked at first: every layer and claim may have mistakes that take time to explain."""
    counts: tuple[tuple[Path, Table, int], ...] = (
        (("network", "layers"), table_in(document, "network"), limits.layers),
        (("claims",), document, limits.claims),
    )
    return [
        Wrong(path, f"{len(given)} {path[-1]} were given; at most {most} are accepted.")
        for path, table, most in counts
        if len(given := tables_in(table, str(path[-1]))) > most
    ]


def settled(problem: ProblemFile, document: Table) -> ProblemFile:
    """The problem of a document that agrees, with every size known and examples as rows."""
    if problem.network is None:
        return problem
    units = NetworkSizes.of(document).units
    layers = tuple(_with_units(*pair) for pair in zip(problem.network.layers, units, strict=True))
    data = {name: _as_rows(value) for name, value in problem.data.items()}
    return replace(problem, data=data, network=replace(problem.network, layers=layers))


def _with_units(layer: LayerTable, units: int | None) -> LayerTable:
    b = layer.b
    if b is not None and isinstance(b.value, float) and not b.shared:
        b = replace(b, value=(b.value,))
    return replace(layer, units=units, b=b)


def _as_rows(value: Array) -> Matrix:
    row = value if isinstance(value, tuple) else (value,)
    return cast("Matrix", row if isinstance(row[0], tuple) else (row,))


def _kind_of_problem(document: Table) -> Iterator[Wrong]:
    if "network" in document and "equations" in document:
        message = "[network] and [equations] are both given. Give one of them."
        yield Wrong(("equations",), message)
    elif "network" in document and "parameters" in document:
        message = "[parameters] belongs to [equations]; a network has its values in W and b."
        yield Wrong(("parameters",), message)
    elif not any(key in _KINDS or closest(key, _KINDS) for key in islice(document, _COMPARED)):
        yield Wrong(
            (),
            "a problem has a [network] or [equations]; neither is here. "
            "handgrad new FILE writes one to start from.",
        )


_KINDS = ("network", "equations")
# Names of a hostile file that are compared with what they may have meant: that is slow.
_COMPARED = 50


# --- networks


def _network(document: Table, limits: Limits) -> Iterator[Wrong]:
    at: Path = ("network", "layers")
    layers = table_in(document, "network").get("layers")
    if layers == []:
        yield Wrong(at, "a network has at least one layer. Add [[network.layers]].")
    network = NetworkSizes.of(document)
    yield from _data(document, network)
    for i in range(len(network.layers)):
        # Of a flat x of the wrong length `_data` has spoken; there is nothing wrong with W then.
        yield from _layer(network, i, limits, flat_x=is_flat(table_in(document, "data").get("x")))
    yield from _count_parameters(network, limits)
    yield from _loss_fits(document, network)
    batch = count_in(table_in(document, "training").get("batch_size"))
    if batch and network.x and batch > network.x[0]:
        message = f"{batch} is more than the {_plural(network.x[0], 'example')} in x. Give less."
        yield Wrong(("training", "batch_size"), message)


def _data(document: Table, network: NetworkSizes) -> Iterator[Wrong]:
    data = table_in(document, "data")
    for key in islice((key for key in data if key not in ("x", "y")), _COMPARED):
        yield Wrong(("data", key), unknown_key(key, ("x", "y")), at_key=True)
    for key in ("x", "y"):
        shape = shape_of(data.get(key))
        if shape and len(shape) > 2:
            message = f"{key} has {len(shape)} axes; beside a network it has one row per example."
            yield Wrong(("data", key), message)
    loss = table_in(document, "network").get("loss")
    if "x" in data and "y" not in data and not (isinstance(loss, str) and loss not in LOSSES):
        yield Wrong(("data",), "y is missing. Give the targets, one row per example.")
    first = network.layers[0] if network.layers else None
    if "y" in data and "x" not in data:
        yield Wrong(("data",), "x is missing. Give the inputs, one row per example.")
    elif "x" not in data and first and not first.says_inputs and not network.from_file:
        message = "the number of inputs is not known. Give x in [data], or W."
        yield Wrong(("network", "layers", 0), message)
    if network.y:
        yield from _targets(network, network.y, flat=is_flat(data.get("y")))
    columns = first.columns if first else None
    if network.x and columns and is_flat(data.get("x")) and network.x[1] != columns:
        yield Wrong(
            ("data", "x"),
            f"a flat list is one example, so x has {_plural(network.x[1], 'input')}, but W of "
            f"layer 1 has {_plural(columns, 'column')}. {_ROWS}",
        )


def _loss_fits(document: Table, network: NetworkSizes) -> Iterator[Wrong]:
    """Whether the loss has a value for the targets and for what the last layer puts out."""
    table = table_in(document, "network")
    loss, layers = _name(table.get("loss")), tables_in(table, "layers")
    y = table_in(document, "data").get("y")
    shape = shape_of(y)
    outside = None
    if loss and shape and len(shape) == 2 and not _wrong_in(y):
        outside = target_outside(loss, cast("list[list[float]]", y))
    if outside:
        row, column, said = outside
        yield Wrong(("data", "y", row, column), said)
    if layers and network.units[-1]:
        said = lonely_softmax(_name((layers[-1] or {}).get("activation")), network.units[-1], loss)
        if said:
            yield Wrong(("network", "layers", len(layers) - 1, "activation"), said)


def _wrong_in(value: object) -> bool:
    wrong: list[Wrong] = []
    as_array(value, wrong)
    return bool(wrong)


def _name(raw: object) -> str:
    """The name of an activation or loss, given by itself or in a table."""
    name = cast("Table", raw).get("name") if isinstance(raw, dict) else raw
    return name if isinstance(name, str) else ""


_ROWS = "Give one row per example: [[0.1, 0.2], [0.3, 0.4]]."


def _targets(network: NetworkSizes, y: tuple[int, int], *, flat: bool) -> Iterator[Wrong]:
    rows, columns = y
    if network.x and rows != network.x[0]:
        has = f"y has {_plural(rows, 'row')}"
        why = f"a flat list is one example, so {has}" if flat else has
        yield Wrong(("data", "y"), f"{why}, but x has {network.x[0]}. {_ROWS}")
        if flat:
            return
    units = network.units[-1] if network.units else None
    if units and columns != units:
        yield Wrong(
            ("data", "y"),
            f"y has {_plural(columns, 'column')}, but the last layer has "
            f"{_plural(units, 'unit')}. Give y one column per unit of the last layer.",
        )


def _layer(network: NetworkSizes, i: int, limits: Limits, *, flat_x: bool) -> Iterator[Wrong]:
    layer, units, inputs = network.layers[i], network.units[i], network.inputs[i]
    at: Path = ("network", "layers", i)
    if units is None and not layer.says_units and not network.from_file:
        yield Wrong(at, "the number of units is not known. Give units, or W.")
    if units and units > limits.units:
        many = f"{units} units are more than the {limits.units} that are accepted."
        yield Wrong((*at, "units"), many)
    if layer.given and layer.rows and layer.given != layer.rows:
        message = f"units is {layer.given}, but W has {_plural(layer.rows, 'row')}, one per unit."
        yield Wrong((*at, "units"), f"{message} Change one of them.")
    if layer.columns and inputs and layer.columns != inputs and not (i == 0 and flat_x):
        before = f"x has {_plural(inputs, 'column')}"
        if i > 0:
            before = f"layer {i} has {_plural(inputs, 'unit')}"
        message = f"W has {_plural(layer.columns, 'column')}, but {before}."
        yield Wrong((*at, "W"), f"{message} Give W one column per input of the layer.")
    yield from _bias(layer, units, (*at, "b"))


def _bias(layer: LayerSizes, units: int | None, at: Path) -> Iterator[Wrong]:
    if units is None:
        return
    if layer.biases and layer.biases != units:
        message = (
            f"b has {_plural(layer.biases, 'number')}, the layer has {_plural(units, 'unit')}."
        )
        yield Wrong(at, f"{message} Give one number per unit.")
    if layer.one_bias and units > 1:
        yield Wrong(
            at,
            f"b is one number for {units} units. Give a list of one number per unit, "
            "or { value = …, shared = true } for one bias that all units share.",
        )


def _count_parameters(network: NetworkSizes, limits: Limits) -> Iterator[Wrong]:
    pairs = zip(network.units, network.inputs, strict=False)
    count = sum((units or 0) * ((inputs or 0) + 1) for units, inputs in pairs)
    if count > limits.parameters:
        message = f"the network has {count} parameters; at most {limits.parameters} are accepted."
        yield Wrong(("network", "layers"), message)


# --- equations, training


def _equations(document: Table) -> Iterator[Wrong]:
    data, parameters = table_in(document, "data"), table_in(document, "parameters")
    for table, names in (("data", data), ("parameters", parameters)):
        for name in names:
            if not name.isidentifier():
                message = f"{quoted(name)} is no name. {_LETTERS}"
                yield Wrong((table, name), message, at_key=True)
    for name in parameters:
        if name in data:
            message = f"{quoted(name)} is also in [data]. Give it in one of them."
            yield Wrong(("parameters", name), message, at_key=True)
    frozen = table_in(document, "equations").get("frozen")
    names = enumerate(cast("list[object]", frozen) if isinstance(frozen, list) else [])
    unknown = ((i, name) for i, name in names if isinstance(name, str) and name not in parameters)
    for i, name in islice(unknown, _COMPARED):
        meant = closest(name, parameters)
        hint = f"Did you mean {quoted(meant)}?" if meant else "Give its value there."
        message = f"{quoted(name)} is not in [parameters]. {hint}"
        yield Wrong(("equations", "frozen", i), message)
    loss = table_in(document, "equations").get("loss")
    if isinstance(loss, str) and loss and not loss.isidentifier():
        yield Wrong(("equations", "loss"), f"{quoted(loss)} is no name. {_LETTERS}")
    else:
        yield from _language(table_in(document, "equations"), data, parameters)


_LETTERS = "Use letters, digits and _, a letter first."


def _language(equations: Table, data: Table, parameters: Table) -> Iterator[Wrong]:
    """Every mistake in the equations themselves, each in its line."""
    forward, loss = equations.get("forward"), equations.get("loss")
    if not (isinstance(forward, str) and forward and isinstance(loss, str) and loss):
        return
    shapes = {symbol(name): shape_of(value) for name, value in {**parameters, **data}.items()}
    try:
        fitting_equations(forward, symbol(loss), shapes, {symbol(name) for name in data})
    except TextError as error:
        for one in (error, *error.also):
            about_loss = not one.line and isinstance(one, EquationError) and one.name == loss
            at: Path = ("equations", "loss" if about_loss else "forward")
            yield Wrong(at, one.message, inside=(one.line, one.column))


def _training(training: Table, limits: Limits) -> Iterator[Wrong]:
    if "steps" in training and "epochs" in training:
        yield Wrong(("training", "epochs"), "steps and epochs are both given. Give one of them.")
    if "clip_norm" in training and "clip_value" in training:
        message = "clip_norm and clip_value are both given. Give one of them."
        yield Wrong(("training", "clip_value"), message)
    for key, most in (("steps", limits.steps), ("epochs", limits.epochs)):
        given = count_in(training.get(key))
        if given and given > most:
            said = f"{given} is more than the {most} that are accepted. Give less."
            yield Wrong(("training", key), said)
    optimizer = training.get("optimizer", "sgd")
    if not isinstance(optimizer, str) or optimizer not in OPTIMIZERS:
        return
    takes = OPTIMIZERS[optimizer]
    for key in training:
        owners = [name for name, options in OPTIMIZERS.items() if key in options]
        if owners and optimizer not in owners:
            yield Wrong(
                ("training", key),
                f"{optimizer} has no {key}; it takes {', '.join(takes) or 'no options'}. "
                f"{key} is an option of {', '.join(owners)}.",
                at_key=True,
            )


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
