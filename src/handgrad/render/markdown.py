"""Markdown with LaTeX between dollar signs, as GitHub, notebooks and KaTeX read it."""

from __future__ import annotations

import re

from handgrad.render.document import Document, Remark
from handgrad.render.latex import aligned

__all__ = ["to_markdown"]


def to_markdown(document: Document) -> str:
    """The whole document; headings start at level one."""
    parts = [f"# {escape(document.title)}"] if document.title else []
    if document.source:
        parts.append(f"Source: {escape(document.source)}")
    for section in document.sections:
        parts.append(f"## {escape(section.title)}")
        for item in section.items:
            if isinstance(item, Remark):
                parts.append(escape(item.text))
            else:
                parts.append(f"$$\n{aligned(document, item)}\n$$")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """A text that Markdown prints as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~&])", r"\\\1", text)
