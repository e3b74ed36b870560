"""One page of HTML with MathML, whole in itself: no script, no network; or a fragment for a notebook.

Written as well-formed XML too. The width a line asks for is estimated here; the style sheet puts its
parts beside each other where there is room for it, and under each other where there is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from handgrad.calculus.expr import Expr, Ref
from handgrad.language.writing import text
from handgrad.render.document import Document, Formula, Item, Line, Picture, Remark, Section, equals
from handgrad.render.mathml import MathWriter
from handgrad.render.stylesheet import PAGE, SHARED
from handgrad.render.text import FUNCTIONS, plain_name

__all__ = ["fragment", "to_html"]

CONTENTS = 6  # sections a page may have without a table of contents
IGNORED = "tex2jax_ignore mathjax_ignore"  # a dollar sign in a title starts no formula
# Whatever a picture brings, nothing is fetched and nothing runs.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def to_html(document: Document, pictures: Sequence[Picture] = ()) -> str:
    """A complete page; ``pictures`` stand above its sections."""
    title = escape(document.title)
    body = _header(document, 1)
    body += map(_picture, pictures)
    if len(document.sections) > CONTENTS:
        body += _contents(document.sections)
    body += _sections(document, 2, linked=True)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8"/>',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{title or 'Worked steps'}</title>",
            f"<style>{SHARED}{PAGE}</style>",
            "</head>",
            "<body>",
            '<main class="handgrad">',
            *body,
            "</main>",
            "</body>",
            "</html>\n",
        ]
    )


def fragment(document: Document, pictures: Sequence[Picture] = ()) -> str:
    """The same for the output of a notebook's cell, in the notebook's own colours."""
    parts = [f'<div class="handgrad {IGNORED}">', f"<style>{SHARED}</style>"]
    parts += _header(document, 3)
    parts += map(_picture, pictures)
    parts += _sections(document, 4, linked=False)
    return "\n".join([*parts, "</div>\n"])


def _header(document: Document, level: int) -> list[str]:
    title, source = escape(document.title), escape(document.source)
    inside = [f'<h{level} dir="auto">{title}</h{level}>'] if title else []
    inside += [f'<p class="source" dir="auto">Source: {source}</p>'] if source else []
    return ["<header>", *inside, "</header>"] if inside else []


def _picture(picture: Picture) -> str:
    drawing = re.sub(r"^\s*<\?xml[^>]*\?>", "", picture.svg)
    return f'<figure role="img" aria-label="{escape(picture.description)}">{drawing}</figure>'


def _contents(sections: Sequence[Section]) -> Iterator[str]:
    yield '<nav aria-label="Contents">'
    yield "<ol>"
    for number, section in enumerate(sections, 1):
        yield f'<li><a href="#s{number}">{escape(section.title)}</a></li>'
    yield "</ol>"
    yield "</nav>"


def _sections(document: Document, level: int, *, linked: bool) -> Iterator[str]:
    writer = _Lines(document)
    for number, section in enumerate(document.sections, 1):
        name = f' id="s{number}"' if linked else ""
        yield "<section>"
        yield f"<h{level}{name}>{escape(section.title)}</h{level}>"
        yield from map(writer.item, section.items)
        yield "</section>"


@dataclass
class _Lines:
    """Writes the items of one document; names are looked up once."""

    document: Document
    math: MathWriter = field(init=False)
    plain: dict[Ref, str] = field(default_factory=dict[Ref, str])

    def __post_init__(self) -> None:
        self.math = MathWriter(self.document.names, self.document.digits)

    def item(self, item: Item) -> str:
        match item:
            case Remark(sentence):
                return f"<p>{escape(sentence)}</p>"
            case Formula(lhs, rhs):
                return self.line(lhs, [("=", rhs)], "formula")
            case Line(lhs, parts):
                digits, places = self.document.digits, range(len(parts))
                signs = ["=" if equals(parts, n, digits) else "≈" for n in places]
                return self.line(lhs, list(zip(signs, parts, strict=True)), "worked")

    def line(self, lhs: Expr, parts: Sequence[tuple[str, Expr]], kind: str) -> str:
        """``lhs = a = b ≈ c``: the left side, and each part with its sign."""
        pieces = list(dict.fromkeys((sign, self.math.write(p), self.said(p)) for sign, p in parts))
        widths = [_width(markup) + 1.5 for _, markup, _ in pieces]
        written = "".join(
            f'<div><math alttext="{sign} {said}"><mo>{sign}</mo><mrow>{markup}</mrow></math></div>'
            for sign, markup, said in pieces
        )
        left = f'<math alttext="{self.said(lhs)}">{self.math.write(lhs)}</math>'
        sizes = f"--w:{sum(widths):.0f};--m:{max(widths):.0f}"
        return (
            f'<div class="line {kind}" style="{sizes}"><div>{left}</div>'
            f'<div class="parts">{written}</div></div>'
        )

    def said(self, expr: Expr) -> str:
        """An expression in one line of text, for whoever does not see the formula."""
        return escape(text(expr, self.name, self.math.shown, FUNCTIONS))

    def name(self, ref: Ref) -> str:
        if ref not in self.plain:
            self.plain[ref] = plain_name(self.document.names, ref)
        return self.plain[ref]


_MORE_ROWS = re.compile("</mtr><mtr>.*?</mtable>")
_TAG = re.compile("<[^>]*>|&#x2061;")


def _width(markup: str) -> float:
    """About how many em a formula is wide: letters, operators, columns, what a fraction saves."""
    first_rows = _MORE_ROWS.sub("", markup)
    shown = _TAG.sub("", first_rows)
    signs = sum(map(shown.count, "⋅+−="))
    saved = 0.5 * markup.count("<mfrac>") + 1.1 * shown.count("∂")
    return 0.48 * len(shown) + 0.45 * signs + 0.5 * first_rows.count("<mtd>") - saved
