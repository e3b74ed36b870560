"""handgrad audit: which numbers of a worked example are wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

__all__ = ["audit"]


@click.command()
@click.argument("documents", nargs=-1, required=True, metavar="DOCUMENT…")
@click.option(
    "--format",
    "kind",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="JSON has every number that was judged.",
)
def audit(documents: tuple[str, ...], kind: str) -> None:
    """Judge every printed number of a worked example.

    A DOCUMENT is Markdown, LaTeX, HTML, a notebook or plain text. Its own equations are what holds;
    no problem file is needed. Exit status 1 if something is wrong.

    Example: handgrad audit post.md
    """
    from handgrad import verbs

    reports = [verbs.audit(Path(document)) for document in documents]
    if kind == "json":
        data = [report.as_data() for report in reports]
        whole = data if len(data) > 1 else data[0]
        sys.stdout.write(json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write("\n\n".join(map(str, reports)) + "\n")
    if not all(report.clean for report in reports):
        raise click.exceptions.Exit(1)
