"""``trident help``."""

from __future__ import annotations

import argparse

from trident.cli.parser import build_parser
from trident.errors import ExitCode


def run(options: argparse.Namespace) -> int:
    """Print a command's help, as its ``--help`` does."""
    build_parser().parse_args([*options.command, "--help"])
    return ExitCode.SUCCESS
