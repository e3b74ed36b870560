"""Dialect three: plain text with code-like lines, prose values and a table of values."""

from __future__ import annotations

from collections.abc import Iterator

from tests.planted.expressions import Quantity
from tests.planted.networks import ETA
from tests.planted.paper import Document, Writer, finished, flat
from tests.planted.setting import Marks
from tests.planted.story import Story

CODE = Marks(
    times="*",
    fraction="{0}/{1}",
    square="{0}^2",
    opening="(",
    closing=")",
    power_of_ten="{0}e{1}",
    functions={
        "sigmoid": "sigmoid({0})",
        "tanh": "tanh({0})",
        "relu": "max(0, {0})",
        "step": "relu'({0})",
        "exp": "exp({0})",
        "log": "ln({0})",
    },
    half="0.5",
)


class Plain(Writer):
    nearly_equal = "~="

    def __init__(self, story: Story) -> None:
        super().__init__(story, CODE, self.symbol)
        self.numbers = flat(story, "W") | flat(story, "b")
        self.rate = self.chosen("eta", "lr")

    def unit(self, q: Quantity) -> int:
        return q.i + (self.story.net.sizes[1] if q.layer == 2 else 0)

    def symbol(self, q: Quantity) -> str:
        net = self.story.net
        match q.kind:
            case "eta":
                return self.rate
            case "L":
                return "E"
            case "x":
                return "x" if net.sizes[0] == 1 else f"x{q.i}"
            case "y":
                return "y" if net.sizes[-1] == 1 else f"y{q.i}"
            case "W" | "b":
                return f"{q.kind.lower()}{self.numbers[q]}"
            case "Wn" | "bn":
                old = self.symbol(q._replace(kind=q.kind[0], turn=1))
                return old + ("_new" if q.turn == 1 else "")
            case "z" | "a":
                return f"{q.kind}{self.unit(q)}"
            case "gz" if self.story.layout == "delta":
                return f"delta{self.unit(q)}"
            case "fp":
                return f"da{self.unit(q)}/dz{self.unit(q)}"
        return f"dE/d{self.symbol(q._replace(kind=q.kind[1]))}"

    def page(self) -> Iterator[str]:
        yield from self.setup()
        yield from ("FORWARD PASS", "")
        yield from self.formulas("forward loss", 1)
        yield from ("BACKWARD PASS", "")
        yield from self.formulas("backward update", 1)
        yield from ("NEW VALUES", "")
        width = max((len(name) for name, _ in self.summary()), default=4)
        yield f"| {'name':{width}} | value |"
        yield f"| {'-' * width} | ----- |"
        for name, text in self.summary():
            yield f"| {name:{width}} | {text} |"
        yield ""
        if self.story.second:
            yield from ("SECOND FORWARD PASS", "")
            yield from self.formulas("forward loss", 2)
        if self.story.count:
            yield f"After {self.story.count} updates on this example:"
            for q, text in self.run():
                yield f"    {self.symbol(q)} = {text}"

    def setup(self) -> Iterator[str]:
        net = self.story.net
        title = self.chosen("Homework: one step of gradient descent", "Notes on backpropagation")
        yield from (title, "=" * len(title), "")
        shape = "-".join(map(str, net.sizes))
        output = "softmax" if net.output == "softmax" else net.output
        kind = f"{net.hidden} hidden units and " if net.depth > 1 else ""
        yield f"A {shape} network with {kind}{output} output."
        words = {
            "half_squared": "half the squared error",
            "binary": "binary cross-entropy",
            "categorical": "cross-entropy",
        }
        yield f"The loss E is {words[net.loss]}."
        if net.bias == "layer":
            yield "One bias per layer, which is not trained."
        yield f"The learning rate is set to {self.given(ETA)}."
        yield ""
        for q in net.givens:
            if q != ETA:
                yield f"{self.symbol(q)} = {self.given(q)}"
        yield ""

    def formulas(self, phases: str, turn: int) -> Iterator[str]:
        for n, line in enumerate(self.story.lines):
            if line.step.phase in phases.split() and line.step.target.turn == turn:
                yield self.chain(n)
        yield ""


def write(story: Story) -> Document:
    return finished("\n".join(Plain(story).page()) + "\n", ".txt")
