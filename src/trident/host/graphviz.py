"""Drawing with Graphviz."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trident.errors import InvalidInput, Servicing
from trident.host.process import run

_MOST_SECONDS = 60.0


def draw(text: str, kind: str) -> bytes:
    """A picture of a graph.

    Args:
        text: the graph in the DOT language.
        kind: ``svg`` or ``png``.

    Raises:
        ExecutionEnvironment: ``missing-binary`` if Graphviz is not installed.
        InvalidInput: ``graph-too-large`` if Graphviz does not finish within a minute.
        Servicing: ``command-failed``.
    """
    with tempfile.TemporaryDirectory(prefix="trident-graph-") as scratch:
        picture = Path(scratch) / f"graph.{kind}"
        try:
            run(["dot", f"-T{kind}", "-o", picture], input=text, timeout=_MOST_SECONDS)
        except Servicing as error:
            if error.code != "command-timed-out":
                raise
            raise InvalidInput(
                "graph-too-large",
                f"Graphviz did not draw this graph within {_MOST_SECONDS:g} seconds.",
                hint="The formats tree, mermaid and dot need no layout.",
            ) from error
        return picture.read_bytes()
