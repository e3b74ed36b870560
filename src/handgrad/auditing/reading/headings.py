"""The headings of a text: marked or underlined ones; without any, short lines that stand alone."""

from __future__ import annotations

import re
from bisect import bisect_right

__all__ = ["Headings"]

_HEADING = re.compile(
    r"^[ \t>]{0,40}(?:#{1,6}[ \t]+(?P<hash>[^\n]{1,200})|\*\*(?P<bold>[^*\n]{1,120})\*\*:?[ \t]*"
    r"|\\(?:sub)*section\*?\{(?P<section>[^}\n]{1,200})\}"
    r"|(?P<under>[^\n|=]{1,100})\n[ \t]{0,40}(?:[-=─═]{3,}))[ \t]*$",
    re.MULTILINE,
)
_ALONE = re.compile(
    r"(?:\A|\n[ \t]*\n)[ \t]{0,40}"
    r"(?P<alone>(?:\d{1,2}(?:\.\d{1,2}){0,2}\.?[ \t]|[A-Z])[^\n$=\\|*`≈]{2,70}[^\s.,:;!?$=|*`])"
    r"[ \t]*(?=\n[ \t]*\n)"
)
MOST_WORDS = 9  # of a heading without marks


class Headings:
    """Where the headings stand, and which stand above a place."""

    def __init__(self, text: str) -> None:
        found = [(m.start(), _title(m)) for m in _HEADING.finditer(text)]
        self.found = found or [
            (m.start("alone"), m["alone"].strip())
            for m in _ALONE.finditer(text)
            if len(m["alone"].split()) <= MOST_WORDS
        ]
        self.starts = [start for start, _ in self.found]

    def above(self, place: int) -> str:
        """The two headings that stand above a place."""
        count = bisect_right(self.starts, place)
        return " / ".join(title for _, title in self.found[max(count - 2, 0) : count])


def _title(match: re.Match[str]) -> str:
    return (match["hash"] or match["bold"] or match["section"] or match["under"] or "").strip()
