"""Running a plan's steps: a journal line before and after each, one progress stream, all mounts undone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from trident.errors import Interrupted, NotConfirmed, TridentError, unexpected
from trident.plan.step import Operation
from trident.progress import Ending, OperationBegun, OperationEnded, StepBegun, StepEnded
from trident.servicing.record import failed, first_write

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.step import Step
    from trident.state.datastore import Datastore


def execute(
    steps: Sequence[Step],
    session: Session,
    datastore: Datastore,
    before: Callable[[Step], None] = lambda _step: None,
) -> None:
    """Run ``steps`` in order, then leave every mount and mapping that they entered.

    Args:
        steps: of one operation.
        session: what they share.
        datastore: for the journal.
        before: called before each step.

    Raises:
        TridentError: the first step that failed; the steps after it did not run.
    """
    if not steps:
        return
    operation, servicing = str(steps[0].operation), str(session.situation.servicing_type)
    session.progress(OperationBegun(operation, servicing, len(steps)))
    started = time.monotonic()
    outcome: Ending = "failed"
    try:
        with session.unwinding():
            for index, step in enumerate(steps, start=1):
                before(step)
                _run(step, session, datastore, index, len(steps))
        outcome = "done"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    finally:
        session.progress(OperationEnded(operation, servicing, outcome, time.monotonic() - started))


def _run(step: Step, session: Session, datastore: Datastore, index: int, total: int) -> None:
    if step.operation is Operation.STAGE and step.devices:
        first_write(datastore)
    datastore.note(step.operation, step.id, "begin")
    session.current_step = step.id
    session.progress(StepBegun(step.id, step.title, index, total))
    started = time.monotonic()
    outcome: Ending = "failed"
    try:
        step.run(session)
        outcome = "done"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    finally:
        session.progress(StepEnded(step.id, outcome, time.monotonic() - started))
        if outcome != "done":
            # The step's own error is the one to tell; a journal that cannot be written must not hide it.
            with contextlib.suppress(TridentError):
                datastore.note(step.operation, step.id, outcome)
    session.bytes_fetched += step.cost
    session.bytes_written += sum(entry.size or 0 for entry in step.contents)
    datastore.note(step.operation, step.id, "done")


@contextlib.contextmanager
def recording_errors(datastore: Datastore, verb: str) -> Iterator[None]:
    """Record an error of the body as ``lastError`` in Host Status and let it go on.

    Ctrl-C and SIGTERM become an error too, and so does a defect, so that they are recorded like any other.

    Raises:
        TridentError: the body's error.
        Internal: the body raised what it should not.
        Interrupted: the body was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        error = Interrupted(
            "interrupted",
            f"'trident {verb}' was interrupted. The running system was not changed.",
            hint="Run the same command again to complete the work.",
        )
        _record(datastore, error)
        raise error from None
    except NotConfirmed:
        raise  # Nothing went wrong.
    except TridentError as error:
        _record(datastore, error)
        raise
    except Exception as defect:
        internal = unexpected(defect)
        _record(datastore, internal)
        raise internal from defect


def _record(datastore: Datastore, error: TridentError) -> None:
    with contextlib.suppress(TridentError):
        failed(datastore, error)
