"""Markdown, as far as the pages need it."""

from __future__ import annotations

from collections.abc import Iterable


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; a bar in a cell is escaped."""
    heads = list(headings)
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def anchor(heading: str) -> str:
    """What a forge makes of a heading in a link."""
    return heading.lower().replace("`", "").replace(" ", "-")


def link(text: str, page: str, heading: str) -> str:
    """A link to a heading of a page; ``page`` is empty for the same one."""
    return f"[{text}]({page}#{anchor(heading)})"


def code(text: str) -> str:
    """Text as code."""
    return f"`{text}`"


def marked(text: str) -> str:
    """A rule's sentence: what it has in quotes is code here."""
    parts = text.split("'")
    return text if len(parts) % 2 == 0 else "".join(f"`{p}`" if i % 2 else p for i, p in enumerate(parts))
