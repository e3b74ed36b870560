"""Plain text: the formulas in its lines, and values that are told in words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from handgrad.auditing.reading.dialect import Dialect
from handgrad.auditing.reading.nodes import Chain, Member, Name, Named, Written, canonical
from handgrad.auditing.reading.vocabulary import GREEK

__all__ = ["asides", "coded", "renewals", "runs", "stated", "tupled"]

WINDOW = 40  # characters around a word that say whether it is prose
_RELATION = re.compile(r":=|<-(?![\d.])|[=≈←]|~=|(?<=\s)->(?=\s)|→")
_WORD = re.compile(r"[^\W\d_₀-₉⁰-⁹²³¹½ₐ-ₜᵢᵣᵤᵥⱼⁿⁱᵀ]{2,}(?:['’][a-z]+)?|`+")
_LIBRARY = re.compile(r"(?:np|numpy|math|torch|tf|jnp)\.\Z")
KEPT = {  # words that mean something in a formula
    "sigmoid", "tanh", "relu", "exp", "log", "ln", "max", "min", "sqrt", "net", "out", "in", "sin", "cos",
    "softmax", "alpha", "beta", "gamma", "delta", "eta", "theta", "sigma", "lambda", "epsilon", "mu",
    "lr", "loss", "error", "cost", "mse", "target", "pred", "step", "abs", "silu", "gelu", "elu",
    "softplus",
}  # fmt: skip
_OPERATOR_BEFORE = re.compile(r"[\w)\]](?:\s*[+*/·×]|\s+[-−])\s*$")
_OPERATOR_AFTER = re.compile(r"\s*[+*/·×]|\s+[-−]\s")
_LEAD = re.compile(r"[\s\-*•>#`\"“”:;,.!?)\d]*?(?=[\w(½∂σδ\[=≈−\-√])")
_LABEL = re.compile(r"\s*\d+(?:\.\d+)?\s*:\s+(?=[^\W\d_])")  # of "Example 1: x = 0.5"
_PARENTHESIS = re.compile(r"\s*\d{0,3}\s*\((?P<inner>[^()]+=[^()]+)\)")  # "Pattern 1 (x = 2)"
_BULLET = re.compile(r"\s*(?:[-*•>]|\d{1,2}[.)])\s+(?=\S)")
_CODE = re.compile(
    r"\s*(?:>>> ?|In ?\[\d*\]: ?)?(?P<left>[\w.\[\], ]{1,60}?)\s*=(?!=)\s*(?P<right>[^#\n]*)"
)


_PRINTING = re.compile(r"\s*(?:>>> ?)?print\s*\(")
_TUPLE = re.compile(
    r"\s*(?:>>> ?|In ?\[\d*\]: ?)?(?P<names>[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)+)\s*=\s*"
    r"(?P<numbers>[-+]?[\d.][\d.eE+-]*(?:\s*,\s*[-+]?[\d.][\d.eE+-]*)+)\s*(?:#[^\n]*)?$",
    re.MULTILINE,
)


def runs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches of a plain line that read as formulas: around each = or ≈, up to words."""
    line = text[start:end]
    if not _RELATION.search(line) or _PRINTING.match(line):
        return
    cuts = [0]
    for match in _WORD.finditer(line):
        if _is_prose(line, match):
            cuts += [match.start(), match.end()]
    cuts.append(len(line))
    for left, right in zip(cuts[::2], cuts[1::2], strict=True):
        piece = line[left:right]
        if _RELATION.search(piece) and re.search(r"\w", piece):
            lead = _LEAD.match(piece)
            bullet = _LABEL.match(piece) if left else _BULLET.match(piece)
            first = bullet.end() if bullet else len(lead[0]) if lead else 0
            tail = len(piece.rstrip(' \t`*"“”:;,.!?'))
            aside = _PARENTHESIS.fullmatch(piece[:tail]) if left else None
            if aside:
                first, tail = aside.span("inner")
            if first < tail:
                yield start + left + first, start + left + tail


def _is_prose(line: str, match: re.Match[str]) -> bool:
    """Whether a word of a line is no part of a formula."""
    word = match[0]
    before = line[max(0, match.start() - WINDOW) : match.start()]
    after = line[match.end() : match.end() + WINDOW]
    if word.startswith("`"):
        return not (re.search(r"=\s*$", before) or re.match(r"\s*[=≈←]", after))
    if word.lower() == "new" and re.match(r"\s+\w+\s*(?:[=≈←:]|:=)", after):
        return False
    if after.startswith(".") and _LIBRARY.match(word + "."):
        return False
    if (
        re.match(r"[_\d\[^]", after)
        or re.search(r"(?:[_\\^/{]|_\w{1,2},)$", before)
        or re.match(r"/d", after)
    ):
        return False
    if word.lower() in KEPT or re.match(r"\(", after):
        return bool(re.match(r"\s+[^\W\d_]{2,}", after)) and word.lower() not in ("sigmoid", "exp")
    if _is_operand(before, after):
        return False
    if re.match(r"\s*(?:[=≈←]|:=|<-)", after):
        return bool(re.search(r"[^\W\d_]{2,}\s+$", before)) and len(word) > 3
    return not (word[0] in "d∂δ" and "/" in after[:12] and len(word) < 8)


def _is_operand(before: str, after: str) -> bool:
    """Whether a word is an operand, as those of ``2*(z + bias) - rate * dw`` are."""
    behind, ahead = _OPERATOR_BEFORE.search(before), _OPERATOR_AFTER.match(after)
    return bool(
        (behind and (ahead or re.match(r"\s*(?:[),;#]|$)", after)))
        or (ahead and re.search(r"(?:[(=≈←]|<-|:=)\s*$", before))
    )


def tupled(text: str, start: int, end: int) -> Iterator[Chain]:
    """The values of a line of code such as ``x1, x2 = 0.9, -0.4``."""
    found = _TUPLE.match(text, start, end)
    if found is None:
        return
    names = [*re.finditer(r"[^\s,]+", found["names"])]
    numbers = [*re.finditer(r"[^\s,]+", found["numbers"])]
    if len(names) != len(numbers):
        return
    for one, other in zip(names, numbers, strict=True):
        at, value = found.start("names") + one.start(), found.start("numbers") + other.start()
        yield from _stating(_listed(one[0]), other[0], at, value, value + len(other[0]))


def coded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The assignment on a line of code; other lines of code say no mathematics."""
    found = _CODE.match(text, start, end)
    if found and "," in re.sub(r"\[[^\]]*\]", "", found["left"]):
        return  # x, y = 1, 2: which value is whose is not read
    if found and not re.search(r"[\"'{}:]|\b(?:if|for|lambda|not)\b", found["right"]):
        yield found.start("left"), end


_NUMBER = r"(?P<number>[-−]?(?:\d+\.\d+|\.\d+|\d+,\d+|\d+)(?:[eE][-+]?\d+)?)(?![\w.,]*\w|\s?%)"
_AFTER = _NUMBER.replace("number", "after")
_SAYS = (
    r"(?:\s{1,20}(?:is|was|are|of|to|at|as|be|equals|set|chosen|fixed|taken|here|with|value|a|the|we|use|used|"
    r"ist|beträgt|von|sei)\b){0,6}(?:\s{0,20}[:=(→])?\s{0,20}"
)
_SYMBOL = r"(?:\(?\s?(?:[^\W\d_]|\\[a-z]{2,8})\s?\)?\s{0,3})?"
_LEARNED = (
    r"learning[ -]rate|step[ -]size|learn rate|Lernrate|Schrittweite|taux d'apprentissage|"
    r"tasa de aprendizaje"
)
_TOLD = {
    "learning_rate": rf"\b(?:{_LEARNED})\s{{0,3}}{_SYMBOL}{_SAYS}",
    "target": r"\b(?:target(?: output| value)?|desired output|true label|label|ground truth)"
    + _SAYS,
    "loss": r"\b(?:total error|error|loss|cost)\b(?:\s{1,20}(?:is|was|becomes|drops|falls|now|down|to|at|"
    r"of|equals|after|about|only|decreases|decreased|goes|plummets)\b){1,6}\s{1,20}",
}
_STATED = [(Name(name), re.compile(how + _NUMBER, re.IGNORECASE)) for name, how in _TOLD.items()]
_NAME = r"[^\W\d_](?:\d{1,3}|_(?:\w{1,6}|\{\w{1,6}\}))?"
_LISTED = re.compile(
    rf"(?:^[ \t]{{0,20}}(?:[-*•+][ \t]+)?|(?<=[,;(]))[ \t]{{0,20}}\**`?"
    rf"(?P<name>{_NAME}|{'|'.join(GREEK)})`?\**[ \t]{{0,5}}:\**"
    rf"[ \t]{{1,10}}{_NUMBER}(?:[ \t]{{0,5}}(?:->|→|⟶)[ \t]{{0,5}}{_AFTER})?"
    rf"(?=[ \t]*(?:[,;|)#]|$))",
    re.MULTILINE,
)


_BECOMES = (
    r"(?:is|was|becomes|equals|comes to|turns out to be)"
    r"(?:\s{1,5}(?:then|now|thus|about|approximately|therefore))?"
)
_SINGLE = rf"(?:{_NAME}|{'|'.join(GREEK)}(?:_?\d{{1,3}})?)"
_BECAME = re.compile(
    rf"\bnew\s{{1,5}}(?:value\s{{1,5}}(?:of|for)\s{{1,5}})?`?(?P<name>{_SINGLE})`?\s{{1,5}}{_BECOMES}\s{{1,5}}{_NUMBER}"
)
_MOVED = re.compile(
    rf"(?<![\w\\])(?P<name>[wWbBuvθ](?:\d{{1,3}}|_\w{{1,6}})?)\s{{1,5}}(?:goes|went|changes|changed|moves|moved|drops|dropped|rises|rose|"
    rf"falls|fell|shrinks|grows|increases|decreases)\s{{1,5}}from\s{{1,5}}{_NUMBER}\s{{1,5}}to\s{{1,5}}"
    rf"{_AFTER}"
)
_RENEWAL = re.compile(
    rf"\bnew\s{{1,5}}(?:weight|bias|threshold|value)\s{{1,5}}{_BECOMES}\s{{1,5}}{_NUMBER}"
)
_ASIDE = re.compile(
    r"\b(?:bias(?:es)?|weights?|inputs?|outputs?|targets?|loss|error|gradient|activations?)\s{1,5}(?:of|is|are|was|were|to|at)\s{1,5}"
    r"(?P<numbers>[-−]?\d*[.,]\d+(?:\s{0,3}(?:,|and|und|,\s{0,3}and)\s{1,3}[-−]?\d*[.,]\d+){0,10})",
    re.IGNORECASE,
)


def asides(text: str) -> Iterator[tuple[int, int]]:
    """Where values of a network stand in a sentence: "a bias of 0.35", "inputs of 0.05 and 0.10"."""
    for match in _ASIDE.finditer(text.replace("$", " ")):
        for number in re.finditer(r"[-−]?\d*[.,]\d+", match["numbers"]):
            start = match.start("numbers")
            yield start + number.start(), start + number.end()


def stated(text: str, dialect: Dialect) -> Iterator[Chain]:
    """Values told in words, wherever they stand: "the learning rate is set to 0.1", "w1: 0.15"."""
    plain = _unmarked(text)
    for name, pattern in _STATED:
        for match in pattern.finditer(plain):
            if "=" not in text[match.start() : match.end()]:
                yield from _value(match, name, dialect)
    for match in _BECAME.finditer(plain):
        yield from _value(match, _listed(match["name"]).as_new, dialect)
    for match in _MOVED.finditer(plain):
        name = _listed(match["name"])
        yield from _value(match, name, dialect)
        yield from _value(match, name.as_new, dialect, "after")
    for match in _LISTED.finditer(text):
        name = _listed(match["name"])
        yield from _value(match, name, dialect)
        if match["after"]:
            yield from _value(match, name.as_new, dialect, "after")


def renewals(text: str, chains: Sequence[Chain], dialect: Dialect) -> Iterator[Chain]:
    """Values such as "so the new weight is 0.59", of what the derivative before them is by."""
    plain = _unmarked(text)
    inline = sorted((chain for chain in chains if len(chain.members) > 1), key=_end)
    ends = [_end(chain) for chain in inline]
    for match in _RENEWAL.finditer(plain):
        before = bisect_right(ends, match.start()) - 1
        name = inline[before].members[0].name if before >= 0 else None
        between = text[ends[before] : match.start()] if before >= 0 else ""
        if name is not None and name.of is not None and "\n\n" not in between:
            yield from _value(match, replace(name, of=None, new=True), dialect)


def _end(chain: Chain) -> int:
    return chain.members[-1].end


def _unmarked(text: str) -> str:
    """The text without what sets formulas and bold words apart, every place where it was."""
    return text.replace("$", " ").replace("\\(", "  ").replace("\\)", "  ").replace("**", "  ")


def _listed(name: str) -> Name:
    base = re.match(r"[^\W\d_]+", name)
    assert base is not None, "a name begins with a letter"
    return Name(GREEK.get(base[0], base[0]), name[base.end() :].strip("_{}"))


def _value(
    match: re.Match[str], name: Name, dialect: Dialect, group: str = "number"
) -> Iterator[Chain]:
    """The chain of two that a statement is; none for a number that is no number."""
    printed = match[group].replace("−", "-")
    if "," in printed and not dialect.comma:
        return
    value, stop = match.span(group)
    yield from _stating(name, printed.replace(",", "."), match.start(), value, stop)


def _stating(name: Name, printed: str, at: int, value: int, stop: int) -> Iterator[Chain]:
    """The chain that says a name has a value, by where both stand; none for what is no number."""
    number = canonical(printed)
    if number is not None:
        members = (
            Member("", Named(name, at, value), at, value),
            Member("=", Written(number, value, stop), value, stop),
        )
        yield Chain(members, inline=True)
