"""``trident schema``."""

from __future__ import annotations

import argparse

from trident.cli.report import print_json
from trident.config.reference.schema import schema
from trident.errors import ExitCode


def run(_options: argparse.Namespace) -> int:
    """Print the JSON Schema of the Host Configuration."""
    print_json(schema())
    return ExitCode.SUCCESS
