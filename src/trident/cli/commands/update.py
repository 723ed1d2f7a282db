"""``trident update``."""

from __future__ import annotations

import argparse

from trident.cli.commands.servicing import load, operations, perform
from trident.servicing.update import update


def run(options: argparse.Namespace) -> int:
    """Update the host."""
    configuration = load(options.config, storage_may_be_missing=True)
    return perform(options, lambda env: update(configuration, operations(options), env))
