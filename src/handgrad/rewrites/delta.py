"""The backward pass in δ, layer by layer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from handgrad.calculus.derivation import Derivation, Equation, Phase, validate
from handgrad.calculus.expr import Along, Call, Expr, Index, Ref, Symbol, refs, transform
from handgrad.calculus.simplify import relettered, simplify

__all__ = ["delta_form"]


def delta_form(derivation: Derivation) -> Derivation:
    """The backward pass in δ: δ stands for dL/dz of every weighted sum z that feeds a function.

    dL/da is put into the δ of its own layer, where nothing else needs it.
    """
    loss = derivation.loss
    into: dict[Symbol, Symbol] = {}
    inner: dict[Symbol, Equation] = {}
    for equation in derivation.phase(Phase.FORWARD):
        match equation.rhs:
            case Call(_, (Ref(z), *_)) | Along(_, _, Ref(z)) | Ref(z) if z not in derivation.givens:
                into[z.gradient(loss)] = replace(z, state="δ")
                inner[equation.lhs.symbol.gradient(loss)] = equation
            case _:
                pass
    uses = Counter(r.symbol for e in derivation.equations for r in refs(e.rhs))
    put: dict[Symbol, Equation] = {}
    result: list[Equation] = []

    def renamed(node: Expr) -> Expr:
        if isinstance(node, Ref) and node.symbol in put:
            return put[node.symbol].at(node)
        if isinstance(node, Ref) and node.symbol in into:
            return Ref(into[node.symbol], node.indices)
        return node

    for equation in derivation.equations:
        symbol = equation.lhs.symbol
        rhs = transform(equation.rhs, renamed)
        taken = {p.name for p in equation.lhs.indices if isinstance(p, Index)}
        lhs = Ref(into.get(symbol, symbol), equation.lhs.indices)
        done = replace(
            equation, lhs=lhs, rhs=relettered(simplify(rhs), taken) if rhs != equation.rhs else rhs
        )
        if symbol in inner and uses[symbol] == 1:
            put[symbol] = done
        else:
            result.append(done)
    return validate(replace(derivation, equations=tuple(result)))
