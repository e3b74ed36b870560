"""Dialect one: Markdown with ``$$``, z, a, w with two subscripts, δ or ∂L/∂z, as blog posts write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.planted.expressions import Quantity
from tests.planted.networks import ETA
from tests.planted.paper import Document, Writer, finished
from tests.planted.setting import Marks
from tests.planted.story import Story

LATEX = Marks(
    times=r" \cdot ",
    fraction=r"\frac{{{0}}}{{{1}}}",
    square="{0}^2",
    opening="(",
    closing=")",
    power_of_ten=r"{0} \times 10^{{{1}}}",
    functions={
        "sigmoid": r"\sigma({0})",
        "tanh": r"\tanh({0})",
        "relu": r"\max(0, {0})",
        "step": r"\text{{ReLU}}'({0})",
        "exp": "e^{{{0}}}",
        "log": r"\ln({0})",
    },
    half=r"\frac{1}{2}",
)
FORMULAS = {
    "sigmoid": r"\sigma(z) = \frac{1}{1 + e^{-z}}",
    "tanh": r"\tanh(z) = \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}",
    "relu": r"\text{ReLU}(z) = \max(0, z)",
}


class Markdown(Writer):
    nearly_equal = r"\approx"

    def __init__(self, story: Story) -> None:
        super().__init__(story, LATEX, self.symbol)
        self.loss = self.chosen("L", r"\text{Loss}", "E")
        self.new = self.chosen("", "new")
        self.arrow = "=" if self.new else r"\leftarrow"
        self.rate = self.chosen(r"\eta", r"\alpha")
        if self.rng.random() < 0.3:
            self.marks = replace(LATEX, beside=" ")

    def symbol(self, q: Quantity) -> str:
        kind, last = q.kind, q.layer == self.story.net.depth
        match kind:
            case "eta":
                return self.rate
            case "L":
                return self.loss
            case "x" | "y":
                alone = self.story.net.sizes[0 if kind == "x" else -1] == 1
                return kind if alone else f"{kind}_{q.i}"
            case "ga" | "gW" | "gb":
                return self.partial(self.loss, q._replace(kind=kind[1]))
            case "gz":
                delta = self.story.layout == "delta"
                return self.delta(q) if delta else self.partial(self.loss, q._replace(kind="z"))
            case "fp":
                return self.partial(self.symbol(q._replace(kind="a")), q._replace(kind="z"))
            case "Wn" | "bn":
                mark = "^{new}" if self.new and q.turn == 1 else ""
                return self.symbol(q._replace(kind=kind[0])) + mark
        return self.output(q) if last else self.hidden(q)

    def partial(self, top: str, q: Quantity) -> str:
        return rf"\frac{{\partial {top}}}{{\partial {self.symbol(q)}}}"

    def delta(self, q: Quantity) -> str:
        return self.symbol(q._replace(kind="z")).replace("z", r"\delta")

    def hidden(self, q: Quantity) -> str:
        sizes = self.story.net.sizes
        if q.kind == "W":
            return f"w_{q.i}" if sizes[0] == 1 else f"w_{{{q.j}{q.i}}}"
        return f"{q.kind}_{q.i or 'h'}"

    def output(self, q: Quantity) -> str:
        sizes = self.story.net.sizes
        alone, one = sizes[-1] == 1, len(sizes) == 2
        if q.kind == "a":
            return r"\hat{y}" if alone else rf"\hat{{y}}_{q.i}"
        if q.kind == "W" and one:
            return "w" if sizes[0] == 1 else f"w_{q.j}"
        if q.kind == "W":
            return (f"w_{{h{q.j}}}" if sizes[1] > 1 else "w_2") if alone else f"v_{{{q.j}{q.i}}}"
        if one:
            return q.kind
        if sizes == (1, 1, 1):
            return f"{q.kind}_2"
        return f"{q.kind}_o" if alone or not q.i else f"{q.kind}_{{o{q.i}}}"

    # --- the page

    def page(self) -> Iterator[str]:
        yield f"# {self.chosen('Backpropagation by hand', 'Training one step', 'A worked example')}"
        yield ""
        yield self.chosen(
            "Let us take one example through a small network and train it for one step.",
            "In this post every number of one training step is computed by hand.",
        )
        yield ""
        yield from self.setup()
        yield f"### {self.chosen('Step 1: Forward Pass', 'Forward propagation')}"
        yield from self.formulas("forward", 1)
        yield f"### {self.chosen('Step 2: Loss Calculation', 'The error')}"
        yield from self.formulas("loss", 1)
        yield f"### {self.chosen('Step 3: Backward Pass', 'Backpropagation')}"
        yield from self.formulas("backward update", 1)
        yield from self.end()

    def setup(self) -> Iterator[str]:
        net = self.story.net
        yield "### The network"
        yield ""
        groups = {"x": "Input", "W": "Weights", "b": "Biases", "y": "Target"}
        for kind, title in groups.items():
            some = [q for q in net.givens if q.kind == kind]
            listed = ", ".join(f"${self.symbol(q)} = {self.given(q)}$" for q in some)
            if some:
                yield f"- **{title}**: {listed}"
        if net.bias == "layer":
            yield "- The biases are shared by the units of a layer and are not trained."
        yield f"- **Learning rate**: ${self.rate} = {self.given(ETA)}$"
        yield ""
        yield from self.functions()

    def functions(self) -> Iterator[str]:
        net = self.story.net
        names = dict.fromkeys([net.hidden, net.output] if net.depth > 1 else [net.output])
        for name in names:
            if name in FORMULAS:
                yield f"The {'output' if name == net.output else 'hidden'} activation is"
                yield from ("", f"$${FORMULAS[name]}$$", "")
        if net.output == "identity":
            yield from ("The output is linear.", "")
        if net.output == "softmax":
            yield from ("The output layer is a softmax, trained with the cross-entropy loss.", "")
        elif net.loss == "binary":
            yield from ("The loss is the binary cross-entropy with the natural logarithm.", "")
        else:
            yield from ("The loss is half the squared error.", "")

    def formulas(self, phases: str, turn: int) -> Iterator[str]:
        lines = self.story.lines
        previous = ""
        for n in self.places(
            lambda n: lines[n].step.phase in phases.split() and (self.target(n).turn == turn)
        ):
            heading = self.heading(self.target(n))
            if heading != previous:
                yield from ("", heading)
                previous = heading
            yield from ("", "$$", self.chain(n), "$$")
        yield ""

    def heading(self, q: Quantity) -> str:
        layer = "output" if q.layer == self.story.net.depth else "hidden"
        match q.kind:
            case "Wn" | "bn":
                return f"Gradient descent moves the parameters of the {layer} layer:"
            case "gW" | "gb":
                return f"Gradients of the {layer} layer:"
            case "ga" | "fp" | "gz":
                return f"The error at the {layer} layer:"
            case "L" | "E":
                return "How far off is the network?"
        return f"For the {layer} layer:"

    def end(self) -> Iterator[str]:
        yield "### Summary of updated weights"
        yield ""
        for name, text in self.summary():
            yield f"- ${name} {self.nearly} {text}$"
        yield ""
        if self.story.second:
            yield "### Second forward pass"
            yield "With the new parameters we run the network once more."
            yield from self.formulas("forward loss", 2)
        if self.story.count:
            yield f"### After {self.story.count} updates"
            yield f"After {self.story.count} updates of this kind on the same example:"
            yield ""
            for q, text in self.run():
                yield f"- ${self.symbol(q)} {self.nearly} {text}$"
            yield ""


def write(story: Story) -> Document:
    return finished("\n".join(Markdown(story).page()) + "\n", ".md")
