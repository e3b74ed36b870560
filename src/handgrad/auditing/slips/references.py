"""Slips of reference: the right formula with another number in it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

from handgrad.auditing.slips.catalogue import Variant
from handgrad.auditing.slips.roles import family, previous, roles
from handgrad.auditing.slips.writing import Named, with_ref
from handgrad.auditing.system import Line, System
from handgrad.calculus.derivation import Phase
from handgrad.calculus.expr import Expr, Num, Product, Ref, Sum, refs, transform

__all__ = ["biases", "learning_rate", "mislabelled", "operands"]

NEAREST = 16  # other numbers that may stand in the place of one


def operands(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """Another number where one belongs: a neighbour, x for a, another weight, an old or new value."""
    own = roles(system)
    for ref in dict.fromkeys(refs(line.rhs)):
        kind = own.kind.get(ref)
        for distance, other in _others(ref, line.name, system):
            rhs = with_ref(line.rhs, ref, other)
            slip = "wrong_weight" if kind == "weight" else "wrong_operand"
            sentence = f"{named(other)} was used where {named(ref)} belongs"
            key = f"{ref.symbol}→{other.symbol}" if ref.symbol != other.symbol else ""
            yield Variant(slip, rhs, sentence, 2.0 + 0.5 * distance, key)
        old = previous(ref)
        if old in system.givens:
            sentence = f"{named(ref)} of the update before was used"
            yield Variant(
                "stale_value", with_ref(line.rhs, ref, old), sentence, 2.0, f"{ref.symbol}…"
            )
    yield from _already_updated(line, system, named)


def _already_updated(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """The new weights in the backward pass."""
    if line.phase is not Phase.BACKWARD:
        return
    trained = [ref for ref in system.uses[line.name] if ref in system.carried]
    news = {ref: system.carried[ref] for ref in trained}
    if not news or any(line.name in ancestors(new, system) for new in news.values()):
        return
    rhs = transform(line.rhs, lambda node: news.get(node, node) if isinstance(node, Ref) else node)
    who = ", ".join(map(named, trained[:3])) + (", …" if len(trained) > 3 else "")
    said_ = f"{named(line.name)} was computed with {who} as already updated"
    yield Variant("updated_weight", rhs, said_, 1.0, "updated")


def ancestors(ref: Ref, system: System) -> frozenset[Ref]:
    """Everything a number is computed from, itself included."""
    return _ancestors(system)[ref] if ref in system.line else frozenset({ref})


@lru_cache(maxsize=8)
def _ancestors(system: System) -> dict[Ref, frozenset[Ref]]:
    found: dict[Ref, frozenset[Ref]] = {}
    for line in system.lines:
        used = system.uses[line.name]
        whole = frozenset(used).union(*(found.get(ref, frozenset()) for ref in used))
        found[line.name] = whole | {line.name}
    return found


def _others(ref: Ref, name: Ref, system: System) -> Iterator[tuple[float, Ref]]:
    """What may stand in the place of a number, the nearest first; nothing computed from ``name``."""
    own = roles(system)
    kind = own.kind.get(ref)
    if kind not in ("weight", "value", "gradient"):
        return
    candidates = [other for other in own.alike(kind) if other not in (ref, name)]
    ranked = sorted((_distance(ref, other, system), n, other) for n, other in enumerate(candidates))
    for distance, _, other in ranked[:NEAREST]:
        if name not in ancestors(other, system):
            yield distance, other


def _distance(ref: Ref, other: Ref, system: System) -> float:
    own = roles(system)
    partners = (own.before.get(ref), own.after.get(ref))
    if family(ref) == family(other):
        if ref.indices == other.indices[::-1] and ref.indices:
            return 0.0  # transposed
        same = sum(a == b for a, b in zip(ref.indices, other.indices, strict=False))
        return 0.0 if same or len(ref.indices) < 2 else 0.5
    if other in partners:
        return 0.0
    if (ref in own.biases) != (other in own.biases):
        return 4.0
    return 2.0


def biases(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """A bias left out, added twice, subtracted, or left as it was."""
    own = roles(system)
    if line.phase is Phase.FORWARD and isinstance(line.rhs, Sum):
        terms = line.rhs.terms
        for n, term in enumerate(terms):
            if isinstance(term, Ref) and term in own.biases:
                rest = terms[:n] + terms[n + 1 :]
                without = rest[0] if len(rest) == 1 else Sum(rest)
                bias = named(term)
                yield Variant("bias", without, f"the bias {bias} was left out", 1.0, "left out")
                yield Variant(
                    "bias", Sum((*terms, term)), f"the bias {bias} was added twice", 2.0, "twice"
                )
    old = _old(line, system)
    if old is not None:
        slip = "bias" if old in own.biases else "stale_value"
        cost = 1.0 if slip == "bias" else 3.0
        yield Variant(slip, old, f"{named(old)} was not updated", cost, "not updated")


def _old(line: Line, system: System) -> Ref | None:
    return next((old for old, new in system.carried.items() if new == line.name), None)


def learning_rate(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """The rate left out of one update, or ten times too large or small."""
    if line.phase is not Phase.UPDATE:
        return
    own = roles(system)
    for rate in (ref for ref in system.uses[line.name] if ref in own.rates):
        if abs(system.givens[rate]) == 1:
            continue
        sentence = f"the learning rate {named(rate)} was left out"
        yield Variant("learning_rate", with_ref(line.rhs, rate, Num(1)), sentence, 1.5, "none")
        for factor, how in ((Fraction(10), "ten times"), (Fraction(1, 10), "a tenth of")):
            rhs = with_ref(line.rhs, rate, Product((Num(factor), rate)))
            yield Variant(
                "learning_rate", rhs, f"{how} the learning rate {named(rate)} was used", 2.5, how
            )


def mislabelled(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """The number of a near quantity under this name."""
    used = [ref for ref in system.uses[line.name] if ref in system.line]
    users = [ref for ref in system.users.get(line.name, ()) if system.line[ref].phase is line.phase]
    alike = [ref for ref in system.line if family(ref) == family(line.name)]
    if line.phase is Phase.FORWARD:
        alike += [ref for ref in roles(system).alike("value") if ref in system.givens]
    for n, other in enumerate(dict.fromkeys((*used, *users, *alike))):
        if other == line.name or n >= NEAREST:
            continue
        rhs = _apart(other, line, system)
        if rhs is None:
            continue
        sentence = f"the number of {named(other)} stands under the name of {named(line.name)}"
        yield Variant("mislabelled", rhs, sentence, 3.0, "")


def _apart(other: Ref, line: Line, system: System) -> Expr | None:
    """Another number in terms that do not depend on this line, None where there are none."""
    if line.name not in ancestors(other, system):
        return other
    used = system.uses[other]
    if line.name not in used or any(
        line.name in ancestors(ref, system) for ref in used if ref != line.name
    ):
        return None
    return with_ref(system.plain[other], line.name, line.rhs)
