"""``trident rollback``: go back to what the host was before its last update, or its last A/B update."""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, TridentError
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import Operation
from trident.servicing import record
from trident.servicing.alone import alone
from trident.servicing.compile import compile_plan, refuse
from trident.servicing.confirm import confirm
from trident.servicing.environment import Environment, Outcome, configuration_from
from trident.servicing.execute import recording_errors
from trident.servicing.gather import gather_facts, require_root, require_tools
from trident.servicing.half_way import unsettled_by
from trident.servicing.pending import ROLLBACKS, Pending, baseline, pending
from trident.servicing.provisioned import open_provisioned
from trident.servicing.runtime import finalize_running, try_to_undo
from trident.servicing.switch import finalize_switch, give_up_or_withdraw, reopened, withdraw
from trident.servicing.update import stage
from trident.servicing.volumes import refuse_other_volume, refuse_running_target, volume_name
from trident.state.chain import RollbackItem, RollbackKind, rollback_chain
from trident.state.status import HostStatus, ServicingType

if TYPE_CHECKING:
    from trident.plan.plan import Plan
    from trident.state.datastore import Datastore

_TYPES = {
    RollbackKind.AB: ServicingType.MANUAL_ROLLBACK_AB,
    RollbackKind.RUNTIME: ServicingType.MANUAL_ROLLBACK_RUNTIME,
}
_STAGED = "The rollback is staged. 'trident rollback --allowed-operations finalize' carries it out."
NONE = "none"
"""What :func:`check` says where there is nothing to roll back."""


class Wish(enum.Enum):
    """Which rollback a caller wants."""

    NEXT = "next"
    AB = "ab"
    RUNTIME = "runtime"


def check(wish: Wish, environment: Environment) -> str:
    """What ``trident rollback`` would undo: ``ab``, ``runtime`` or ``none``. Changes nothing.

    A rollback that is staged already counts as not begun: staging again replaces it.

    Raises:
        InvalidInput: what ``trident rollback`` is refused with in this state: ``invalid-rollback-state``,
            ``invalid-rollback-expectation``, ``host-not-provisioned``.
        Initialization: the datastore cannot be read.
    """
    require_root()
    with open_provisioned(environment, read_only=True) as datastore:
        status = datastore.status()
        _refuse_update(status, besides=ROLLBACKS)
        item = chosen(wish, rollback_chain(baseline(status), datastore.history.entries()))
        return NONE if item is None else str(item.kind)


def rollback(wish: Wish, operations: Collection[Operation], environment: Environment) -> Outcome:
    """Stage and finalize the rollback of the last update.

    A runtime update is undone on the running system; an A/B update by booting the other volume, which still
    holds what ran before.

    Args:
        wish: which one; for an earlier stage that is finalized now it is not asked again (as upstream).
        operations: stage, finalize or both.
        environment: where state lies and progress goes.

    Raises:
        InvalidInput: ``invalid-rollback-state`` if an update is under way, ``invalid-rollback-expectation``
            if something else than the wish is next, ``finalize-before-stage``.
        TridentError: what runs and the boot order are as before; ``lastError`` says what happened.
    """
    require_root()
    with (
        alone("rollback", environment),
        open_provisioned(environment) as datastore,
        recording_errors(datastore, "rollback"),
    ):
        half_way = try_to_undo(datastore, environment)
        return _rollback(wish, operations, datastore, environment, half_way)


def chosen(wish: Wish, chain: Collection[RollbackItem]) -> RollbackItem | None:
    """The rollback of the chain that is wished for; ``None`` if there is none at all.

    Raises:
        InvalidInput: ``invalid-rollback-expectation`` (upstream: the same name).
    """
    items = tuple(chain)
    if not items:
        return None
    if wish is Wish.AB:
        found = next((item for item in items if item.kind is RollbackKind.AB), None)
        if found is None:
            raise _not_as_expected("No A/B update can be undone on this host.", "--ab")
        return found
    if wish is Wish.RUNTIME and items[0].kind is not RollbackKind.RUNTIME:
        raise _not_as_expected("The last update was an A/B update; undoing it takes a reboot.", "--runtime")
    return items[0]


def _not_as_expected(message: str, option: str) -> InvalidInput:
    return InvalidInput(
        "invalid-rollback-expectation",
        message,
        hint=f"Leave out {option} to undo the last update, or look at 'trident get rollback-chain'.",
    )


def _rollback(
    wish: Wish,
    operations: Collection[Operation],
    datastore: Datastore,
    environment: Environment,
    half_way: TridentError | None,
) -> Outcome:
    status = datastore.status()
    waiting = pending(status)
    if half_way is not None and not _leads_out(wish, operations, waiting):
        raise half_way
    _refuse_update(
        status, besides=ROLLBACKS if half_way is None else {*ROLLBACKS, ServicingType.RUNTIME_UPDATE}
    )
    running = baseline(status)
    plan: Plan | None = None
    if waiting is not None and waiting.finalized:
        if Operation.FINALIZE not in operations:
            if reopened(status, waiting.servicing_type, datastore):
                return _outcome(waiting.servicing_type, _STAGED)
            return _outcome(waiting.servicing_type, "The rollback is finalized; the host boots it next.")
    elif Operation.STAGE in operations:
        item = chosen(wish, rollback_chain(running, datastore.history.entries()))
        if item is None:
            if half_way is not None:
                raise half_way
            withdraw(status, running, datastore)
            return _outcome(ServicingType.NO_ACTIVE_SERVICING, "There is nothing to roll back to.")
        plan = _stage(item, operations, datastore, environment, half_way)
        waiting = pending(datastore.status())
    if waiting is None:
        raise InvalidInput(
            "finalize-before-stage",
            "There is no staged rollback to finalize.",
            hint="Run 'trident rollback' with stage among --allowed-operations first.",
        )
    if Operation.FINALIZE not in operations:
        return _outcome(waiting.servicing_type, _STAGED, plan)
    return _finalize(waiting.servicing_type, datastore, environment, plan)


def _refuse_update(status: HostStatus, besides: Collection[ServicingType]) -> None:
    """Refuse a rollback where an update waits.

    Args:
        status: the newest one.
        besides: what may wait.

    Raises:
        InvalidInput: ``invalid-rollback-state`` (upstream: the same name).
    """
    waiting = pending(status)
    if waiting is not None and waiting.servicing_type not in besides:
        raise InvalidInput(
            "invalid-rollback-state",
            f"An update waits on this host ('{status.servicing_state}').",
            hint="Complete it with 'trident update --allowed-operations finalize', or withdraw it: give "
            "'trident update' the Host Configuration that the host runs ('specOld' in 'trident get status').",
        )


def _leads_out(wish: Wish, operations: Collection[Operation], waiting: Pending | None) -> bool:
    """Whether a rollback may go on where what was cut off cannot be undone.

    Booting the other volume does not depend on it, and a rollback that was cut off itself may go on. An
    update that was cut off is what a rollback of the running system would undo, and just that has failed.
    """
    if wish is Wish.AB and Operation.STAGE in operations:
        return True
    return waiting is not None and waiting.servicing_type in ROLLBACKS


def _stage(
    item: RollbackItem,
    operations: Collection[Operation],
    datastore: Datastore,
    environment: Environment,
    half_way: TridentError | None,
) -> Plan:
    status = datastore.status()
    running = baseline(status)
    current, desired = configuration_from(running.spec), configuration_from(item.spec)
    facts = gather_facts(desired, running.partition_paths)
    refuse_other_volume(current, running, facts)
    kind = _TYPES[item.kind]
    unsettled = unsettled_by(kind, status, datastore)
    situation = Situation(kind, desired, running, facts, unsettled=unsettled)
    plan = compile_plan(situation)
    refuse(situation, plan)
    if situation.switches:
        refuse_running_target(situation)
    require_tools(situation)
    confirm(situation, plan, environment, operations)
    give_up_or_withdraw(status, running, datastore, half_way)
    session = Session.resumed(situation, datastore, environment.progress)
    session.seals = record.seals_for(situation, datastore)
    stage(plan, session)
    return plan


def _finalize(
    servicing_type: ServicingType, datastore: Datastore, environment: Environment, plan: Plan | None
) -> Outcome:
    if servicing_type is ServicingType.MANUAL_ROLLBACK_RUNTIME:
        plan = finalize_running(servicing_type, datastore, environment, plan)
        return _outcome(servicing_type, "The last runtime update is undone.", plan)
    status = datastore.status()
    desired = configuration_from(status.spec)
    plan = finalize_switch(servicing_type, desired, datastore, environment, plan)
    back_to = volume_name(status.ab_active_volume.other) if status.ab_active_volume else "the other volume"
    return Outcome(
        servicing_type,
        needs_reboot=True,
        summary=f"The rollback is finalized; the host boots {back_to} next and commits it after that boot.",
        plan=plan,
    )


def _outcome(servicing_type: ServicingType, summary: str, plan: Plan | None = None) -> Outcome:
    return Outcome(servicing_type, needs_reboot=False, summary=summary, plan=plan)
