"""The direction of imports, read from the source of every module; nothing is imported.

`complaints` takes a package folder and returns one sentence for each broken rule. The second half
of this file gives it small made-up packages that break one rule each.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "handgrad"

LAYERS = (  # imports point upwards in this list; units of one layer do not import each other
    ("errors",),
    ("calculus",),
    ("language", "rewrites"),
    ("model",),
    ("numbers",),
    ("render", "training"),
    ("auditing", "exchange"),
    ("exercises",),
    ("verbs",),
    ("runs",),
    ("sweeps",),
    ("estimator", "cli", "web"),
    ("__main__",),
    ("__init__",),
)
LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}
STANDARD_LIBRARY_ONLY = ("errors", "calculus", "language", "rewrites")
LAZY_DOORS = re.compile(r"handgrad(\.cli(\.\w+)?|\.verbs|\.estimator\.opened)?")
NAMES_THAT_SAY_NOTHING = {"base", "core", "helpers", "misc", "utils"}


def base_dependencies() -> frozenset[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    # Each distribution we build on has the name of its module.
    return frozenset(re.split(r"[^\w]", line)[0] for line in project["dependencies"])


@dataclass(frozen=True)
class Import:
    importer: str
    line: int
    target: str  # dotted name of the module
    inside_function: bool

    @property
    def is_ours(self) -> bool:
        return self.target.split(".")[0] == "handgrad"

    def __str__(self) -> str:
        return f"{self.importer} line {self.line} imports {self.target}"


def module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit(module: str) -> str:
    """`handgrad.model.problem` belongs to `model`, and `handgrad` itself is `__init__`."""
    return [*module.split("."), "__init__"][1]


def nodes(tree: ast.AST, inside_function: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    for node in ast.iter_child_nodes(tree):
        yield node, inside_function
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from nodes(node, inside_function or is_function)


def targets(node: ast.AST, module: str, is_package: bool, known: set[str]) -> list[str]:
    """The modules that one statement imports; `from package import name` may name a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    origin = node.module or ""
    if node.level:
        here = module.split(".")
        here = here[: len(here) - node.level + is_package]
        origin = ".".join([*here, origin] if origin else here)
    full_names = [f"{origin}.{alias.name}" for alias in node.names]
    return sorted({name if name in known else origin for name in full_names})


def imports_of(path: Path, package: Path, known: set[str]) -> list[Import]:
    module = module_name(path, package)
    is_package = path.name == "__init__.py"
    tree = ast.parse(path.read_text("utf-8"), filename=str(path))
    return [
        Import(module, node.lineno, target, inside_function)
        for node, inside_function in nodes(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for target in targets(node, module, is_package, known)
    ]


def complaints_about_direction(item: Import) -> Iterator[str]:
    own, other = unit(item.importer), unit(item.target)
    if own == other or own not in LEVEL:
        return
    if other not in LEVEL:
        yield f"{item}, which has no place in the layers"
    elif LEVEL[own] == LEVEL[other]:
        yield f"{item}: siblings do not import each other"
    elif LEVEL[own] < LEVEL[other]:
        yield f"{item}: {other} is above {own}"


def complaints_about_place(item: Import, base: frozenset[str]) -> Iterator[str]:
    if not item.inside_function or LAZY_DOORS.fullmatch(item.importer):
        return
    top = item.target.split(".")[0]
    if item.is_ours or top in base or top in sys.stdlib_module_names:
        yield f"{item} inside a function; only optional packages may be imported there"


def complaints_about_purity(item: Import) -> Iterator[str]:
    top = item.target.split(".")[0]
    is_third_party = not item.is_ours and top not in sys.stdlib_module_names
    if unit(item.importer) in STANDARD_LIBRARY_ONLY and is_third_party:
        yield f"{item}: {unit(item.importer)} uses the standard library only"


def complaints_about_cycles(imports: list[Import]) -> Iterator[str]:
    graph: dict[str, set[str]] = {}
    for item in imports:
        if item.is_ours and unit(item.importer) == unit(item.target):
            graph.setdefault(item.importer, set()).add(item.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        chain = error.args[1]
        yield "cycle: " + ", ".join(f"{a} is imported by {b}" for a, b in pairwise(chain))


def complaints_about_name(module: str) -> Iterator[str]:
    if unit(module) not in LEVEL:
        yield f"{module} has no place in the layers"
    for part in module.split("."):
        if part.strip("_") in NAMES_THAT_SAY_NOTHING:
            yield f"{module}: the name {part} says nothing about what is in it"


def complaints(package: Path, base: frozenset[str] = frozenset()) -> list[str]:
    """One sentence for each rule of the layout that a module of `package` breaks."""
    paths = sorted(package.rglob("*.py"))
    known = {module_name(path, package) for path in paths}
    imports = [item for path in paths for item in imports_of(path, package, known)]
    found = [sentence for module in sorted(known) for sentence in complaints_about_name(module)]
    for item in imports:
        if item.is_ours:
            found += complaints_about_direction(item)
        found += complaints_about_place(item, base)
        found += complaints_about_purity(item)
    return [*found, *complaints_about_cycles(imports)]


def test_the_package_keeps_to_the_layers():
    assert list(PACKAGE.rglob("*.py")), f"no module found in {PACKAGE}"
    assert complaints(PACKAGE, base_dependencies()) == []


def test_base_dependencies_are_read_from_the_project_file():
    assert {"click", "mpmath", "numpy", "pydantic", "rich"} <= base_dependencies()


# Test the test: what it must accept, and for each rule what it must refuse.

GOOD = {
    "__init__.py": "def __getattr__(name):\n    from handgrad import verbs\n",
    "__main__.py": "from handgrad.cli import main",
    "errors.py": "from dataclasses import dataclass",
    "calculus/__init__.py": "from handgrad.calculus.expr import Expr\nimport math",
    "calculus/expr.py": "from handgrad.errors import InputError\nimport fractions",
    "calculus/chain.py": "from . import expr\nfrom ..errors import InputError",
    "model/problem.py": "import pydantic\nfrom handgrad.calculus import Expr",
    "numbers/evaluate.py": "import numpy as np\nfrom handgrad.calculus import chain",
    "training/program.py": "def run():\n    import jax.numpy as jnp\n",
    "verbs.py": "def audit():\n    from handgrad.numbers import evaluate\n    import numpy\n",
    "cli.py": "import click\ndef main():\n    from handgrad import verbs\n",
}


def made_up_package(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "handgrad"
    for name, source in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    return package


def test_a_good_package_gives_no_complaint(tmp_path):
    package = made_up_package(tmp_path, GOOD)
    assert complaints(package, frozenset({"numpy", "pydantic", "click"})) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"calculus/expr.py": "from handgrad.model.problem import Problem"},
            "calculus.expr line 1 imports handgrad.model.problem: model is above calculus",
            id="upwards",
        ),
        pytest.param(
            {"calculus/expr.py": "from ..model import problem"},
            "handgrad.calculus.expr line 1 imports handgrad.model.problem: model is above",
            id="upwards-by-a-relative-import",
        ),
        pytest.param(
            {"calculus/expr.py": "if TYPE_CHECKING:\n    import handgrad.verbs"},
            "line 2 imports handgrad.verbs: verbs is above calculus",
            id="upwards-for-a-type-only",
        ),
        pytest.param(
            {"verbs.py": "def f():\n    from handgrad.cli import main"},
            "verbs line 2 imports handgrad.cli: cli is above verbs",
            id="upwards-from-inside-a-door",
        ),
        pytest.param(
            {"numbers/evaluate.py": "from handgrad import auditing"},
            "line 1 imports handgrad: __init__ is above numbers",
            id="from-the-package-itself",
        ),
        pytest.param(
            {"render/text.py": "from handgrad.training.program import run"},
            "render.text line 1 imports handgrad.training.program: siblings",
            id="sibling",
        ),
        pytest.param(
            {"calculus/expr.py": "import numpy as np"},
            "imports numpy: calculus uses the standard library only",
            id="third-party-in-calculus",
        ),
        pytest.param(
            {"errors.py": "from rich import print"},
            "imports rich: errors uses the standard library only",
            id="third-party-in-errors",
        ),
        pytest.param(
            {
                "calculus/chain.py": "from handgrad.calculus import expr",
                "calculus/expr.py": "from handgrad.calculus.chain import derive",
            },
            "cycle: ",
            id="cycle",
        ),
        pytest.param(
            {"calculus/expr.py": "from handgrad.calculus import Expr"},
            "cycle: ",
            id="cycle-through-the-init-of-a-package",
        ),
        pytest.param(
            {"numbers/utils.py": ""},
            "handgrad.numbers.utils: the name utils says nothing",
            id="name-of-a-module",
        ),
        pytest.param(
            {"model/_core/layers.py": ""},
            "handgrad.model._core.layers: the name _core says nothing",
            id="name-of-a-package",
        ),
        pytest.param(
            {"gadgets/wheel.py": ""},
            "handgrad.gadgets.wheel has no place in the layers",
            id="unknown-unit",
        ),
        pytest.param(
            {"numbers/evaluate.py": "def f():\n    from handgrad.calculus import expr"},
            "numbers.evaluate line 2 imports handgrad.calculus.expr inside a function",
            id="own-module-inside-a-function",
        ),
        pytest.param(
            {"numbers/evaluate.py": "class A:\n    def f(self):\n        import numpy"},
            "line 3 imports numpy inside a function",
            id="base-dependency-inside-a-method",
        ),
        pytest.param(
            {"numbers/evaluate.py": "async def f():\n    if 1:\n        import json"},
            "line 3 imports json inside a function",
            id="standard-library-inside-a-function",
        ),
    ],
)
def test_a_broken_rule_is_named(tmp_path, files, expected):
    package = made_up_package(tmp_path, GOOD | files)
    found = complaints(package, frozenset({"numpy", "pydantic", "click"}))
    assert len(found) == 1, found
    assert expected in found[0]
