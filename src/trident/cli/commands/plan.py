"""``trident plan``."""

from __future__ import annotations

import argparse

from trident.cli.commands.servicing import load
from trident.cli.describe import describe
from trident.cli.report import print_json
from trident.cli.streams import say
from trident.cli.table import takes_unicode, terminal_width
from trident.config.load import STANDARD_INPUT
from trident.errors import ExitCode, InvalidInput
from trident.servicing.assume import BLANK, read_status
from trident.servicing.environment import Environment
from trident.servicing.preview import preview


def run(options: argparse.Namespace) -> int:
    """Print what install or update would do; fail where they would refuse it.

    Raises:
        InvalidInput: ``standard-input-twice`` if ``-`` is given for both files.
        TridentError: an error that leaves no plan to show.
    """
    if options.config == options.status == STANDARD_INPUT:
        raise InvalidInput(
            "standard-input-twice",
            "Standard input can be read once, and '-' stands there twice.",
            hint="Give '-' once; the other needs a file.",
        )
    assumed = BLANK if options.assume_blank else None
    if options.status is not None:
        assumed = read_status(options.status)
    configuration = load(options.config, storage_may_be_missing=True)
    shown = preview(configuration, Environment(), assumed=assumed)
    if options.output == "json":
        print_json(shown.to_document())
    else:
        say(describe(shown, width=terminal_width(), unicode=takes_unicode()))
    return ExitCode.FAILED if shown.is_refused else ExitCode.SUCCESS
