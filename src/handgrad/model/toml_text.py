"""From the text of a TOML file to its document, or to one error that says what was expected.

``tomllib`` does the reading; here its messages, made for programmers, get the words of an author.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from handgrad.errors import Mistake, ProblemFileError, quoted
from handgrad.model.positions import locate

__all__ = ["read_toml"]

_WORDS = {
    "Invalid statement": "a line starts with a key, as in seed = 0, or with a [table].",
    "Expected '=' after a key": "= is expected after the key, as in seed = 0.",
    "Expected newline or end of document": "one key and value stand on a line; this is too much. "
    "Start a new line, or put text in quotes.",
    "Expected ']' at the end of a table": "] is expected here, as in [data].",
    "Expected ']]' at the end of an array": "]] is expected here, as in [[claims]].",
    "Unclosed array": "a comma, or the ] of a list, is expected here.",
    "Unclosed inline table": "a comma, or the } of a table, is expected here. "
    "An inline table stands on one line.",
    "Duplicate inline table key": "this key is given twice in one table. Remove one.",
    "Unterminated string": "the text in quotes has no end. Close the quotes.",
    "Illegal character": "this character cannot stand here. Close the quotes on the same line, or "
    'use """ for a text of several lines.',
    "Unescaped '\\' in a string": "a backslash in \"…\" starts an escape. Use '…' for LaTeX and "
    "paths, or write two of them.",
    "Invalid hex value": "an escape \\u has four hexadecimal digits, \\U eight. Use '…' for LaTeX.",
    "Escaped character is not": "this escape is not a character. Use '…' for LaTeX.",
    "Invalid date or datetime": "there is no such date or time. Put text in quotes.",
    "Invalid initial character for a key": "a key is expected here: letters, digits, _ and -; "
    "put quotes around any other.",
    "Found invalid character": "this character cannot stand here.",
    'Expected "\'"': "the text in quotes has no end. Close it with '.",
    "Expected \"'''\"": "the text in quotes has no end. Close it with '''.",
}
_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine")
_REPORT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def read_toml(text: str, name: str) -> dict[str, Any]:
    """The document of a text that ``refuse_hostile`` let through.

    Raises `ProblemFileError` with the place of the first thing that is not TOML.

    >>> read_toml("seed = 0", "net.toml")
    {'seed': 0}
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProblemFileError(name, [_mistake(text, str(error))]) from None
    except ValueError:
        # Python refuses to read a whole number of more than 4300 digits, without its place.
        longest = max(re.finditer(r"[\d_]++|$", text), key=lambda run: len(run[0]))
        message = "a number of several thousand digits. Numbers go up to about 1.8e308."
        raise ProblemFileError(name, [_at(text, longest.start(), message)]) from None


def _mistake(text: str, report: str) -> Mistake:
    match = _REPORT.fullmatch(report)
    said, line, column = match.groups() if match else (report, None, None)
    if said.startswith(_TWICE):
        return _twice(text, int(line or text.count("\n") + 1))
    if line is None or column is None:
        return _at(text, len(text), _words(said, ""))
    rest = text.split("\n")[int(line) - 1][int(column) - 1 :].strip()
    return Mistake(_words(said, rest), line=int(line), column=int(column))


def _at(text: str, index: int, message: str) -> Mistake:
    line = text.count("\n", 0, index) + 1
    return Mistake(message, line=line, column=index - text.rfind("\n", 0, index))


def _words(said: str, rest: str) -> str:
    if rest and not rest[0].isprintable():
        return f"the invisible character U+{ord(rest[0]):04X} cannot stand here. Remove it."
    if said == "Invalid value":
        return _no_value(rest)
    return next((words for start, words in _WORDS.items() if said.startswith(start)), said + ".")


def _no_value(rest: str) -> str:
    """The most likely reason why ``rest``, the rest of the line, does not start with a value."""
    word = re.split(r"[\s,\]}#]", rest, maxsplit=1)[0]
    if not word:
        return "a value is expected here: a number, a text in quotes, a [list], true or false."
    if re.fullmatch(r"[-+]?\.\d\S*", word):
        return f"{quoted(word)} is no number here. Write a digit before the point: {_zero(word)}."
    if word.lower() in ("true", "false"):
        return f"{quoted(word)} is written {word.lower()}."
    if re.match(r"[-+−]?\d", word):
        return f"{quoted(word)} is not a number. Write for example 0.5, 1e-3 or -2."
    return f"{quoted(word)} is not a value. Put text in quotes."


def _zero(word: str) -> str:
    return word.replace(".", "0.", 1)


def _twice(text: str, line: int) -> Mistake:
    """``tomllib`` reports the end of the second statement; here its key, and the first one."""
    places = locate(text)
    for path, place in places.repeated:
        if place.line <= line:
            first = places.keys[path].line
            message = f"{quoted(str(path[-1]))} is given twice, first at line {first}. Remove one."
            return Mistake(message, line=place.line, column=place.column)
    message = "this table or key was given before, or was given as something else. Remove one."
    return Mistake(message, line=line, column=1)
