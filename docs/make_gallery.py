"""The gallery: every picture with the command that makes it. `python docs/make_gallery.py` writes it.

Run before each build of the documentation, by conf.py: what it writes is not kept in the repository.
"""

from __future__ import annotations

from pathlib import Path
from shlex import split

import handgrad as hg
from handgrad.cli import commands

HERE = Path(__file__).parent
THEMES = ("light", "dark")

# (the command without its -o, what the picture shows to somebody who cannot see it)
PICTURES = {
    "Activations and their derivatives": [
        (
            "plot activation sigmoid",
            "The sigmoid rises from 0 to 1; its derivative is a bell with its top, 0.25, at z = 0.",
        ),
        (
            "plot activation relu",
            (
                "relu is 0 up to z = 0 and then the line f(z) = z; its derivative jumps from 0 to 1, and "
                "the value 0 is taken at the jump."
            ),
        ),
        (
            "plot activation leaky_relu",
            "Left of 0 leaky relu is a line of slope 0.01, right of it one of slope 1.",
        ),
        ("plot activation gelu", "gelu dips below 0 left of z = 0 and approaches f(z) = z."),
        (
            "plot activation 'z * sigmoid(2*z)'",
            "A formula of one's own and its derivative, which goes from 0 to 1.",
        ),
    ],
    "The loss along the updates": [
        (
            "plot loss one-hidden-neuron",
            (
                "On a logarithmic scale the loss falls almost in a line, from 0.1 to the threshold of "
                "0.001, where training stops after 81 updates."
            ),
        ),
        (
            "plot loss xor",
            "The loss of the XOR network stays near 0.7 for some fifty updates, then falls to 0.01.",
        ),
        (
            "plot loss softmax-classifier",
            "The cross-entropy of a softmax classifier falls steadily.",
        ),
    ],
    "The loss over two parameters": [
        (
            "plot surface one-neuron --steps 100",
            (
                "Contour lines of the loss over w and b are nearly straight; the descent crosses them at "
                "right angles, from 0.44 towards smaller losses."
            ),
        ),
        (
            "plot surface xor --of W1[1,1] --of W2[1,1]",
            "A curved valley of the loss over two weights; the descent ends at its lowest point.",
        ),
        (
            "plot surface recurrence --of w --of u --steps 200",
            "The loss over the two weights shared by three steps of a recurrence, with the descent.",
        ),
    ],
    "What a network says of every input": [
        (
            "plot boundary xor",
            (
                "Two parallel lines part the plane: between them the output is below one half, outside "
                "above; all four examples lie on the right side."
            ),
        ),
        (
            "plot boundary softmax-classifier",
            "Three straight lines that meet in a point part the plane into three classes.",
        ),
        (
            "plot boundary skip-connection-vector --steps 100",
            "Contour lines of the output of a network with a skip connection, with two examples.",
        ),
    ],
    "Gradients and parameters": [
        (
            "plot gradients general-formulation",
            "The gradients of the first layer are ten times as small as those of the last.",
        ),
        (
            "plot gradients xor --steps 300",
            "The gradients of all parameters rise to a peak near the hundredth update, then fall.",
        ),
        (
            "plot history one-hidden-neuron",
            "The output's weight and bias fall along the updates; the hidden ones hardly move.",
        ),
    ],
}
NETWORKS = (  # these say themselves what they show
    "draw sum-of-two-2-2-1 --view forward",
    "draw sum-of-two-2-2-1 --view backward",
    "draw sum-of-two-2-2-1 --of W1[2,1]",
    "draw sum-of-two-2-2-1 --view update",
    "draw circuit-max --view graph",
    "draw recurrence --of w",
)
EXAMPLES = sorted(path.stem for path in (HERE.parent / "examples").glob("*.toml"))
HEAD = """# Gallery

Every picture is made by the command above it, from an example that comes with handgrad
(`handgrad examples`). Put `-o` and a name ending in `.png`, `.svg` or `.pdf` after it; `--theme dark`
is for dark pages, as you see here when yours is.
"""


def file_name(command: str, theme: str) -> str:
    """The name of a picture's file, made of its command."""
    kept = "".join(c if c.isalnum() else "-" for c in command)
    return f"{'-'.join(filter(None, kept.split('-')))}-{theme}.svg"


def page() -> str:
    """The gallery as MyST Markdown."""
    parts = [HEAD]
    for title, pictures in PICTURES.items():
        parts.append(f"## {title}\n")
        parts += [shown(command, words) for command, words in pictures]
    parts.append("## Networks and computation graphs\n")
    parts += [shown(command, described(command)) for command in NETWORKS]
    parts.append("## Every example\n")
    parts += [shown(f"draw {name}", described(f"draw {name}")) for name in EXAMPLES]
    return "\n".join(parts)


def shown(command: str, words: str) -> str:
    """A command, and the pictures it makes."""
    parts = [f"```console\n$ handgrad {command}\n```\n"]
    for theme in THEMES:
        picture = f"images/gallery/{file_name(command, theme)}"
        parts.append(f"```{{image}} {picture}\n:alt: {words}\n:class: only-{theme}\n```\n")
    return "\n".join(parts)


def described(command: str) -> str:
    """What a picture of a network shows, in its own words."""
    asked = split(command)[1:]
    options = dict(zip(asked[1::2], asked[2::2], strict=True))
    picture = hg.draw(
        hg.load(HERE.parent / "examples" / f"{asked[0]}.toml"),
        **{name.removeprefix("--"): value for name, value in options.items()},
    )
    return " ".join(picture.description.split())


def draw(command: str, folder: Path) -> None:
    """The pictures of one command, light and dark."""
    for theme in THEMES:
        output = str(folder / file_name(command, theme))
        arguments = [*split(command), "--theme", theme, "-o", output]
        commands.main(arguments, standalone_mode=False)


def make(docs: Path = HERE) -> None:
    """Write gallery.md and its pictures."""
    folder = docs / "images" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    plotted = (command for pictures in PICTURES.values() for command, _ in pictures)
    for command in (*plotted, *NETWORKS, *(f"draw {name}" for name in EXAMPLES)):
        draw(command, folder)
    (docs / "gallery.md").write_text(page(), "utf-8")


if __name__ == "__main__":
    make()
