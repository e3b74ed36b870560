"""A formula for many quantities at once, told for each: δ_j = h_j·(1 − h_j)·v_j·δ says what δ_1 is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from handgrad.auditing.reading.nodes import Applied, Chain, Name, Named
from handgrad.auditing.said import Said
from handgrad.auditing.statements import heads
from handgrad.auditing.worth import leaves, replaced
from handgrad.calculus.expr import Expr, Product

__all__ = ["tell_each"]

INDEX = re.compile(r"[ijkmn]")
MOST = 50  # quantities that one formula is told for


def tell_each(chains: Sequence[Chain], said: Said) -> None:
    """Give every quantity that a general formula is meant for its own, where it has none."""
    named = {name for chain in chains for name in heads(chain)}
    known = {*named, *said.givens, *said.definitions}
    families: dict[Name, list[Name]] = {}
    for name in sorted(named - said.definitions.keys(), key=str):
        families.setdefault(replace(name, sub=""), []).append(name)
    for general, definitions in [*said.definitions.items()]:
        letters = set(INDEX.findall(general.sub))
        if not letters or general.new:
            continue
        family = families.get(replace(general, sub=""), ())
        for name, meant in [*_concrete(general, family)][:MOST]:
            for definition in definitions:
                own = replaced(definition.expr, lambda n, meant=meant: _put(n, meant))
                used = {leaf.name for leaf in leaves(own) if isinstance(leaf, Named)}
                if used <= known and name not in used:
                    said.define(name, own, definition.place)


def _concrete(general: Name, family: Sequence[Name]) -> Iterator[tuple[Name, Mapping[str, str]]]:
    """The names that a general one stands for, and which number each index is there."""
    letters = INDEX.findall(general.sub)
    pattern = re.compile(INDEX.sub(r"(\\d)", re.escape(general.sub)))
    for name in family:
        found = pattern.fullmatch(name.sub)
        if found:
            meant = dict(zip(letters, found.groups(), strict=True))
            if [meant[letter] for letter in letters] == [*found.groups()]:
                yield name, meant


def _put(node: Expr, meant: Mapping[str, str]) -> Expr | None:
    """A name with its numbers; h_j(1 − h_j) is a product, since h_1 is no function."""
    match node:
        case Named(name):
            return replace(node, name=_numbered(name, meant))
        case Applied(function, (argument,), 0) if "_" in function:
            base, _, sub = function.partition("_")
            name = _numbered(Name(base, sub), meant)
            factor = replaced(argument, lambda inner: _put(inner, meant))
            return Product((Named(name, 0, 0), factor)) if name.sub != sub else None
        case _:
            return None


def _numbered(name: Name, meant: Mapping[str, str]) -> Name:
    """The name with numbers for its indices, in what it is a derivative of as well."""
    own = INDEX.sub(lambda letter: meant.get(letter[0], letter[0]), name.sub)
    return replace(name, sub=own, of=name.of and _numbered(name.of, meant))
