"""Named rewrites: an expression or a derivation in, an equal one in another form out.

``simplify`` is what one does on paper without a word. The others are named on the page they make:
``with_logits`` (logarithms of softmax and sigmoid from their argument), ``shortcut`` (a - y),
``reuse`` (a value that already has a name), ``delta_form`` (δ for dL/dz).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from handgrad.calculus.derivation import Derivation, Equation, Phase, validate
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
    call,
    children,
    free_indices,
    fresh,
    index_names,
    placed,
    rebuild,
    refs,
    substitute,
    transform,
)

__all__ = ["delta_form", "inlined", "relettered", "reuse", "shortcut", "simplify", "with_logits"]


def simplify(expr: Expr) -> Expr:
    """Drop 0 and 1, gather numbers, powers and like terms, resolve Kronecker's δ under a Σ.

    >>> z = Ref(Symbol("z"))
    >>> simplify((2 * z) / 2 + 0 * z)
    Ref(symbol=Symbol(base='z', number=None, state='', loss=None, new=False), indices=())
    """
    return transform(expr, _simplified)


def _simplified(expr: Expr) -> Expr:
    match expr:
        case Sum(terms):
            return _sum(terms)
        case Product(factors):
            return _product(factors)
        case Power(base, exponent):
            return _power(base, exponent)
        case Sigma(indices, body):
            return _sigma(indices, body)
        case Delta(int() as left, int() as right):
            return Num(int(left == right))
        case Delta(left, right) if left == right:
            return Num(1)
        case Forms(book, stable) if book == stable:
            return book
        case _:
            return expr


def _split(term: Expr) -> tuple[Fraction, tuple[Expr, ...]]:
    """A term as number times the rest."""
    factors = term.factors if isinstance(term, Product) else (term,)
    number = Fraction(1)
    for factor in factors:
        if isinstance(factor, Num):
            number *= factor.value
    return number, tuple(factor for factor in factors if not isinstance(factor, Num))


def _joined(number: Fraction, rest: Sequence[Expr]) -> Expr:
    factors = (*((Num(number),) if number != 1 or not rest else ()), *rest)
    return factors[0] if len(factors) == 1 else Product(factors)


def _sum(terms: Iterable[Expr]) -> Expr:
    flat = [t for term in terms for t in (term.terms if isinstance(term, Sum) else (term,))]
    gathered: dict[frozenset[tuple[Expr, int]], tuple[Fraction, tuple[Expr, ...]]] = {}
    for term in flat:
        number, rest = _split(term)
        key = frozenset(Counter(rest).items())
        gathered[key] = (gathered.get(key, (Fraction(0), rest))[0] + number, rest)
    kept = tuple(_joined(number, rest) for number, rest in gathered.values() if number != 0)
    return kept[0] if len(kept) == 1 else Sum(kept) if kept else Num(0)


def _product(factors: Iterable[Expr]) -> Expr:
    flat = [
        f
        for factor in factors
        for f in (factor.factors if isinstance(factor, Product) else (factor,))
    ]
    number = Fraction(1)
    powers: dict[Expr, Fraction] = {}
    for factor in flat:
        match factor:
            case Num(value):
                number *= value
            case Power(base, Num(exponent)):
                powers[base] = powers.get(base, Fraction(0)) + exponent
            case _:
                powers[factor] = powers.get(factor, Fraction(0)) + 1
    if number == 0:
        return Num(0)
    rest = [_power(base, Num(exponent)) for base, exponent in powers.items() if exponent != 0]
    return _joined(number, rest)


def _power(base: Expr, exponent: Expr) -> Expr:
    match base, exponent:
        case _, Num(value) if value == 1:
            return base
        case _, Num(value) if value == 0:
            return Num(1)
        case Num(b), Num(e) if e.denominator == 1 and b != 0 and abs(e) <= 64:
            return Num(Fraction(b) ** int(e))
        case Power(inner, Num(a)), Num(b) if a.denominator == b.denominator == 1:
            return _power(inner, Num(a * b))
        case Product((Num(), *_) as factors), Num(b) if b.denominator == 1:
            return _product(_power(factor, exponent) for factor in factors)
        case _:
            return Power(base, exponent)


def _sigma(indices: tuple[Index, ...], body: Expr) -> Expr:
    if body == Num(0):
        return body
    if isinstance(body, Sigma):
        indices, body = indices + body.indices, body.body
    for factor in body.factors if isinstance(body, Product) else (body,):
        if isinstance(factor, Delta):
            for here, there in ((factor.left, factor.right), (factor.right, factor.left)):
                if isinstance(here, Index) and here in indices:
                    rest = tuple(i for i in indices if i != here)
                    met = simplify(substitute(body, {here.name: there}))
                    return _sigma(rest, met) if rest else met
    return Sigma(indices, body)


def relettered(expr: Expr, taken: set[str]) -> Expr:
    """Bound indices under plain letters that are not used outside them."""
    match expr:
        case Sigma(indices, body):
            new: list[Index] = []
            here = set(taken)
            for index in indices:
                wish = replace(index, name=index.name.rstrip("′"))
                others = index_names(body) - {index.name}
                new.append(fresh(wish, here | (others if wish.name != index.name else set())))
                here.add(new[-1].name)
            renaming: dict[str, Position] = {i.name: j for i, j in zip(indices, new, strict=True)}
            return Sigma(tuple(new), relettered(substitute(body, renaming), here))
        case Along(function, index, body, at):
            outside = taken - {at.name} if isinstance(at, Index) else taken
            other = fresh(index, outside | (free_indices(body).keys() - {index.name}))
            inner = relettered(substitute(body, {index.name: other}), taken | {other.name})
            return Along(function, other, inner, at)
        case _:
            return rebuild(expr, tuple(relettered(part, taken) for part in children(expr)))


def reuse(forward: Iterable[Equation], backward: Iterable[Equation]) -> tuple[Equation, ...]:
    """The backward equations with ``a2`` for ``softmax(z2)``: where a value has a name, the name."""
    named: dict[tuple[str, ...], list[Equation]] = {}
    for equation in forward:
        if isinstance(equation.rhs, Call | Along):
            named.setdefault(_outline(equation.rhs), []).append(equation)

    def name(node: Expr) -> Expr:
        if not isinstance(node, Call | Along):
            return node
        found = (_matched(known, node) for known in named.get(_outline(node), ()))
        return next((ref for ref in found if ref is not None), node)

    return tuple(replace(equation, rhs=transform(equation.rhs, name)) for equation in backward)


def _outline(expr: Call | Along) -> tuple[str, ...]:
    """The function and what it is taken of: equal expressions have equal outlines."""
    return (expr.function, *(str(ref.symbol) for ref in refs(expr)))


def inlined(forward: Iterable[Equation], symbol: Symbol) -> tuple[Equation, ...]:
    """The equations without the one that defines ``symbol``: its right side stands where it was."""
    kept: list[Equation] = []
    source: Equation | None = None

    def put_in(node: Expr) -> Expr:
        if source is None or not isinstance(node, Ref) or node.symbol != symbol:
            return node
        return substitute(source.rhs, placed(source.lhs, node))

    for equation in forward:
        if equation.lhs.symbol == symbol:
            source = equation
        else:
            kept.append(replace(equation, rhs=transform(equation.rhs, put_in)))
    return tuple(kept)


def _matched(known: Equation, node: Expr) -> Ref | None:
    """The left side of an equation at the indices at which its right side equals the node."""
    own, other = list(refs(known.rhs)), list(refs(node))
    if len(own) != len(other):
        return None
    renaming: dict[str, Position] = {}
    free = free_indices(known.rhs)
    for left, right in zip(own, other, strict=True):
        for a, b in zip(left.indices, right.indices, strict=False):
            if isinstance(a, Index) and a.name in free:
                renaming.setdefault(a.name, b)
    match known.rhs, node:
        case Along(_, _, _, Index(letter)), Along(_, _, _, at) if at is not None:
            renaming[letter] = at
        case _:
            pass
    candidate = substitute(known.rhs, renaming)
    if _canonical(candidate) != _canonical(node):
        return None
    ref = substitute(known.lhs, renaming)
    return ref if isinstance(ref, Ref) else None


def _canonical(expr: Expr) -> Expr:
    """The same expression with bound indices named by their depth, for comparison."""

    def named(node: Expr, depth: int) -> Expr:
        match node:
            case Sigma(indices, body):
                new = tuple(replace(i, name=f"#{depth + n}") for n, i in enumerate(indices))
                renaming: dict[str, Position] = {
                    i.name: j for i, j in zip(indices, new, strict=True)
                }
                return Sigma(new, named(substitute(body, renaming), depth + len(new)))
            case Along(function, index, body, at):
                bound = replace(index, name=f"#{depth}")
                return Along(
                    function, bound, named(substitute(body, {index.name: bound}), depth + 1), at
                )
            case _:
                return rebuild(node, tuple(named(part, depth) for part in children(node)))

    return named(expr, 0)


def with_logits(forward: Iterable[Equation]) -> tuple[Equation, ...]:
    """Give log(softmax(z)), log(σ(z)) and log(1 - σ(z)) the form that no rounding spoils.

    The page still shows the logarithm of the activation; engines, and so the chain rule, read
    log_softmax(z) or log_sigmoid(±z). The shortcut δ = a - y follows from it.
    """
    activations: dict[Symbol, Equation] = {}
    result: list[Equation] = []
    for equation in forward:
        result.append(
            replace(equation, rhs=transform(equation.rhs, lambda n: _logit(n, activations)))
        )
        match equation.rhs:
            case Call("sigmoid") | Along("softmax"):
                activations[equation.lhs.symbol] = equation
            case _:
                pass
    return tuple(result)


def _logit(node: Expr, activations: dict[Symbol, Equation]) -> Expr:
    match node:
        case Call("log", (Ref() as ref,)):
            inner, sign = ref, 1
        case Call("log", (Sum((Num(1), Product((Num(-1), Ref() as ref)))),)):
            inner, sign = ref, -1
        case _:
            return node
    equation = activations.get(inner.symbol)
    if equation is None:
        return node
    match substitute(equation.rhs, placed(equation.lhs, inner)):
        case Call("sigmoid", (z,)):
            return Forms(node, call("log_sigmoid", z if sign == 1 else -z))
        case Along("softmax", index, body, at) if sign == 1:
            return Forms(node, Along("log_softmax", index, body, at))
        case _:
            return node


def shortcut(equation: Equation, one_hot: Symbol | None = None) -> Equation:
    """δ = a - y for softmax with cross-entropy, and for σ with binary cross-entropy.

    ``one_hot`` is the target whose rows add up to 1; for softmax the shortcut needs it. Any other
    equation comes back as it is.
    """
    match equation.rhs:
        case Sum((first, second)):
            return (
                _softmax_pair(equation, first, second, one_hot)
                or _sigmoid_pair(equation, first, second)
                or equation
            )
        case _:
            return equation


def _softmax_pair(
    equation: Equation, first: Expr, second: Expr, one_hot: Symbol | None
) -> Equation | None:
    number, rest = _split(first)
    factor, others = _split(second)
    match others:
        case (Along("softmax") as a, Sigma((k,), body)) if factor == -1:
            pass
        case _:
            return None
    y = [r for r in rest if isinstance(r, Ref) and r.symbol == one_hot]
    if len(y) != 1 or not y[0].indices:
        return None
    last = y[0].indices[-1]
    if not isinstance(last, Index) or simplify(substitute(first, {last.name: k})) != simplify(body):
        return None
    scale = _joined(-number, [r for r in rest if r is not y[0]])
    y_k, a_k = substitute(y[0], {last.name: k}), substitute(a, {last.name: k})
    stable = Sigma((k,), y_k * a - y[0] * a_k)
    return replace(
        equation,
        rhs=simplify(scale * Forms(a - y[0], stable)),
        why="Softmax with cross-entropy: the two derivatives together are a − y.",
    )


def _sigmoid_pair(equation: Equation, first: Expr, second: Expr) -> Equation | None:
    terms = [_split(first), _split(second)]
    for (c1, up), (c2, down) in (terms, terms[::-1]):
        for y in up:
            for a in down:
                z = a.arguments[0] if isinstance(a, Call) and a.function == "sigmoid" else None
                rest = [f for f in up if f is not y]
                if z is None or c1 != -c2 or call("sigmoid", simplify(-z)) not in rest:
                    continue
                scale = [f for f in rest if f != call("sigmoid", simplify(-z))]
                if Counter(down) == Counter([*scale, simplify(1 - y), a]):
                    book = a - y
                    stable = (1 - y) * a - y * call("sigmoid", simplify(-z))
                    return replace(
                        equation,
                        rhs=simplify(_joined(c2, scale) * Forms(book, stable)),
                        why="Sigmoid with binary cross-entropy: the two derivatives together are a − y.",
                    )
    return None


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
            source = put[node.symbol]
            return substitute(source.rhs, placed(source.lhs, node))
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
