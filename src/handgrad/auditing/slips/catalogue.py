"""The names of the slips, and what one line becomes by one of them.

The list is that of 154 slips found in 72 published worked examples.
"""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.calculus.expr import Expr

__all__ = ["SLIPS", "Slip", "Variant"]


@dataclass(frozen=True)
class Slip:
    """One kind of slip. ``of`` says what is rewritten: a line, a printed number, or a whole run."""

    name: str
    title: str
    of: str = "line"


SLIPS: tuple[Slip, ...] = (
    Slip("arithmetic", "the result is not that of the operation printed", "number"),
    Slip("truncated", "digits cut off instead of rounded", "number"),
    Slip("last_digit", "off by one in the last place", "number"),
    Slip("sign", "a minus lost or added; an update uphill; δ with the other sign"),
    Slip("digit", "a digit dropped, doubled or swapped; the point lost or moved", "number"),
    Slip("stale_value", "the value of the pass or example before"),
    Slip("updated_weight", "the new weights used to carry the error back"),
    Slip("wrong_operand", "the neighbour's activation, the other target, z for a, x for a"),
    Slip("wrong_weight", "another weight; the matrix transposed"),
    Slip("missing_term", "one term of a sum left out"),
    Slip("step_count", "one update more or less", "run"),
    Slip("learning_rate", "another learning rate, or none"),
    Slip("factor", "½ kept or dropped, 2 left in, a sum for a mean"),
    Slip("derivative", "f′ left out, taken twice, at a as if it were z, or at another unit"),
    Slip("softmax", "a/Σa for e^z/Σe^z; z for a in a − y"),
    Slip("bias", "the bias left out, added twice, not updated, its gradient not summed"),
    Slip("mislabelled", "the number of one quantity under the name of another"),
    Slip("precision", "computed in single precision, or with few digits throughout", "run"),
)


@dataclass(frozen=True)
class Variant:
    """One way a line goes wrong: its other right side, and the sentence that says it.

    ``cost`` ranks: the smaller, the more often it happens. ``key`` is the same for the same slip in
    the other elements of an equation, so that it can be made in all of them.
    """

    slip: str
    rhs: Expr
    sentence: str
    cost: float = 1.0
    key: str = ""
