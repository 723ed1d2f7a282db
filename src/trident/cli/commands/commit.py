"""``trident commit``."""

from __future__ import annotations

import argparse

from trident.cli.commands.servicing import perform
from trident.servicing.commit import commit


def run(options: argparse.Namespace) -> int:
    """Commit the last servicing."""
    return perform(options, commit)
