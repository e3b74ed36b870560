"""PDF from Typst, in memory and offline: accessible (PDF/UA-1), and the same bytes each time."""

from __future__ import annotations

import re
import tempfile

from handgrad.errors import InputError

__all__ = ["to_pdf"]

TRIES = 50  # so many kinds of letters that no font has
LACKING = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)


def to_pdf(source: str) -> bytes:
    """The PDF of a Typst document, set in the fonts that Typst brings with it.

    Letters that these lack are taken from the fonts of the machine, and one that no font has becomes
    a question mark. Raises ``InputError`` where the extra ``pdf`` is not installed.
    """
    try:
        import typst
    except ImportError:
        raise InputError('Writing PDF needs typst: pip install "handgrad[pdf]".') from None
    said, more = "", False
    with tempfile.TemporaryDirectory() as empty:  # the document reads no file
        for _ in range(TRIES):
            fonts = typst.Fonts(include_system_fonts=more)
            compiler = typst.Compiler(root=empty, font_paths=fonts)
            try:
                made = compiler.compile(source.encode(), format="pdf", pdf_standards="ua-1")
            except typst.TypstError as error:
                said, lacking = error.message, LACKING.search(error.message)
                if lacking is None:
                    break
                source = _without(source, lacking[1]) if more else source
                more = True
            else:
                assert isinstance(made, bytes)
                return made
    raise InputError(f"The page cannot be set as PDF: {said}.")


def _without(source: str, letters: str) -> str:
    return source.translate({ord(c): "?" for c in letters if not c.isascii()})
