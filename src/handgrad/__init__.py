"""Backpropagation, worked step by step: write the forward equations, read everything else.

Everything follows from them::

    import handgrad as hg

    p = hg.load("net.toml")
    print(hg.explain(p, of="W1[2,1]"))

Importing the package loads nothing heavy; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handgrad.auditing.report import Report as Report
    from handgrad.auditing.slips.catalogue import SLIPS as slips
    from handgrad.auditing.slips.planting import plant as plant
    from handgrad.calculus.derivation import Derivation as Derivation
    from handgrad.errors import HandgradError as HandgradError
    from handgrad.errors import InputError as InputError
    from handgrad.estimator.classifier import MLPClassifier as MLPClassifier
    from handgrad.estimator.regressor import MLPRegressor as MLPRegressor
    from handgrad.model.describe import Equations as Equations
    from handgrad.model.describe import Network as Network
    from handgrad.model.problem import Notation as Notation
    from handgrad.model.problem import Problem as Problem
    from handgrad.numbers.checking.verdict import Check as Check
    from handgrad.numbers.evaluate import Trace as Trace
    from handgrad.render.plots import plot as plot
    from handgrad.runs import Run as Run
    from handgrad.runs import load_run as load_run
    from handgrad.runs import train as train
    from handgrad.sweeps import Sweep as Sweep
    from handgrad.sweeps import sweep as sweep
    from handgrad.verbs import Worked as Worked
    from handgrad.verbs import audit as audit
    from handgrad.verbs import check as check
    from handgrad.verbs import derive as derive
    from handgrad.verbs import draw as draw
    from handgrad.verbs import evaluate as evaluate
    from handgrad.verbs import explain as explain
    from handgrad.verbs import load as load

__all__ = [
    "Check",
    "Derivation",
    "Equations",
    "HandgradError",
    "InputError",
    "MLPClassifier",
    "MLPRegressor",
    "Network",
    "Notation",
    "Problem",
    "Report",
    "Run",
    "Sweep",
    "Trace",
    "Worked",
    "audit",
    "check",
    "derive",
    "draw",
    "evaluate",
    "explain",
    "load",
    "load_run",
    "plant",
    "plot",
    "slips",
    "sweep",
    "train",
]

_HOMES = {
    "Check": "handgrad.numbers.checking.verdict",
    "Derivation": "handgrad.calculus.derivation",
    "Equations": "handgrad.model.describe",
    "HandgradError": "handgrad.errors",
    "InputError": "handgrad.errors",
    "MLPClassifier": "handgrad.estimator.classifier",
    "MLPRegressor": "handgrad.estimator.regressor",
    "Network": "handgrad.model.describe",
    "Notation": "handgrad.model.problem",
    "Problem": "handgrad.model.problem",
    "Report": "handgrad.auditing.report",
    "Run": "handgrad.runs",
    "Sweep": "handgrad.sweeps",
    "Trace": "handgrad.numbers.evaluate",
    "load_run": "handgrad.runs",
    "plant": "handgrad.auditing.slips.planting",
    "plot": "handgrad.render.plots",
    "slips": "handgrad.auditing.slips.catalogue",
    "sweep": "handgrad.sweeps",
    "train": "handgrad.runs",
}
_CALLED = {"slips": "SLIPS"}  # where it is at home


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(_HOMES.get(name, "handgrad.verbs"))
    return getattr(home, _CALLED.get(name, name))


def __dir__() -> list[str]:
    return list(__all__)
