"""``trident get``."""

from __future__ import annotations

import argparse
import json

from trident.cli.report import save_text
from trident.cli.streams import say
from trident.errors import ExitCode
from trident.servicing.environment import Environment
from trident.servicing.get import Kind, get_document, get_text


def run(options: argparse.Namespace) -> int:
    """Print a document from the datastore."""
    kind = Kind(options.kind)
    if options.output == "json":
        text = json.dumps(get_document(kind, Environment()), indent=2, default=str) + "\n"
    else:
        text = get_text(kind, Environment())
    if options.outfile is not None:
        save_text(text, options.outfile)
    else:
        say(text)
    return ExitCode.SUCCESS
