"""Plain text: the formulas in its lines, and values that are told in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from handgrad.auditing.reading.grammar import Dialect
from handgrad.auditing.reading.nodes import Chain, Member, Name, Named, Written, canonical
from handgrad.auditing.reading.passages import Passage

__all__ = ["RATE", "TARGET", "runs", "stated"]

RATE, TARGET = Name("learning_rate"), Name("target")
_RELATION = re.compile(r":=|<-(?![\d.])|[=≈←]|~=|(?<=\s)->(?=\s)|→")
_NUMBER = r"(?P<number>[-−]?(?:\d+\.?\d*|\.\d+|\d+,\d+)(?:[eE][-+]?\d+)?)(?![\w.]*\w)"
_SAYS = r"(?:\s+(?:is|was|are|of|to|at|as|be|equals|set|chosen|fixed|taken|here|with|value|a|the|we|use|used)\b|\s*[:=(]|\s+)*\s*"
_STATED = (
    (RATE, re.compile(rf"\b(?:learning[ -]rate|step[ -]size|learn rate)\b{_SAYS}{_NUMBER}", re.IGNORECASE)),
    (TARGET, re.compile(rf"\b(?:target(?: output| value)?|desired output|true label|label|ground truth)\b{_SAYS}{_NUMBER}", re.IGNORECASE)),
    (Name("loss"), re.compile(rf"\b(?:total error|error|loss|cost)\b(?:\s+(?:is|was|becomes|drops|falls|now|down|to|at|of|equals|after|about|only|decreases|decreased|goes|plummets)\b)+\s+{_NUMBER}", re.IGNORECASE)),
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{2,}(?:['’][a-z]+)?")
KEPT = {  # words that mean something in a formula
    "sigmoid", "tanh", "relu", "exp", "log", "ln", "max", "min", "sqrt", "net", "out", "in", "sin", "cos",
    "softmax", "alpha", "beta", "gamma", "delta", "eta", "theta", "sigma", "lambda", "epsilon", "mu",
    "lr", "loss", "error", "cost", "mse", "target", "pred", "step", "abs", "silu", "gelu", "elu", "softplus",
}  # fmt: skip


def runs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches of a plain line that read as formulas: around each = or ≈, up to words."""
    line = text[start:end]
    if not _RELATION.search(line):
        return
    cuts = [0]
    for match in _WORD.finditer(line):
        if _is_prose(line, match):
            cuts += [match.start(), match.end()]
    cuts.append(len(line))
    for left, right in zip(cuts[::2], cuts[1::2], strict=True):
        piece = line[left:right]
        if _RELATION.search(piece) and re.search(r"\w", piece):
            trimmed = re.match(r"^[\s\-*•>#`\"“”:;,.!?)\d]*?(?=[\w(½∂σδ\[=≈−\-])", piece)
            lead = len(trimmed[0]) if trimmed else 0
            bullet = re.match(r"\s*(?:[-*•>]|\d{1,2}[.)])\s+(?=\S)", piece) if not left else None
            lead = bullet.end() if bullet else lead
            tail = len(piece.rstrip(" \t`*\"“”:;,.!?"))
            if lead < tail:
                yield start + left + lead, start + left + tail


def _is_prose(line: str, match: re.Match[str]) -> bool:
    """Whether a word of a line is no part of a formula."""
    word, before, after = match[0], line[: match.start()], line[match.end() :]
    if re.match(r"[_\d\[^]", after) or re.search(r"[_\\^/{]$", before) or re.match(r"/d", after):
        return False
    if word.lower() in KEPT or re.match(r"\(", after):
        return bool(re.match(r"\s+[^\W\d_]{2,}", after)) and word.lower() not in ("sigmoid", "exp")
    if re.match(r"\s*(?:[=≈←]|:=)", after):
        return bool(re.search(r"[^\W\d_]{2,}\s+$", before)) and len(word) > 3
    return not (word[0] in "d∂δ" and "/" in after[:12] and len(word) < 8)


def stated(text: str, passage: Passage, dialect: Dialect) -> Iterator[Chain]:
    """Values told in words: "the learning rate is set to 0.1"."""
    piece = text[passage.start : passage.end]
    for name, pattern in _STATED:
        for match in pattern.finditer(piece):
            printed = match["number"].replace("−", "-").rstrip(".")
            number = canonical(printed.replace(",", ".") if dialect.comma else printed)
            if number is None or "=" in match[0]:
                continue
            at, value = passage.start + match.start(), passage.start + match.start("number")
            stop = value + len(printed)
            members = (
                Member("", Named(name, at, value), at, value),
                Member("=", Written(number, value, stop), value, stop),
            )
            yield Chain(members, passage.context, inline=True)
