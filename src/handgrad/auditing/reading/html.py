r"""A page of HTML as the text a reader sees, each character with its place in the file.

Tables become rows of cells between bars; subscripts, superscripts and MathML become the LaTeX they
show. Scripts, styles and whatever is hidden are left out, TeX between dollars or ``\(…\)`` stays.
The page is cut by a walk of its own: what Python's parser takes for an unclosed comment is quadratic.
"""

from __future__ import annotations

import re
from array import array
from html import unescape

__all__ = ["readable"]

BLOCKS = {
    "p", "div", "section", "article", "header", "footer", "main", "li", "ul", "ol", "dl", "dt",
    "dd", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "tr", "table", "thead",
    "tbody", "figure", "figcaption", "br", "hr", "nav", "aside", "form", "body",
}  # fmt: skip
SILENT = {
    "script",
    "style",
    "head",
    "template",
    "noscript",
    "svg",
    "nav",
    "annotation",
    "annotation-xml",
}
RAW = {"script", "style"}  # nothing in them is a tag but their end
HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### ", "h4": "#### ", "h5": "##### ", "h6": "###### "}
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source",
    "track", "wbr", "mspace",
}  # fmt: skip
SIGNS = {"×": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ", "\u2061": "", "\u2062": " ", "−": "-"}
JOINTS = {  # what stands before the second child of an element of MathML, and before the third
    "mfrac": ("}{",), "msup": ("}^{",), "msub": ("}_{",), "msubsup": ("}_{", "}^{"),
    "mover": ("}",), "munder": ("_{",), "munderover": ("_{", "}^{"),
}  # fmt: skip
OPENINGS = {
    "math": " $", "mfrac": r"\frac{", "msqrt": r"\sqrt{", "mtable": r"\begin{matrix}",
    "msup": "{", "msub": "{", "msubsup": "{", "mover": r"\hat{",
}  # fmt: skip
CLOSINGS = {
    "math": "$ ", "mfrac": "}", "msqrt": "}", "msup": "}", "msub": "}", "msubsup": "}",
    "munder": "}", "mtable": r"\end{matrix}",
}  # fmt: skip
_TAG = re.compile(
    r"<(?P<close>/?)(?P<tag>[A-Za-z][^\s/<>]{0,40})(?P<attributes>(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*'){0,2000}+)>"
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});")


def readable(raw: str, most: int) -> tuple[str, array[int]]:
    """The text of a page, and the place in the page of each of its characters.

    It ends soon after ``most`` characters.
    """
    page = _Page(most)
    place = 0
    while place < len(raw) and len(page.origin) <= most:
        place = _step(page, raw, place)
    return "".join(page.text), page.origin


def _step(page: _Page, raw: str, place: int) -> int:
    """Take one tag, comment or stretch of text; the place to go on from."""
    if raw[place] != "<":
        end = raw.find("<", place)
        end = len(raw) if end < 0 else end
        page.data(raw[place:end], place)
        return end
    if raw.startswith(("<!", "<?"), place):
        comment = raw.startswith("<!--", place)
        end = raw.find("-->" if comment else ">", place)
        return len(raw) if end < 0 else end + (3 if comment else 1)
    match = _TAG.match(raw, place)
    if match is None:
        page.data("<", place)
        return place + 1
    page.here = place
    tag, end = match["tag"].lower(), match.end()
    if match["close"]:
        page.close(tag)
    elif match["attributes"].endswith("/") and tag not in BLOCKS:
        page.empty()
    else:
        page.open(tag, match["attributes"])
        if tag in RAW:
            ended = re.compile(f"</{tag}", re.IGNORECASE).search(raw, end)
            return ended.start() if ended else len(raw)
    return end


class _Page:
    """Collects text; what opens an element of MathML is closed in TeX when the element ends."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.here = 0
        self.text: list[str] = []
        self.origin: array[int] = array("i")
        self.silent: list[str] = []
        self.math: list[tuple[str, int]] = []  # open elements of MathML, and their children so far
        self.cells = 0

    def put(self, text: str) -> None:
        """Add text that stands for the tag that is here."""
        self.text.append(text)
        self.origin.extend([self.here] * len(text))

    def data(self, data: str, place: int) -> None:
        """Text as it stands, its entities as what they mean."""
        if self.silent:
            return
        at = 0
        for match in _ENTITY.finditer(data):
            if len(self.origin) > self.most:
                return
            self.piece(data[at : match.start()], place + at)
            self.entity(unescape(match[0]), place + match.start())
            at = match.end()
        self.piece(data[at:], place + at)

    def entity(self, meaning: str, place: int) -> None:
        if self.math:
            self.piece(meaning, place)
        else:
            self.text.append(meaning)
            self.origin.extend([place] * len(meaning))

    def piece(self, data: str, place: int) -> None:
        if not data:
            return
        if not self.math:
            self.text.append(data)
            self.origin.extend(range(place, place + len(data)))
            return
        above = self.math[-2:-1] and self.math[-2][0] == "mover" and self.math[-2][1] > 1
        if data.strip() and not above:
            self.here = place
            if self.math[-1][0] in ("mrow", "math", "mtd"):
                self.child()
            self.put(self.tex(data))

    def open(self, tag: str, attributes: str) -> None:
        """Open an element."""
        if self.silent or tag in SILENT or re.search(r"(?:^|\s)hidden(?=[\s=/]|$)", attributes):
            if tag not in VOID:
                self.silent.append(tag)
        elif tag == "math" or self.math:
            if self.math:
                self.child()
            self.put(OPENINGS.get(tag, ""))
            if tag not in VOID:
                self.math.append((tag, 0))
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

    def empty(self) -> None:
        """An element without content."""
        if self.math and not self.silent:
            self.child()

    def close(self, tag: str) -> None:
        """Close an element; a stray end is passed over."""
        if self.silent:
            if tag in self.silent[-50:]:
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

    def tex(self, data: str) -> str:
        tag = self.math[-1][0]
        data = data.strip()
        if tag == "mtext" or (tag == "mi" and len(data) > 1 and data.isalpha()):
            return rf"\text{{{data}}}"
        return "".join(SIGNS.get(letter, letter) for letter in data) + ("" if tag == "mn" else " ")

    def child(self) -> None:
        """Say where the next child of the open element begins."""
        tag, count = self.math[-1]
        self.math[-1] = (tag, count + 1)
        joints = JOINTS.get(tag, ())
        if 0 < count <= len(joints):
            self.put(joints[count - 1])
        elif tag == "mtr" and count:
            self.put(" & ")
        elif tag == "mtable" and count:
            self.put(r" \\ ")

    def close_math(self, tag: str) -> None:
        if tag not in (name for name, _ in self.math[-50:]):
            return
        while True:
            name, count = self.math.pop()
            self.put("}" * (count < 2) if name == "mover" else CLOSINGS.get(name, ""))
            if name == tag:
                return
