"""``trident rollback``."""

from __future__ import annotations

import argparse

from trident.cli.commands.servicing import operations, perform
from trident.cli.report import print_json
from trident.cli.streams import say
from trident.errors import ExitCode
from trident.servicing.environment import Environment
from trident.servicing.rollback import Wish, check, rollback


def run(options: argparse.Namespace) -> int:
    """Undo the last update, or say what that would be."""
    wish = Wish.AB if options.ab else Wish.RUNTIME if options.runtime else Wish.NEXT
    if not options.check:
        return perform(options, lambda environment: rollback(wish, operations(options), environment))
    kind = check(wish, Environment())
    if options.output == "json":
        print_json({"rollback": kind})
    else:
        say(f"{kind}\n")
    return ExitCode.SUCCESS
