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
        "steps": [
            {"step": n, "loss": _number(trace, problem), "values": _values(trace, hidden)}
            for n, trace in steps
        ],
        "final": {"loss": _number(final, problem), "values": _values(final, hidden)},
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _number(trace: Trace, problem: Problem) -> float:
    return float(trace[problem.loss])


def _values(trace: Trace, hidden: set[Symbol]) -> Mapping[str, Any]:
    return {str(s): v.tolist() for s, v in trace.arrays.items() if s not in hidden}
