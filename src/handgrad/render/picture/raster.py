"""A scene in, PNG or PDF out: offline, with the fonts of this machine, the same bytes each time."""

from __future__ import annotations

import tempfile
from typing import cast

from handgrad.errors import InputError
from handgrad.render.picture.scene import Scene
from handgrad.render.picture.svg import to_svg

__all__ = ["to_pdf", "to_png"]

WIDEST = 10_000  # pixels
SCALE = 2  # pixels for a unit of the SVG, where no width is given
PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
    '<text x="2" y="16" font-family="sans-serif">{}</text></svg>'
)


def to_png(scene: Scene, width: int | None = None, theme: str = "light") -> bytes:
    """The picture as PNG, ``width`` pixels wide.

    Raises ``InputError`` where resvg or every font is missing, and for a width that is none.
    """
    wide = round(SCALE * scene.width) if width is None else width
    if type(wide) is not int or not 16 <= wide <= WIDEST:
        raise InputError(f"A PNG may be 16 to {WIDEST:,} pixels wide, not {wide!r:.40}.")
    try:
        import resvg_py
    except ImportError:
        raise InputError(
            'PNG needs resvg: pip install "handgrad[png]". SVG needs nothing.'
        ) from None

    def drawn(svg: str, wide: int) -> bytes:
        return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=wide))

    if drawn(PROBE.format("M"), 20) == drawn(PROBE.format(""), 20):
        raise InputError("PNG needs a font, and none is found on this machine. SVG needs none.")
    return drawn(to_svg(scene, "light" if theme == "auto" else theme), wide)


def to_pdf(scene: Scene, theme: str = "light") -> bytes:
    """The picture as a PDF of one page of its size. Raises ``InputError`` where typst is missing."""
    try:
        import typst
    except ImportError:
        raise InputError('PDF needs typst: pip install "handgrad[pdf]". SVG needs none.') from None
    svg = to_svg(scene, "light" if theme == "auto" else theme)
    source = (
        f"#set document(title: {quoted(scene.title)}, date: none)\n"
        f"#set page(width: {scene.width:.2f}pt, height: {scene.height:.2f}pt, margin: 0pt)\n"
        f'#image(bytes({quoted(svg)}), format: "svg", width: 100%, alt: {quoted(scene.description)})\n'
    )
    with tempfile.TemporaryDirectory() as empty:  # the document reads no file
        compiler = typst.Compiler(root=empty, font_paths=typst.Fonts(include_system_fonts=True))
        made = compiler.compile(source.encode(), format="pdf", pdf_standards="ua-1")
    return cast("bytes", made)


def quoted(written: str) -> str:
    """A string of Typst: nothing in it is markup or code."""
    return '"' + written.replace("\\", "\\\\").replace('"', '\\"') + '"'
