"""How the documentation is built: `sphinx-build -W docs docs/_build`."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "handgrad"
author = "handgrad contributors"
copyright = "2026, handgrad contributors"  # noqa: A001 (the name Sphinx reads)
version = release = installed_version("handgrad")

extensions = ["mathml", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_extensions"]

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "alphabetical"
autodoc_typehints = "description"
napoleon_google_docstring = False

html_theme = "furo"
html_title = f"handgrad {release}"
html_math_renderer = "mathml"
