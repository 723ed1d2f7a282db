"""Finalizing a servicing of the running system, and undoing it where that fails or was cut off.

The steps of such a finalize are convergent: they bring the system to the desired configuration from whatever
state it is in. So undoing is the same work with the two configurations exchanged, and so is going on after a
power cut.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from trident.errors import TridentError, unexpected
from trident.host.process import interrupts_held_back
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import NOT_WHOLE, Operation, Phase
from trident.progress import Undone
from trident.servicing import record
from trident.servicing.compile import compile_plan
from trident.servicing.confirm import confirm
from trident.servicing.environment import configuration_from
from trident.servicing.execute import execute, execute_all
from trident.servicing.forget import forget_extensions
from trident.servicing.gather import gather_facts
from trident.servicing.half_way import (
    RUNTIME_MARK,
    configurations,
    give_up,
    given_up,
    settle,
    unsettled,
    was_cut_off,
)
from trident.servicing.pending import CHANGE_WHAT_RUNS, baseline, has_baseline, pending
from trident.servicing.volumes import refuse_other_volume
from trident.state.history import EntryState
from trident.state.status import ServicingState, ServicingType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from trident.plan.plan import Plan
    from trident.plan.step import Step
    from trident.servicing.environment import Environment
    from trident.state.datastore import Datastore
    from trident.state.history import HistoryEntry
    from trident.state.status import HostStatus

_log = logging.getLogger(__name__)


def finalize_running(
    servicing_type: ServicingType, datastore: Datastore, environment: Environment, plan: Plan | None = None
) -> Plan:
    """Bring the running system to the staged configuration, health checks included.

    ``plan`` is the one that staging was part of; what was staged before gets one of its own.

    Raises:
        TridentError: the running system is as it was before, and so is its status; if even undoing failed,
            or cannot be recorded, the message says so, the status stays "staged", and the next verb undoes it
            first.
    """
    status = datastore.status()
    running = baseline(status)
    desired = configuration_from(status.spec)
    left = given_up(running, datastore)
    facts = gather_facts(desired, status.partition_paths)
    situation = Situation(servicing_type, desired, status, facts, unsettled=configurations(left))
    refuse_other_volume(desired, running, facts)
    if plan is None:
        plan = compile_plan(situation)
        confirm(situation, plan, environment, {Operation.FINALIZE})
    session = Session.resumed(situation, datastore, environment.progress)
    session.seals = record.seals_for(situation, datastore)
    beginning = _Beginning(datastore)
    try:
        with record.accounted(Operation.FINALIZE, session, datastore):
            execute(plan.steps_of({Operation.FINALIZE}), session, datastore, beginning)
        beginning.note()
        done = status.evolve(spec_old={}, servicing_state=ServicingState.PROVISIONED, last_error=None)
        with datastore.together():
            record.move(datastore, done, EntryState.SUCCEEDED)
            datastore.note(Operation.FINALIZE, RUNTIME_MARK, "done")
            settle(left, datastore)
    except BaseException as error:
        if not beginning.noted:
            _withdraw_what_is_not_whole(error, datastore)
        # An interrupt may come when the success is recorded already; what is recorded counts.
        elif _may_be_cut_off(datastore):
            _undo_after(error, situation, left, datastore, environment)
        raise
    environment.settled()
    forget_extensions(datastore)
    return plan


class _Beginning:
    """Notes, before the first step that changes the running system, that this begins."""

    def __init__(self, datastore: Datastore) -> None:
        self._datastore = datastore
        self.noted = False

    def __call__(self, step: Step) -> None:
        """The step comes next; those before Phase.FINALIZE look at what was staged."""
        if step.phase >= Phase.FINALIZE:
            self.note()

    def note(self) -> None:
        """Note it, once.

        Raises:
            Servicing: ``write-to-datastore``.
        """
        if self.noted:
            return
        with self._datastore.together():
            self._datastore.note(Operation.FINALIZE, RUNTIME_MARK, "begin")
            record.finalizing(self._datastore)
        self.noted = True


def _withdraw_what_is_not_whole(error: BaseException, datastore: Datastore) -> None:
    """Staging it again is all that helps. Nothing was changed, unless it had been cut off before."""
    if not isinstance(error, TridentError) or error.code != NOT_WHOLE:
        return
    status = datastore.status()
    if was_cut_off(status, datastore):
        give_up(baseline(status), datastore, error)
    else:
        record.move(datastore, baseline(status), EntryState.FAILED, error=error)


def undo_what_was_cut_off(datastore: Datastore, environment: Environment) -> bool:
    """Bring the running system back if an earlier finalize was cut off; whether there was anything to undo.

    What was staged stays staged.

    Raises:
        TridentError: it could not be undone; the next verb tries again. ``validate-ab-active-volume`` if the
            other volume was booted since: its system has nothing to do with it.
    """
    found = _undone(datastore, environment)
    if isinstance(found, TridentError):
        raise found
    return found


def try_to_undo(datastore: Datastore, environment: Environment) -> TridentError | None:
    """The same, but gives back why it could not be undone, for a verb that may have another way on.

    Raises:
        TridentError: ``validate-ab-active-volume``, or what runs cannot be told.
    """
    found = _undone(datastore, environment)
    return found if isinstance(found, TridentError) else None


def _may_be_cut_off(datastore: Datastore) -> bool:
    """Whether the running system may be half-way; a datastore that cannot even be read does not deny it."""
    try:
        return was_cut_off(datastore.status(), datastore)
    except TridentError:
        return True


def _undone(datastore: Datastore, environment: Environment) -> bool | TridentError:
    status = datastore.status()
    if not has_baseline(status):
        return False
    running = baseline(status)
    left = given_up(running, datastore)
    is_cut_off = was_cut_off(status, datastore)
    if not (is_cut_off or left):
        return False
    back = way_back(status, unsettled(status, datastore))
    refuse_other_volume(back.desired, running, back.facts)
    _log.warning("Finalizing was cut off before; the running system is brought back first.")
    is_back = False
    try:
        _undo(back, datastore, environment)
        is_back = True
        with datastore.together():
            datastore.note(Operation.FINALIZE, RUNTIME_MARK, "undone")
            if is_cut_off:
                record.finalizing(datastore, cut_off=True)
            settle(left, datastore)
    except Exception as found:  # noqa: BLE001  (a defect in undoing must not stand in the way for ever)
        error = _as_error(found)
        _tell_end_of_undo(error, is_back)
        environment.progress(Undone(str(back.servicing_type), "done" if is_back else "failed"))
        return error
    environment.progress(Undone(str(back.servicing_type), "done"))
    return True


def _undo_after(
    failure: BaseException,
    situation: Situation,
    left: tuple[HistoryEntry, ...],
    datastore: Datastore,
    environment: Environment,
) -> None:
    """Undo, and tell in ``failure`` how that went.

    Nothing that undoing needs is read from the datastore now: that it fails may be why there is to undo.
    """
    _log.warning("Finalizing failed; the running system is brought back to what it was: %s", failure)
    status, kind = situation.status, str(situation.servicing_type)
    back_from = (status.spec, *situation.unsettled)
    is_back = False
    try:
        with interrupts_held_back():
            _undo(way_back(status, back_from), datastore, environment)
            is_back = True
            known = _known(failure)
            with datastore.together():
                end = EntryState.FAILED if known else EntryState.INTERRUPTED
                record.move(datastore, baseline(status), end, error=known)
                datastore.note(Operation.FINALIZE, RUNTIME_MARK, "undone")
                settle(left, datastore)
    except Exception as found:  # noqa: BLE001  (a defect in undoing must not hide what it came after)
        second = _as_error(found)
        environment.progress(Undone(kind, "done" if is_back else "failed"))
        if not isinstance(failure, TridentError):
            _tell_end_of_undo(second, is_back)
            raise second from second.__cause__
        if is_back:
            failure.reword(f"{failure.message} {_UNRECORDED}: {second.message}")
            failure.hint = _hints(failure.hint, second.hint, _RECORDED_LATER)
        else:
            failure.reword(
                f"{failure.message} Undoing it failed, too, and the host is half-way: {second.message}"
            )
            failure.hint = _TRY_AGAIN
    else:
        environment.progress(Undone(kind, "done"))
        if isinstance(failure, TridentError):
            failure.reword(f"{failure.message} The host was brought back to what it was.")


_TRY_AGAIN = (
    "Correct what stands against undoing it, then run 'trident commit', which tries again. Or run 'trident "
    "update': an A/B update does not depend on it, and a runtime update goes on from where the host is."
)
_UNRECORDED = "The host was brought back to what it was, but that cannot be recorded"
_RECORDED_LATER = (
    "Or run 'trident commit' then, which records it. Until then 'trident get' calls the servicing staged."
)


def _tell_end_of_undo(error: TridentError, is_back: bool) -> None:
    """Say in ``error``, which ended an undo, what that means for the host."""
    if is_back:
        error.reword(f"Finalizing was cut off. {_UNRECORDED}: {error.message}")
        error.hint = _hints(error.hint, _RECORDED_LATER)
    else:
        error.reword(f"Finalizing was cut off and cannot be undone, so the host is half-way: {error.message}")
        error.hint = _hints(error.hint, _TRY_AGAIN)


def _hints(*hints: str | None) -> str:
    """Each of them once."""
    return " ".join(dict.fromkeys(hint for hint in hints if hint))


def _as_error(found: Exception) -> TridentError:
    return found if isinstance(found, TridentError) else unexpected(found)


def _known(failure: BaseException) -> TridentError | None:
    """What the history tells of a failure; ``None`` for an interrupt, which is none."""
    return _as_error(failure) if isinstance(failure, Exception) else None


def way_back(status: HostStatus, left: tuple[Mapping[str, Any], ...]) -> Situation:
    """The servicing with old and new exchanged: what was being brought about counts as what runs.

    Args:
        status: the newest one.
        left: as :func:`trident.servicing.half_way.unsettled` gives it; not empty.
    """
    running = baseline(status)
    old = configuration_from(running.spec)
    facts = gather_facts(old, status.partition_paths)
    waiting = pending(status)
    kind = waiting.servicing_type if waiting is not None else ServicingType.RUNTIME_UPDATE
    if kind not in CHANGE_WHAT_RUNS:
        kind = ServicingType.RUNTIME_UPDATE  # What waits was staged after that had been given up.
    return Situation(kind, old, running.evolve(spec=left[0]), facts, unsettled=left[1:])


def undoing_steps(back: Situation) -> tuple[Step, ...]:
    """The finalize of a way back, without health checks: they judge what comes, not what was."""
    steps = compile_plan(back).steps_of({Operation.FINALIZE})
    return tuple(step for step in steps if step.phase is Phase.FINALIZE)


def _undo(back: Situation, datastore: Datastore, environment: Environment) -> None:
    session = Session.resumed(back, datastore, environment.progress)
    execute_all(undoing_steps(back), session, datastore)
