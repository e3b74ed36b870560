"""The vocabulary: functions, signs and names in words; ``W1[2,1]`` is W 1 row 2 column 1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from handgrad.calculus.expr import Position, Ref, Symbol
from handgrad.render.notation import Name, Names

__all__ = ["FUNCTIONS", "SpokenNames"]

# how a function of the rule table is said; {} is its argument
FUNCTIONS = {
    "abs": "the absolute value of {}",
    "arctan": "arc tangent of {}",
    "cos": "the cosine of {}",
    "elu": "e l u of {}",
    "equal": "the indicator of {} end indicator",
    "erf": "the error function of {}",
    "exp": "e to the power {} end power",
    "expm1": "exp minus one of {}",
    "gaussian": "gaussian of {}",
    "gelu": "g e l u of {}",
    "gelu_gate": "g e l u gate of {}",
    "gelu_tanh": "g e l u tanh of {}",
    "hard_sigmoid": "hard sigmoid of {}",
    "hard_silu": "hard silu of {}",
    "hard_tanh": "hard tanh of {}",
    "hardmax": "hardmax of {}",
    "huber": "huber of {}",
    "identity": "{}",
    "leaky_relu": "leaky r e l u of {}",
    "log": "natural log of {}",
    "log_sigmoid": "log sigma of {}",
    "log_softmax": "log softmax of {}",
    "logsumexp": "log sum exp of {}",
    "max": "the maximum of {}",
    "min": "the minimum of {}",
    "mish": "mish of {}",
    "normal_cdf": "capital phi of {}",
    "normal_pdf": "phi of {}",
    "relu": "r e l u of {}",
    "sech": "hyperbolic secant of {}",
    "selu": "s e l u of {}",
    "sigmoid": "sigma of {}",
    "sign": "the sign of {}",
    "silu": "s i l u of {}",
    "sin": "the sine of {}",
    "softmax": "softmax of {}",
    "softmax_rest": "softmax rest of {}",
    "softplus": "softplus of {}",
    "softsign": "softsign of {}",
    "sqrt": "the square root of {}",
    "step": "step of {}",
    "tanh": "hyperbolic tangent of {}",
}
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "final-sigma sigma tau upsilon phi chi psi omega"
)
SIGNS = {
    **{chr(ord("α") + n): word for n, word in enumerate(GREEK.split())},
    **{chr(ord("Α") + n): f"capital {word}" for n, word in enumerate(GREEK.split())},
    "µ": "mu", "ŷ": "y hat", "ℓ": "script l", "∂": "partial", "∇": "nabla", "…": "dot dot dot",
    ",": "comma", "(": "open paren", ")": "close paren", "+": "plus", "-": "minus", "−": "minus",
    "_": "underscore", "·": "dot", "×": "cross", "′": "prime", "'": "prime", "*": "star",
}  # fmt: skip
SOME = "".join(map(re.escape, SIGNS))
RUNS = re.compile(rf"[{SOME}]|[^\s{SOME}]+")
# what the writer itself says; a quantity that is called so is announced as a name
WORDS = (
    "at by capital column comma cubed derivative direct end equals example for fraction half hat "
    "kronecker matrix minus name new next of one over place plus raised row squared sub sum super times "
    "transpose upper"
)
SAID = " ".join((WORDS, *FUNCTIONS.values(), *SIGNS.values()))
RESERVED = frozenset(word for word in SAID.split() if len(word) > 1)


@dataclass(frozen=True)
class SpokenNames:
    """How quantities are said.

    ``capitals`` are the letters that occur small too, so that the ear has to be told.
    """

    names: Names
    capitals: frozenset[str] = frozenset()
    _said: dict[Ref, str] = field(default_factory=dict["Ref", "str"], init=False, repr=False)

    def name(self, ref: Ref) -> str:
        """A quantity or element: ``d L by d W 1 row 2 column 1``."""
        if ref not in self._said:
            self._said[ref] = self.found(ref)
        return self._said[ref]

    def found(self, ref: Ref) -> str:
        """The user's words for it, or those that are usual."""
        symbol = ref.symbol
        found = self.names.given(ref)
        if found is not None:
            own, rest = found
            return self.own(own) + self.places(ref, rest)
        if symbol.state == "δ":
            of = f"{symbol.number}" if symbol.base == "z" else f"for {self.usual(symbol.plain)}"
            said = f"delta {of}".removesuffix(" None") + self.places(ref, self.names.indices(ref))
        elif symbol != symbol.plain:
            said = self.name(Ref(symbol.plain, ref.indices))
            said = f"{symbol.state.replace('hat', ' hat')} for {said}" if symbol.state else said
            said = f"d {self.own(self.names.of_loss)} by d {said}" if symbol.loss else said
        else:
            said = self.usual(symbol) + self.places(ref, self.names.indices(ref))
        return f"new {said}" if symbol.new else said

    def usual(self, symbol: Symbol) -> str:
        """``W 1``, ``y sub pred``."""
        if symbol == self.names.per_example:
            return self.own(self.names.of_loss)
        base, _, below = symbol.base.partition("_")
        if not base:
            base, below = symbol.base, ""
        said = self.own(Name(base, below))
        return said if symbol.number is None else f"{said} {symbol.number}"

    def own(self, name: Name) -> str:
        """Base, subscript and superscript."""
        said = self.spelled(name.base)
        if name.sup:
            layer = re.fullmatch(r"\((\d+)\)", name.sup)
            said += f" super {layer[1]}" if layer else f" upper {self.spelled(name.sup)}"
        return said + (f" sub {self.spelled(name.sub)}" if name.sub else "")

    def spelled(self, text: str) -> str:
        """Greek letters and signs by their words, everything else as it is written."""
        if text in self.capitals:
            return f"capital {text}"
        return " ".join(SIGNS.get(run) or _announced(run) for run in RUNS.findall(text))

    def places(self, ref: Ref, rest: Sequence[Position]) -> str:
        """Which element: the example first, then row and column."""
        said = ""
        whole = len(rest) == len(ref.indices)
        if rest and whole and ref.symbol.plain in self.names.batched:
            said, rest = f" example {rest[0]}", rest[1:]
        if len(rest) == 2:
            return f"{said} row {rest[0]} column {rest[1]}"
        kind = "element" if len(rest) == 1 else "place"
        return said + (f" {kind} {' comma '.join(map(str, rest))}" if rest else "")


def _announced(word: str) -> str:
    return f"name {word}" if word.lower() in RESERVED else word
