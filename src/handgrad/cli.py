"""The command line: it parses, calls the verbs, and shows. Exit status 0 fine, 1 no, 2 unusable input."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from handgrad.errors import FileError, HandgradError, InputError, printable, quoted

if TYPE_CHECKING:
    from handgrad.model.problem import Problem
    from handgrad.verbs import Worked

__all__ = ["main"]

EXAMPLES = Path(__file__).with_name("examples")
FORMATS = ("text", "markdown", "latex", "html", "typst", "pdf", "spoken", "json")
ENDINGS = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".typ": "typst",
    ".pdf": "pdf",
    ".json": "json",
}
PATIENCE = 1.0  # seconds before a bar shows how far a command is
PLOTS = ("activation", "boundary", "gradients", "history", "loss", "surface")
READINGS = ("steps", "chain", "delta", "matrix")
STYLES = {
    "title": "bold",
    "heading": "bold cyan",
    "remark": "dim",
    "name": "bold",
    "sign": "dim",
    "value": "bold green",
    "plain": "",
}


def main(arguments: list[str] | None = None) -> None:
    """The entry point; ends the process with the exit status."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that stops early ends us quietly
    _streams()
    try:
        status = commands.main(arguments, prog_name="handgrad", standalone_mode=False)
    except HandgradError as error:
        sys.exit(_complain(str(error)))
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except OSError as error:
        sys.exit(_complain(f"The output cannot be written: {error.strerror or error}."))
    except RecursionError:
        sys.exit(_complain("The problem is nested too deeply."))
    except MemoryError:
        sys.exit(_complain("There is not enough memory for this problem."))
    if status:
        sys.exit(status)


def _streams() -> None:
    """Standard output and error as UTF-8; one that is closed takes everything and keeps nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # kept open as long as the process lives, like the stream it stands for
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif (stream.encoding or "utf-8").lower() not in ("utf-8", "utf8"):
            stream.reconfigure(encoding="utf-8")


def _complain(message: str) -> int:
    with suppress(OSError):  # standard error may lead nowhere; the status still tells
        click.echo(f"Error: {printable(message)}", err=True)
    return 2


def _say_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"handgrad {version('handgrad')}")
    except PackageNotFoundError:  # run from a checkout
        click.echo("handgrad, not installed")
    context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_say_version,
    help="Show the version and exit.",
)
def commands() -> None:
    r"""Backpropagation, worked step by step.

    \b
    handgrad examples                        what there is to look at
    handgrad explain two-neurons-in-a-row    every step and number of one of them
    handgrad new net.toml                    a problem of your own
    """


def _complete_example(_context: Any, _parameter: Any, incomplete: str) -> list[Any]:
    from click.shell_completion import CompletionItem

    named = [CompletionItem(name) for name in _example_names() if name.startswith(incomplete)]
    return [*named, CompletionItem(incomplete, type="file")]


@commands.command(epilog="Example: handgrad explain net.toml --of 'W1[2,1]' --reading chain")
@click.argument("file", required=False, shell_complete=_complete_example)
@click.option(
    "--network", metavar="2-2-1", help="A network with numbers drawn from --seed, without a file."
)
@click.option("--activation", default="sigmoid", show_default=True, help="With --network.")
@click.option("--loss", default="half_squared_error", show_default=True, help="With --network.")
@click.option(
    "--examples",
    "rows",
    default=1,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="With --network.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="With --network."
)
@click.option(
    "--of", metavar="NAME", help="Only what concerns one quantity: W1[2,1], dL/dz1[1], a2."
)
@click.option("--steps", type=click.IntRange(1), metavar="K", help="How many updates. [default: 1]")
@click.option("--step", type=click.IntRange(1), metavar="k", help="Only the k-th update.")
@click.option(
    "--reading",
    type=click.Choice(READINGS),
    help="How the backward pass is read. [default: the file's; chain with --of]",
)
@click.option(
    "--symbols", "--symbols-only", "symbols", is_flag=True, help="Formulas only, no numbers."
)
@click.option("--full", is_flag=True, help="All of a large problem, not a summary.")
@click.option(
    "--appendix",
    is_flag=True,
    default=None,
    help="Also derive the activations' derivatives, line by line.",
)
@click.option(
    "--carry",
    type=click.IntRange(0, 12),
    metavar="K",
    help="Round each line to K decimals and carry that on, as in an exam.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Fractions and proved digits in place of floating point.",
)
@click.option(
    "--digits",
    type=click.IntRange(0, 50),
    metavar="D",
    help="Decimals shown, up to 17, or 50 with --exact. [default: the file's, or 4]",
)
@click.option(
    "--format", "kind", type=click.Choice(FORMATS), help="[default: text, or by the ending of OUT]"
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="Write to a file."
)
def explain(
    file: str | None,
    network: str | None,
    activation: str,
    loss: str,
    rows: int,
    seed: int,
    of: str | None,
    steps: int | None,
    step: int | None,
    reading: str | None,
    symbols: bool,
    full: bool,
    appendix: bool | None,
    carry: int | None,
    exact: bool,
    digits: int | None,
    kind: str | None,
    output: Path | None,
) -> None:
    """Work a problem out: every step, in symbols and numbers.

    FILE is a problem file, or the name of an example (handgrad examples).
    """
    from dataclasses import replace

    from handgrad import verbs
    from handgrad.model.limits import Limits

    if (not file) == (network is None):
        raise click.UsageError("Give a FILE, or --network such as 2-2-1.")
    if steps is not None and step is not None:
        raise click.UsageError("Give --steps or --step, not both.")
    if digits is not None and digits > Limits.decimals and not exact:
        raise click.BadParameter(
            f"{digits} is more than {Limits.decimals}; give --exact too.", param_hint="'--digits'"
        )
    kind = kind or _kind(output)
    if network is None:
        problem = verbs.load(_found(file or ""))
    else:
        problem = _drawn(network, activation, loss, rows, seed)
    if digits is not None:
        notation = replace(problem.notation, digits=digits, significant=None)
        problem = replace(problem, notation=notation)
    worked = verbs.explain(
        problem,
        of=of,
        steps=steps or 1,
        step=step,
        reading=reading,
        symbols_only=symbols,
        full=full,
        appendix=appendix,
        carry=carry,
        exact=exact,
    )
    if worked.stopped:
        click.echo(
            f"Training stops after {worked.run.done} updates: the loss is below "
            f"{problem.training.loss_below}.",
            err=True,
        )
    _put_out(worked, kind, output)


def _kind(output: Path | None) -> str:
    if output is None:
        return "text"
    if output.suffix.lower() not in ENDINGS:
        known = ", ".join(ENDINGS)
        raise InputError(
            f"{output}: the ending says nothing about the format. Known: {known}; or give --format."
        )
    return ENDINGS[output.suffix.lower()]


def _drawn(network: str, activation: str, loss: str, rows: int, seed: int) -> Problem:
    from handgrad.model.describe import drawn_network

    parts = network.split("-")
    if not all(re.fullmatch("[0-9]{1,9}", part) for part in parts):
        raise InputError(
            f"--network {quoted(network)}: write the numbers of units, inputs first: 2-2-1."
        )
    sizes = [int(part) for part in parts]
    values = sizes[0] * rows
    if values > 50_000_000:
        raise InputError(f"--network {network}: {rows} examples of {sizes[0]} inputs are too many.")
    return drawn_network(sizes, rows, activation=activation, loss=loss, seed=seed)


def _put_out(worked: Worked, kind: str, output: Path | None) -> None:
    if kind == "text" and output is None and _colours():
        _show(worked)
        return
    width = 88 if output is not None or not sys.stdout.isatty() else _width()
    if kind == "pdf" and output is None and sys.stdout.isatty():
        raise InputError("PDF is not for a terminal. Write it to a file: -o page.pdf")
    writers: dict[str, Callable[[], str | bytes]] = {
        "text": lambda: worked.to_text(width),
        "markdown": worked.to_markdown,
        "latex": worked.to_latex,
        "html": worked.to_html,
        "typst": worked.to_typst,
        "pdf": worked.to_pdf,
        "spoken": worked.to_spoken,
        "json": worked.to_json,
    }
    content = writers[kind]()
    if output is None:
        click.echo(content, nl=False)
        return
    from handgrad.render.output import write_whole

    write_whole(output, content)
    click.echo(f"Wrote {click.format_filename(output)}.", err=True)


def _width() -> int:
    import shutil

    return max(40, min(shutil.get_terminal_size().columns, 120))


def _colours() -> bool:
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _show(worked: Worked) -> None:
    """In a terminal: the same lines, with names, signs and values told apart."""
    from rich.console import Console
    from rich.text import Text

    from handgrad.render.text import spans

    console = Console(width=_width(), highlight=False, soft_wrap=True)
    for line in spans(worked.document, _width()):
        console.print(Text.assemble(*((span.text, STYLES[span.role]) for span in line)))


@commands.command(epilog="Example: handgrad draw xor --of 'W1[2,1]' -o xor.svg")
@click.argument("file", shell_complete=_complete_example)
@click.option("--of", metavar="NAME", help="Light the paths of one number: W1[2,1], b2[1], a1[2].")
@click.option(
    "--view",
    type=click.Choice(("forward", "backward", "update", "graph")),
    help="[default: backward with --of, graph for equations, else forward]",
)
@click.option(
    "--example",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    metavar="n",
    help="Which example is shown.",
)
@click.option("--step", default=1, show_default=True, type=click.IntRange(1), metavar="k")
@click.option(
    "--theme",
    type=click.Choice(("light", "dark", "auto", "print")),
    help="Colours; print is black on white. [default: auto for SVG, else light]",
)
@click.option("--width", type=click.IntRange(16, 10_000), metavar="PIXELS", help="Of a PNG.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="A file ending in .svg, .png or .pdf. [default: SVG on standard output]",
)
def draw(
    file: str,
    of: str | None,
    view: str | None,
    example: int,
    step: int,
    theme: str | None,
    width: int | None,
    output: Path | None,
) -> None:
    """Draw a network or the graph of its equations, with the numbers of one step.

    FILE is a problem file, or the name of an example (handgrad examples).
    """
    from handgrad import verbs

    ending = output.suffix.lower() if output else ".svg"
    if ending not in (".svg", ".png", ".pdf"):
        raise InputError(f"{output}: a picture is written as .svg, .png or .pdf.")
    if width is not None and ending != ".png":
        raise click.UsageError("--width is for PNG; the others scale as they are.")
    picture = verbs.draw(verbs.load(_found(file)), of=of, view=view, example=example, step=step)
    content: str | bytes
    if ending == ".svg":
        content = picture.to_svg(theme or "auto")
    elif ending == ".png":
        content = picture.to_png(width, theme or "light")
    else:
        content = picture.to_pdf(theme or "light")
    if output is None:
        sys.stdout.write(str(content))
        sys.stdout.flush()
        return
    from handgrad.render.output import write_whole

    write_whole(output, content)
    click.echo(f"Wrote {click.format_filename(output)}.", err=True)


@commands.command()
@click.argument("file", shell_complete=_complete_example)
@click.option(
    "--gradient",
    type=click.Path(path_type=Path),
    metavar="G.npz",
    help="Gradients to check: arrays W1, b1, … in an .npz or .safetensors file.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="JSON has the witnesses and all that is wrong.",
)
def check(file: str, gradient: Path | None, kind: str) -> None:
    """Compare gradients with independent derivatives, element by element.

    Checks the derivation, or the gradients in G.npz. The witnesses are the complex step and, where
    JAX is installed, automatic differentiation. Exit status 1 if something disagrees.

    Example: handgrad check net.toml --gradient mine.npz
    """
    from handgrad import verbs
    from handgrad.numbers.submitted import read_gradient

    problem = verbs.load(_found(file))
    given = read_gradient(gradient) if gradient else None
    with _interrupted_at_once(), _progress("Checking") as progress:
        found = verbs.check(problem, gradient=given, progress=progress)
    sys.stdout.write(found.to_json() if kind == "json" else f"{found}\n")
    if not found.agrees:
        raise click.exceptions.Exit(1)


def _complete_subject(context: Any, parameter: Any, incomplete: str) -> list[Any]:
    if context.params.get("kind") != "activation":
        return _complete_example(context, parameter, incomplete)
    from click.shell_completion import CompletionItem

    from handgrad.calculus.functions import FUNCTIONS

    known = sorted(name for name, row in FUNCTIONS.items() if row.arity)
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


@commands.command(epilog="Example: handgrad plot surface xor --of 'W1[1,1]' --of 'b2[1]' -o s.svg")
@click.argument("kind", metavar="KIND", type=click.Choice(PLOTS))
@click.argument("file", shell_complete=_complete_subject)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="The picture: a file ending in .png, .svg or .pdf.",
)
@click.option(
    "--of", multiple=True, metavar="NAME", help="What is drawn: W1[1,1]. May be given again."
)
@click.option(
    "--steps", type=click.IntRange(0), metavar="K", help="How many updates. [default: the file's]"
)
@click.option(
    "--width", default=800, show_default=True, metavar="PX", help="Of a .png; the others scale."
)
@click.option("--theme", type=click.Choice(("light", "dark")), default="light", show_default=True)
@click.option("--log/--linear", default=None, help="The scale of the values. [default: what fits]")
def plot(
    kind: str,
    file: str,
    output: Path | None,
    of: tuple[str, ...],
    steps: int | None,
    width: int,
    theme: str,
    log: bool | None,
) -> None:
    r"""Draw a curve or a map of a problem with matplotlib.

    KIND is one of:

    \b
    activation  a function and its slope; FILE is its name, or a formula in z
    boundary    what a problem with two inputs gives for each of them
    gradients   the size of the gradient of each parameter
    history     parameters along the updates
    loss        the loss along the updates
    surface     the loss over two parameters, with the path of the descent
    """
    from handgrad import verbs
    from handgrad.render.figure import image, known_ending
    from handgrad.render.output import write_whole
    from handgrad.render.plots import plot as draw

    if output is None:
        raise click.UsageError("Say where the picture goes: -o OUT.png, OUT.svg or OUT.pdf.")
    known_ending(output.suffix)
    subject = file if kind == "activation" else verbs.load(_found(file))
    with _progress("Updating") as told:
        axes = draw(
            kind,
            subject,
            of=of,
            steps=steps,
            log=log,
            theme=theme,
            width=width,
            progress=lambda done, planned: told(done / planned),
        )
    write_whole(output, image(axes, output.suffix))
    click.echo(f"Wrote {click.format_filename(output)}.", err=True)


@contextmanager
def _interrupted_at_once() -> Generator[None]:
    """End the process on Ctrl-C: JAX swallows the exception in its callbacks, or dies of it."""

    def end(*_: object) -> None:
        show_cursor = b"\x1b[?25h" if sys.stderr.isatty() else b""
        os.write(2, show_cursor + b"Interrupted.\n")
        os._exit(130)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _progress(what: str) -> Generator[Callable[[float], None]]:
    """A bar on a terminal for what takes longer than a second; standard output stays clean."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from time import monotonic

    from rich.console import Console
    from rich.progress import Progress

    begun, bar = monotonic(), Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=1.0)

    def told(part: float) -> None:
        if monotonic() - begun > PATIENCE:
            bar.start()
            bar.update(task, completed=part)

    try:
        yield told
    finally:
        bar.stop()


@commands.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--equations", is_flag=True, help="A problem of equations instead of layers.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def new(file: Path, equations: bool, force: bool) -> None:
    """Write a commented problem file to start from.

    Example: handgrad new net.toml, then handgrad explain net.toml
    """
    from handgrad.model.starter import EQUATIONS, NETWORK
    from handgrad.render.output import write_whole

    if file.exists() and not force:
        raise FileError(f"{file} is there already. Choose another name, or give --force.")
    write_whole(file, EQUATIONS if equations else NETWORK)
    shown = click.format_filename(file)
    click.echo(f"Wrote {shown}. Next: handgrad explain {shown}")


@commands.command()
@click.argument("name", required=False, shell_complete=_complete_example)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="OUT", help="Copy it to a file."
)
def examples(name: str | None, output: Path | None) -> None:
    """List the examples that come with handgrad, or print one.

    Example: handgrad examples xor -o my-xor.toml
    """
    if name is None:
        if output is not None:
            raise click.UsageError("Say which example to copy.")
        width = max(map(len, _example_names()))
        for known in _example_names():
            click.echo(f"{known:<{width}}  {_title(_example(known))}")
        return
    content = _example(name.removesuffix(".toml"))
    if output is None:
        sys.stdout.write(content)
        return
    from handgrad.render.output import write_whole

    if output.exists():
        raise FileError(f"{output} is there already. Choose another name.")
    write_whole(output, content)
    shown = click.format_filename(output)
    click.echo(f"Wrote {shown}. Next: handgrad explain {shown}")


def _example_names() -> list[str]:
    return sorted(path.stem for path in EXAMPLES.glob("*.toml"))


def _example(name: str) -> str:
    if name not in _example_names():
        near = _near(name)
        raise InputError(
            f"There is no example {name!r:.60}.{near} List them with: handgrad examples"
        )
    return (EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")


def _title(content: str) -> str:
    import tomllib

    return str(tomllib.loads(content).get("title", ""))


def _found(file: str) -> Path:
    """The file, or the example of that name where there is no such file."""
    path = Path(file)
    try:
        missing = not path.exists()
    except (OSError, ValueError):
        missing = False
    if missing and file in _example_names():
        return EXAMPLES / f"{file}.toml"
    near = _near(file) if missing and not path.suffix else ""
    if near:
        raise FileError(f"{file}: there is no such file, and no such example.{near}")
    return path


def _near(example: str) -> str:
    from handgrad.model.spelling import did_you_mean

    return did_you_mean(example, _example_names())


@commands.command()
def limits() -> None:
    """Print how much is accepted: sizes of files, networks and pages."""
    from dataclasses import asdict

    from handgrad.model.limits import Limits

    for name, value in asdict(Limits()).items():
        click.echo(f"{name:<20} {value:>15,}")


@commands.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, options and examples by tab.

    Example: eval "$(handgrad completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(commands, {}, "handgrad", "_HANDGRAD_COMPLETE").source())
