"""Running a plan's steps: a journal line before and after each, one progress stream, all mounts undone."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from trident.errors import Interrupted, NotConfirmed, TridentError, unexpected
from trident.plan.step import Operation, Phase
from trident.progress import Ending, OperationBegun, OperationEnded, StepBegun, StepEnded
from trident.servicing.record import failed, first_write

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.step import Step
    from trident.state.datastore import Datastore

_log = logging.getLogger(__name__)


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
        datastore: for the journal; no step but a health check is begun that cannot be noted there.
        before: called before each step.

    Raises:
        TridentError: the first step that failed; the steps after it did not run.
    """
    if not steps:
        return
    journal = _Journal(datastore)
    with _operation(steps, session):
        for index, step in enumerate(steps, start=1):
            before(step)
            if step.operation is Operation.STAGE and step.devices:
                first_write(datastore)
            _run(step, session, journal, index, len(steps))


def execute_all(steps: Sequence[Step], session: Session, datastore: Datastore) -> None:
    """Run every one of ``steps`` in order, whatever becomes of the others: so a host is brought back.

    It is to come as near to what it was as it can. Extensions that cannot be merged must not leave the
    network cut, nor must a datastore that takes no write: the mark that says "half-way" was written before
    anything changed, and stays until the end can be recorded.

    Args:
        steps: of one operation, each of which may be done again.
        session: what they share.
        datastore: for the journal, as far as it can be written.

    Raises:
        TridentError: the first failure; further ones are told in its message.
    """
    if not steps:
        return
    journal = _Journal(datastore, is_needed=False)
    failures: list[TridentError] = []
    with _operation(steps, session):
        for index, step in enumerate(steps, start=1):
            try:
                _run(step, session, journal, index, len(steps))
            except Exception as found:  # noqa: BLE001  (a defect is no reason to leave the rest undone)
                failures.append(found if isinstance(found, TridentError) else unexpected(found))
        if failures:
            first, *others = failures
            if others:
                first.reword(f"{first.message} Also: " + " ".join(error.message for error in others))
            raise first


@contextlib.contextmanager
def _operation(steps: Sequence[Step], session: Session) -> Iterator[None]:
    """Tell how the body, which runs ``steps``, begins and ends; leave what they have entered."""
    operation, servicing = str(steps[0].operation), str(session.situation.servicing_type)
    session.progress(OperationBegun(operation, servicing, len(steps)))
    started = time.monotonic()
    outcome: Ending = "failed"
    try:
        with session.unwinding():
            yield
        outcome = "done"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    finally:
        session.progress(OperationEnded(operation, servicing, outcome, time.monotonic() - started))


class _Journal:
    """The journal of one run of steps.

    What changes a host is not done without its line. A health check changes nothing: it is made all the same,
    because a system that was never judged must not go on running for want of a line.

    Args:
        datastore: where it lies.
        is_needed: whether a line that cannot be written stops a step.
    """

    def __init__(self, datastore: Datastore, *, is_needed: bool = True) -> None:
        self._datastore = datastore
        self._is_needed = is_needed
        self._is_lost = False

    def note(self, step: Step, event: str) -> None:
        """Write a line.

        Raises:
            Servicing: ``write-to-datastore``, if the step needs it.
        """
        if self._is_needed and step.phase is not Phase.HEALTH:
            self._datastore.note(step.operation, step.id, event)
        elif not self._is_lost:  # Each further attempt might wait for a lock again.
            try:
                self._datastore.note(step.operation, step.id, event)
            except TridentError as error:
                self._is_lost = True
                _log.warning("Going on without a journal: %s", error.message)


def _run(step: Step, session: Session, journal: _Journal, index: int, total: int) -> None:
    journal.note(step, "begin")
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
                journal.note(step, outcome)
    session.bytes_fetched += step.cost
    session.bytes_written += sum(entry.size or 0 for entry in step.contents)
    journal.note(step, "done")


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
