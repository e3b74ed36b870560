"""The verbs of the package: load or describe a problem, derive, evaluate, explain.

p = load("net.toml")                    a Problem, or Network(…), Equations(…)
d = derive(p)                           its equations
t = evaluate(d, p)                      the value of every quantity
w = explain(p, of="W1[2,1]")            worked steps, in every format
"""

# A door: what comes in is whatever a user gave, so types are looked at and not believed.
# pyright: reportUnnecessaryIsInstance=false

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from handgrad.calculus.derivation import Derivation
from handgrad.errors import InputError, LimitError
from handgrad.model import loading
from handgrad.model import problem as problems
from handgrad.model.limits import Limits
from handgrad.model.problem import Problem
from handgrad.numbers import evaluate as numbers
from handgrad.numbers.arithmetic import FLOATS, Arithmetic
from handgrad.numbers.evaluate import Trace
from handgrad.numbers.page import Page, Remark, Section, element, single_element
from handgrad.numbers.updates import Updates, start
from handgrad.numbers.worked import appendix, known_reading, sections
from handgrad.render.document import Document, Picture
from handgrad.render.text import to_text
from handgrad.rewrites.delta import delta_form

if TYPE_CHECKING:
    from handgrad.auditing.report import Report
    from handgrad.numbers.checking.submitted import Gradient
    from handgrad.numbers.checking.verdict import Check
    from handgrad.render.diagram import Diagram

__all__ = [
    "Worked",
    "audit",
    "check",
    "derive",
    "draw",
    "evaluate",
    "explain",
    "load",
]

Array = Any
MOST_STEPS, MOST_DECIMALS = 1_000_000, 12


def load(path: str | os.PathLike[str]) -> Problem:
    """The problem in a TOML file.

    Raises ``FileError`` if it cannot be read and ``ProblemFileError`` with every mistake in it,
    each with line and column.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"load takes the path of a problem file, got {type(path).__name__}.")
    return loading.load(path)


def derive(problem: Problem) -> Derivation:
    """The forward, backward and update equations of a problem.

    Raises ``DerivationError`` where the equations do not fit together.
    """
    _is_problem(problem, "derive")
    return problems.derive(problem)


def _is_problem(given: object, verb: str) -> None:
    if not isinstance(given, Problem):
        raise InputError(
            f"{verb} takes a Problem, from load, Network or Equations; got {type(given).__name__}."
        )


def evaluate(
    derivation: Derivation, problem: Problem, dtype: Any = np.float64, *, exact: bool = False
) -> Trace:
    """Every quantity of the first update: ``trace["dL/dW1"]`` is an array.

    With ``exact`` its elements are exact numbers: ``.fraction`` (None where no fraction will do),
    ``str(…)`` for fraction or 50 digits, ``.rounded(4)`` for a rounding that is proved, halves away
    from zero. The numbers given are the decimals that were written: 0.1 is 1/10.

    Raises ``ShapeError`` where arrays do not fit, ``NumericError`` where a number is not finite,
    ``LimitError`` where exact numbers would take too long.

    >>> from handgrad import Equations
    >>> p = Equations("L = w*x", loss="L", parameters={"w": 0.1}, data={"x": 0.2})
    >>> evaluate(derive(p), p, exact=True)["L"].item()
    1/50
    """
    _is_problem(problem, "evaluate")
    if not isinstance(derivation, Derivation):
        got = type(derivation).__name__
        raise InputError(f"evaluate takes a Derivation, from derive, and a Problem; got {got}.")
    kind, arithmetic = _numbers(problem, derivation, dtype, 1 if exact else 0)
    return numbers.evaluate(derivation, start(problem, derivation), kind, arithmetic=arithmetic)


def _numbers(
    problem: Problem, derivation: Derivation, dtype: Any, exact_steps: int
) -> tuple[Any, Arithmetic]:
    """The type of the arrays of a run, and how it calculates: exactly if for some steps at all."""
    kind = _float_type(dtype)
    if not exact_steps:
        return kind, FLOATS
    from handgrad.numbers.exact_kernels import EXACT, check_size

    if kind is not np.float64:
        raise InputError("Exact numbers have no dtype. Leave out dtype, or exact.")
    digits = max(problem.notation.digits or 0, problem.notation.significant or 0)
    if digits > Limits.exact_decimals:
        raise LimitError(f"{digits} digits; at most {Limits.exact_decimals} are shown.")
    check_size(derivation, start(problem, derivation), exact_steps)
    return object, EXACT


def _float_type(dtype: Any) -> Any:
    known = {"float32": np.float32, "float64": np.float64}
    try:
        return known[np.dtype(dtype).name]
    except (TypeError, KeyError):
        raise InputError(f"dtype is {dtype!r:.60}; it may be float64 or float32.") from None


def check(
    problem: Problem,
    *,
    gradient: Gradient | None = None,
    progress: Callable[[float], None] | None = None,
) -> Check:
    """Compare gradients with independent derivatives: the derivation's, or somebody else's.

    ``gradient`` maps ``"W1"`` (or ``"dL/dW1"``) to an array, or a tensor of PyTorch, of the
    parameter's shape. Or it is a function that returns such a mapping: it is called with the given
    arrays that its arguments name, ``def gradient(W1, b1, x, y)``, or with all of them as one
    mapping, ``def gradient(arrays)``.

    The result says which witnesses were asked, how exact each is, and names every element that
    disagrees; ``.agrees`` is the answer. An element at a kink of the loss is never called wrong.
    ``progress`` is told now and then which part of the work is done, up to 1.

    Raises ``InputError`` for a name that is no parameter or a number that is not finite,
    ``ShapeError`` for a wrong shape.

    >>> from handgrad import Network
    >>> p = Network([2, 1], W=[[[0.5, -0.25]]], b=[[0.1]], x=[[1.0, 2.0]], y=[[1.0]])
    >>> check(p).agrees
    True
    >>> check(p, gradient={"W1": [[0.0, 0.0]], "b1": [0.0]}).first.element.indices
    (1, 1)
    """
    from handgrad.numbers.checking.submitted import submitted
    from handgrad.numbers.checking.witness import compare

    _is_problem(problem, "check")
    derivation = derive(problem)
    values = start(problem, derivation)
    told: Callable[[float], None] = progress or (lambda _: None)
    if gradient is not None:
        arrays = submitted(gradient, derivation, values)
        return compare(problem, derivation, arrays, values, progress=told)
    trace = numbers.evaluate(derivation, values)
    arrays = {s: trace[s.gradient(problem.loss)] for s in derivation.parameters}
    return compare(problem, derivation, arrays, values, derived=True, progress=told)


def audit(
    document: str | os.PathLike[str], *, network: Problem | str | os.PathLike[str] | None = None
) -> Report:
    """Which printed numbers of a worked example are right, and which slip made the wrong ones.

    ``document`` is the path of a Markdown, LaTeX, HTML, text or notebook file, or a text of at least
    two lines. The example's own equations are what holds; given values bind. With ``network``, a
    problem or the path of its file, that problem is what holds, and the names of the document are
    matched to it.

    Raises ``FileError`` and ``LimitError`` for a file that cannot be used, ``InputError`` where there
    is no number to judge.
    """
    from handgrad.auditing.audit import report
    from handgrad.auditing.reading.source import read, source_of

    if not isinstance(document, str | os.PathLike):
        raise InputError(f"audit takes a path or a text, got {type(document).__name__}.")
    if network is not None and not isinstance(network, Problem):
        network = load(network)
    if isinstance(document, str) and "\n" in document:
        return report(source_of(document), network)
    return report(read(document), network)


@dataclass(frozen=True)
class Worked:
    """Worked steps of a problem, ready for every format; shows itself in a notebook."""

    problem: Problem
    derivation: Derivation
    traces: tuple[tuple[int, Trace], ...]
    run: Updates
    reading: str
    of: str | None
    symbols_only: bool
    full: bool
    appendix: bool
    carried: bool
    remark: str = ""  # said above the first step

    @property
    def stopped(self) -> bool:
        """Whether the threshold of the loss ended the run before all steps were done."""
        return self.run.stopped

    @cached_property
    def final(self) -> Trace:
        """The forward pass after the last update."""
        return self.run.final()

    @cached_property
    def document(self) -> Document:
        """The document that all formats are written from."""
        parts: list[Section] = []
        for step, trace in self.traces:
            digits = self.problem.notation.digits
            page = Page(
                self.problem,
                self.derivation,
                trace,
                self.reading,
                self.symbols_only,
                self.full,
                None if self.carried else 4 if digits is None else digits,
            )
            of = element(self.problem, trace, self.of) if self.of else None
            made = _with_note(trace, self._with_batch(step, sections(page, of)))
            if self.remark and not parts and made:
                items = (Remark(self.remark), *made[0].items)
                made = (replace(made[0], items=items), *made[1:])
            named = len(self.traces) > 1 or step > 1
            parts += [replace(s, title=f"Step {step}: {s.title}") for s in made] if named else made
            if self.symbols_only:
                break
        if self.appendix:
            parts += appendix(self.derivation)
        return Document.of(self.problem, tuple(parts))

    def _with_batch(self, step: int, made: tuple[Section, ...]) -> tuple[Section, ...]:
        """Say first which examples the step used, where it did not use all of them in order."""
        used = [int(row) + 1 for row in self.run.batch(step)]
        if used == list(range(1, self.problem.examples + 1)) or not made:
            return made
        listed = ", ".join(map(str, used[:12])) + (", …" if len(used) > 12 else "")
        said = Remark(
            f"This update uses {len(used)} of {self.problem.examples} examples: {listed}."
        )
        return (replace(made[0], items=(said, *made[0].items)), *made[1:])

    def diagram(
        self, view: str | None = None, *, of: str | None = None, example: int = 1
    ) -> Diagram:
        """The picture of the first of its steps; see ``draw``."""
        from handgrad.render.diagram import Diagram

        if self.carried:
            raise InputError("A picture shows the full numbers: leave carry out.")
        step, trace = self.traces[0]
        of = self.of if of is None else of
        ref = single_element(self.problem, trace, of) if of else None
        usual = "backward" if of else "forward"
        view = view or (usual if self.problem.layered else "graph")
        used = [int(row) + 1 for row in self.run.batch(step)]
        if ref and ref.symbol in self.problem.batched:
            example = used[int(str(ref.indices[0])) - 1]
        if type(example) is not int or example not in used:
            listed = ", ".join(map(str, used[:12])) + (", …" if len(used) > 12 else "")
            raise InputError(f"Example {example!r:.40} is not in step {step}. There: {listed}.")
        page = Page(self.problem, self.derivation, trace)
        return Diagram(page, view, ref, example, used.index(example) + 1, step)

    def pictures(self, theme: str = "auto") -> tuple[Picture, ...]:
        """The picture of the first of its steps, to stand above the steps on a page.

        Of ``of`` where that is one number. None of a problem too large to be read on paper, without
        numbers, or with numbers rounded on the way.
        """
        if self.carried or self.symbols_only:
            return ()
        untitled = replace(self, problem=replace(self.problem, title=""), of=None)
        first = int(self.run.batch(self.traces[0][0])[0]) + 1
        try:
            diagram = untitled.diagram(of=self.of, example=first)
        except InputError:  # a whole array, or what has no derivative
            diagram = untitled.diagram(example=first)
        return (diagram.picture(theme),) if diagram.readable else ()

    def to_text(self, width: int = 88) -> str:
        """Plain text, wrapped to ``width`` columns."""
        return to_text(self.document, width)

    def to_markdown(self) -> str:
        """Markdown with LaTeX between dollar signs."""
        from handgrad.render.markdown import to_markdown

        return to_markdown(self.document)

    def to_latex(self, *, whole: bool = True) -> str:
        """A complete LaTeX document, or a fragment for one that loads amsmath."""
        from handgrad.render.latex import fragment, to_latex

        return to_latex(self.document) if whole else fragment(self.document)

    def to_html(self, pictures: Sequence[Picture] = ()) -> str:
        """One page of HTML with MathML, whole in itself; ``pictures()`` may stand above the steps."""
        from handgrad.render.html import to_html

        return to_html(self.document, pictures)

    def to_spoken(self) -> str:
        """The words a screen reader says well, one sentence a line."""
        from handgrad.render.spoken import to_spoken

        return to_spoken(self.document)

    def to_typst(self, *, pictures: Sequence[Picture] = ()) -> str:
        """A complete Typst document; every formula and picture has its words."""
        from handgrad.render.typst import to_typst

        return to_typst(self.document, pictures)

    def to_pdf(self, *, pictures: Sequence[Picture] = ()) -> bytes:
        """An accessible PDF (PDF/UA-1), the same bytes each time.

        Raises ``InputError`` where the extra ``pdf`` is not installed.
        """
        from handgrad.render.pdf import to_pdf

        return to_pdf(self.to_typst(pictures=pictures))

    def to_json(self) -> str:
        """Equations, the values of every step in full precision, and the final state."""
        from handgrad.render.json import to_json

        return to_json(self.problem, self.derivation, self.traces, self.final)

    def _repr_html_(self) -> str:
        from handgrad.render.html import fragment

        return fragment(self.document)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_latex_(self) -> str:
        return self.to_latex(whole=False)

    def __str__(self) -> str:
        return self.to_text()


def _with_note(trace: Trace, made: tuple[Section, ...]) -> tuple[Section, ...]:
    """Say first which exact numbers are no fractions any more because those became too long."""
    cut = [
        str(s)
        for s, v in trace.arrays.items()
        if v.dtype == object and any(number.cut for number in v.flat)
    ]
    if not cut or not made:
        return made
    listed = ", ".join(cut[:6]) + (", …" if len(cut) > 6 else "")
    said = Remark(
        f"Fractions of more than 2,000 digits are not carried on: {listed} "
        f"{'is' if len(cut) == 1 else 'are'} known to 1,000 digits."
    )
    return (replace(made[0], items=(said, *made[0].items)), *made[1:])


def explain(
    problem: Problem,
    *,
    of: str | None = None,
    steps: int = 1,
    step: int | None = None,
    reading: str | None = None,
    symbols_only: bool = False,
    full: bool = False,
    appendix: bool | None = None,
    carry: int | None = None,
    exact: bool = False,
    dtype: Any = np.float64,
) -> Worked:
    """The worked solution of a problem's first updates.

    ``of`` names a quantity or element (``"W1[2,1]"``); ``steps`` how many updates, or ``step`` which
    single one. ``reading`` of the backward pass: ``steps``, ``chain``, ``delta`` or ``matrix``; left
    out, ``chain`` for one quantity and the problem's own for a whole step. A large problem is
    summarised unless ``full``. ``appendix`` adds the derivation of each activation's derivative,
    line by line. ``carry`` rounds every line to that many decimals and goes on with the rounded
    numbers, as one does in an exam. ``exact`` calculates in fractions where they will do and to a
    thousand digits elsewhere, and proves every rounding, see ``evaluate``.

    Raises ``InputError`` for a quantity or reading that does not exist.
    """
    _is_problem(problem, "explain")
    wanted = steps if step is None else step
    if type(wanted) is not int or not 0 < wanted <= MOST_STEPS:
        raise InputError(f"Steps run from 1 to {MOST_STEPS:,}, got {wanted}.")
    if of is not None and not isinstance(of, str):
        raise InputError(f"of is {of!r:.60}; it is a name such as 'W1[2,1]'.")
    derivation = derive(problem)
    if carry is not None and exact:
        raise InputError("Exact numbers are not rounded on the way. Give exact or carry, not both.")
    if carry is not None and reading == "chain":
        raise InputError("Rounded numbers are carried in the readings steps and delta, not chain.")
    usual = "chain" if of is not None and carry is None else problem.notation.backward
    reading = known_reading(reading or usual)
    if carry is not None:
        if type(carry) is not int or not 0 <= carry <= MOST_DECIMALS:
            raise InputError(f"carry is {carry!r:.60}; it may be 0 to {MOST_DECIMALS} decimals.")
        reading = "steps" if reading == "chain" else reading
        derivation = delta_form(derivation) if reading == "delta" else derivation
        shown = replace(problem.notation, digits=carry, significant=None)
        problem = replace(problem, notation=shown)
    kind, arithmetic = _numbers(problem, derivation, dtype, wanted if exact else 0)
    run = Updates(problem, derivation, wanted, kind, carry, arithmetic)
    traces = tuple((n, trace) for n, trace in enumerate(run, 1) if step is None or n == step)
    if not traces and not run.done and wanted == 1:
        traces = ((1, run.evaluated(derivation, run.values(1))),)
    if not traces:
        below = f"the loss is below {problem.training.loss_below}"
        reason = below if run.stopped else "the learning rate is at its least"
        reached = f"{reason} after {run.done} updates"
        raise InputError(f"There is no step {wanted}: {reached}, and training stops.")
    worked = Worked(
        problem,
        derivation,
        traces,
        run,
        reading,
        of,
        symbols_only,
        full,
        problem.notation.appendix and of is None if appendix is None else appendix,
        carry is not None,
    )
    if of is not None:
        element(problem, traces[0][1], of)
    return worked


def draw(
    problem: Problem,
    *,
    of: str | None = None,
    view: str | None = None,
    example: int = 1,
    step: int = 1,
) -> Diagram:
    """The picture of one update of a problem; in a notebook it shows itself.

    ``view``: ``forward`` (values and weights), ``backward`` (δ and ∂L/∂W, or with ``of`` the paths of
    one quantity to the loss, each with its local derivative), ``update`` (old → new), ``graph`` (what
    is computed from what). Left out: ``graph`` for equations, else ``backward`` with ``of`` and
    ``forward`` without. ``example`` says which one is shown where a step uses several; where ``of``
    belongs to an example, that one is.

    Raises ``InputError`` for a view, quantity, example or step that does not exist.

    >>> from handgrad import Network
    >>> p = Network([2, 1], W=[[[0.5, -0.25]]], b=[[0.1]], x=[[1.0, 2.0]], y=[[1.0]])
    >>> picture = draw(p, of="W1[1,2]")
    >>> picture.view, picture.to_svg(theme="light")[:4]
    ('backward', '<svg')
    """
    return explain(problem, step=step).diagram(view, of=of, example=example)
