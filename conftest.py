"""Runs the Python snippets of README and docs, and skips tests whose oracle is not installed."""

import os
from importlib.util import find_spec

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

os.environ["HANDGRAD_CACHE"] = "off"  # tests leave nothing behind, and compile what they test

collect_ignore = ["docs/conf.py", "docs/_extensions"]

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
).pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked torch where torch is absent; no extra installs it."""
    if find_spec("torch") is not None:
        return
    missing = pytest.mark.skip(reason="torch is not installed")
    for item in items:
        if item.get_closest_marker("torch"):
            item.add_marker(missing)
