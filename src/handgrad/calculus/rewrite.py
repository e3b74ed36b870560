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
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    call,
    children,
    free_indices,
    placed,
    rebound,
    rebuild,
    refs,
    substitute,
    transform,
)


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
    return _joined(number, sorted(rest, key=_divides))


def _divides(factor: Expr) -> bool:
    """Whether a factor is written below: exp(z)/(1 + exp(z)), but 1/m·exp(z)."""
    match factor:
        case Power(Sum() | Product() | Call(), Num(exponent)):
            return exponent < 0
        case _:
            return False


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


def gathered(expr: Expr) -> Expr:
    """The gradient that every term of a sum is multiplied with, once in front of it."""
    match expr:
        case Sigma(indices, body):
            return Sigma(indices, gathered(body))
        case Sum(terms):
            factors = [term.factors if isinstance(term, Product) else (term,) for term in terms]
            shared = (f for f in factors[0] if isinstance(f, Ref) and f.symbol.loss)
            common = next((f for f in shared if all(f in others for others in factors)), None)
            if common is None:
                return expr
            rest = (Product(tuple(f for f in part if f != common)) for part in factors)
            return Product((common, simplify(Sum(tuple(rest)))))
        case _:
            return expr


def relettered(expr: Expr, taken: set[str]) -> Expr:
    """Bound indices under plain letters that are not used outside them."""
    match expr:
        case Sigma(indices, body):
            indices, body = rebound(indices, body, taken)
            return Sigma(indices, relettered(body, taken | {index.name for index in indices}))
        case Along(function, index, body, at):
            outside = taken - {at.name} if isinstance(at, Index) else taken
            (index,), body = rebound((index,), body, outside)
            return Along(function, index, relettered(body, taken | {index.name}), at)
        case _:
            return rebuild(expr, tuple(relettered(part, taken) for part in children(expr)))


def reuse(forward: Iterable[Equation], backward: Iterable[Equation]) -> tuple[Equation, ...]:
    """The backward equations with ``a2`` for ``softmax(z2)``: where a value has a name, the name."""
    named: dict[tuple[str, Symbol], tuple[Equation, Ref]] = {}
    for equation in forward:
        match equation.rhs:
            case Call(function, (Ref(z) as ref, *_)) | Along(function, _, Ref(z) as ref):
                named.setdefault((function, z), (equation, ref))
            case _:
                pass

    def name(node: Expr) -> Expr:
        match node:
            case Call(function, (Ref(z) as ref, *_)) | Along(function, _, Ref(z) as ref):
                known = named.get((function, z))
                return (known and _named(*known, node, ref)) or node
            case _:
                return node

    return tuple(replace(equation, rhs=transform(equation.rhs, name)) for equation in backward)


def _named(known: Equation, own: Ref, node: Expr, ref: Ref) -> Expr | None:
    """The left side of an equation at the indices at which its right side equals the node."""
    places = placed(own, ref)
    match known.rhs, node:
        case Along(at=Index(j)), Along(at=at) if at is not None:
            places[j] = at
        case _:
            pass
    same = _outlined(substitute(known.rhs, places)) == _outlined(node)
    return substitute(known.lhs, places) if same else None


def _outlined(expr: Expr) -> Expr:
    """The same with a nameless index, to compare it with another."""
    if not isinstance(expr, Along):
        return expr
    return Along(
        expr.function, Index(""), substitute(expr.body, {expr.index.name: Index("")}), expr.at
    )


def inlined(forward: Sequence[Equation], symbol: Symbol) -> tuple[Equation, ...]:
    """The equations without the one that defines ``symbol``: its right side stands where it was."""
    source = next(equation for equation in forward if equation.lhs.symbol == symbol)

    def put_in(node: Expr) -> Expr:
        return source.at(node) if isinstance(node, Ref) and node.symbol == symbol else node

    others = (equation for equation in forward if equation is not source)
    return tuple(replace(other, rhs=transform(other.rhs, put_in)) for other in others)


def with_logits(forward: Sequence[Equation]) -> tuple[Equation, ...]:
    """Give log(softmax(z)), log(σ(z)) and log(1 - σ(z)) the form that no rounding spoils.

    The page still shows the logarithm of the activation; engines, and so the chain rule, read
    log_softmax(z) or log_sigmoid(±z). The shortcut δ = a - y follows from it.
    """
    defined = {equation.lhs.symbol: equation for equation in forward}

    def stable(node: Expr) -> Expr:
        return _logit(node, defined)

    return tuple(replace(equation, rhs=transform(equation.rhs, stable)) for equation in forward)


def _logit(node: Expr, defined: dict[Symbol, Equation]) -> Expr:
    match node:
        case Call("log", (Ref() as ref,)):
            inner, sign = ref, 1
        case Call("log", (Sum((Num(1), Product((Num(-1), Ref() as ref)))),)):
            inner, sign = ref, -1
        case _:
            return node
    if inner.symbol not in defined:
        return node
    match defined[inner.symbol].at(inner):
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
    book = equation.rhs.book if isinstance(equation.rhs, Forms) else equation.rhs
    known = transform(book, lambda node: _known(node, one_hot))
    terms = simplify(transform(simplify(known), _distributed))
    if known == book or not isinstance(terms, Sum) or len(terms.terms) != 2:
        return equation
    one, two = map(_split, terms.terms)
    for (scale, first), (other, second) in ((one, two), (two, one)):
        common = Counter(first) & Counter(second)
        match *(Counter(first) - common), *(Counter(second) - common):
            case Along("softmax" as kind, k, at=Index(j)) as a, Ref() as y if y.symbol == one_hot:
                # as one reads it where a − y rounds to 0; and as it is computed
                saturated = Sigma((k,), substitute(y, {j: k}) * a - y * substitute(a, {j: k}))
                rest = replace(a, function="softmax_rest")
                stable = Forms(saturated, (1 - y) * a - y * rest)
            case Call("sigmoid" as kind, (z,)) as a, y:
                stable = (1 - y) * a - y * call("sigmoid", -z)
            case _:
                continue
        if scale == -other:
            rhs = simplify(_joined(scale, [*common.elements(), Forms(a - y, stable)]))
            loss = "cross-entropy" if kind == "softmax" else "binary cross-entropy"
            why = f"{kind.capitalize()} with {loss}: the two derivatives together are a − y."
            return replace(equation, rhs=rhs, why=why)
    return equation


def _known(node: Expr, one_hot: Symbol | None) -> Expr:
    """σ(-z) as 1 - σ(z), and the sum of a one-hot target as 1."""
    match node:
        case Call("sigmoid", (Product((Num(-1), *z)),)):
            return 1 - call("sigmoid", _joined(Fraction(1), z))
        case Sigma((k,), body):
            number, factors = _split(body)
            inside = [f for f in factors if k.name in free_indices(f)]
            rows = [f for f in inside if isinstance(f, Ref) and f.symbol == one_hot]
            if len(inside) == 1 and any(
                y.indices.count(k) == 1 and y.indices[-1] == k for y in rows
            ):
                return _joined(number, [f for f in factors if f not in inside])
        case _:
            pass
    return node


def _distributed(node: Expr) -> Expr:
    """A product with a sum among its factors as a sum of products."""
    if isinstance(node, Product):
        for n, factor in enumerate(node.factors):
            if isinstance(factor, Sum):
                before, after = node.factors[:n], node.factors[n + 1 :]
                return Sum(tuple(_distributed(Product((*before, t, *after))) for t in factor.terms))
    return node


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
