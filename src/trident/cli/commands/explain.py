"""``trident explain``."""

from __future__ import annotations

import argparse
import sys

from trident.cli.report import is_colourful, print_json
from trident.cli.streams import say
from trident.config.reference.explain import explanation, render
from trident.config.reference.topics import names
from trident.crosscheck.reference import codes, explained
from trident.errors import ExitCode


def run(options: argparse.Namespace) -> int:
    """Say what a field or a rule of the Host Configuration means, or a rule about its image.

    Raises:
        InvalidInput: ``unknown-topic``.
    """
    if options.list:
        known = [*names(), *codes()]
        print_json(known) if options.output == "json" else say("".join(f"{name}\n" for name in known))
        return ExitCode.SUCCESS
    document = explained(options.topic) or explanation(options.topic)
    if options.output == "json":
        print_json(document)
    else:
        say(render(document, colour=is_colourful(sys.stdout)))
    return ExitCode.SUCCESS
