r"""A text in, the same with its own macros written out: what ``\newcommand`` or ``\def`` defines.

Each character keeps the place it came from; what a macro stands for has the place of the macro.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["expanded"]

_DEFINITION = re.compile(
    r"\\(?:(?:re)?newcommand|providecommand)\*?\s{0,9}(?:\{\s{0,9}\\(?P<braced>[A-Za-z]+)\s{0,9}\}|\\(?P<bare>[A-Za-z]+))"
    r"\s{0,9}(?:\[(?P<count>\d)\])?\s{0,9}(?:\[(?P<usual>[^\]\n]{0,100})\])?\s{0,9}(?=\{)"
    r"|\\def\s{0,9}\\(?P<plain>[A-Za-z]+)(?P<marks>(?:\#\d){0,9})\s{0,9}(?=\{)"
    r"|\\DeclareMathOperator\*?\s{0,9}\{\s{0,9}\\(?P<operator>[A-Za-z]+)\s{0,9}\}\s{0,9}(?=\{)"
)
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_BRACE = re.compile(r"(?<!\\)[{}]")
_PARAMETER = re.compile(r"#(\d)")
_OPTION = re.compile(r"\s{0,9}\[([^\]\n]{0,100})\]")
DEEPEST = 6  # macros within each other
LONGEST = 2_000  # characters of an argument or a body
ROOM = 100_000  # characters that all macros together may add


class _Macro(NamedTuple):
    """What stands for a command: a body with so many arguments, the first with a value of its own."""

    arguments: int
    usual: str | None
    body: str


def expanded(text: str) -> tuple[str, Sequence[int]] | None:
    """The text with its macros written out and the place of each character; None where it has none."""
    macros, text = _defined(text)
    if not macros:
        return None
    found, origin, room = text, array("i", range(len(text))), len(text) + ROOM
    for _ in range(DEEPEST):
        deeper = _once(found, origin, macros, room)
        if deeper is None:
            break
        found, origin = deeper
    return found, origin


def _defined(text: str) -> tuple[dict[str, _Macro], str]:
    """The macros that a text defines, and the text with blanks for their definitions."""
    macros: dict[str, _Macro] = {}
    pieces, place, groups = list[str](), 0, _groups(text)
    for match in _DEFINITION.finditer(text):
        end = groups.get(match.end())
        if match.start() < place or end is None:
            continue
        name = match["braced"] or match["bare"] or match["plain"] or match["operator"]
        body = text[match.end() + 1 : end - 1]
        if match["operator"]:
            body = rf"\operatorname{{{body}}}"
        count = int(match["count"] or len(match["marks"] or "") // 2)
        macros[name] = _Macro(count, match["usual"], body)
        blank = re.sub(r"[^\n]", " ", text[match.start() : end])
        pieces += [text[place : match.start()], blank]
        place = end
    return macros, "".join([*pieces, text[place:]])


def _once(
    text: str, origin: Sequence[int], macros: Mapping[str, _Macro], room: int
) -> tuple[str, array[int]] | None:
    """Every macro of a text written out once; None where there is none, or no room for it."""
    pieces, places = list[str](), array("i")
    place, length, groups = 0, 0, _groups(text)
    for match in _COMMAND.finditer(text):
        macro = macros.get(match[1])
        if macro is None or match.start() < place:
            continue
        arguments, end = _arguments(text, match.end(), macro, groups)
        if arguments is None:
            continue
        pieces.append(text[place : match.start()])
        places.extend(origin[place : match.start()])
        body, own = _written(macro.body, arguments, text, origin, origin[match.start()])
        pieces.append(body)
        places.extend(own)
        length += match.start() - place + len(body)
        place = end
        if length > room:
            return None
    if not pieces:
        return None
    return "".join([*pieces, text[place:]]), places + array("i", origin[place:])


Span = tuple[int, int]


def _arguments(
    text: str, place: int, macro: _Macro, groups: Mapping[int, int]
) -> tuple[list[Span | str] | None, int]:
    """Where the arguments of a macro stand, and where the last one ends; None where one is missing."""
    found: list[Span | str] = []
    if macro.usual is not None:
        own = _OPTION.match(text, place)
        found.append(own.span(1) if own else macro.usual)
        place = own.end() if own else place
    while len(found) < macro.arguments:
        while place < len(text) and text[place] in " \t\n":
            place += 1
        if place >= len(text):
            return None, place
        end = groups.get(place)
        command = _COMMAND.match(text, place)
        if end is not None:
            found.append((place + 1, end - 1))
        else:
            end = command.end() if command else place + 1
            found.append((place, end))
        place = end
    return found, place


def _written(
    body: str, arguments: Sequence[Span | str], text: str, origin: Sequence[int], at: int
) -> tuple[str, array[int]]:
    """The body with the arguments in their places."""
    pieces, places, last = list[str](), array("i"), 0
    for mark in _PARAMETER.finditer(body):
        number = int(mark[1]) - 1
        if not 0 <= number < len(arguments):
            continue
        argument = arguments[number]
        before = body[last : mark.start()]
        pieces.append(before)
        places.extend([at] * len(before))
        if isinstance(argument, str):
            pieces.append(argument)
            places.extend([at] * len(argument))
        else:
            pieces.append(text[slice(*argument)])
            places.extend(origin[slice(*argument)])
        last = mark.end()
    pieces.append(body[last:])
    places.extend([at] * (len(body) - last))
    return "".join(pieces), places


def _groups(text: str) -> dict[int, int]:
    """Where each group ends, by where it begins; without those that are too long."""
    ends: dict[int, int] = {}
    opened: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened and brace.end() - opened[-1] <= LONGEST:
            ends[opened.pop()] = brace.end()
        elif opened:
            opened.pop()
    return ends
