"""How a front door tells of a verb as a whole: an event when it begins, and one when it ended, however."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from trident.errors import Interrupted, TridentError, unexpected
from trident.progress import Ending, Progress, ServicingBegun, ServicingEnded

if TYPE_CHECKING:
    from trident.servicing.environment import Outcome


def announced(verb: str, progress: Progress, work: Callable[[], Outcome]) -> Outcome:
    """Run a verb, and tell ``progress`` that it begins and how it ended.

    Raises:
        TridentError: what ``work`` raised.
        Interrupted: ``work`` was interrupted before it could record that itself.
    """
    progress(ServicingBegun(verb))
    started = time.monotonic()
    try:
        outcome = work()
    except KeyboardInterrupt:
        error = Interrupted("interrupted", f"'trident {verb}' was interrupted.")
        progress(_failed(verb, error, started))
        raise error from None
    except TridentError as error:
        progress(_failed(verb, error, started))
        raise
    except Exception as defect:
        progress(_failed(verb, unexpected(defect), started))
        raise
    failure = outcome.failure
    progress(
        ServicingEnded(
            verb,
            str(outcome.servicing_type),
            "done" if failure is None else "failed",
            time.monotonic() - started,
            outcome.summary,
            outcome.needs_reboot,
            None if failure is None else failure.to_document(),
        )
    )
    return outcome


def _failed(verb: str, error: TridentError, started: float) -> ServicingEnded:
    outcome: Ending = "interrupted" if isinstance(error, Interrupted) else "failed"
    seconds = time.monotonic() - started
    return ServicingEnded(verb, None, outcome, seconds, error.message, error=error.to_document())
