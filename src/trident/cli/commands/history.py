"""``trident history``."""

from __future__ import annotations

import argparse
import json
import sys

from trident.cli.chronicle import describe
from trident.cli.report import is_colourful, save_text
from trident.cli.streams import say
from trident.cli.table import takes_unicode, terminal_width
from trident.errors import ExitCode
from trident.servicing.environment import Environment
from trident.servicing.history import history_document, read_history


def run(options: argparse.Namespace) -> int:
    """Print the servicings of this host, newest first."""
    entries = read_history(options.limit or None, Environment())
    to_file = options.outfile is not None
    if options.output == "json":
        text = json.dumps(history_document(entries), indent=2, default=str) + "\n"
    else:
        text = describe(
            entries,
            width=terminal_width(),
            unicode=to_file or takes_unicode(),
            colour=not to_file and is_colourful(sys.stdout),
        )
    if to_file:
        save_text(text, options.outfile)
    else:
        say(text)
    return ExitCode.SUCCESS
