"""What install, update and commit have in common: progress, reports, the reboot at the end."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from trident.cli.progress import drawn
from trident.cli.report import print_error, print_json, print_problems, save_text
from trident.errors import ExitCode, TridentError
from trident.plan.step import Operation
from trident.servicing.environment import Environment, Outcome

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration


def load(path: str, *, storage_may_be_missing: bool = False) -> HostConfiguration:
    """The Host Configuration at ``path``, ``-`` being standard input; what is odd in it is told on stderr.

    Args:
        path: a file name, or ``-``.
        storage_may_be_missing: an update keeps the present storage where the file names none.

    Raises:
        InvalidInput: it cannot be read, or it has mistakes.
    """
    from trident.config.load import judge_host_configuration, read_source
    from trident.config.problems import ConfigurationErrors

    name, text = read_source(path)
    verdict = judge_host_configuration(text, name, storage_may_be_missing=storage_may_be_missing)
    if verdict.configuration is None:
        raise ConfigurationErrors(verdict.code, name, verdict.problems)
    print_problems(verdict.problems)
    return verdict.configuration


def operations(options: argparse.Namespace) -> frozenset[Operation]:
    """The operations that the caller allows."""
    return frozenset(Operation(name) for name in itertools.chain.from_iterable(options.allowed_operations))


def perform(options: argparse.Namespace, verb: Callable[[Environment], Outcome]) -> int:
    """Run a verb with its progress shown, save what was asked for, and reboot if the verb needs it."""
    environment = Environment()
    try:
        with drawn(options.progress_fd) as progress:
            outcome = verb(Environment(progress=progress))
    except TridentError:
        _save_status(options, environment)
        raise
    _save_status(options, environment)
    # The work is done; nobody listening any more must not keep the host from its reboot.
    with contextlib.suppress(OSError):
        _print_outcome(outcome, as_json=options.output == "json")
    return _reboot() if outcome.needs_reboot else ExitCode.SUCCESS


def _print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "servicingType": str(outcome.servicing_type),
                "needsReboot": outcome.needs_reboot,
                "summary": outcome.summary,
            }
        )
    else:
        sys.stdout.write(outcome.summary + "\n")
    sys.stdout.flush()


def _save_status(options: argparse.Namespace, environment: Environment) -> None:
    if options.status is None or not environment.datastore_path.exists():
        return
    from trident.servicing.get import Kind, get_text

    save_text(get_text(Kind.STATUS, environment), options.status)


def _reboot() -> int:
    from trident.host.system import reboot

    try:
        reboot()
    except TridentError as error:
        print_error(error, as_json=False)
        return ExitCode.REBOOT_UNSUCCESSFUL
    return ExitCode.SUCCESS
