"""The ``trident`` command: parse, call the verb, say how it ended."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trident.cli.parser import build_parser
from trident.cli.streams import prepare_streams
from trident.errors import ExitCode, Internal, Interrupted, TridentError, unexpected

if TYPE_CHECKING:
    import argparse
    from types import FrameType


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Never lets a traceback out."""
    try:
        prepare_streams()
        options = build_parser().parse_args(arguments)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    # A stopped service and a closed terminal end the work as Ctrl-C does: undone, recorded, explained.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1) wants the work to go on.
            signal.signal(number, _interrupt)
    try:
        from trident.cli.log import set_up_logging

        set_up_logging(options.verbosity, options.verb)
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


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _report(error: TridentError, options: argparse.Namespace) -> int:
    from trident.cli.log import SERVICING_VERBS, is_told_by_journal
    from trident.cli.report import print_error, save_document

    if options.verb in SERVICING_VERBS:
        _log(error)
    if not (options.verb in SERVICING_VERBS and is_told_by_journal()):
        print_error(error, as_json=getattr(options, "output", "text") == "json")
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
