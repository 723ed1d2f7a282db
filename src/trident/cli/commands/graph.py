"""``trident graph``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trident.cli.parser import GRAPH_FORMATS
from trident.cli.report import print_problems, save_text
from trident.cli.streams import say
from trident.config.graph.build import build_graph
from trident.config.load import judge_host_configuration, read_source
from trident.errors import ExitCode, InvalidInput

if TYPE_CHECKING:
    from trident.config.graph.graph import Graph

_SUFFIXES = {
    ".txt": "tree", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot",
    ".svg": "svg", ".png": "png",
}  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Draw what can be drawn, and tell what is wrong.

    Raises:
        InvalidInput: ``no-storage`` if there is nothing to draw, ``unknown-graph-format``, ``binary-output``,
            ``write-output-file``, ``graph-too-large``.
        ExecutionEnvironment: ``missing-binary`` if a picture is wanted and Graphviz is not installed.
    """
    kind = _format(options.format, options.outfile)
    name, text = read_source(options.config)
    verdict = judge_host_configuration(text, name, storage_may_be_missing=True)
    print_problems(verdict.problems)
    configuration, problems = verdict.configuration, verdict.problems
    if configuration is None:
        from trident.config.draft import read_draft

        configuration, is_whole = read_draft(text)
        problems = problems if is_whole else ()  # Where parts are left out, places have shifted.
    graph = build_graph(configuration, problems) if configuration is not None else None
    if graph is not None and graph.nodes:
        _put(graph, kind, options.outfile)
    elif verdict.configuration is not None:
        raise InvalidInput(
            "no-storage",
            f"{name} has no storage section, so there is nothing to draw.",
            hint="An update without one keeps the host's: trident get configuration | trident graph -",
        )
    return ExitCode.SUCCESS if verdict.configuration is not None else ExitCode.FAILED


def _format(asked: str | None, outfile: str | None) -> str:
    """The format that was asked for, that of the file's name, or a tree."""
    suffix = Path(outfile).suffix.lower() if outfile is not None else ""
    kind = asked or (_SUFFIXES.get(suffix) if outfile is not None else "tree")
    if kind is None:
        raise InvalidInput(
            "unknown-graph-format",
            f"The name {outfile} does not say which format the graph shall have.",
            hint=f"Give --format {', '.join(GRAPH_FORMATS[:-1])} or {GRAPH_FORMATS[-1]}, or end it in one of "
            f"{', '.join(sorted(_SUFFIXES))}.",
        )
    if kind == "png" and outfile is None and sys.stdout.isatty():
        raise InvalidInput(
            "binary-output",
            "A PNG picture cannot be shown on a terminal.",
            hint="Write it to a file: -o FILE.",
        )
    return kind


def _put(graph: Graph, kind: str, outfile: str | None) -> None:
    if outfile is not None:
        mask = os.umask(0)
        os.umask(mask)
        save_text(_drawn(graph, kind), outfile, mode=0o666 & ~mask)
    elif kind == "tree":
        from trident.config.graph.tree import to_tree

        say(to_tree(graph, ascii_lines=not _takes_unicode()))
    else:
        say(_drawn(graph, kind))


def _drawn(graph: Graph, kind: str) -> bytes:
    """The graph in a format; all but PNG are UTF-8."""
    if kind == "tree":
        from trident.config.graph.tree import to_tree

        return to_tree(graph).encode()
    if kind == "mermaid":
        from trident.config.graph.mermaid import to_mermaid

        return to_mermaid(graph).encode()
    from trident.config.graph.dot import to_dot

    text = to_dot(graph)
    if kind == "dot":
        return text.encode()
    from trident.host.graphviz import draw

    return draw(text, kind)


def _takes_unicode() -> bool:
    try:
        "│".encode(sys.stdout.encoding or "ascii")
    except UnicodeError:
        return False
    return True
