"""A problem in, every way its quantities may be called out: dialects, pages, and usual names.

A calling names some elements of one family of quantities, such as the weights of a layer. A document
uses one calling of each family; ``matching`` finds out which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from handgrad.auditing.reading.names import name_of, scripted
from handgrad.auditing.reading.nodes import Name
from handgrad.auditing.reading.tokens import GREEK
from handgrad.auditing.roles import RATES
from handgrad.auditing.system import System
from handgrad.auditing.units import Layers, tags
from handgrad.calculus.expr import Expr, Num, Product, Ref, Symbol
from handgrad.language import writing
from handgrad.model.optimizers import ETA
from handgrad.model.problem import Problem
from handgrad.render import notation
from handgrad.render.dialects import DIALECTS

__all__ = ["Calling", "callings", "canonical"]

MOST_ELEMENTS = 2_000  # of a family that is called by usual names; more have their own names only
LETTERS: Mapping[str, tuple[str, ...]] = {
    "z": ("z", "net", "in", "s", "h", "u", "v", "n", "I", "Z", "Net", "p", "i"),
    "a": ("a", "out", "h", "o", "O", "y", "ŷ", "A", "s", "σ", "z", "output", "p", "H"),
    "b": ("b", "θ", "B", "w", "bias", "c"),
    "δ": ("δ", "Δ", "d", "e", "err", "error"),
    "x": ("x", "i", "X", "in", "I", "a", "o", "input"),
    "y": ("y", "t", "T", "d", "target", "Y", "o", "y_true", "target_o"),
    "W": ("w", "W", "θ", "v", "V", "u", "U", "weight", "Θ"),
}
OUTPUTS = ("ŷ", "y", "o", "O", "out", "a", "output", "y_pred", "prediction", "p", "h")
LOSSES = (
    "L",
    "E",
    "C",
    "J",
    "Loss",
    "loss",
    "Error",
    "error",
    "MSE",
    "Cost",
    "cost",
    "ℒ",
    "E_total",
    "L_total",
)


@dataclass(frozen=True)
class Calling:
    """Names of one family: what each stands for, one expression, or one for each example.

    ``said`` is the convention in words, empty where it goes without saying.
    """

    family: str
    names: Mapping[Name, tuple[Expr, ...]]
    said: str = ""


def callings(problem: Problem, system: System, bases: Iterable[str]) -> Iterator[Calling]:
    """Every calling whose letters are among ``bases``, the likelier before the others."""
    families = grouped(system)
    yield from _own(problem, families)
    yield from _pages(problem, families)
    letters = frozenset(bases)
    for base in LOSSES:
        yield Calling(str(problem.loss), {_named(base): (system.loss,)})
    if ETA in families:
        yield from (Calling(str(ETA), {rate: (families[ETA][0],)}) for rate in RATES)
    if problem.layered:
        yield from _layered(problem, system, families, letters)


def grouped(system: System) -> dict[Symbol, list[Ref]]:
    """The elements of every quantity of a problem that has a name of its own."""
    found: dict[Symbol, list[Ref]] = {}
    for ref in (*system.givens, *system.line):
        found.setdefault(ref.symbol, []).append(ref)
    return found


def canonical(problem: Problem, ref: Ref) -> str:
    """What a quantity is called in JSON: without the index of a single example."""
    single = problem.examples == 1 and ref.symbol.plain in problem.batched
    return writing.name(Ref(ref.symbol, ref.indices[1:] if single else ref.indices))


def _named(word: str) -> Name:
    return name_of(word, "word")


def _own(problem: Problem, families: Mapping[Symbol, Sequence[Ref]]) -> Iterator[Calling]:
    """W1[2,1], as the problem's own files and pages have it, and W1_21."""
    for symbol, refs in families.items():
        if symbol.loss is not None or symbol.new:
            continue
        yield Calling(str(symbol), {_named(canonical(problem, ref)): (ref,) for ref in refs})
        yield Calling(str(symbol), {_named(writing.name(ref)): (ref,) for ref in refs})
        if all(set(ref.indices) <= {1} for ref in refs) and len(refs) == 1:
            yield Calling(str(symbol), {_named(str(symbol)): (refs[0],)})
        yield from _by_example(problem, symbol, refs)


def _by_example(problem: Problem, symbol: Symbol, refs: Sequence[Ref]) -> Iterator[Calling]:
    """Without the index of the example, of which a document may have several, one after the other."""
    if problem.examples == 1 or symbol not in problem.batched:
        return
    found: dict[Name, list[Expr]] = {}
    for ref in refs:
        rest = Ref(symbol, ref.indices[1:])
        found.setdefault(_named(writing.name(rest)), []).append(ref)
        if set(rest.indices) <= {1}:
            found.setdefault(_named(str(symbol)), []).append(ref)
    names = {name: tuple(own) for name, own in found.items() if len(own) == problem.examples}
    yield Calling(str(symbol), names, "one example after the other")


def _pages(problem: Problem, families: Mapping[Symbol, Sequence[Ref]]) -> Iterator[Calling]:
    """As pages of explain have them, in the problem's notation and in each dialect."""
    presets = [problem.notation.preset, *((preset,) for preset in DIALECTS)]
    for preset in presets if problem.layered else presets[:1]:
        names = notation.Names.of(
            replace(problem, notation=replace(problem.notation, preset=preset))
        )
        for symbol, refs in families.items():
            if symbol.new:
                continue
            if symbol.loss is None:
                yield Calling(str(symbol), {read_name(names.name(ref)): (ref,) for ref in refs})
            elif symbol.loss == problem.loss:
                delta = {
                    Ref(replace(ref.symbol.plain, state="δ"), ref.indices): ref for ref in refs
                }
                called = {read_name(names.name(d)): (r,) for d, r in delta.items()}
                yield Calling(f"δ{symbol.plain}", {n: r for n, r in called.items() if n.of is None})


def read_name(name: notation.Name) -> Name:
    """A name as it is set, as the reader of documents has it.

    >>> str(read_name(notation.Name("w", "1,2", "(1)")))
    'w^(1)_12'
    """
    base = name.base.replace("\\", "")
    marked = re.fullmatch(r"(?:hat|bar|tilde)\{?(\w)\}?", base)
    plain = name_of(
        f"{marked[1]}_{base[:3]}" if marked else GREEK.get(base, base), "word" if marked else ""
    )
    if not marked and re.fullmatch(r"[^\W\d_]+_(?:hat|bar|tilde)", base):
        plain = name_of(base, "word")
    sub = name.sub.replace("\\text", "").strip("{}")
    found = scripted(plain, sub, above=False) if sub else plain
    found = scripted(found, name.sup, above=True) if name.sup else found
    if name.state:
        found = replace(found, base=name.state, sub=f"{found.base}{found.sub}")
    return replace(found, of=read_name(name.loss) if name.loss else None, new=name.new)


# Usual names of layered networks


def _layered(
    problem: Problem,
    system: System,
    families: Mapping[Symbol, Sequence[Ref]],
    bases: frozenset[str],
) -> Iterator[Calling]:
    shape = Layers.of(families)
    for symbol, refs in families.items():
        if len(refs) > MOST_ELEMENTS or symbol.new:
            continue
        if symbol == symbol.plain and symbol.base == "W":
            yield from _weights(symbol, refs, shape, bases)
        elif symbol == symbol.plain:
            layer = symbol.number or (0 if symbol.base == "x" else shape.last)
            letters = LETTERS.get(symbol.base, ())
            if symbol.base == "a" and layer == shape.last:
                letters = OUTPUTS
            letters = [b for b in letters if _known(b, bases)]
            alone = not refs[0].indices
            yield from _units(problem, str(symbol), refs, layer, shape, letters, alone=alone)
            if symbol.base == "b" and len({system.givens.get(ref) for ref in refs}) == 1 < len(
                refs
            ):
                for calling in _units(
                    problem, str(symbol), refs[:1], layer, shape, letters, alone=True
                ):
                    yield replace(calling, said=f"layer {layer} has one bias")
        elif symbol.loss == problem.loss and symbol.base in "za" and not symbol.state:
            letters = [b for b in LETTERS["δ"] if b in bases]
            for calling in _units(
                problem, "δ" + str(symbol.plain), refs, symbol.number or 0, shape, letters
            ):
                family = f"δz{symbol.number}"
                kind = f"δ is dL/d{symbol.base}"
                yield replace(calling, family=family, said=kind if symbol.base == "a" else "")
                turned = {
                    n: tuple(Product((Num(-1), e)) for e in own) for n, own in calling.names.items()
                }
                yield replace(
                    calling, family=family, names=turned, said=f"{kind} with the other sign"
                )


def _known(letter: str, bases: frozenset[str]) -> bool:
    return any(base.startswith(letter.partition("_")[0]) for base in bases)


def _units(
    problem: Problem,
    family: str,
    refs: Sequence[Ref],
    layer: int,
    shape: Layers,
    letters: Sequence[str],
    *,
    alone: bool = False,
) -> Iterator[Calling]:
    """Quantities of units: z, a, b, δ, x and y."""
    batched = problem.examples > 1 and refs[0].symbol.plain in problem.batched
    shared = not refs[0].indices
    for base, (sub, sup) in product(letters, tags(layer, shape, alone=alone)):
        found: dict[Name, list[Expr]] = {}
        for ref in refs:
            unit = 1 if shared else int(str(ref.indices[-1]))
            name = scripted(_named(base), sub(unit), above=False) if sub(unit) else _named(base)
            found.setdefault(scripted(name, sup, above=True) if sup else name, []).append(ref)
        if any(len(own) != (problem.examples if batched else 1) for own in found.values()):
            continue
        names = {name: tuple(own) for name, own in found.items()}
        yield Calling(family, names)
        if sub(1)[:1].isalpha() and not sup:  # zo and zh1 for z_o and z_h1
            units = range(1, len(found) + 1)
            yield Calling(
                family,
                dict(zip((_named(base + sub(n)) for n in units), names.values(), strict=True)),
            )
        if batched:
            yield Calling(family, _with_example(found))


def _with_example(found: Mapping[Name, Sequence[Expr]]) -> dict[Name, tuple[Expr, ...]]:
    """The number of the example before the other subscripts."""
    return {
        replace(name, sub=f"{n}{name.sub}"): (ref,)
        for name, own in found.items()
        for n, ref in enumerate(own, 1)
    }


def _weights(
    symbol: Symbol, refs: Sequence[Ref], shape: Layers, bases: frozenset[str]
) -> Iterator[Calling]:
    layer = symbol.number or 1
    places = [(ref, int(str(ref.indices[0])), int(str(ref.indices[1]))) for ref in refs]
    said = f"weights of layer {layer}"
    for base in (b for b in LETTERS["W"] if b in bases):
        name = _named(base)
        for by_row, start in product((True, False), (shape.before(layer), shape.after(layer))):
            ranked = sorted(places, key=lambda p: (p[1], p[2]) if by_row else (p[2], p[1]))
            order = "unit by unit" if by_row else "input by input"
            flat = {
                scripted(name, str(start + n), above=False): (r,)
                for n, (r, _, _) in enumerate(ranked, 1)
            }
            several = len({j for _, j, _ in places}) > 1 and len({i for _, _, i in places}) > 1
            told = f"{said}: counted {order}, from {start + 1}" if several else ""
            yield Calling(str(symbol), flat, told)
        for (to, sup), (origin, _) in product(tags(layer, shape), tags(layer - 1, shape)):
            for forth in (True, False):
                names: dict[Name, tuple[Expr, ...]] = {}
                for ref, j, i in places:
                    parts = (origin(i), to(j)) if forth else (to(j), origin(i))
                    sub = (
                        ",".join(filter(None, parts))
                        if all(len(p) <= 1 for p in parts)
                        else "".join(parts)
                    )
                    own = scripted(name, sub, above=False) if sub else name
                    names[scripted(own, sup, above=True) if sup else own] = (ref,)
                if len(names) == len(places):
                    order = "from input i to unit j" if forth else "to unit i from input j"
                    single = any(not origin(i) or not to(j) for _, j, i in places)
                    yield Calling(str(symbol), names, "" if single else f"{said}: w_ij is {order}")
