"""What letters and words mean as names: w_11 and w11, ŷ and y_hat, a new value and an old one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from handgrad.auditing.reading.nodes import Name
from handgrad.auditing.reading.vocabulary import GREEK

__all__ = ["FUNCTIONS", "UPDATED", "name_of", "scripted"]

FUNCTIONS = {  # as they are printed: as they are called in the rule table
    "σ": "sigmoid", "sigmoid": "sigmoid", "sig": "sigmoid", "logistic": "sigmoid", "sigma": "sigmoid",
    "tanh": "tanh", "relu": "relu", "ReLU": "relu", "exp": "exp", "log": "log", "ln": "log",
    "sqrt": "sqrt", "max": "max", "min": "min", "abs": "abs", "softmax": "softmax", "sin": "sin",
    "cos": "cos", "leaky_relu": "leaky_relu", "softplus": "softplus", "sech": "sech",
    "Sigmoid": "sigmoid", "Tanh": "tanh", "silu": "silu", "gelu": "gelu", "elu": "elu",
    "arctan": "arctan", "step": "step", "sign": "sign", "erf": "erf", "Softmax": "softmax",
    "RELU": "relu",
}  # fmt: skip
UPDATED = {"new", "neu", "+", "t+1", "next", "updated", "upd", "nouveau", "nuevo", "k+1", "(t+1)"}
OLD = {"old", "t", "alt", "k", "current", "(t)"}
MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
_PARTS = re.compile(r"([^\W\d_]+)(\d*)((?:_[^\W_]+)*(?:,\w+)?)(\[[\da-z,\s]+\])?")


def name_of(text: str, kind: str) -> Name:
    r"""The name that a letter, a word of code or a \text{…} is; scripts come on top of it.

    >>> (
    ...     str(name_of("w11_new", "word")),
    ...     str(name_of("net_h1", "word")),
    ...     str(name_of("y_hat", "word")),
    ... )
    ('w_11_new', 'net_h1', 'ŷ')
    """
    found = _PARTS.fullmatch(text) if kind == "word" else None
    if found is None:
        return Name(GREEK.get(text, text).replace(" ", "_"))
    letters, digits, tails, element = found[1], found[2], found[3], found[4] or ""
    name = Name(GREEK.get(letters, letters), digits)
    if len(letters) > 3 and letters[1:] == "hat":
        name = replace(name, base=unicodedata.normalize("NFC", letters[0] + MARKS["hat"]))
    for tail in filter(None, tails.split("_")):
        if tail in MARKS and len(name.base) == 1:
            name = replace(name, base=unicodedata.normalize("NFC", name.base + MARKS[tail]))
        else:
            name = scripted(name, tail, above=False)
    if element:
        name = replace(name, sub=name.sub + re.sub(r"\s", "", element))
    return name


def scripted(name: Name, label: str, *, above: bool) -> Name:
    """The name with one more subscript or superscript; "new" and "old" are no part of it."""
    bare = label.strip("()[]") if above else label
    parts = [part for part in bare.split(",") if part]
    new = name.new or any(part in UPDATED or part.strip("()") in UPDATED for part in parts)
    kept = [
        part
        for part in parts
        if part not in UPDATED | OLD and part.strip("()") not in UPDATED | OLD
    ]
    if not above and parts == ["t"]:
        kept = []
    text = ",".join(kept)
    if re.fullmatch(r"\d(,\d)+", text):
        text = text.replace(",", "")
    if above:
        return replace(name, sup=name.sup + text, new=new)
    return replace(name, sub=name.sub + text, new=new)
