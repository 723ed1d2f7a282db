"""``trident get``."""

from __future__ import annotations

import argparse
import json
import sys

from trident.cli.report import save_text
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
        sys.stdout.write(text)
    return ExitCode.SUCCESS
