"""The files and examples that commands are given by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from handgrad.errors import FileError, InputError

__all__ = [
    "PATH",
    "complete_document",
    "complete_example",
    "example",
    "example_names",
    "is_run",
    "path_of",
    "title_of",
]


class _NonEmpty(click.Path):
    """A path; an empty name is refused, which would be the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the name is empty; give a file or folder.", param, ctx)
        return super().convert(value, param, ctx)


PATH = _NonEmpty(path_type=Path)
EXAMPLES = Path(__file__).parent.with_name("examples")


def complete_example(_context: Any, _parameter: Any, incomplete: str) -> list[Any]:
    """What tab completes a file to: an example, or a file."""
    from click.shell_completion import CompletionItem

    named = [CompletionItem(name) for name in example_names() if name.startswith(incomplete)]
    return [*named, CompletionItem(incomplete, type="file")]


def complete_document(_context: Any, _parameter: Any, incomplete: str) -> list[Any]:
    """What tab completes a document to: a file."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def example_names() -> list[str]:
    """The examples that come with handgrad."""
    return sorted(path.stem for path in EXAMPLES.glob("*.toml"))


def example(name: str) -> str:
    """The text of an example."""
    if name not in example_names():
        near = _near(name)
        raise InputError(
            f"There is no example {name!r:.60}.{near} List them with: handgrad examples"
        )
    return (EXAMPLES / f"{name}.toml").read_text(encoding="utf-8")


def title_of(content: str) -> str:
    """The title that a problem file gives itself."""
    import tomllib

    return str(tomllib.loads(content).get("title", ""))


def path_of(file: str) -> Path:
    """The file, or the example of that name where there is no such file."""
    path = Path(file)
    try:
        missing = not path.exists()
    except (OSError, ValueError):
        missing = False
    if missing and file in example_names():
        return EXAMPLES / f"{file}.toml"
    near = _near(file) if missing and not path.suffix else ""
    if near:
        raise FileError(f"{file}: there is no such file, and no such example.{near}")
    return path


def is_run(folder: Path) -> bool:
    """Whether a folder holds what train --run wrote."""
    try:
        return (folder / "start.safetensors").is_file()
    except (OSError, ValueError):
        return False


def _near(example: str) -> str:
    from handgrad.model.spelling import did_you_mean

    return did_you_mean(example, example_names())
