"""``trident install``."""

from __future__ import annotations

import argparse

from trident.cli.commands.servicing import load, operations, perform
from trident.servicing.install import install


def run(options: argparse.Namespace) -> int:
    """Install the target OS."""
    configuration = load(options.config)
    return perform(
        options, lambda env: install(configuration, operations(options), env, multiboot=options.multiboot)
    )
