"""The public JSON of a run of worked steps: equations, every step's values, and the final state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from handgrad.calculus.derivation import Derivation
from handgrad.calculus.expr import Symbol
from handgrad.language.writing import text
from handgrad.model.problem import Problem, constants
from handgrad.numbers.evaluate import Trace
from handgrad.render.digits import Digits
from handgrad.render.latex import LatexWriter
from handgrad.render.notation import Names

__all__ = ["to_json"]


def to_json(
    problem: Problem,
    derivation: Derivation,
    steps: Iterable[tuple[int, Trace]],
    final: Trace,
) -> str:
    """``{"equations": […], "steps": […], "final": {…}}``, numbers in full double precision.

    ``values`` holds the data, the parameters before the update and every quantity of the step.
    """
    hidden = set(constants(problem))
    writer = LatexWriter(Names.of(problem), Digits())
    document = {
        "equations": [
            {
                "name": str(e.lhs.symbol),
                "phase": e.phase.value,
                "text": f"{text(e.lhs)} = {text(e.rhs)}",
                "latex": f"{writer.write(e.lhs)} = {writer.write(e.rhs)}",
                "why": e.why,
            }
            for e in derivation.equations
        ],
        "steps": [{"step": n, **_state(trace, problem, hidden)} for n, trace in steps],
        "final": _state(final, problem, hidden),
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _state(trace: Trace, problem: Problem, hidden: set[Symbol]) -> Mapping[str, Any]:
    """Loss and values as floats; exact numbers once more as texts: fractions, or 50 digits."""
    shown = {str(s): v for s, v in trace.arrays.items() if s not in hidden}
    exact = {k: v.astype(str).tolist() for k, v in shown.items() if v.dtype == object}
    return {
        "loss": float(trace[problem.loss]),
        "values": {k: v.astype(float).tolist() for k, v in shown.items()},
        **({"exact": exact} if exact else {}),
    }
