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
from trident.servicing import record
from trident.servicing.compile import compile_plan
from trident.servicing.confirm import confirm
from trident.servicing.environment import configuration_from
from trident.servicing.execute import execute
from trident.servicing.forget import forget_extensions
from trident.servicing.gather import gather_facts
from trident.servicing.pending import baseline
from trident.servicing.volumes import refuse_other_volume
from trident.state.history import EntryState
from trident.state.status import ServicingState, ServicingType

if TYPE_CHECKING:
    from trident.plan.plan import Plan
    from trident.plan.step import Step
    from trident.servicing.environment import Environment
    from trident.state.datastore import Datastore
    from trident.state.status import HostStatus

_log = logging.getLogger(__name__)

RUNTIME_MARK = "finalize-runtime"
"""The journal's line for finalizing as a whole: between ``begin`` and ``done`` or ``undone`` the running
system may be anything between the two configurations."""

_CHANGE_WHAT_RUNS = {
    ServicingState.RUNTIME_UPDATE_STAGED: ServicingType.RUNTIME_UPDATE,
    ServicingState.MANUAL_ROLLBACK_RUNTIME_STAGED: ServicingType.MANUAL_ROLLBACK_RUNTIME,
}


def finalize_running(
    servicing_type: ServicingType, datastore: Datastore, environment: Environment, plan: Plan | None = None
) -> Plan:
    """Bring the running system to the staged configuration, health checks included.

    ``plan`` is the one that staging was part of; what was staged before gets one of its own.

    Raises:
        TridentError: the running system is as it was before, and so is its status; if even undoing failed,
            the message says so, the status stays "staged", and the next verb undoes it first.
    """
    status = datastore.status()
    desired = configuration_from(status.spec)
    situation = Situation(servicing_type, desired, status, gather_facts(desired, status.partition_paths))
    refuse_other_volume(desired, baseline(status), situation.facts)
    if plan is None:
        plan = compile_plan(situation)
        confirm(situation, plan, environment, {Operation.FINALIZE})
    steps = plan.steps_of({Operation.FINALIZE})
    session = Session.resumed(situation, datastore, environment.progress)
    session.seals = record.seals_for(situation, datastore)
    _look_at_what_was_staged(tuple(step for step in steps if step.phase < Phase.FINALIZE), session, datastore)
    with datastore.together():
        datastore.note(Operation.FINALIZE, RUNTIME_MARK, "begin")
        record.finalizing(datastore)
    try:
        with record.accounted(Operation.FINALIZE, session, datastore):
            execute(tuple(step for step in steps if step.phase >= Phase.FINALIZE), session, datastore)
        done = status.evolve(spec_old={}, servicing_state=ServicingState.PROVISIONED, last_error=None)
        with datastore.together():
            record.move(datastore, done, EntryState.SUCCEEDED)
            datastore.note(Operation.FINALIZE, RUNTIME_MARK, "done")
    except BaseException as error:
        # An interrupt may come when the success is recorded already; what is recorded counts.
        if was_cut_off(datastore.status(), datastore):
            _undo_after(error, status, datastore, environment)
        raise
    forget_extensions(datastore)
    return plan


def was_cut_off(status: HostStatus, datastore: Datastore) -> bool:
    """Whether finalizing ended neither well nor badly, so that the running system may be half-way."""
    return (
        status.servicing_state in _CHANGE_WHAT_RUNS
        and datastore.last_journal_event(Operation.FINALIZE, RUNTIME_MARK) == "begin"
    )


def undo_what_was_cut_off(datastore: Datastore, environment: Environment) -> bool:
    """Bring the running system back if an earlier finalize was cut off; whether there was anything to undo.

    What was staged stays staged.

    Raises:
        TridentError: it could not be undone; the next verb tries again. ``validate-ab-active-volume`` if the
            other volume was booted since: its system has nothing to do with it.
    """
    status = datastore.status()
    if not was_cut_off(status, datastore):
        return False
    back = _way_back(status)
    refuse_other_volume(back.desired, baseline(status), back.facts)
    _log.warning("Finalizing was cut off before; the running system is brought back first.")
    try:
        _undo(back, datastore, environment)
    except TridentError as error:
        _tell_half_way(error)
        raise
    with datastore.together():
        datastore.note(Operation.FINALIZE, RUNTIME_MARK, "undone")
        record.finalizing(datastore, cut_off=True)
    return True


def _look_at_what_was_staged(steps: tuple[Step, ...], session: Session, datastore: Datastore) -> None:
    try:
        execute(steps, session, datastore)
    except TridentError as error:
        if error.code == NOT_WHOLE:
            record.move(datastore, baseline(datastore.status()), EntryState.FAILED, error=error)
        raise


def _undo_after(
    failure: BaseException, status: HostStatus, datastore: Datastore, environment: Environment
) -> None:
    """Undo, and tell in ``failure`` how that went."""
    _log.warning("Finalizing failed; the running system is brought back to what it was: %s", failure)
    try:
        with interrupts_held_back():
            _undo(_way_back(status), datastore, environment)
            known = _known(failure)
            with datastore.together():
                end = EntryState.FAILED if known else EntryState.INTERRUPTED
                record.move(datastore, baseline(status), end, error=known)
                datastore.note(Operation.FINALIZE, RUNTIME_MARK, "undone")
    except TridentError as second:
        if not isinstance(failure, TridentError):
            _tell_half_way(second)
            raise
        failure.reword(
            f"{failure.message} Undoing it failed, too, and the host is half-way: {second.message}"
        )
        failure.hint = _TRY_AGAIN
    else:
        if isinstance(failure, TridentError):
            failure.reword(f"{failure.message} The host was brought back to what it was.")


_TRY_AGAIN = "Correct what stands against undoing it, then run 'trident commit', which tries again."


def _tell_half_way(error: TridentError) -> None:
    """Say in ``error``, which ended an undo, what that means for the host."""
    error.reword(f"Finalizing was cut off and cannot be undone, so the host is half-way: {error.message}")
    error.hint = f"{error.hint} {_TRY_AGAIN}" if error.hint else _TRY_AGAIN


def _known(failure: BaseException) -> TridentError | None:
    """What the history tells of a failure; ``None`` for an interrupt, which is none."""
    if isinstance(failure, TridentError):
        return failure
    return unexpected(failure) if isinstance(failure, Exception) else None


def _way_back(status: HostStatus) -> Situation:
    """The servicing with old and new exchanged: what is staged counts as what runs."""
    running = baseline(status)
    old = configuration_from(running.spec)
    facts = gather_facts(old, status.partition_paths)
    kind = _CHANGE_WHAT_RUNS[status.servicing_state]
    return Situation(kind, old, running.evolve(spec=status.spec), facts)


def _undo(back: Situation, datastore: Datastore, environment: Environment) -> None:
    """Carry out the finalize of the way back, without health checks: they judge what comes, not what was."""
    steps = compile_plan(back).steps_of({Operation.FINALIZE})
    session = Session.resumed(back, datastore, environment.progress)
    execute(tuple(step for step in steps if step.phase is Phase.FINALIZE), session, datastore)
