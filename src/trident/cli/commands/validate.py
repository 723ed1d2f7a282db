"""``trident validate``."""

from __future__ import annotations

import argparse
import sys

from trident.cli.commands.servicing import load
from trident.cli.report import print_json
from trident.errors import ExitCode


def run(options: argparse.Namespace) -> int:
    """Check a Host Configuration."""
    load(options.config)
    name = "standard input" if options.config == "-" else options.config
    if options.output == "json":
        print_json({"valid": True, "file": options.config})
    else:
        sys.stdout.write(f"{name} is a valid Host Configuration.\n")
    return ExitCode.SUCCESS
