"""Columns of text that line up, and paragraphs, at the width of the reader's terminal."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TextIO

from trident.config.problems import escaped

_USUAL = 80
_NARROWEST = 40
_LEAST_LAST_COLUMN = 24


def terminal_width(stream: TextIO | None = None) -> int:
    """Columns of the terminal that a stream, stdout by default, leads to; 80 where there is none."""
    try:
        width = os.get_terminal_size((stream or sys.stdout).fileno()).columns
    except (OSError, ValueError):
        width = 0
    return max(width or _USUAL, _NARROWEST)


def takes_unicode(encoding: str | None = None) -> bool:
    """Whether stdout, or a stream of that encoding, can show box characters."""
    try:
        "█▓░·│→".encode(encoding or sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def columns(rows: Sequence[Sequence[str]], width: int, indent: int = 2) -> Iterator[str]:
    """Lines with the cells of each column below each other; the last column is wrapped.

    What a terminal would obey is spelt out, in each cell and in :func:`wrapped`: it may come from a file.

    Where the other columns leave too little room for the last one, it goes to lines of its own.
    """
    if not rows:
        return
    rows = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    start = indent + sum(widths) + 2 * len(widths)
    own_line = width - start < _LEAST_LAST_COLUMN
    if own_line:
        start = indent + 4
    for row in rows:
        cells = [cell.ljust(widths[index]) for index, cell in enumerate(row[:-1])]
        head = " " * indent + "".join(cell + "  " for cell in cells)
        last = wrapped(row[-1], width - start)
        if own_line:
            yield head.rstrip()
            yield from (" " * start + line for line in last if line)
        else:
            yield (head + last[0]).rstrip()
            yield from (" " * start + line for line in last[1:])


def paragraph(text: str, width: int, first: str = "  ", rest: str | None = None) -> Iterator[str]:
    """A text over several lines, with what stands before its first and before the others."""
    rest = " " * len(first) if rest is None else rest
    for number, line in enumerate(wrapped(text, width - len(first))):
        yield (first if number == 0 else rest) + line


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` characters; a word that is longer, a path perhaps, is not broken."""
    return textwrap.wrap(escaped(text), max(width, 10), break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
