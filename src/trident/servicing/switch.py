"""Finalizing a servicing that switches volumes: the firmware is told to boot the other one, once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from trident.errors import TridentError
from trident.host.efi import EfiVariables
from trident.host.process import interrupts_held_back
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import NOT_WHOLE, Operation
from trident.progress import silent
from trident.servicing import record
from trident.servicing.compile import compile_plan
from trident.servicing.confirm import confirm
from trident.servicing.environment import configuration_from
from trident.servicing.execute import execute
from trident.servicing.gather import gather_facts
from trident.servicing.half_way import give_up, was_cut_off
from trident.servicing.pending import FINALIZED, STAGED, baseline, pending
from trident.servicing.volumes import refuse_running_target
from trident.state.history import EntryState
from trident.subsystems.boot import keep_from_booting, point_fallback_at_running

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.plan.plan import Plan
    from trident.servicing.environment import Environment
    from trident.state.datastore import Datastore
    from trident.state.status import HostStatus, ServicingType

FINALIZE_MARK = "finalize"
"""The journal's line for finalizing as a whole, beside those of its steps."""


def finalize_switch(
    servicing_type: ServicingType,
    desired: HostConfiguration,
    datastore: Datastore,
    environment: Environment,
    plan: Plan | None = None,
) -> Plan:
    """Tell the firmware to boot the other volume once.

    ``plan`` is the one that staging was part of; what was staged before gets one of its own.

    The status says "finalized" before BootNext is set. Power lost in between boots the running system,
    where commit finds in the journal that finalizing never ended and goes back to "staged".

    Raises:
        TridentError: BootNext is not set, and the status is "staged" again, or that of the running system if
            what was staged is not whole; where the firmware or the datastore refuse even that, the status
            stays "finalized", and commit sorts it out.
    """
    status = datastore.status()
    situation = Situation(servicing_type, desired, status, gather_facts(desired, status.partition_paths))
    refuse_running_target(situation)
    if plan is None:
        plan = compile_plan(situation)
        confirm(situation, plan, environment, {Operation.FINALIZE})
    datastore.note(Operation.FINALIZE, FINALIZE_MARK, "begin")
    record.move(datastore, status.evolve(servicing_state=FINALIZED[servicing_type]))
    try:
        session = Session.resumed(situation, datastore, environment.progress)
        session.seals = record.seals_for(situation, datastore)
        with record.accounted(Operation.FINALIZE, session, datastore):
            execute(plan.steps_of({Operation.FINALIZE}), session, datastore)
        datastore.note(Operation.FINALIZE, FINALIZE_MARK, "done")
        environment.settled()
    except BaseException as error:
        # BootNext is set last, so it is rarely there; if it is, it must not outlive the status.
        with interrupts_held_back(), contextlib.suppress(TridentError):
            EfiVariables().clear_boot_next()
            with contextlib.suppress(TridentError):
                keep_running_first(situation, datastore)
            _take_back(status, servicing_type, datastore, error)
        raise
    return plan


def _take_back(
    status: HostStatus, servicing_type: ServicingType, datastore: Datastore, error: BaseException
) -> None:
    if isinstance(error, TridentError) and error.code == NOT_WHOLE:
        record.move(datastore, baseline(status), EntryState.FAILED, error=error)
    else:
        record.move(datastore, status.evolve(servicing_state=STAGED[servicing_type]))


def withdraw(status: HostStatus, running: HostStatus, datastore: Datastore) -> None:
    """Take back what is pending, before its volume is written again or because it is not wanted any more.

    From here on neither firmware nor status may lead to that volume: the firmware's side goes first, then
    the status. A commit that was cut off may even have put that volume first in the order.

    Args:
        status: the newest one.
        running: the status of what runs, see :func:`trident.servicing.pending.baseline`.
        datastore: where the status is recorded.
    """
    waiting = pending(status)
    if waiting is None:
        return
    if waiting.finalized:
        desired = configuration_from(status.spec)
        facts = gather_facts(desired, status.partition_paths)
        keep_running_first(Situation(waiting.servicing_type, desired, status, facts), datastore)
    record.move(datastore, running, EntryState.WITHDRAWN)


def give_up_or_withdraw(
    status: HostStatus, running: HostStatus, datastore: Datastore, half_way: TridentError | None
) -> None:
    """Make room for another servicing; what was cut off and cannot be undone is given up.

    Args:
        status: the newest one.
        running: the status of what runs.
        datastore: where the status is recorded.
        half_way: why it cannot be undone, if anything was cut off.
    """
    if half_way is not None and was_cut_off(status, datastore):
        give_up(running, datastore, half_way)
    else:
        withdraw(status, running, datastore)


def reopened(status: HostStatus, servicing_type: ServicingType, datastore: Datastore) -> bool:
    """Call a servicing staged again whose finalize was cut off while the host went on running.

    Host Status says "finalized" before BootNext is set, and a run that was killed cannot take that back.

    Args:
        status: the newest one; it says that the servicing is finalized.
        servicing_type: its kind.
        datastore: open for writing.

    Returns:
        Whether it was cut off; from here on the status is "staged", and what runs is what boots.

    Raises:
        TridentError: the firmware, the ESP or the datastore cannot be written, or the other volume runs.
    """
    if datastore.last_journal_event(Operation.FINALIZE, FINALIZE_MARK) != "begin":
        return False
    desired = configuration_from(status.spec)
    situation = Situation(servicing_type, desired, status, gather_facts(desired, status.partition_paths))
    refuse_running_target(situation)
    keep_running_first(situation, datastore)
    record.move(datastore, status.evolve(servicing_state=STAGED[servicing_type]))
    return True


def keep_running_first(situation: Situation, datastore: Datastore) -> None:
    """See that what runs is also what boots by itself: by BootNext, by the order and by the fallback path.

    Args:
        situation: of a servicing that switches volumes; its target volume is the one that does not run.
        datastore: open for writing.

    Raises:
        Servicing: the firmware or the ESP cannot be written.
    """
    keep_from_booting(EfiVariables(), situation.status.install_index, situation.target_volume)
    session = Session.resumed(situation, datastore, silent)
    execute(point_fallback_at_running(situation), session, datastore)
