"""The public names are exactly those of `handgrad.__all__`, and asking for none costs nothing."""

import json
import subprocess
import sys
from types import ModuleType

import pytest

import handgrad

SUBMODULE_PREFIX = "handgrad."
HEAVY = ("jax", "mpmath", "numpy", "pydantic", "rich", "scipy", "sympy", "torch")


def run_alone(program: str) -> object:
    """What a fresh interpreter prints as JSON; other tests have loaded everything into this one."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def is_internal(name: str, value: object) -> bool:
    is_submodule = isinstance(value, ModuleType) and value.__name__.startswith(SUBMODULE_PREFIX)
    return name.startswith("_") or is_submodule


def test_names_are_a_sorted_list_without_repeats():
    assert isinstance(handgrad.__all__, list)
    assert handgrad.__all__ == sorted(set(handgrad.__all__))


@pytest.mark.parametrize("name", handgrad.__all__)
def test_each_name_is_there(name):
    assert getattr(handgrad, name) is getattr(handgrad, name)


def test_dir_shows_each_name():
    assert set(handgrad.__all__) <= set(dir(handgrad))


def test_nothing_else_is_offered():
    offered = {name: getattr(handgrad, name) for name in dir(handgrad)}
    public = {name for name, value in offered.items() if not is_internal(name, value)}
    assert public <= set(handgrad.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = handgrad.no_such_name


LOAD_EVERYTHING = """
import importlib, json, pkgutil
import handgrad

first = {name: getattr(handgrad, name) for name in handgrad.__all__}
for module in pkgutil.walk_packages(handgrad.__path__, "handgrad."):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:  # an optional package is absent
        assert not error.name.startswith("handgrad"), error
then = {name: getattr(handgrad, name) for name in handgrad.__all__}

is_submodule = {n for n, v in then.items() if getattr(v, "__name__", "") == f"handgrad.{n}"}
has_changed = {n for n in first if then[n] is not first[n]}
print(json.dumps(sorted(is_submodule | has_changed)))
"""


def test_no_name_turns_into_the_submodule_of_the_same_name():
    # Importing the subpackage handgrad.auditing sets handgrad.auditing: the verb has to win.
    assert run_alone(LOAD_EVERYTHING) == []


def test_importing_the_package_alone_loads_nothing_heavy():
    program = f"import handgrad, json, sys; print(json.dumps(sorted({HEAVY} & sys.modules.keys())))"
    assert run_alone(program) == []
