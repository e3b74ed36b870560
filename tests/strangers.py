"""What strangers may hand in, drawn from a seed: files, equations, names, archives, all half right.

Every function takes a ``random.Random`` and returns one text or one string of bytes. Some are right,
most are right but for one thing, a few are nonsense.
"""

from __future__ import annotations

import io
import json
import struct
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np

from handgrad.calculus.functions import FUNCTIONS
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.model.starter import EQUATIONS, NETWORK
from handgrad.model.vocabulary import ACTIVATIONS, INITS, LOSSES

__all__ = [
    "archive",
    "claim",
    "element",
    "equations",
    "formula",
    "problem",
    "sizes",
    "tensors",
]

EXAMPLES = [
    path.read_text("utf-8")
    for path in sorted((Path(__file__).parents[1] / "examples").glob("*.toml"))
]
VALID = [NETWORK, EQUATIONS, *(text for text in EXAMPLES if len(text) < 1500)]

# --- spoiling what is right ------------------------------------------------------------------

PIECES = (
    "", "\n", " ", "0", "-1", "1e999", "nan", "inf", "true", "'x'", "1979-05-27", "9" * 400,
    "0x" + "f" * 9999, "[", "]", "[[", "{", "}", "=", ".", "#", "\\", '"""', "'''", "ä", "\0",
    "\ufeff", "\r", "\t", "\u2028", "\u202e", "[]", "[[]]", "{}", "[[1,[2]]]", "{value=1}",
    "[network]\n", "[[network.layers]]\n", "[[claims]]\n", "[training]\n", "\x1b[31m", "a.b.c=1\n",
    "((", "**", "^", "Σ", "Σ_i", "σ", "½", "²", "∂", ",", "sum(", "sum(i,", "[j]", "[9]", "1.5.2",
    "d", "dE/dw", "_new", "η", "δ(i,j)", "%s", "{0}", "\\u0000", "-" * 80, "(" * 80, "[" * 40,
)  # fmt: skip


def spoilt(rng: Random, text: str, most: int = 3) -> str:
    """A text with some pieces put in, cut out, doubled or swapped."""
    for _ in range(rng.randint(0, most)):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.choice((0, 0, 1, 1, 2, 8, 40)))
        kind = rng.random()
        if kind < 0.6:
            text = text[:start] + rng.choice(PIECES) + text[end:]
        elif kind < 0.75:
            text = text[:start] + text[end:]
        elif kind < 0.9:
            text = text[:end] + text[start:end] + text[end:]
        else:
            other = rng.randint(0, len(text))
            text = text[:start] + text[other : other + 20] + text[start:]
    return text


def flipped(rng: Random, content: bytes, most: int = 4) -> bytes:
    """Bytes with some of them changed, cut off or repeated; the first hundred more often."""
    altered = bytearray(content)
    for _ in range(rng.randint(0, most)):
        if not altered:
            break
        reach = len(altered) if rng.random() < 0.5 else min(len(altered), 120)
        place = rng.randrange(reach)
        kind = rng.random()
        if kind < 0.5:
            altered[place] ^= 1 << rng.randrange(8)
        elif kind < 0.7:
            altered[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind < 0.85:
            del altered[place : place + rng.choice((1, 2, 8, 10**9))]
        else:
            altered[place:place] = rng.randbytes(rng.choice((1, 4, 64)))
    return bytes(altered)


def nonsense(rng: Random) -> bytes:
    """Bytes of no kind."""
    return rng.randbytes(rng.choice((0, 1, 10, 300)))


# --- problem files ---------------------------------------------------------------------------

SCALARS = (
    "0", "1", "2", "-1", "0.5", "-0.25", "1e-3", "1e300", "1e308", "nan", "inf", "-inf", "true",
    "false", "''", "'x'", "'1'", "'relu'", "'W1'", "'E'", "1979-05-27", "07:32:00", "1_000",
    "9223372036854775808", "1" * 60, "[]", "{}", "[[]]", "[1]", "[[1.0]]", "[[1, 2], [3]]",
    "{ value = 1 }", "{ name = 'huber' }", "{ name = 1 }", "[[[[[1]]]]]", "'\\u0000'", "[true]",
    "[nan]", "['a']", "[[1, '2']]", "{ shared = true }", "\"\\u001b\"", "'z'", "'a - y'",
)  # fmt: skip
KEYS = (
    "x", "y", "W", "b", "units", "activation", "loss", "seed", "init", "values", "layers", "steps",
    "epochs", "momentum", "value", "name", "names", "digits", "quantity", "lr", "Weights", "'a b'",
    "é", '"\\u00e9"', "a.b", "1", "-", "learning-rate",
)  # fmt: skip


class _Author:
    """Writes a problem file in which every value is wrong with the same small chance."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.wrong = rng.choice((0.0, 0.0, 0.03, 0.1, 0.4))

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def value(self, right: str) -> str:
        return self.rng.choice(SCALARS) if self.chance(self.wrong) else right

    def number(self) -> str:
        if self.chance(self.wrong):
            return self.rng.choice(SCALARS)
        return repr(round(self.rng.uniform(-2, 2), 2))

    def numbers(self, *shape: int) -> str:
        if not shape:
            return self.number()
        size = shape[0] + (self.rng.choice((-1, 1)) if self.chance(self.wrong / 4) else 0)
        return "[" + ", ".join(self.numbers(*shape[1:]) for _ in range(size)) + "]"

    def table(self, header: str, **keys: str) -> str:
        lines = [header]
        for key, value in keys.items():
            if self.chance(self.wrong / 2):
                continue
            name = self.rng.choice(KEYS) if self.chance(self.wrong / 2) else key
            lines.append(f"{name} = {self.value(value)}")
        if self.chance(self.wrong / 4):
            self.rng.shuffle(lines)
        return "\n".join(lines)

    def maybe(self, share: float, **keys: str) -> dict[str, str]:
        return {key: value for key, value in keys.items() if self.chance(share)}

    def text(self) -> str:
        body = self.network() if self.chance(0.6) else self.equations()
        tables = [*body, self.training(), self.notation(), *self.claims()]
        if self.chance(self.wrong):
            self.rng.shuffle(tables)
        return "\n".join(tables) + "\n"

    def network(self) -> list[str]:
        rng = self.rng
        units = [rng.randint(1, 3) for _ in range(rng.randint(2, 4))]
        examples = rng.randint(1, 3)
        loss = rng.choice((*LOSSES, "(a - y)**4", "a*y"))
        tables = [
            self.table(
                "[data]",
                x=self.numbers(examples, units[0]),
                y=self.numbers(examples, units[-1]),
            ),
            self.table("[network]", loss=f"'{loss}'", **self.maybe(0.3, seed="3"),
                       **self.maybe(0.2, init=f"'{rng.choice(INITS)}'"),
                       **self.maybe(0.02, values="'w.safetensors'")),
        ]  # fmt: skip
        for before, here in pairwise(units):
            activation = rng.choice((*ACTIVATIONS, "z*sigmoid(z)", "exp(z)", "log(z)"))
            bias = rng.choice((self.numbers(here), "false", "{ value = 0.3, shared = true }"))
            keys = self.maybe(0.5, W=self.numbers(here, before), b=bias)
            keys |= {"activation": f"'{activation}'"} | self.maybe(0.5, units=str(here))
            keys |= {} if "W" in keys else {"units": str(here)}
            tables.append(self.table("[[network.layers]]", **keys))
        return tables

    def equations(self) -> list[str]:
        body = equations(self.rng)
        opened = self.rng.choice(("'''", '"""\n', "'''\n"))
        forward = f"{opened}{body}{opened.strip()}"
        rank = self.rng.choice(((), (), (2,), (3,)))
        parameters = {k: self.numbers(*shape) for k, shape in GIVEN.items() if k not in ("x", "T")}
        return [
            self.table(
                "[equations]", loss="'E'", forward=forward, **self.maybe(0.3, reduce="'mean'"),
                **self.maybe(0.2, frozen="['b']"),
            ),
            self.table("[data]", x=self.numbers(*rank, 2), T=self.numbers(*rank)),
            self.table("[parameters]", **parameters),
        ]  # fmt: skip

    def training(self) -> str:
        optimizer = self.rng.choice(list(OPTIMIZERS))
        options = [key for key, _ in OPTIMIZERS[optimizer].constants.values()]
        return self.table(
            "[training]",
            optimizer=f"'{optimizer}'",
            **self.maybe(0.5, **dict.fromkeys(options, "0.5")),
            **self.maybe(0.3, learning_rate="0.1", steps="2", l2="0.01", batch_size="1",
                         shuffle="true", stop="{ loss_below = 0.01 }"),
        )  # fmt: skip

    def notation(self) -> str:
        return self.table(
            "[notation]",
            **self.maybe(0.3, loss="'C'", target="'t'", learning_rate="'α'", digits="3",
                         backward=f"'{self.rng.choice(('steps', 'chain', 'delta', 'matrix'))}'",
                         appendix="true", names="{ 'W1[1,1]' = 'w_{11}', L = 'J^{(2)}' }"),
        )  # fmt: skip

    def claims(self) -> list[str]:
        count = self.rng.choice((0, 0, 1, 2))
        return [
            self.table(
                "[[claims]]", quantity=f"'{element(self.rng)}'", value=f"'{claim(self.rng)}'"
            )
            for _ in range(count)
        ]


def problem(rng: Random) -> bytes:
    """A problem file."""
    kind = rng.random()
    if kind < 0.05:
        return nonsense(rng)
    if kind < 0.5:
        text = _Author(rng).text()
        return text.encode("utf-8", errors="replace")
    text = spoilt(rng, rng.choice(VALID) if kind < 0.8 else _Author(rng).text())
    content = text.encode("utf-8", errors="replace")
    return flipped(rng, content) if kind > 0.95 else content


def claim(rng: Random) -> str:
    """The number of a claim, as printed."""
    right = rng.choice(("0.3005", "-0.50", ".85", "5.", "1e-3", "+2", "−2.406e−3", "1" * 300))
    return spoilt(rng, right, 2).replace("'", "").replace("\n", "")


# --- the language ----------------------------------------------------------------------------

GIVEN = {"w": (), "b": (), "v": (2,), "u": (3,), "A": (2, 2), "B": (3, 2), "x": (2,), "T": ()}
"""Quantities that equations may use, with their shapes."""
NUMBERS = ("0", "1", "2", "0.5", "3e2", "1e-400", "1e400", "½", ".5", "7.", "9" * 30, "1e999")
LETTERS = ("i", "j", "k", "i", "j", "n", "E", "w")


def _expression(rng: Random, names: list[str], depth: int) -> str:
    """An expression from a grammar that knows names, functions and brackets, and little else."""

    def inner() -> str:
        return _expression(rng, names, depth - 1)

    if depth <= 0 or rng.random() < 0.15:
        return rng.choice(NUMBERS) if rng.random() < 0.25 else _reference(rng, names)
    function = rng.choice(list(FUNCTIONS))
    letter = rng.choice(LETTERS)
    forms = (
        lambda: f"{inner()} {rng.choice('+-*/·−×')} {inner()}",
        lambda: f"{inner()}{rng.choice('+-*/')}{inner()}",
        lambda: f"({inner()})",
        lambda: f"-{inner()}",
        lambda: f"({inner()}){rng.choice(('**', '^'))}{inner()}",
        lambda: f"({inner()}){rng.choice(('²', '³', '⁻', '**2', '^-1', '**0.5'))}",
        lambda: f"{function}({inner()})",
        lambda: f"{rng.choice(('max', 'min', 'huber', 'elu'))}({inner()}, {inner()})",
        lambda: f"sum({letter}, {_reference(rng, names, letter)}*{inner()})",
        lambda: f"Σ_{letter} {_reference(rng, names, letter)}·{inner()}",
        lambda: f"sum({letter},{rng.choice(LETTERS)}, {inner()})",
        lambda: f"{function}({letter}, {_reference(rng, names, letter)})",
        lambda: f"softmax({letter}, {_reference(rng, names, letter)})[{rng.choice('12j9')}]",
        lambda: f"{rng.choice(('δ', 'delta'))}({letter}, {rng.choice('123ij')})",
        lambda: f"[{inner()} = {inner()}]",
    )
    return rng.choice(forms)()


def _reference(rng: Random, names: list[str], letter: str = "") -> str:
    name = rng.choice(names)
    rank = len(GIVEN.get(name, ()))
    if letter and not rank:
        name, rank = rng.choice((("v", 1), ("x", 1), ("A", 2)))
    if rng.random() < 0.04:
        rank = rng.randint(0, 3)
    places = [
        letter if letter and rng.random() < 0.7 else rng.choice("1123ij") for _ in range(rank)
    ]
    return f"{name}[{','.join(places)}]" if places else name


def equations(rng: Random) -> str:
    """Some lines of equations over ``GIVEN``, the last of them defining E."""
    names, lines = list(GIVEN), []
    for number in range(rng.choice((0, 0, 1, 2, 3))):
        left = rng.choice((f"z{number}", f"z{number}[j]", f"z{number}[i,j]", f"h_{number}"))
        lines.append(f"{left} = {_expression(rng, names, rng.randint(0, 3))}")
        names.append(left.split("[")[0])
    lines.append(f"E = {_expression(rng, names, rng.randint(1, 4))}")
    if rng.random() < 0.05:
        rng.shuffle(lines)
    text = "\n".join(lines)
    return spoilt(rng, text) if rng.random() < 0.4 else text


def formula(rng: Random) -> str:
    """An activation in z or a loss in a and y."""
    text = _expression(rng, list(rng.choice(("z", "zz", "ay", "aayw"))), rng.randint(0, 4))
    return spoilt(rng, text, 2) if rng.random() < 0.4 else text


def element(rng: Random) -> str:
    """A quantity or one of its elements, as --of takes it."""
    name = rng.choice(
        ("W1", "W2", "b1", "z1", "a2", "L", "x", "y", "η", "dL/dW1", "dL/dz2", "W1_new", "w1", "q")
    )
    inside = ",".join(
        str(rng.choice((1, 1, 2, 3, 0, -1, 10**9, "i"))) for _ in range(rng.randint(0, 3))
    )
    text = f"{name}[{inside}]" if inside or rng.random() < 0.1 else name
    return (spoilt(rng, text, 2) if rng.random() < 0.4 else text).replace("'", "")


def sizes(rng: Random) -> str:
    """The numbers of units that --network takes."""
    parts = [
        str(rng.choice((1, 2, 3, 2, 4, 0, 65537, 10**8, "٣", "²")))
        for _ in range(rng.randint(1, 5))
    ]
    if rng.random() < 0.02:
        parts *= 100
    text = rng.choice(("-", "-", "-", ",", "x", " ")).join(parts)
    return spoilt(rng, text, 2) if rng.random() < 0.4 else text


# --- archives --------------------------------------------------------------------------------

DTYPES = ("f8", "f8", "f4", "f2", "i8", "u1", "?", "c16", "S3", "U2", "M8[s]", "O", ">f8", "V3")


def _array(rng: Random, shape: tuple[int, ...]) -> np.ndarray:
    values = [rng.choice((0.0, 0.5, -2.0, 1e308, float("nan"), float("inf"), 3.0))
              for _ in range(int(np.prod(shape)))]  # fmt: skip
    right = np.array(values if rng.random() < 0.1 else [0.5] * len(values)).reshape(shape)
    if rng.random() < 0.7:
        return right
    with np.errstate(all="ignore"):
        return np.nan_to_num(right).astype(rng.choice(DTYPES)) if rng.random() < 0.7 else right[:1]


SHAPES = {"W1": (2, 2), "b1": (2,), "W2": (1, 2), "b2": (1,)}


def _named(rng: Random) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for name, shape in SHAPES.items():
        if rng.random() < 0.9:
            key = (
                rng.choice(("W1", "w", "../x", "a/b", "dL/d" + name, ""))
                if rng.random() < 0.1
                else name
            )
            found[key] = _array(rng, shape)
    return found


def archive(rng: Random) -> bytes:
    """An .npz file of gradients for a network 2-2-1."""
    if rng.random() < 0.05:
        return nonsense(rng)
    file = io.BytesIO()
    save = np.savez_compressed if rng.random() < 0.3 else np.savez
    save(file, **{k or "empty": v for k, v in _named(rng).items()})
    content = file.getvalue()
    return flipped(rng, content) if rng.random() < 0.7 else content


KINDS = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "u1": "U8", "?": "BOOL"}


def tensors(rng: Random) -> bytes:
    """A .safetensors file of weights for a network 2-2-1, written by hand so that it can be wrong."""
    if rng.random() < 0.05:
        return nonsense(rng)
    header: dict[str, object] = {"__metadata__": {"a": "b"}} if rng.random() < 0.2 else {}
    data = b""
    for name, array in _named(rng).items():
        kind = next((v for k, v in KINDS.items() if array.dtype == np.dtype(k)), "C64")
        if rng.random() < 0.05:
            kind = rng.choice(("BF16", "F8_E4M3", "I4", "F64", "", "O"))
        raw = array.astype("f8").tobytes() if array.dtype == object else array.tobytes()
        entry: dict[str, object] = {
            "dtype": kind,
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        if rng.random() < 0.1:
            entry[rng.choice(list(entry))] = rng.choice(
                (None, -1, [], [-1, 2], "F64", 2**63, [2**40, 2**40], [0, 0], {}, 1.5, True)
            )
        header[name] = entry
        data += raw
    written = spoilt(rng, json.dumps(header), 2) if rng.random() < 0.3 else json.dumps(header)
    raw_header = written.encode("utf-8", errors="replace")
    length = len(raw_header) if rng.random() < 0.9 else rng.choice((0, 1, 10**6, 2**40, 2**64 - 1))
    content = struct.pack("<Q", length) + raw_header + data
    return flipped(rng, content) if rng.random() < 0.4 else content
