"""Slips of a whole solution: one line, or every line of a kind, or a constant, changed throughout."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from handgrad.auditing.slips.catalogue import Variant
from handgrad.auditing.slips.roles import family, roles
from handgrad.auditing.slips.variants import variants
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import Line, System, values
from handgrad.calculus.expr import Expr, Ref
from handgrad.errors import DerivationError
from handgrad.language import writing

__all__ = ["FEW_RATES", "RATES", "Change", "changes", "rates", "together"]

RATES = (
    0.001,
    0.01,
    0.02,
    0.05,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.4,
    0.5,
    0.6,
    0.7,
    0.75,
    0.8,
    0.9,
    1.0,
)

FEW_RATES = (0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.9, 1.0)


@dataclass(frozen=True)
class Change:
    """What a slip changes: right sides, or given constants; where, and the sentence of it."""

    slip: str
    where: tuple[Ref, ...]
    sentence: str
    lines: Mapping[Ref, Expr] = field(default_factory=dict[Ref, Expr])
    givens: Mapping[Ref, float] = field(default_factory=dict[Ref, float])
    cost: float = 1.0


def changes(system: System, named: Named = writing.name) -> Iterator[Change]:
    """Every single slip of a whole solution: of one line, and of all lines of its kind."""
    alike: dict[tuple[Hashable, str, str], list[tuple[Line, Variant]]] = {}
    for line in system.lines:
        for variant in variants(line, system, named):
            yield of_line(line, variant)
            if variant.key:
                group = (family(line.name), variant.slip, variant.key)
                alike.setdefault(group, []).append((line, variant))
    yield from _throughout(alike)
    yield from rates(system, named)


def of_line(line: Line, variant: Variant) -> Change:
    """The change that one variant of one line is."""
    return Change(
        variant.slip, (line.name,), variant.sentence, {line.name: variant.rhs}, cost=variant.cost
    )


def _throughout(
    alike: Mapping[tuple[Hashable, str, str], list[tuple[Line, Variant]]],
) -> Iterator[Change]:
    """The same slip in every element of an equation, and in all equations of a phase."""
    wider: dict[tuple[str, str], list[Change]] = {}
    for (_, slip, key), found in alike.items():
        lines = {line.name: variant.rhs for line, variant in found}
        line, variant = found[0]
        wider.setdefault((slip, f"{line.phase.value} {key}"), []).append(
            Change(slip, tuple(lines), variant.sentence, lines, cost=variant.cost)
        )
    for (slip, _), parts in wider.items():
        for part in parts:
            if len(part.lines) > 1:
                sentence = f"{part.sentence}, and so in all {len(part.lines)} of its kind"
                yield replace(part, sentence=sentence, cost=part.cost - 0.2)
        if len(parts) > 1:
            lines = {name: rhs for part in parts for name, rhs in part.lines.items()}
            sentence = f"{parts[0].sentence}, and so in all layers"
            yield Change(slip, tuple(lines), sentence, lines, cost=parts[0].cost - 0.3)


def rates(
    system: System, named: Named = writing.name, usual: Sequence[float] = RATES
) -> Iterator[Change]:
    """Another learning rate: ten times it, a tenth of it, or a usual one."""
    for rate in sorted(roles(system).rates, key=str):
        true = system.givens[rate]
        for other in dict.fromkeys((true * 10, true / 10, *usual)):
            if abs(other - true) > 1e-9 * abs(true):
                sentence = f"the learning rate {named(rate)} is {true:g}, and {other:g} was used"
                yield Change("learning_rate", (rate,), sentence, {}, {rate: other}, cost=1.5)


def together(first: Change, second: Change) -> Change | None:
    """Both changes at once; None where they change the same thing."""
    if first.lines.keys() & second.lines.keys() or first.givens.keys() & second.givens.keys():
        return None
    return Change(
        f"{first.slip}+{second.slip}",
        (*first.where, *second.where),
        f"{first.sentence}; {second.sentence}",
        {**first.lines, **second.lines},
        {**first.givens, **second.givens},
        first.cost + second.cost,
    )


def possible(change: Change, system: System) -> bool:
    """Whether no number comes to depend on itself."""
    try:
        values(system, changed=change.lines)
    except DerivationError:
        return False
    return True
