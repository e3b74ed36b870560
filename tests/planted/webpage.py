r"""Dialect two: HTML with MathJax, net and out, weights numbered through, E_{total}, w_5^{+}."""

from __future__ import annotations

from collections.abc import Iterator

from tests.planted.expressions import Quantity
from tests.planted.networks import ETA
from tests.planted.paper import Document, Writer, finished, flat
from tests.planted.setting import Marks
from tests.planted.story import Story

MATHJAX = Marks(
    times=" * ",
    fraction=r"\frac{{{0}}}{{{1}}}",
    square="{0}^{{2}}",
    opening=r"\left(",
    closing=r"\right)",
    power_of_ten=r"{0} \cdot 10^{{{1}}}",
    functions={
        "sigmoid": r"\sigma({0})",
        "tanh": r"\tanh({0})",
        "relu": r"\max(0, {0})",
        "step": r"\mathrm{{relu}}'({0})",
        "exp": "e^{{{0}}}",
        "log": r"\ln({0})",
    },
    half=r"\frac{1}{2}",
)


class Webpage(Writer):
    nearly_equal = r"\approx"

    def __init__(self, story: Story) -> None:
        super().__init__(story, MATHJAX, self.symbol)
        self.numbers = flat(story, "W") | flat(story, "b")
        outputs = story.net.sizes[-1]
        self.total = "E_{total}" if outputs > 1 else "E"

    def unit(self, q: Quantity) -> str:
        return f"{'o' if q.layer == self.story.net.depth else 'h'}{q.i}"

    def symbol(self, q: Quantity) -> str:
        match q.kind:
            case "eta":
                return r"\eta"
            case "L":
                return self.total
            case "E":
                return f"E_{{o{q.i}}}"
            case "x":
                return f"i_{q.i}"
            case "y":
                return f"target_{{o{q.i}}}"
            case "W" | "b":
                return f"{q.kind.lower()}_{{{self.numbers[q]}}}"
            case "Wn" | "bn":
                old = self.symbol(q._replace(kind=q.kind[0], turn=1))
                return old + ("^{+}" if q.turn == 1 else "")
            case "z":
                return f"net_{{{self.unit(q)}}}"
            case "a":
                return f"out_{{{self.unit(q)}}}"
            case "gz" if self.story.layout == "delta":
                return rf"\delta_{{{self.unit(q)}}}"
            case "fp":
                a, z = (self.symbol(q._replace(kind=k)) for k in "az")
                return rf"\frac{{\partial {a}}}{{\partial {z}}}"
        below = self.symbol(q._replace(kind=q.kind[1]))
        return rf"\frac{{\partial {self.total}}}{{\partial {below}}}"

    def page(self) -> Iterator[str]:
        title = self.chosen("Backpropagation, one number at a time", "How a network learns")
        yield "<!DOCTYPE html>"
        yield f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        yield '<script src="mathjax/tex-mml-chtml.js"></script></head>'
        yield f"<body><h1>{title}</h1>"
        yield from self.setup()
        yield "<h2>The Forward Pass</h2>"
        yield from self.formulas("forward", 1)
        yield "<h2>Calculating the Total Error</h2>"
        yield from self.formulas("loss", 1)
        yield "<h2>The Backwards Pass</h2>"
        yield from self.formulas("backward update", 1)
        yield from self.end()
        yield "</body></html>"

    def setup(self) -> Iterator[str]:
        net = self.story.net
        yield "<p>Here are the initial weights, the biases, and training inputs/outputs:</p>"
        yield "<ul>"
        for q in net.givens:
            if q != ETA:
                yield f"<li>\\( {self.symbol(q)} = {self.given(q)} \\)</li>"
        yield "</ul>"
        hidden = {"sigmoid": "logistic function", "tanh": "hyperbolic tangent", "relu": "ReLU"}
        if net.depth > 1:
            yield f"<p>The hidden layer uses the {hidden[net.hidden]}.</p>"
        output = hidden | {"identity": "identity", "softmax": "softmax"}
        yield f"<p>The output layer uses the {output[net.output]}.</p>"
        words = {
            "half_squared": "half the squared error",
            "binary": "the binary cross-entropy",
            "categorical": "the cross-entropy",
        }
        yield f"<p>The error is {words[net.loss]}; the learning rate is &eta; = {self.given(ETA)}.</p>"
        if net.bias == "layer":
            yield "<p>The biases stay as they are.</p>"

    def formulas(self, phases: str, turn: int) -> Iterator[str]:
        for n, line in enumerate(self.story.lines):
            if line.step.phase in phases.split() and line.step.target.turn == turn:
                yield f"<p>{self.words(line.step.target)}</p>"
                yield f"<p>\\[ {self.chain(n)} \\]</p>"

    def words(self, q: Quantity) -> str:
        match q.kind:
            case "z":
                return f"The total net input for \\({self.unit(q)}\\):"
            case "a":
                return "We squash it to get the output:"
            case "Wn" | "bn":
                return "To decrease the error, we subtract this value from the current one:"
            case "gW" | "gb":
                return "Putting it all together:"
            case "L" | "E":
                return "The error is:"
        return "Next we need:"

    def end(self) -> Iterator[str]:
        yield "<p>We have updated all our weights:</p>"
        yield "<table><tr><th>parameter</th><th>new value</th></tr>"
        for name, text in self.summary():
            yield f"<tr><td>\\({name}\\)</td><td>{text}</td></tr>"
        yield "</table>"
        if self.story.second:
            yield "<h2>Forward again</h2>"
            yield from self.formulas("forward loss", 2)
        if self.story.count:
            yield f"<p>After repeating this process {self.story.count} times we have</p>"
            for q, text in self.run():
                yield f"<p>\\( {self.symbol(q)} {self.nearly} {text} \\)</p>"


def write(story: Story) -> Document:
    return finished("\n".join(Webpage(story).page()) + "\n", ".html")
