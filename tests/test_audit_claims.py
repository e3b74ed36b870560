"""The claims of the example files against the verdicts a reader wrote into docs/examples-notes.md."""

import re
from pathlib import Path

import pytest

import handgrad as hg
from handgrad.auditing.claims import audit_claims

ROOT = Path(__file__).parents[1]
NOTES = (ROOT / "docs" / "examples-notes.md").read_text("utf-8")
FILES = re.compile(r"`([a-z0-9-]+)\.toml`")
ROW = re.compile(r"\| `([^`]+)` \| (\S+) \| (\S+) \| ([^|]+) \|")
OURS = {
    "exact": {"exact"},
    "given": {"given"},
    "rounded": {"rounded"},
    "carried": {"carried", "truncated"},
    "wrong": {"wrong"},
    "inherits": {"inherited"},
}


def tables():
    """Each table of verdicts with the file named last before it."""
    found, name = {}, ""
    for line in NOTES.splitlines():
        row = ROW.match(line)
        if row:
            found.setdefault(name, []).append(row.groups())
        elif files := FILES.findall(line):
            name = files[0] if name not in files else name
    return {name: rows for name, rows in found.items() if (ROOT / f"examples/{name}.toml").exists()}


TABLES = tables()


def test_the_notes_hold_the_tables_of_the_examples_with_claims():
    assert sum(map(len, TABLES.values())) == 80
    assert set(TABLES) == {
        "one-neuron",
        "one-neuron-stated-target",
        "one-neuron-two-examples",
        "two-neurons-in-a-row",
        "sum-of-two-2-2-1",
        "one-hidden-neuron",
    }


@pytest.mark.parametrize("name", TABLES)
def test_each_claim_gets_the_verdict_of_the_notes(name):
    judged = audit_claims(hg.load(ROOT / f"examples/{name}.toml"))
    rows = TABLES[name]
    assert [(j.claim.quantity, j.claim.value) for j in judged] == [
        (quantity, printed.replace("−", "-")) for quantity, printed, _, _ in rows
    ]
    for judgement, (quantity, _, true, verdict) in zip(judged, rows, strict=True):
        word = re.split(r"[ ,:]", verdict)[0]
        assert judgement.verdict in OURS[word], (quantity, judgement)
        assert judgement.true == pytest.approx(float(true.replace("−", "-")), rel=1e-9)
