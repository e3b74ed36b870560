"""A text in, the same text out with blanks for what is no part of what it says: every place stays.

Comments, front matter, a preamble of LaTeX, commands that only set or refer, pictures, addresses.
"""

from __future__ import annotations

import re

__all__ = ["visible"]

_SILENT = (
    "usepackage|documentclass|includegraphics|cite[a-z]*|label|ref|eqref|autoref|cref|setlength|addtolength|"
    "bibliography|bibliographystyle|input|include|url|setcounter|addtocounter|pagestyle|thispagestyle|geometry|"
    "definecolor|hspace|vspace|phantom|hphantom|vphantom|rule|tikzset|usetikzlibrary|renewcommand|newcommand|"
    "providecommand|DeclareMathOperator|def|maketitle|tableofcontents|title|author|date|thanks|footnotemark"
)
_COMMAND = re.compile(
    rf"\\(?:{_SILENT})(?![A-Za-z])\*?(?:\\[A-Za-z]+)?(?:\[[^\[\]\n]{{0,300}}\]){{0,2}}"
    r"(?:\{(?:[^{}\n]|\{(?:[^{}\n]|\{[^{}\n]{0,200}\}){0,200}\}){0,300}\}){0,3}"
)
_OPTIONS = re.compile(
    r"(\\begin\{(?:figure|table|wrapfigure|tabular[x*]?|enumerate|itemize)\*?\})\[[^\]\n]{0,100}\]"
)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_ADDRESS = re.compile(
    r"!\[[^\[\]\n]{0,500}\](?:\([^()\n]{0,2000}\))?|!\[\[[^\[\]\n]{0,500}\]\]"
    r"|(?<=\])\((?=[^()\s]{0,2000}[A-Za-z#/])[^()\s]{1,2000}(?:\s\"[^\"\n]{0,200}\")?\)"
    r"|https?://[^\s)>\]}\"]+|</?[A-Za-z][^<>\n]{0,200}>"
)
_NOTE = re.compile(r"(?<![\w^])(?P<word>\w{0,40})(?P<mark>\[\^?\d{1,3}\])(?=[\s.,;:)]|$)")
_SHORT = 3  # letters: x[1] is an element, LeCun[1] has a note
_STARTS = ("---", "+++")
_DRAWN = ("tikzpicture", "lstlisting", "verbatim", "thebibliography")


def visible(text: str, kind: str) -> str:
    """The text with blanks for everything that a reader does not read as text or formula."""
    text = _between(text, "<!--", "-->")
    for mark in _STARTS:
        if text.startswith(mark + "\n") and (end := text.find(f"\n{mark}\n", 3)) >= 0:
            text = _blank(text[: end + 4]) + text[end + 4 :]
    if kind == "latex":
        text = _COMMENT.sub(_blanked, text)
        head = text.find("\\begin{document}")
        text = _blank(text[: max(head, 0)]) + text[max(head, 0) :]
        for name in _DRAWN:
            text = _between(text, f"\\begin{{{name}}}", f"\\end{{{name}}}")
    if "\\" in text:
        text = _OPTIONS.sub(lambda m: m[1] + " " * (len(m[0]) - len(m[1])), text)
        text = _COMMAND.sub(_blanked, text)
    return _NOTE.sub(_without_note, _ADDRESS.sub(_blanked, text))


def _between(text: str, opening: str, closing: str) -> str:
    """Blanks from each opening mark to its closing one; an opening that is never closed stays."""
    parts: list[str] = []
    place = 0
    while (start := text.find(opening, place)) >= 0:
        end = text.find(closing, start + len(opening))
        if end < 0:
            break
        end += len(closing)
        parts += [text[place:start], _blank(text[start:end])]
        place = end
    return "".join([*parts, text[place:]])


def _without_note(match: re.Match[str]) -> str:
    word, mark = match["word"], match["mark"]
    element = "^" not in mark and word and (len(word) <= _SHORT or not word.isalpha())
    return match[0] if element else word + _blank(mark)


def _blanked(match: re.Match[str]) -> str:
    return _blank(match[0])


def _blank(text: str) -> str:
    """As many blanks, in as many lines."""
    return "\n".join(" " * len(line) for line in text.split("\n"))
