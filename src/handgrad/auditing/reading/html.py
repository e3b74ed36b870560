"""A page of HTML as the text a reader sees, each character with its place in the file.

Tables become rows of cells between bars; subscripts, superscripts and MathML become the LaTeX they
show. Scripts, styles and whatever is hidden are left out, TeX between dollars or ``\\(…\\)`` stays.
"""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from itertools import accumulate

__all__ = ["readable"]

BLOCKS = set(
    "p div section article header footer main li ul ol dl dt dd h1 h2 h3 h4 h5 h6 pre blockquote tr "
    "table thead tbody figure figcaption br hr nav aside form body".split()
)
SILENT = {"script", "style", "head", "template", "noscript", "svg", "nav", "annotation", "annotation-xml"}
HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### ", "h4": "#### ", "h5": "##### ", "h6": "###### "}
VOID = set("area base br col embed hr img input link meta source track wbr mspace".split())
TWO = {"mfrac", "msup", "msub", "mover", "munder"}
SIGNS = {"×": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ", "\u2061": "", "\u2062": " ", "−": "-"}


def readable(raw: str) -> tuple[str, list[int]]:
    """The text of a page, and the place in the page of each of its characters."""
    page = _Page(raw)
    page.feed(raw)
    page.close()
    return "".join(page.text), page.origin


class _Page(HTMLParser):
    """Collects text; what opens an element of MathML is closed in TeX when the element ends."""

    def __init__(self, raw: str) -> None:
        super().__init__(convert_charrefs=False)
        self.starts = [0, *accumulate(len(line) for line in raw.splitlines(keepends=True))]
        self.text: list[str] = []
        self.origin: list[int] = []
        self.silent: list[str] = []
        self.math: list[tuple[str, int]] = []  # open elements of MathML, and their children so far
        self.cells = 0

    def here(self) -> int:
        line, column = self.getpos()
        return self.starts[line - 1] + column

    def put(self, text: str, *, moving: bool = False) -> None:
        """Add text that stands here; ``moving`` where each character is one of the page."""
        here = self.here()
        for place, letter in enumerate(text):
            self.text.append(letter)
            self.origin.append(here + place if moving else here)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        if self.silent or tag in SILENT or "hidden" in dict(attrs):
            if tag not in VOID:
                self.silent.append(tag)
        elif tag == "math" or self.math:
            self.open_math(tag)
        elif tag in ("td", "th"):
            self.put(" | " if self.cells else "| ")
            self.cells += 1
        elif tag == "tr":
            self.cells = 0
            self.put("\n")
        elif tag in ("sub", "sup"):
            self.put("_{" if tag == "sub" else "^{")
        elif tag in BLOCKS:
            self.put("\n" + HEADINGS.get(tag, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        if tag in BLOCKS and not self.silent:
            self.put("\n")
        elif self.math:
            self.child()

    def handle_endtag(self, tag: str) -> None:
        """Close an element; a stray end is passed over."""
        if self.silent:
            if tag in self.silent:
                while self.silent.pop() != tag:
                    pass
        elif self.math:
            self.close_math(tag)
        elif tag in ("sub", "sup"):
            self.put("}")
        elif tag == "tr":
            self.put(" |")
        elif tag in BLOCKS:
            self.put("\n")

    def handle_data(self, data: str) -> None:
        """Text as it stands."""
        if self.silent:
            return
        if self.math:
            above = self.math[-2:-1] and self.math[-2][0] == "mover" and self.math[-2][1] > 1
            if data.strip() and not above:
                if self.math[-1][0] in ("mrow", "math", "mtd"):
                    self.child()
                self.put(self.tex(data))
        else:
            self.put(data, moving=True)

    def handle_entityref(self, name: str) -> None:
        """&name;"""
        self.handle_data(unescape(f"&{name};")) if not self.silent else None

    def handle_charref(self, name: str) -> None:
        """&#number;"""
        self.handle_data(unescape(f"&#{name};")) if not self.silent else None

    def tex(self, data: str) -> str:
        tag = self.math[-1][0]
        data = data.strip()
        if tag == "mi" and len(data) > 1 and data.isalpha():
            return rf"\text{{{data}}}"
        if tag == "mtext":
            return rf"\text{{{data}}}" if data else ""
        return "".join(SIGNS.get(letter, letter) for letter in data) + ("" if tag == "mn" else " ")

    def child(self) -> None:
        """Say where the next child of the open element begins."""
        if not self.math:
            return
        tag, count = self.math[-1]
        self.math[-1] = (tag, count + 1)
        joints = {
            "mfrac": ("", "}{"), "msup": ("", "}^{"), "msub": ("", "}_{"), "msubsup": ("", "}_{", "}^{"),
            "mover": ("", "}"), "munder": ("", "}_{"), "munderover": ("", "}_{", "}^{"),
        }.get(tag)  # fmt: skip
        if joints and 0 < count < len(joints):
            self.put(joints[count])
        elif tag == "mtr" and count:
            self.put(" & ")
        elif tag == "mtable" and count:
            self.put(r" \\ ")

    def open_math(self, tag: str) -> None:
        if self.math:
            self.child()
        openings = {
            "math": " $", "mfrac": r"\frac{", "msqrt": r"\sqrt{", "mtable": r"\begin{matrix}",
        }  # fmt: skip
        self.put(openings.get(tag, ""))
        if tag in ("msup", "msub", "msubsup"):
            self.put("{")
        if tag == "mover":
            self.put(r"\hat{")
        self.math.append((tag, 0))

    def close_math(self, tag: str) -> None:
        if tag not in (name for name, _ in self.math):
            return
        while True:
            name, count = self.math.pop()
            closings = {
                "math": "$ ", "mfrac": "}", "msqrt": "}", "msup": "}", "msub": "}", "msubsup": "}",
                "mover": "}" * (count < 2), "munder": "}", "mtable": r"\end{matrix}",
            }  # fmt: skip
            self.put(closings.get(name, ""))
            if name == tag:
                return
