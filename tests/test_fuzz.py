"""A few hundred cases for every loader; a hundred thousand by hand:

python -m tests.fuzz --count 100000 --loader problem
"""

from __future__ import annotations

import pytest
from tests import fuzz
from tests.fuzz import LOADERS, Loader, examined, run

from handgrad.errors import InputError

COUNT = 300


@pytest.mark.parametrize("loader", LOADERS)
def test_a_loader_gives_a_result_or_one_of_our_errors(loader: str):
    ends, complaints = run(loader, range(COUNT), processes=1)
    assert not complaints, "\n".join(complaints)
    assert ends["read"] > COUNT / 50, "hardly anything is right: the cases test nothing"
    assert ends["read"] < COUNT, "hardly anything is wrong"


# Seeds that found something once.
FOUND = [
    ("language", 79687),  # two places after a function along an index: softmax(k, v[k])[1,2]
    ("equations", 88167),
    ("equations", 5433),  # δ(i,i) has no axis of its own
    ("equations", 96915),
    ("equations", 58220),  # a quotient of numbers beyond a double
    ("equations", 82447),
    ("equations", 6658),  # a name of ten thousand characters, told in full
    ("equations", 53130),
    ("problem", 52802),  # a control character in the name of the loss
    ("problem", 64194),
    ("problem", 78390),
    ("problem", 88879),
]


@pytest.mark.parametrize(("loader", "seed"), FOUND)
def test_what_was_found_is_mended(loader: str, seed: int):
    assert examined(seed, loader)[1] == ""


# --- the tests, tested -----------------------------------------------------------------------


def broken(error: Exception) -> Loader:
    def read(_case: object, _rng: object) -> None:
        raise error

    return Loader(LOADERS["claims"].draw, read)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("ow"), "ValueError: ow"),
        (RecursionError(), "RecursionError"),
        (MemoryError(), "MemoryError"),
        (RuntimeWarning("overflow"), "RuntimeWarning"),
        (InputError(""), "without words"),
        (InputError("a\x1b[31m"), "a control character"),
        (InputError("<class 'int'>"), "internals"),
        (InputError("a" * 20_000), "20000 characters"),
    ],
)
def test_a_loader_that_does_otherwise_is_reported(error: Exception, said: str, monkeypatch):
    monkeypatch.setitem(LOADERS, "claims", broken(error))
    assert said in examined(0, "claims")[1]


def test_a_loader_that_takes_long_is_reported(monkeypatch):
    monkeypatch.setattr(fuzz, "SECONDS", 0.0)
    assert examined(0, "claims")[1].endswith(" s")
