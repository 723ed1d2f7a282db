"""What signals do to a command: end it cleanly, once; a connection that is lost ends no servicing."""

from __future__ import annotations

import os
import signal
from types import FrameType

from trident.cli.streams import tell

_IS_ENDING = "it is ending already; what was begun is being undone"
_IS_SETTLED = "it is through, and nothing of it is undone any more"

# What is told to a signal that comes too late to end the work; nothing as long as one can.
_too_late: str | None = None


def prepare_signals(*, is_servicing: bool) -> None:
    """Set what SIGINT, SIGTERM and SIGHUP do. What the caller has ignored, as nohup(1) does, stays ignored.

    SIGINT and SIGTERM end the work as an error does: undone, recorded, explained. Only the first one counts,
    so that a second Ctrl-C does not end the undoing. SIGHUP ends a command, but not a servicing: whoever
    began it over ssh wants it done, and lost the connection.
    """
    global _too_late  # noqa: PLW0603  (signals belong to the process)
    _too_late = None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            continue
        # A handler that does nothing, not SIG_IGN: programs that are started would inherit that.
        is_survived = is_servicing and number == signal.SIGHUP
        signal.signal(number, _survive if is_survived else _interrupt)


def settle_signals() -> None:
    """From here on there is nothing left that a signal could end: the work is done, and stands, or undone."""
    global _too_late  # noqa: PLW0603
    _too_late = _too_late or _IS_SETTLED


def leave_at_once(code: int) -> None:
    """From here on a signal that ends programs ends this one at once: the host goes down, and all is said.

    The service manager waits for every process that it has told to end; each second is one of downtime.

    Args:
        code: what to exit with.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _signal, _frame: os._exit(code))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    global _too_late  # noqa: PLW0603
    if _too_late is None:
        _too_late = _IS_ENDING
        raise KeyboardInterrupt
    tell(f"trident: {_too_late}\n")


def _survive(_signal: int, _frame: FrameType | None) -> None:
    pass
