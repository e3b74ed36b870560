"""How the documentation is built: `sphinx-build -W docs docs/_build`."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_extensions"), str(HERE)]

import make_gallery  # noqa: E402 (its folder is on the path only now)

make_gallery.make()

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
