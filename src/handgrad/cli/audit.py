"""handgrad audit: which numbers of a worked example are wrong, marked or corrected on request."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handgrad.cli.files import PATH, complete_document, complete_example, path_of
from handgrad.errors import InputError
from handgrad.render.output import write_whole

if TYPE_CHECKING:
    from handgrad.auditing.report import Report
    from handgrad.model.problem import Problem

__all__ = ["audit"]


@click.command()
@click.argument(
    "documents", nargs=-1, required=True, metavar="DOCUMENT…", shell_complete=complete_document
)
@click.option(
    "--network",
    metavar="FILE",
    shell_complete=complete_example,
    help="The problem that the documents are about: it holds, and their names are matched to it.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(("text", "json", "annotated")),
    default="text",
    show_default=True,
    help="JSON has every number that was judged; annotated is the document, what is wrong marked.",
)
@click.option("--fix", is_flag=True, help="Write a corrected copy, NAME.fixed.md or -o OUT.")
@click.option("-o", "--output", type=PATH, metavar="OUT", help="Where the copy goes.")
def audit(
    documents: tuple[str, ...], network: str | None, kind: str, fix: bool, output: Path | None
) -> None:
    """Judge every printed number of a worked example.

    A DOCUMENT is Markdown, LaTeX, HTML, a notebook or plain text, a CSV of names and values, or a
    problem file with [[claims]]. Its own equations are what holds; no problem file is needed.
    Exit status 1 if something is wrong, 2 if a document cannot be judged.

    \b
    Example: handgrad audit post.md
             handgrad audit mine.csv --network two-neurons-in-a-row
             handgrad audit post.md --fix
    In CI:   pip install handgrad && handgrad audit posts/*.md
    """  # noqa: D301 (click asks for the character itself)
    from handgrad import verbs

    if output is not None and (len(documents) > 1 or not (fix or kind == "annotated")):
        raise InputError(
            "-o takes the one copy that --fix or --format annotated makes of one document."
        )
    if kind == "annotated" and (fix or len(documents) > 1):
        raise InputError("--format annotated takes one document, and not --fix.")
    problem = verbs.load(path_of(network)) if network else None
    paths = [path_of(document) for document in documents]
    reports = [verbs.audit(path, network=problem) for path in paths]
    if fix:
        reports = [
            _fixed(report, path, problem, output)
            for report, path in zip(reports, paths, strict=True)
        ]
    if kind == "annotated":
        _annotated(reports[0], paths[0], output)
    elif kind == "json":
        data = [report.as_data() for report in reports]
        whole = data if len(data) > 1 else data[0]
        sys.stdout.write(json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write("\n\n".join(map(str, reports)) + "\n")
    if not all(report.clean for report in reports):
        raise click.exceptions.Exit(1)


def _annotated(report: Report, path: Path, output: Path | None) -> None:
    from handgrad.auditing.annotate import annotated

    text = annotated(report)
    if output is None:
        sys.stdout.write(text)
        return
    _ask(path, output)
    write_whole(output, text)


def _fixed(report: Report, path: Path, problem: Problem | None, output: Path | None) -> Report:
    """Write the corrected copy; what is left to be said is that of the copy."""
    from handgrad.auditing.audit import corrected

    target = output or path.with_name(f"{path.stem}.fixed{path.suffix}")
    if report.clean:
        click.echo(f"{path}: nothing to correct, no copy written.", err=True)
        return report
    _ask(path, target)
    made = corrected(report, problem)
    write_whole(target, made.text)
    left = f", {made.report.wrong} left" if made.report.wrong else ""
    numbers = "number" if made.changed == 1 else "numbers"
    click.echo(f"{target}: {made.changed} {numbers} corrected{left}.", err=True)
    return made.report


def _ask(path: Path, target: Path) -> None:
    """Never overwrite the document itself without asking."""
    same = target.exists() and path.exists() and target.samefile(path)
    if not same:
        return
    if not sys.stdin.isatty():
        raise InputError(f"{target} is the document itself. Give another name with -o.")
    click.confirm(f"{target} is the document itself. Overwrite it?", abort=True, err=True)
