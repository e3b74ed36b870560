"""How textbooks name the same quantities: each preset of ``[notation]`` as data.

A preset says how the weights, biases, weighted sums and activations of a layered network are called,
and which letters the loss, the target and the learning rate have. Names a user gives go before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from handgrad.errors import InputError

__all__ = ["DIALECTS", "Dialect", "Pattern", "combined"]


@dataclass(frozen=True)
class Pattern:
    """A name with places in it.

    ``below`` lists what stands in the subscript: ``j`` the unit, ``i`` the input it comes from, ``u``
    the unit by its layer (h2, o1), ``#`` a number counted through all layers, row by row. In
    ``above``, ``{l}`` is the number of the layer.
    """

    base: str
    below: str = "j"
    above: str = ""


@dataclass(frozen=True)
class Dialect:
    """One way to call things; what it does not name keeps its usual name."""

    patterns: Mapping[str, Pattern] = field(default_factory=dict[str, Pattern])  # of W, b, z, a
    letters: Mapping[str, str] = field(
        default_factory=dict[str, str]
    )  # loss, target, learning_rate


def _layered(weight: Pattern, above: str) -> Dialect:
    neurons = {letter: Pattern(letter, "j", above) for letter in "bza"}
    return Dialect({"W": weight, **neurons})


DIALECTS: Mapping[str, Dialect] = {
    "superscript": _layered(Pattern("w", "ji", "{l}"), "{l}"),
    "bracket": _layered(Pattern("W", "ji", "[{l}]"), "[{l}]"),
    "from-to": _layered(Pattern("w", "ij", "({l})"), "({l})"),
    "flat": Dialect({"W": Pattern("w", "#"), "b": Pattern("b", "#")}),
    "net-out": Dialect(
        {"z": Pattern("net", "u"), "a": Pattern("out", "u")},
        {"loss": "E", "target": "target", "learning_rate": "η"},
    ),
}


def combined(presets: Sequence[str]) -> Dialect:
    """Several presets as one; a later one goes before an earlier one.

    Raises ``InputError`` for a preset that does not exist.
    """
    patterns: dict[str, Pattern] = {}
    letters: dict[str, str] = {}
    for preset in (presets,) if isinstance(presets, str) else presets:
        if preset not in DIALECTS:
            known = ", ".join(DIALECTS)
            raise InputError(
                f"There is no preset {preset!r:.40} of the notation. There are {known}."
            )
        patterns |= DIALECTS[preset].patterns
        letters |= DIALECTS[preset].letters
    return Dialect(patterns, letters)
