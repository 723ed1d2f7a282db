"""What install, update, rollback and commit have in common: progress, reports, the reboot at the end."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from trident.cli.log import is_told_by_journal, keep_secret
from trident.cli.progress import drawn
from trident.cli.report import print_error, print_json, print_problems, save_document, save_text
from trident.cli.streams import say, tell
from trident.errors import ExitCode, InvalidInput, TridentError
from trident.plan.step import Operation
from trident.progress import Event
from trident.servicing.announce import announced
from trident.servicing.environment import Environment, Outcome
from trident.servicing.log import keeping_log

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.plan.preview import Preview


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
    keep_secret(verdict.configuration.to_document())
    print_problems(verdict.problems)
    return verdict.configuration


def operations(options: argparse.Namespace) -> frozenset[Operation]:
    """The operations that the caller allows."""
    return frozenset(Operation(name) for name in itertools.chain.from_iterable(options.allowed_operations))


def perform(options: argparse.Namespace, verb: Callable[[Environment], Outcome]) -> int:
    """Run a verb with its progress shown, save what was asked for, and reboot if the verb needs it."""
    from trident.cli.signals import settle_signals

    environment = Environment()
    confirm = asking(options)
    _keep_secrets_of_host(environment)
    try:
        with drawn(options.progress_fd) as progress, keeping_log(environment) as watch:

            def tell(event: Event) -> None:
                watch(event)
                progress(event)

            serviced = Environment(progress=tell, confirm=confirm, settled=settle_signals)

            def carried_out() -> Outcome:
                outcome = verb(serviced)
                # A signal that comes while it is logged and told must not say that it was undone.
                settle_signals()
                return outcome

            outcome = announced(options.verb, tell, carried_out)
    except TridentError:
        _save_status(options, environment)
        raise
    # The work is done; a report that nobody can have must not keep the host from its reboot.
    reported = _save_status(options, environment)
    try:
        _print_outcome(outcome, as_json=options.output == "json")
    except TridentError as error:
        print_error(error, as_json=False)
        reported = False
    if outcome.failure is not None:
        reported = _tell_failure(options, outcome.failure)
    code = ExitCode.SUCCESS if reported else ExitCode.FAILED
    return _reboot(code) if outcome.needs_reboot else code


def _keep_secrets_of_host(environment: Environment) -> None:
    """See that the log shows no secret of the configurations that the host has."""
    from trident.state.datastore import Datastore

    with (
        contextlib.suppress(TridentError),
        Datastore.open(environment.datastore_path, read_only=True) as datastore,
    ):
        keep_secret(datastore.status().to_document())


def asking(options: argparse.Namespace) -> Callable[[Preview], bool]:
    """What asks whether to carry out a plan: with ``--confirm`` a question on the terminal, else nothing.

    Raises:
        InvalidInput: ``confirm-without-terminal`` if nobody can be asked.
    """
    if not getattr(options, "confirm", False):
        return lambda _preview: True
    if not sys.stdin.isatty():
        raise InvalidInput(
            "confirm-without-terminal",
            "--confirm asks on a terminal, but standard input is none.",
            hint="Run it on a terminal, with CONFIG in a file, or look at 'trident plan' first and leave "
            "--confirm out.",
        )
    return _ask


def _ask(preview: Preview) -> bool:
    from trident.cli.describe import describe
    from trident.cli.table import takes_unicode, terminal_width

    # On stderr, where the question is: stdout carries the outcome, perhaps as JSON.
    unicode = takes_unicode(sys.stderr.encoding)
    tell(describe(preview, width=terminal_width(sys.stderr), unicode=unicode))
    _forget_what_was_typed()
    tell("\nCarry out this plan? [y/N] ")
    try:
        answer = sys.stdin.readline()
    except OSError:  # The terminal went away.
        answer = ""
    if not answer.endswith("\n"):
        tell("\n")
    return answer.strip().lower() in {"y", "yes"}


def _forget_what_was_typed() -> None:
    """A line that was typed or pasted before the plan was there to read is no answer to it."""
    import termios

    with contextlib.suppress(OSError, ValueError, termios.error):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "servicingType": str(outcome.servicing_type),
                "needsReboot": outcome.needs_reboot,
                "summary": outcome.summary,
            }
        )
    elif not is_told_by_journal(sys.stdout):
        say(outcome.summary + "\n")


def _save_status(options: argparse.Namespace, environment: Environment) -> bool:
    """Save the Host Status that was asked for; whether that went well. It never hides how the verb ended."""
    if options.status is None:
        return True
    from trident.servicing.get import Kind, get_text

    try:
        save_text(get_text(Kind.STATUS, environment), options.status)
    except TridentError as error:
        if error.code != "datastore-not-found":
            print_error(error, as_json=False)
            return False
    return True


def _tell_failure(options: argparse.Namespace, failure: TridentError) -> bool:
    """Tell why the host goes back, as an error is told that ends a verb; never a success."""
    print_error(failure, as_json=options.output == "json", is_told=is_told_by_journal())
    if options.error is not None:
        with contextlib.suppress(TridentError):
            save_document(failure.to_document(), options.error)
    return False


def _reboot(code: ExitCode) -> ExitCode:
    """Reboot; the exit code is ``code`` where the host goes down, as it should."""
    from trident.cli.signals import leave_at_once
    from trident.host.system import reboot

    try:
        reboot(on_its_way=lambda: leave_at_once(code))
    except TridentError as error:
        print_error(error, as_json=False)
        return ExitCode.REBOOT_UNSUCCESSFUL
    return code
