"""``trident diagnose``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from trident.cli.streams import say, tell
from trident.config.problems import escaped
from trident.errors import ExitCode
from trident.servicing.diagnose.verb import diagnose

_log = logging.getLogger(__name__)


def run(options: argparse.Namespace) -> int:
    """Make a diagnostics bundle."""
    made = diagnose(
        Path(options.outfile),
        journal=options.journal,
        selinux=options.selinux,
        say=lambda what: _log.debug("Collecting %s", what),
    )
    _log.info("Diagnostics bundle: %s", made.path)
    if made.failures:
        tell(f"{len(made.failures)} items could not be collected:\n")
        for failure in made.failures:
            tell(f"  {escaped(failure['item'])}: {escaped(failure['error'])}\n")
    say(
        f"{escaped(str(made.path))}: {made.files} files.\n"
        "Passwords, keys, signed addresses and the content of scripts and files were taken out.\n"
        "Look it through before you hand it on.\n"
    )
    return ExitCode.SUCCESS
