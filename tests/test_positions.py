"""The position scanner: it has to agree with tomllib on where everything stands."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handgrad.errors import LimitError, ProblemFileError
from handgrad.model.limits import Limits
from handgrad.model.positions import Position, decode, locate, refuse_hostile


def place(text, *path):
    line, column = locate(text).values[path]
    return line, column


def key_place(text, *path):
    line, column = locate(text).keys[path]
    return line, column


def leaves(value, path=()):
    """Every path of a document to what is neither a table nor a list, with its value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))
    else:
        yield path, value


# --- by hand

TEXT = '''\
# a comment with [brackets] and "quotes
title = "a # that is no comment" # but this is
[network]
"quoted key" . dotted = { a = [1, {b = 'x'}], c.d = true }
[[network.layers]]
W = [ # the first row
  [0.5, -1e3],
  [ 2,
    3 ],
]
[[network.layers]]
[network.layers.b]
value = 0.35
[[claims]]
text = """several
"lines" = [ """
step = 1
'''


def test_places_by_hand():
    assert place(TEXT, "title") == (2, 9)
    assert place(TEXT, "network") == (3, 1)
    assert key_place(TEXT, "network") == (3, 2)
    assert place(TEXT, "network", "quoted key", "dotted", "a", 1, "b") == (4, 40)
    assert place(TEXT, "network", "quoted key", "dotted", "c", "d") == (4, 53)
    assert key_place(TEXT, "network", "quoted key", "dotted", "c", "d") == (4, 49)
    assert place(TEXT, "network", "layers", 0) == (5, 1)
    assert place(TEXT, "network", "layers", 0, "W", 0, 1) == (7, 9)
    assert place(TEXT, "network", "layers", 0, "W", 1) == (8, 3)
    assert place(TEXT, "network", "layers", 0, "W", 1, 1) == (9, 5)
    assert place(TEXT, "network", "layers", 1) == (11, 1)
    assert place(TEXT, "network", "layers", 1, "b", "value") == (13, 9)
    assert place(TEXT, "claims", 0, "text") == (15, 8)
    assert place(TEXT, "claims", 0, "step") == (17, 8)


def test_windows_line_ends():
    assert place(TEXT.replace("\n", "\r\n"), "claims", 0, "step") == (17, 8)


def test_nearest_goes_to_what_would_hold_the_value():
    places = locate(TEXT)
    assert places.nearest(("network", "layers", 1, "W", 0)) == Position(11, 1)
    assert places.nearest(("absent",)) is None


def test_a_key_given_twice_is_found():
    assert locate("a = 1\n[t]\nb = 1\nb = 2").repeated == [(("t", "b"), Position(4, 1))]


@pytest.mark.parametrize(
    "text", ["a", "a =", "[a", "= 1", 'a = "', "a = [1, 2", "{}", "[[a]", "a..b=1"]
)
def test_what_is_no_toml_does_no_harm(text):
    locate("first = 1\n" + text)


# --- against tomllib

KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.sampled_from(["a.b", "", "ä", 'qu"ote', "#", "a = [", "back\\slash", "new\nline"]),
)
TEXTS = st.sampled_from(
    ["", "x", "#", '"', "'", "[", "}", "\\", "a = 1", "ß", "two\nlines", '"""', "'''"]
)
SCALARS = st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)


class Writer:
    """Writes a document in a random way, and remembers what it wrote for each leaf."""

    def __init__(self, draw):
        self.draw = draw
        self.literals = {}

    def choose(self, *options):
        return self.draw(st.sampled_from(options))

    def document(self, document):
        plain, tables = [], []
        for key, value in document.items():
            many = isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
            if isinstance(value, dict) and self.choose(True, False):
                tables.append(f"{self.remark()}[{self.key(key)}]\n{self.pairs(value, (key,), '')}")
            elif many and self.choose(True, False):
                for i, item in enumerate(value):
                    tables.append(f"[[ {self.key(key)} ]]\n{self.pairs(item, (key, i), '')}")
            else:
                plain.append(self.pair(key, value, (key,)) + self.gap() + "\n")
        return "".join(plain) + "".join(tables)

    def pairs(self, table, path, between):
        return between.join(
            self.pair(k, v, (*path, k)) + ("" if between else self.gap() + "\n")
            for k, v in table.items()
        )

    def pair(self, key, value, path):
        if isinstance(value, dict) and len(value) == 1 and self.choose(True, False):
            [(inner, item)] = value.items()
            return (
                f"{self.key(key)}{self.choose('.', ' . ')}{self.pair(inner, item, (*path, inner))}"
            )
        return f"{self.key(key)}{self.choose('=', ' = ')}{self.value(value, path)}"

    def gap(self):
        return self.choose("", " ", " # comment ]", '\n# comment "\n')

    def remark(self):
        return self.choose("", "\n", "# [comment]\n  ")

    def key(self, key):
        bare = key and all(c.isascii() and (c.isalnum() or c in "_-") for c in key)
        if bare and self.choose(True, False):
            return key
        if "'" not in key and "\n" not in key and self.choose(True, False):
            return f"'{key}'"
        return json.dumps(key)

    def value(self, value, path):
        if isinstance(value, dict):
            return "{ " + self.pairs(value, path, ", ") + " }"
        if isinstance(value, list):
            comma = self.choose(",", " , ", ",\n", ", # comment [\n ")
            items = comma.join(self.value(item, (*path, i)) for i, item in enumerate(value))
            return f"[{self.choose('', ' ', chr(10))}{items}{self.choose('', ' ', chr(10))}]"
        self.literals[path] = self.literal(value)
        return self.literals[path]

    def literal(self, value):
        if not isinstance(value, str):
            return json.dumps(value).replace("Infinity", "inf")
        kinds = [json.dumps(value), '"""' + value.replace("\\", "\\\\").replace('"', '\\"') + '"""']
        if "'" not in value:
            kinds.append(f"'''{value}'''")
            kinds.extend([f"'{value}'"] * ("\n" not in value))
        return self.choose(*kinds)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_leaf_of_tomllib_has_its_place(data):
    document = data.draw(DOCUMENTS)
    writer = Writer(data.draw)
    text = writer.document(document)
    assert tomllib.loads(text) == document
    lines = text.split("\n")
    values = locate(text).values
    for path, value in leaves(document):
        position = values[path]
        rest = "\n".join(lines[position.line - 1 :])[position.column - 1 :]
        literal = writer.literals[path]
        assert rest.startswith(literal)
        assert tomllib.loads(f"v = {literal}")["v"] == value
    refuse_hostile(text, "<text>")


@settings(max_examples=150, deadline=None)
@given(st.text("ab=[]{}.,\"'#\\\n1 ", max_size=40))
def test_any_text_can_be_scanned(text):
    places = locate(text)
    refuse_hostile(text, "<text>")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert {path for path, _ in leaves(document)} <= places.values.keys()


# --- hostile texts; each would take tomllib minutes, or crash it


@pytest.mark.parametrize(
    ("text", "line", "column", "fragment"),
    [
        ("a = 1\nb = " + "[" * 100_000, 2, 37, "more than 32 deep"),
        ("b = " + "{a=" * 100_000, 1, 101, "more than 32 deep"),
        (".".join(["a"] * 40_000) + " = 1", 1, 32, "more than 16 parts"),
        ("[" + ".".join(["'a'"] * 40_000) + "]", 1, 65, "more than 16 parts"),
        ("a = 1\nb = \0", 2, 5, "NUL"),
        ("a = '\ud800'", 1, 6, "surrogate"),
    ],
)
def test_hostile_texts_are_refused_before_tomllib(text, line, column, fragment):
    with pytest.raises(ProblemFileError, match=fragment) as caught:
        refuse_hostile(text, "net.toml")
    [mistake] = caught.value.mistakes
    assert (mistake.line, mistake.column) == (line, column)


def test_long_texts_are_refused():
    with pytest.raises(LimitError, match=r"net.toml: a problem file may have 1048576 bytes"):
        refuse_hostile("#" * 2_000_000, "net.toml")
    with pytest.raises(LimitError):
        refuse_hostile("# ä", "net.toml", Limits(file_bytes=3))


@pytest.mark.parametrize(
    "text", ['"""' + '\\"""' * 100_000, '"' + '\\"' * 100_000, "'''" + "''\n" * 100_000]
)
def test_strings_without_an_end_are_left_to_tomllib(text):
    refuse_hostile("a = " + text, "net.toml")


def test_as_deep_as_the_limit_is_accepted():
    refuse_hostile(
        "b = " + "[" * 32 + "]" * 32 + "\n" + ".".join("a" * 16) + " = 'a.b.c'", "net.toml"
    )


def test_brackets_and_dots_in_strings_and_comments_do_not_count():
    refuse_hostile(f"a = '{'[' * 100}' # {'{' * 100}\nb = \"{'a.' * 100}\"", "net.toml")


# --- bytes


def test_a_byte_order_mark_is_skipped():
    assert decode(b"\xef\xbb\xbfa = 1", "net.toml") == "a = 1"


@pytest.mark.parametrize(
    ("content", "line", "column", "fragment"),
    [
        (b"a = 1\nb = '\xe4'", 2, 6, "byte 11 is not UTF-8"),
        (b"\xef\xbb\xbfa = 1\nb = '\xe4'", 2, 6, "byte 14 is not UTF-8"),
        ("a = 1".encode("utf-16"), 1, 1, "UTF-16"),
    ],
)
def test_bytes_that_are_no_utf8(content, line, column, fragment):
    with pytest.raises(ProblemFileError, match=fragment) as caught:
        decode(content, "net.toml")
    [mistake] = caught.value.mistakes
    assert (mistake.line, mistake.column) == (line, column)
