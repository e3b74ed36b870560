"""LaTeX in the pages becomes MathML while the site is built: no script, no font, no network.

A formula that cannot be converted is a warning with its page and line: a build with -W fails.
Why this way: docs/decisions/0002-docs-math.md
"""

from html import escape

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging

CONVERTER = LatexToMathML(annotation=True, fancy_error=False)
LOGGER = logging.getLogger(__name__)


def convert(node, *, displaystyle):
    latex = node.astext()
    try:
        return CONVERTER.convert_with_local_state(latex, displaystyle=displaystyle)
    except LatexError as error:
        LOGGER.warning("no MathML for %r: %s", latex, error, location=node, type="mathml")
        return f"<code>{escape(latex)}</code>"


def visit_inline(writer, node):
    writer.body.append(convert(node, displaystyle=False))
    raise nodes.SkipNode  # its child is the LaTeX


def visit_display(writer, node):
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    writer.body.append(convert(node, displaystyle=True))
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(visit_inline, None),
        block_renderers=(visit_display, None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
