"""Every kind of mistake at every door: one message in words, exit status 2, little time and memory.

``python -m pytest tests/test_bad_input.py -s -k listing`` prints all messages, to be read.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.measured import ROOT, Outcome, Runner

import handgrad as hg
from handgrad.errors import FileError

SECONDS, MEGABYTES = 1.0, 300.0
COMMAND = [sys.executable, "-m", "handgrad"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@dataclass(frozen=True)
class Case:
    """A mistake: what is run (arguments or Python), over which files, and pieces of the message."""

    kind: str
    door: str
    job: list[str] | str
    said: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()


def raw(content: str | bytes) -> bytes:
    return content.encode("utf-8", errors="surrogatepass") if isinstance(content, str) else content


def net(layer="W = [[0.5, -0.25]]", x="[[1.0, 2.0]]", y="[[1.0]]", more="", loss="squared_error"):
    """A network: x is line 2, y line 3, the loss line 5, the layer from line 7, then ``more``."""
    return (
        f"[data]\nx = {x}\ny = {y}\n[network]\nloss = '{loss}'\n[[network.layers]]\n{layer}\n{more}"
    )


def eqs(forward, more="", loss="E"):
    """Equations from line 4; w is a number, v and u vectors of 2 and 3, A a matrix."""
    return (
        f"[equations]\nloss = '{loss}'\nforward = '''\n{forward}\n'''\n{more}\n[parameters]\nw = 2.0\n"
        "v = [1.0, 2.0]\nu = [1.0, 2.0, 3.0]\nA = [[1.0, 2.0], [3.0, 4.0]]\n"
    )


# What is wrong in a file given to ``handgrad explain``: its content, and pieces of what is said.
FILE: dict[str, list[tuple[str | bytes, ...]]] = {
    "empty": [
        ("", "a problem has a [network] or [equations]; neither is here"),
        ("\n\n  \n", "neither is here"),
        ("# only a comment\n", "neither is here"),
        ("[network]\n", "network.layers: missing. Add [[network.layers]]"),
        ("[equations]\nloss = 'E'\nforward = '''\n# none\n'''", "There are no equations. Write one a line"),
        (net(x="[]"), "line 2, column 5, data.x: the value is an empty list. Give at least one number"),
    ],
    "huge": [
        ("#" * (2**20 + 1), "a problem file may have 1048576 bytes"),
        (net(layer="units = 70000"), "line 7, column 9", "more than the 65536"),
        (net(x="[" + "[1, 1]," * 20_000 + "]"), "y has 1 row, but x has 20000"),
        (net(layer="units = 65536\n[[network.layers]]\nunits = 65536"), "parameters; at most 50000000"),
        (eqs("B[i,j,k,l,m,n,o] = T[i]*T[j]*T[k]*T[l]*T[m]*T[n]*T[o]\nE = sum(i,j,k,l,m,n,o, B[i,j,k,l,m,n,o])", more=f"[data]\nT = {[1] * 30}"), "numbers, most of them in B"),
        (net(more="[training]\nsteps = 99999999999"), "line 9, column 9, training.steps: 99999999999 is more than"),
    ],
    "encoding": [
        ("title = 'é'\n".encode("latin-1"), "line 1, column 10: byte 9 is not UTF-8. Save"),
        (net().encode("utf-16"), "the file is UTF-16. Save it as UTF-8."),
        (net().encode("utf-32"), "the file is UTF-32. Save it as UTF-8."),
        (b"\x80abc", "line 1, column 1: byte 0 is not UTF-8"),
        (b"a = '\xed\xa0\x80'", "is not UTF-8"),
        (b"PK\x03\x04\x14\x00\xff\xfe", "is not UTF-8"),
    ],
    "byte-order mark": [
        (b"\xef\xbb\xbf", "neither is here"),
        (b"\xef\xbb\xbf" + raw(net(layer="units = 0")), "line 7, column 9"),
        (b"\xef\xbb\xbf\xef\xbb\xbf[network]\n", "line 1"),
        (b"a = 1\n\xef\xbb\xbf[network]", "line 2, column 1: the invisible character U+FEFF cannot stand here"),
        (b"\xfe\xff\x00a", "UTF-16"),
    ],
    "NUL": [
        (b"\0" * 100, "line 1, column 1: a NUL character"),
        (b"title = 'a\0b'", "line 1, column 11: a NUL character"),
        ('title = "a\\u0000b"\n' + net(), "line 1, column 9, title: the control character U+0000"),
        (net(layer='activation = "z\\u0000"'), "line 7, column 14", "U+0000"),
        (eqs("E = w").replace("'''", '"""').replace("E = w", "E = w\\u0000"), "line 4, column 6", "U+0000"),
    ],
    "deep": [
        ("x = " + "[" * 10_000 + "]" * 10_000, "line 1, column 37: lists or tables more than 32 deep"),
        ("x = " + "{a=" * 10_000 + "1" + "}" * 10_000, "more than 32 deep"),
        (eqs("E = " + "(" * 10_000 + "w" + ")" * 10_000), "line 4, column 65, equations.forward: Brackets nest"),
        (eqs("E = " + "-" * 10_000 + "w"), "line 4, column 65", "Signs or powers nest"),
        (eqs("E = " + "w^" * 10_000 + "w"), "line 4, column 125", "Give a part of the expression a name"),
        (eqs("E = " + "tanh(" * 10_000 + "w" + ")" * 10_000), "line 4", "Brackets nest more than 60 deep"),
        (net(layer=f"activation = '{'(' * 5_000}z{')' * 5_000}'"), "line 7, column 75", "Brackets nest"),
    ],
    "long keys": [
        (".".join("a" * 40_000) + " = 1", "line 1, column 32: a dotted key of more than 16 parts. Shorten it."),
        ("[" + ".".join("a" * 40_000) + "]", "more than 16 parts"),
        ("a" * 100_000 + " = 1", "unknown key", "aaaa…"),
        (net(more="[training]\n" + ".".join(["'a'"] * 17) + " = 1"), "line 9", "more than 16 parts"),
        ("a" * 1000 + " = [\n", "line 2"),
    ],
    "many": [
        ("[[network.layers]]\n" * 30_000, "30000 layers were given; at most 256"),
        ("[[claims]]\n" * 20_000, "20000 claims were given; at most 10000"),
        ("\n".join(f"k{n} = 1" for n in range(20_000)), "more mistakes."),
        (eqs("\n".join(f"z{n} = q{n}*w" for n in range(20_000))), "characters; at most 200,000 are read. Shorten it", "equations.forward"),
        (eqs("E = w" + "*w" * 5_000), "line 4", "A product has at most 300 factors"),
        (eqs("E = w" + "+w" * 50_000), "line 4", "An equation has at most 5,000"),
    ],
    "ragged": [
        (net(x="[[1, 2], [3]]", y="[[1], [1]]"), "line 2, column 14, data.x: row 2 has 1 number, row 1 has 2"),
        (net(layer="W = [[1, 2, 3]]"), "line 7, column 5, network.layers[1].W: W has 3 columns, but x has 2"),
        (net(layer="W = [[1, 2]]\nb = [1, 2]"), "line 8, column 5", "b has 2 numbers, the layer has 1 unit"),
        (net(y="[[1, 2]]"), "line 3, column 5, data.y: y has 2 columns, but the last layer has 1 unit"),
        (net(x="[[1, 2], [3, 4]]"), "line 3, column 5, data.y: y has 1 row, but x has 2"),
        (eqs("E = sum(i, v[i]*u[i])"), "line 4, column 17", "index i runs over", "2 against 3"),
        (net(layer="W = [[1], [2, 3]]"), "row 2 has 2 numbers, row 1 has 1"),
    ],
    "not finite": [
        (net(x="[[nan, 1]]"), "line 2, column 7, data.x: row 1, column 1 is nan"),
        (net(layer="W = [[1, inf]]"), "line 7, column 10, network.layers[1].W: row 1, column 2 is inf"),
        (net(y="[[1e999]]"), "line 3, column 7, data.y", "is inf"),
        (net(more="[training]\nlearning_rate = nan"), "line 9, column 17, training.learning_rate", "nan"),
        (eqs("E = w").replace("w = 2.0", "w = -inf"), "parameters.w: the value is -inf"),
    ],
    "text for numbers": [
        (net(x="[['a', 1]]"), "line 2, column 7, data.x", 'the text "a"; a number is expected'),
        (net(layer="W = [['1', 2]]"), "line 7, column 7", "Leave out the quotes"),
        (net(layer="units = '2'"), "line 7, column 9", "a whole number is expected"),
        (net(more="[training]\nlearning_rate = '0.1'"), "line 9, column 17", "Leave out the quotes"),
        (net(layer="W = [[1, 2]]\nb = 'none'"), "line 8, column 5", "false for no bias"),
        (net(layer="W = [[1,5, 2]]\nb = [0,1]"), "W has 3 columns, but x has 2"),
    ],
    "unknown names": [
        (net(layer="activaton = 'tanh'"), "line 7, column 1", 'Did you mean "activation"?'),
        (net(layer="activation = 'sigmod'"), "line 7, column 14", 'Did you mean "sigmoid"?'),
        (net(loss="mse"), "line 5, column 8", 'Did you mean "mean_squared_error"?'),
        (net(more="[training]\noptimizer = 'adm'"), "line 9, column 13", 'Did you mean "adam"?'),
        (net(more="[training]\nmomentum = 0.9"), "line 9, column 1", "sgd has no momentum"),
        (net(more="[notation]\nnames = { 'W9' = 'w' }"), "line 9, column 11, notation.names.W9", "no quantity"),
        (net(more="[notation]\nnames = { 'w1' = 'w' }"), "Did you mean W1?"),
        (net(more="[notation]\nnames = { 'W1[2,1]' = 'w' }"), "index 2 is more than 1"),
        (eqs("E = tnah(w)"), "line 4, column 5", "There is no function 'tnah'"),
    ],
    "duplicates": [
        ("[data]\nx = 1\nx = 2", "line 3, column 1", '"x" is given twice, first at line 2'),
        ("[data]\n[data]", "line 2, column 1", "given before"),
        (eqs("E = w\nE = w*w"), "line 5, column 1, equations.forward: E is defined twice"),
        (eqs("z = w*2\n  w_new = z\nE = w_new"), "line 5, column 3, equations.forward: w_new is a name that the derivation makes itself"),
        (eqs("E = w*w_new") + "w_new = 2.0\n", "line 12, column 1, parameters.w_new: w_new is a name that the derivation makes itself"),
        (eqs("E = w*v_w", "[training]\noptimizer = 'momentum'") + "v_w = 2.0\n", "line 13, column 1, parameters.v_w: v_w is a name"),
        (eqs("w = 1\nE = w"), "line 4, column 1", "w is given and also defined"),
        (eqs("E = w", more="[data]\nw = 1"), "is also in [data]"),
        (eqs("z[i,i] = A[i,i]\nE = z[1,1]"), "line 4, column 1", "a different letter for each index"),
    ],
    "order": [
        (eqs("E = z\nz = w"), "line 4, column 5", "z, in the equation of E, is used before it is defined. Move"),
        (eqs("a = b*w\nb = c\nc = w\nE = a"), "line 4, column 5", "line 5, column 5", "b, in the equation of a"),
        (eqs("E = w*q"), "line 4, column 7, equations.forward: q, in the equation of E, is not defined"),
        (eqs("E = w*W"), "line 4, column 7", "Did you mean w?"),
        (eqs("F = w"), "line 2, column 8, equations.loss: The loss E is not defined by any equation"),
        (eqs("E = A[i,j]"), "index i in the equation of E is neither summed", "index j"),
    ],
    "cycles": [
        (eqs("E = E + w"), "line 4, column 5", "E is defined by itself. Give the new quantity another name"),
        (eqs("a = b\nb = a\nE = a*w"), "line 4, column 5", "b, in the equation of a, is defined by a in turn: a circle"),
        (eqs("z = tanh(z)\nE = z*w"), "line 4, column 10", "z is defined by itself"),
        (eqs("w = w - 1\nE = w"), "line 4, column 1", "w is given and also defined"),
        (eqs("a = w*c\nb = a\nc = b\nE = c"), "line 4, column 7", "c, in the equation of a, is defined by a in turn: a circle"),
    ],
    "index out of range": [
        (eqs("E = v[3]"), "line 4, column 5, equations.forward: v[3] in the equation of E: index 3 is out of range", "has 2"),
        (eqs("E = v[0]"), "line 4", "count from 1"),
        (eqs("E = A[1,9]"), "line 4, column 5", "index 9 is out of range"),
        (eqs("E = softmax(k, v[k])[5]"), "line 4, column 22", "index 5 is out of range"),
        (eqs("E = sum(i, δ(i,7)*v[i])"), "line 4, column 16", "index 7", "out of range"),
        (eqs("E = v[1,1]"), "line 4, column 5", "v has 1 index but is used with 2"),
    ],
    "targets": [
        (net("activation = 'sigmoid'\nunits = 1", y="[[2.0]]", loss="binary_cross_entropy"), "line 3, column 7, data.y: row 1, column 1 of y is 2; binary_cross_entropy takes targets from 0 to 1"),
        (net("activation = 'sigmoid'\nunits = 1", y="[[-0.5]]", loss="binary_cross_entropy"), "-0.5", "Give 0 or 1"),
        (net("activation = 'softmax'\nunits = 3", y="[[0, 2, 1]]", loss="cross_entropy"), "line 3, column 10", "one column per class"),
        (net("activation = 'softmax'\nunits = 3", y="[[2]]", loss="cross_entropy"), "line 3, column 5", "one column per class"),
        (net("activation = 'softmax'\nunits = 1", loss="binary_cross_entropy"), "line 7, column 14", "softmax of a single unit is always 1", "Use sigmoid"),
        (net("activation = 'identity'\nW = [[1, 1]]", loss="binary_cross_entropy"), "L is nan", "log(1 − a1[1,1]) is nan where a1[1,1] = 3"),
        (net("activation = 'tanh'\nW = [[-1, -1]]", loss="cross_entropy"), "log(a1[1,1]) is nan where a1[1,1] = -0.99"),
    ],
    "evaluation": [
        (eqs("E = w/(w - 2)"), "E is inf: 1/(w − 2) is inf where w = 2. That divides by zero"),
        (eqs("z[i] = 1/(v[i] - 2)\nE = sum(i, z[i])"), "z[2] is inf", "v[2] = 2"),
        (eqs("E = exp(1000*w)"), "E is inf: exp(", "w = 2", "1.8e308"),
        (eqs("E = sum(i, log(v[i] - 1))"), "log(v[1] − 1) is -inf where v[1] = 1. A logarithm needs"),
        (eqs("E = sqrt(w - 5)"), "E is nan", "A root or a fractional power needs a number from 0 up"),
        (eqs("z = log(x)\nE = z*w", more="[data]\nx = [1.0, 2.0, -3.0]"), "z[3] is nan: log(x[3]) is nan where x[3] = -3"),
        (eqs("E = (0 - w)^0.5"), "E is nan", "fractional power"),
    ],
    "syntax": [
        (eqs("E = (w"), "line 4, column 7", "Expected ')', got the end of the line"),
        (eqs("E = w +\nF = * w\nz = )"), "line 4, column 8", "line 5, column 5", "line 6, column 5"),
        (eqs("E = 2w"), "line 4, column 6", "Expected an operator", "got 'w'. Write * to multiply"),
        (eqs("w1 x = 3"), "line 4, column 4", "Expected '='"),
        (eqs("E = w $ 3"), "line 4, column 7", "The character '$' means nothing here"),
        (net(layer="activation = 'z +'"), "line 7, column 18", "Expected a number, a name or a bracket"),
        (net(layer="activation = 'q*z'"), "line 7, column 14", "uses q; it may use z only"),
        ("seed = ", "line 1, column 8: a value is expected here"),
        ("[data\nx = 1", "line 1, column 6: ] is expected here"),
    ],
}  # fmt: skip

OPTIONS: dict[str, list[tuple[str, ...]]] = {
    "empty": [
        ("explain", "Give a FILE, or --network"),
        ("explain --network ''", 'write the numbers of units'),
        ("explain xor --of ''", "There is no quantity ''"),
        ("explain ''", "Give a FILE, or --network"),
        ("check xor --gradient ''", "folder"),
        ("examples ''", "There is no example ''"),
    ],
    "huge": [
        ("explain --network 60000-60000", "parameters; at most 50,000,000"),
        ("explain --network 65537-1", "At most 256 layers of 65,536 units"),
        ("explain --network " + "-".join(["1"] * 300), "At most 256 layers"),
        ("explain --network 2-1 --examples 99999999", "Invalid value for '--examples'"),
        ("explain --network 60000-1 --examples 100000", "examples of 60000 inputs are too many"),
        ("explain xor --steps 99999999999", "Steps run from 1 to 1,000,000"),
        ("explain --network " + "9" * 100_000, "write the numbers of units"),
    ],
    "text for numbers": [
        ("explain xor --steps two", "Invalid value for '--steps': 'two' is not a valid integer"),
        ("explain xor --step 1.5", "'1.5' is not a valid integer"),
        ("explain xor --digits many", "'many' is not a valid integer"),
        ("explain xor --carry -1", "Invalid value for '--carry'"),
        ("explain --network a-b", "write the numbers of units, inputs first: 2-2-1"),
        ("explain --network ²-1", "write the numbers of units"),
        ("explain --network 2-1 --seed x", "Invalid value for '--seed'"),
    ],
    "unknown names": [
        ("explian xor", "No such command 'explian'"),
        ("explain xor --fromat text", "No such option '--fromat'", "--format"),
        ("explain xor --format odt", "'odt' is not one of"),
        ("explain xor --reading chian", "'chian' is not one of"),
        ("explain --network 2-1 --activation sigmod", "sigmod", 'Did you mean "sigmoid"?'),
        ("explain --network 2-1 --loss mse", "mse", 'Did you mean "mean_squared_error"?'),
        ("examples xorr", "There is no example", 'Did you mean "xor"?'),
        ("explain xorr", "no such file, and no such example", 'Did you mean "xor"?'),
        ("explain xor --of w1", "There is no quantity 'w1'", "Did you mean W1?"),
        ("explain one-neuron --of ŷ", "The page shows a1[1] as ŷ: write a1[1]."),
    ],
    "index out of range": [
        ("explain xor --of W1[3,1]", "index 1 of W1 runs from 1 to 2"),
        ("explain xor --of W1[0,1]", "counting from 1"),
        ("explain xor --of W1[1]", "W1 has 2 indices. Write W1[1,1]."),
        ("explain xor --of L[1]", "L is a single number. Write L."),
        ("explain xor --of W1[99999999999,1]", "counting from 1"),
        ("explain xor --of W1[1,1,1]", "W1 has 2 indices"),
    ],
    "deep": [
        ("explain --network 2-1 --activation " + "(" * 10_000 + "z" + ")" * 10_000, "Brackets nest"),
        ("explain --network 2-1 --activation " + "-" * 10_000 + "z", "Signs or powers nest"),
        ("explain --network 2-1 --activation z" + "^z" * 10_000, "Signs or powers nest"),
        ("explain --network 2-1 --activation " + "exp(" * 10_000 + "z", "Brackets nest"),
        ("explain --network 2-1 --loss " + "(" * 10_000 + "a", "Brackets nest"),
    ],
    "targets": [
        ("explain --network 2-1 --activation softmax --loss binary_cross_entropy", "always 1", "Use sigmoid"),
        ("explain --network 2-1 --activation z-9 --loss binary_cross_entropy", "L is nan: log(a1[1,1]) is nan where a1[1,1] = -8.", "A logarithm needs"),
        ("explain --network 2-1 --activation log(z-9)", "a1[1,1] is nan: log(z1[1,1] − 9)", "A logarithm needs"),
        ("explain --network 2-1 --activation 1/(z-z)", "divides by zero"),
        ("explain --network 2-1 --activation exp(exp(exp(9+z)))", "1.8e308"),
    ],
    "places": [
        ("explain missing.toml", 'there is no such file. In that folder are: "locked.toml"'),
        ("explain missing/net.toml", "There is no such folder either"),
        ("explain .", ". is a folder. Give a problem file"),
        ("explain loop", "Too many levels of symbolic links"),
        ("explain locked.toml/x", "Not a directory"),
        ("explain /dev/zero", "may have 1048576 bytes"),
        ("explain " + "n" * 5_000, "File name too long"),
        ("explain xor -o missing/a.txt", "there is no folder missing. Make it first"),
        ("explain xor -o /dev/full --format text", "No space left on device"),
        ("explain xor -o loop --format text", "link that leads nowhere"),
        ("explain xor -o . --format text", "is a folder"),
        ("explain xor -o a.odt", "the ending says nothing about the format"),
        ("check xor --gradient .", ". is a folder. Give the path of an .npz file"),
        ("check xor --gradient missing.npz", "there is no such file"),
        ("check xor --gradient /dev/zero", "is a pipe or a device"),
        ("check xor --gradient pipe", "is a pipe or a device"),
        ("check xor --gradient loop", "Too many levels of symbolic links"),
        ("new missing/net.toml", "there is no folder missing"),
        ("new .", "is there already"),
    ],
}  # fmt: skip

P = "hg.Network([2, 1], {})"
E = "hg.Equations('E = w*x', loss='E', {})"
PYTHON: dict[str, list[tuple[str, ...]]] = {
    "empty": [
        ("hg.Network([])", "at least one layer"),
        ("hg.Equations('', loss='E', parameters={})", "There are no equations"),
        ("hg.Network([2, 1], x=[], y=[])", "x must be a matrix"),
        ("hg.Equations('E=w*x', loss='E', parameters={'w': 1.0}, data={'x': []})", "no example"),
        ("hg.Equations('  # nothing', loss='E', parameters={})", "There are no equations"),
        ("hg.load('')", "there is no such file"),
    ],
    "huge": [
        ("hg.Network([60000, 60000])", "parameters; at most"),
        ("hg.Network([1] * 300)", "256 layers"),
        ("hg.Network([10**9, 1])", "65,536 units"),
        ("hg.explain(hg.Equations('B[i,j]=u[i]*u[j]\\nE=sum(i,j,B[i,j])', loss='E', parameters={'u': np.ones(20000)}))", "most of them in B"),
        ("hg.explain(hg.Network([2, 1]), steps=10**9)", "Steps run from 1 to 1,000,000"),
    ],
    "wrong kinds": [
        ("hg.Network(5)", "a list such as [2, 2, 1] is expected"),
        (P.format("W=3"), "one entry per layer"),
        (P.format("x='abc'"), "x must be an array of numbers"),
        (P.format("learning_rate='0.1'"), "learning rate is"),
        (P.format("loss=3"), "neither a name, a formula nor a table"),
        ("hg.load(3)", "path of a problem file"),
        ("hg.explain('net.toml')", "takes a Problem"),
        ("hg.explain(hg.Network([2, 1]), carry='4')", "carry is"),
        ("hg.Equations('E=w', loss='E', parameters=[1])", "map names"),
        ("hg.evaluate(None, hg.Network([2, 1]))", "takes a Derivation"),
    ],
    "not finite": [
        (P.format("W=[[[np.nan, 1]]]"), "W of layer 1 is not finite at [1, 1]"),
        (P.format("x=[[np.inf, 1]]"), "x is not finite at [1, 1]"),
        (P.format("learning_rate=float('nan')"), "learning rate is nan"),
        (E.format("parameters={'w': float('inf')}, data={'x': 1.0}"), "w is not finite"),
        (P.format("l2=float('nan')"), "l2 is nan"),
        ("hg.check(hg.Network([2, 1]), gradient={'W1': [[np.nan, 0]]})", "not finite"),
    ],
    "ragged": [
        (P.format("x=[[1, 2], [3]]"), "rows of equal length"),
        (P.format("x=[[1, 2]], y=[[1], [2]]"), "x has 1 examples, y has 2"),
        (P.format("W=[[[1, 2, 3]]]"), "W of layer 1 is 1×3; its sizes ask for 1×2"),
        (P.format("b=[[1, 2]]"), "b of layer 1 needs 1 numbers"),
        (P.format("y=[[1, 2]]"), "y has 2 columns, but the last layer has 1 unit"),
        ("hg.check(hg.Network([2, 1]), gradient={'W1': [1, 2]})", "has the shape"),
    ],
    "unknown names": [
        (P.format("activation='sigmod'"), 'Did you mean "sigmoid"?'),
        (P.format("loss='mse'"), 'Did you mean "mean_squared_error"?'),
        (P.format("optimizer='adm'"), 'Did you mean "adam"?'),
        (P.format("init='xavier'"), 'Did you mean "glorot"?'),
        (P.format("optimizer='adam', eps=0.9"), 'Did you mean "epsilon"?'),
        ("hg.explain(hg.Network([2, 1]), of='w1')", "Did you mean W1?"),
        ("hg.explain(hg.Network([2, 1]), reading='chian')", 'Did you mean "chain"?'),
        (P.format("notation=hg.Notation(names={'W9': 'w'})"), "no quantity"),
        ("hg.check(hg.Network([2, 1]), gradient={'w1': [[0, 0]]})", 'Did you mean "W1"?'),
    ],
    "order": [
        (E.format("parameters={'w': 1.0}"), "line 1, column 7", "x, in the equation of E, is not defined", "^"),
        ("hg.Equations('E=z\\nz=w', loss='E', parameters={'w': 1.0})", "line 1, column 3", "Move its equation up"),
        ("hg.Equations('E=E+w', loss='E', parameters={'w': 1.0})", "defined by itself"),
        ("hg.Equations('E=w\\nE=w', loss='E', parameters={'w': 1.0})", "line 2, column 1", "defined twice"),
        ("hg.Equations('a=q\\nb=r\\nE=w', loss='E', parameters={'w': 1.0})", "line 1, column 3", "line 2, column 3"),
    ],
    "targets": [
        (P.format("y=[[2.0]], loss='binary_cross_entropy'"), "Row 1, column 1 of y is 2"),
        (P.format("y=[[-1.0]], loss='cross_entropy'"), "takes targets from 0 to 1"),
        (P.format("activation='softmax', loss='binary_cross_entropy'"), "Use sigmoid"),
        ("hg.explain(hg.Network([2, 1], activation='identity', loss='binary_cross_entropy', W=[[[9, 9]]], x=[[1, 1]]))", "a1[1,1] = 18"),
        ("hg.explain(hg.Equations('E=1/(w-1)', loss='E', parameters={'w': 1.0}))", "That divides by zero"),
    ],
}  # fmt: skip


def archived(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npy(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header.encode() + data


GOOD = archived(W1=np.zeros((2, 2)), b1=np.zeros(2))
SHAPE = "{{'descr': '{}', 'fortran_order': False, 'shape': {}}}\n"
ARCHIVE: dict[str, list[tuple[str | bytes, ...]]] = {
    "damaged": [
        (b"", "is no archive of numbers, or it is damaged. Write it with numpy.savez"),
        (b"no zip at all", "is no archive"),
        (GOOD[: len(GOOD) // 2], "is no archive"),
        (GOOD[:60] + b"\xff" + GOOD[61:], "damaged"),
        (GOOD.replace(b"NUMPY", b"NUMPI"), "damaged"),
        (b"\0" * 1000, "is no archive"),
    ],
    "bomb": [
        (zipped(W1=b"\0" * 300_000_000), "unpacks to 300,000,000 bytes; at most 268,435,456"),
        (zipped(W1=npy(SHAPE.format("<f8", (10**9, 10**9)))), '"W1" is cut short'),
        (zipped(W1=npy(SHAPE.format("<f8", (10**30,)))), '"W1" is cut short'),
        (b"PK\1\2" * 20_000, "lists more files than the 10,000"),
        (zipped(W1=npy("{" * 10_000)), '"W1" is damaged'),
    ],
    "kinds": [
        (archived(W1=np.array([{}], dtype=object)), '"W1" holds Python objects. Give real numbers'),
        (archived(W1=np.array(["a"])), '"W1" holds values of the type str'),
        (archived(W1=np.array([1j])), "complex128"),
        (archived(W1=np.array(["2020-01-01"], dtype="M8[D]")), "datetime64"),
        (archived(W1=np.array([(1, 2)], dtype=[("a", "f8"), ("b", "f8")])), "holds values of the type"),
        (archived(W1=np.full((2, 2), np.nan)), "not finite at [1, 1]"),
    ],
    "names": [
        (archived(**{"../../etc/passwd": np.zeros(2)}), "There is no parameter '../../etc/passwd'"),
        (archived(**{"/tmp/W1": np.zeros(2)}), "There is no parameter"),
        (archived(w1=np.zeros((2, 2))), 'Did you mean "W1"?'),
        (archived(W9=np.zeros((2, 2))), "There are W2, W1"),
        (archived(W1=np.zeros((3, 2))), "has the shape"),
        (zipped(), "holds no arrays"),
    ],
}  # fmt: skip


def tensors(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(written) if length is None else length) + written + data


def tensor(dtype: str = "F64", shape: object = (1, 2), end: object = 16) -> dict[str, object]:
    return {"W1": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}


TWO = struct.pack("<2d", 0.5, 0.25)
WEIGHTS: dict[str, list[tuple[str | bytes, ...]]] = {
    "damaged": [
        (b"", "line 5, column 10, network.values", "is no safetensors file", "cut short"),
        (b"\1\0\0", "cut short"),
        (tensors(tensor(), TWO, length=2**60), "cut short"),
        (tensors(b"{" * 500, TWO), "its header is no JSON"),
        (tensors(b"[1, 2]", TWO), "its header is no table of arrays"),
        (tensors(b"[" * 100_000, TWO), "its header is no JSON"),
        (tensors(b" " * (2**20 + 1), TWO), "its header has 1,048,577 bytes"),
        (tensors(tensor(), TWO[:8]), "cut short"),
        (tensors(tensor(), TWO + TWO), "header is damaged"),
    ],
    "kinds": [
        (tensors(tensor("BF16"), TWO), '"W1" holds "BF16"; real numbers are read'),
        (tensors(tensor("C64"), TWO), '"C64"'),
        (tensors(tensor("F8_E4M3"), TWO), "Convert it"),
        (tensors(tensor(shape="x"), TWO), "has no shape or no place"),
        (tensors(tensor(shape=[10**9, 10**9]), TWO), "larger than the file"),
        (tensors({"W1": 3}, TWO), "has no shape or no place"),
        (tensors({f"a{n}": 1 for n in range(20_000)}), "holds 20,000 arrays; at most 10,000"),
    ],
    "values": [
        (tensors(tensor(shape=[2]), TWO), "line 5, column 10, network.values: W1 in the file is 2; a matrix"),
        (tensors(tensor(shape=[2, 1]), TWO), "W1 in the file is 2×1", "Transpose it"),
        (tensors(tensor(), struct.pack("<2d", 0.5, float("nan"))), "W1", "not finite at [1, 2]"),
        (tensors({"w": tensor()["W1"]}, TWO), "W1", 'holds "w"'),
        (tensors({}), "W1", "holds no arrays"),
    ],
}  # fmt: skip
WITH_WEIGHTS = "[data]\nx = [[1.0, 2.0]]\ny = [[1.0]]\n[network]\nvalues = 'w.safetensors'\n[[network.layers]]\n"


def cases() -> Iterator[Case]:
    for kind, rows in FILE.items():
        for content, *said in rows:
            yield Case(
                kind, "file", ["explain", "p.toml"], (*map(str, said),), (("p.toml", raw(content)),)
            )
    for kind, lines in OPTIONS.items():
        for line, *said in lines:
            yield Case(kind, "options", [w.strip("'") for w in line.split(" ")], (*said,))
    for kind, codes in PYTHON.items():
        for code, *said in codes:
            yield Case(kind, "python", code, (*said,))
    for kind, rows in ARCHIVE.items():
        for content, *said in rows:
            job = ["check", "sum-of-two-2-2-1", "--gradient", "g.npz"]
            yield Case(kind, "npz", job, (*map(str, said),), (("g.npz", raw(content)),))
    for kind, rows in WEIGHTS.items():
        for content, *said in rows:
            files = (("p.toml", raw(WITH_WEIGHTS)), ("w.safetensors", raw(content)))
            yield Case(kind, "safetensors", ["explain", "p.toml"], (*map(str, said),), files)


CASES = [*cases()]


@pytest.fixture(scope="module")
def run() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


def outcome(case: Case, run: Runner, folder: Path) -> Outcome:
    (folder / "loop").symlink_to("loop")
    (folder / "locked.toml").write_text("")
    os.mkfifo(folder / "pipe")
    for name, content in case.files:
        (folder / name).write_bytes(content)
    return run(folder, case.job)


INTERNAL = re.compile(
    r"Traceback|object at 0x|<class|<function|Symbol\(|Num\(|Fraction\(|float64\("
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.door}-{case.kind}")
def test_a_mistake_is_told(case: Case, run: Runner, tmp_path: Path):
    found = outcome(case, run, tmp_path)
    assert found.status == 2, found.err
    for piece in case.said:
        assert piece in found.err
    assert len(found.err) < 12_000
    assert not INTERNAL.search(found.err)
    assert all(c.isprintable() or c == "\n" for c in found.err)
    assert found.out == ""
    assert found.seconds < SECONDS
    assert found.megabytes < MEGABYTES
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"loop", "locked.toml", "pipe", *(name for name, _ in case.files)}


def test_the_runner_tells_what_goes_wrong(run: Runner, tmp_path: Path):
    assert run(tmp_path, "1/0").status == 1
    assert "ZeroDivisionError" in run(tmp_path, "1/0").err
    assert run(tmp_path, ["explain", "xor"]).status == 0
    assert run(tmp_path, "x = np.ones(10**8)").megabytes > MEGABYTES
    assert run(tmp_path, "import time\nwhile time.process_time() < 1.2: pass").seconds > SECONDS


def test_every_kind_has_at_least_five_cases_at_its_door():
    for table in (FILE, OPTIONS, PYTHON, ARCHIVE, WEIGHTS):
        for kind, rows in table.items():
            assert len(rows) >= 5, kind


# --- what only a process of its own has: signals, pipes, permissions, streams -----------------


def through_a_shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of bash, in which {} is the command."""
    written = line.format(" ".join(COMMAND))
    return subprocess.run(
        ["bash", "-c", written],
        check=False,
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("reader", ["head -1", "head -c 1", "true", "sed 1q", "head -c 70000"])
def test_a_pipe_closed_early_is_no_mistake(reader: str, tmp_path: Path):
    done = through_a_shell("{} explain general-formulation --steps 20 | " + reader, tmp_path)
    assert done.stderr == ""
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    "command", ["explain xor", "check xor", "examples", "limits", "examples xor"]
)
def test_output_on_a_full_disk(command: str, tmp_path: Path):
    done = through_a_shell("{} " + command + " > /dev/full", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "Error: The output cannot be written: No space left on device.\n"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("explain xor >&-", 0),
        ("explain xor 2>&-", 0),
        ("explain nothing.toml 2>&-", 2),
        ("explain nothing.toml 2>/dev/full", 2),
        ("explain nothing.toml >&- 2>&-", 2),
        ("explain xor --nonsense 2>/dev/full", 2),
    ],
)
def test_streams_that_are_closed_or_full(line: str, status: int, tmp_path: Path):
    done = through_a_shell("{} " + line, tmp_path)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    "command",
    ["check", "explain", "explain --format json", "explain --format latex", "explain -o a.txt"],
)
def test_an_interrupt_during_work(command: str, tmp_path: Path):
    """The problem comes through a pipe, so that the command is at work when the signal comes."""
    os.mkfifo(tmp_path / "net.toml")
    words = command.split()
    steps = ["--steps", "1000000"] if words[0] == "explain" else []
    process = subprocess.Popen(
        [*COMMAND, words[0], "net.toml", *words[1:], *steps],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    long = net("units = 300\nactivation = 'tanh'\n[[network.layers]]\nunits = 1")
    (tmp_path / "net.toml").write_text(f"{long}[training]\nlearning_rate = 1e-9\n")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert (out, err.strip()) == ("", "Interrupted.")
    assert [path.name for path in tmp_path.iterdir()] == ["net.toml"]


def test_a_pipe_in_which_nothing_comes_does_not_hang(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("handgrad.model.files.PATIENCE", 0.05)
    os.mkfifo(tmp_path / "net.toml")
    with pytest.raises(FileError, match="is a pipe, and nothing came through it"):
        hg.load(tmp_path / "net.toml")


def test_a_problem_may_come_through_a_pipe(tmp_path: Path):
    done = through_a_shell("{0} explain <({0} examples xor)", tmp_path)
    assert done.stdout.startswith("Exclusive or")


NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("explain secret.toml", "secret.toml: no permission to read it. Change its permissions."),
        ("check p.toml --gradient secret.npz", "secret.npz' is not readable."),
        ("explain p.toml -o a.txt", "a.txt cannot be written: Permission denied."),
        ("explain p.toml -o p.json", "p.json cannot be written: Permission denied."),
        ("new net.toml", "net.toml cannot be written: Permission denied."),
    ],
)
def test_without_permission(arguments: str, said: str, run: Runner, tmp_path: Path):
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    (tmp_path / "p.toml").write_text(net())
    for name in ("secret.toml", "secret.npz"):
        (tmp_path / name).touch(mode=0o600)
    found = run(tmp_path, arguments.split(), user=NOBODY)
    assert (found.status, found.out) == (2, "")
    assert said in found.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "p.toml",
        "secret.npz",
        "secret.toml",
    ]


def test_listing(run: Runner, tmp_path: Path, request: pytest.FixtureRequest):
    """With -s: every message, to be read as a user reads it."""
    if request.config.getoption("capture") != "no":
        assert CASES
        return
    for n, case in enumerate(CASES):
        folder = tmp_path / str(n)
        folder.mkdir()
        found = outcome(case, run, folder)
        job = case.job if isinstance(case.job, str) else " ".join(case.job)
        sys.stdout.write(f"\n[{case.door}: {case.kind}] {job[:100]}\n{found.err[:700]}")
