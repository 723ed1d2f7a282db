"""``trident validate``."""

from __future__ import annotations

import argparse

from trident.cli.report import print_json, print_problems
from trident.cli.streams import say
from trident.config.load import judge_host_configuration, read_source
from trident.errors import ExitCode


def run(options: argparse.Namespace) -> int:
    """Report every mistake in a Host Configuration, and what is odd in it."""
    name, text = read_source(options.config)
    verdict = judge_host_configuration(text, name)
    valid = verdict.configuration is not None
    if options.output == "json":
        problems = [problem.to_document() for problem in verdict.problems]
        print_json({"valid": valid, "file": name, "problems": problems})
    else:
        print_problems(verdict.problems)
        if valid:
            say(f"{name} is a valid Host Configuration.\n")
    return ExitCode.SUCCESS if valid else ExitCode.FAILED
