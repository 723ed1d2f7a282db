"""The ``trident`` command: parse, call the verb, say how it ended."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trident.cli.parser import SERVICING_VERBS, build_parser
from trident.cli.streams import prepare_streams
from trident.errors import ExitCode, Internal, Interrupted, TridentError, unexpected

if TYPE_CHECKING:
    import argparse


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Never lets a traceback out."""
    try:
        closed = prepare_streams()
        options = build_parser().parse_args(arguments)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    from trident.cli.signals import prepare_signals, settle_signals

    is_servicing = options.verb in SERVICING_VERBS
    prepare_signals(is_servicing=is_servicing)
    if not is_servicing:
        return _run(options)
    from trident.cli.outlet import unblocked_streams

    with unblocked_streams():
        code = _run(options, closed)
        settle_signals()
        return code


def _run(options: argparse.Namespace, closed: frozenset[int] = frozenset()) -> int:
    try:
        refusal = _claim_progress(options, closed)
        from trident.cli.log import set_up_logging

        set_up_logging(options.verbosity, options.verb)
        if refusal is not None:
            raise refusal
        # One module a verb, loaded when it is asked for: 'get' must not wait for what 'update' needs.
        command = importlib.import_module(f"trident.cli.commands.{options.verb}")
        code: int = command.run(options)
    except TridentError as error:
        return _report(error, options)
    except KeyboardInterrupt:
        return _report(Interrupted("interrupted", f"'trident {options.verb}' was interrupted."), options)
    except Exception as error:  # noqa: BLE001  (the last line of defence: a defect is reported, not dumped)
        internal = unexpected(error)
        internal.__cause__ = error
        return _report(internal, options)
    return code


def _claim_progress(options: argparse.Namespace, closed: frozenset[int]) -> TridentError | None:
    """Take the descriptor for progress before anything is opened; returns what is wrong with it."""
    if getattr(options, "progress_fd", None) is None:
        return None
    from trident.cli.lines import claim

    try:
        options.progress_fd = claim(options.progress_fd, closed)
    except TridentError as error:
        return error
    return None


def _report(error: TridentError, options: argparse.Namespace) -> int:
    from trident.cli.log import is_told_by_journal
    from trident.cli.report import print_error, save_document

    is_told = False
    if options.verb in SERVICING_VERBS:
        _log(error)
        is_told = is_told_by_journal() and not hasattr(error, "problems")
    print_error(error, as_json=getattr(options, "output", "text") == "json", is_told=is_told)
    path = getattr(options, "error", None)
    if path is not None:
        try:
            save_document(error.to_document(), path)
        except TridentError as second:
            print_error(second, as_json=False)
    return ExitCode.INTERRUPTED if isinstance(error, Interrupted) else ExitCode.FAILED


def _log(error: TridentError) -> None:
    import logging

    from trident.cli.log import log_failure
    from trident.cli.messages import failure

    if isinstance(error, Internal):
        logging.getLogger("trident").debug("a defect", exc_info=error, extra={"is_drawn": True})
    log_failure(failure(error.to_document()))


if __name__ == "__main__":
    sys.exit(main())
