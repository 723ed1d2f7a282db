"""``trident update``: bring a provisioned machine to a new Host Configuration."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from trident.config.load import require_valid
from trident.errors import InvalidInput, TridentError
from trident.host.efi import EfiVariables
from trident.plan.session import Session
from trident.plan.situation import Facts, Situation
from trident.plan.step import Operation
from trident.servicing.compile import compile_plan, refuse
from trident.servicing.confirm import confirm
from trident.servicing.environment import Environment, Outcome, configuration_from
from trident.servicing.execute import execute, recording_errors
from trident.servicing.gather import gather_facts, open_image, require_root, require_tools
from trident.servicing.select import select_update
from trident.servicing.volumes import refuse_other_volume, refuse_running_target
from trident.state.datastore import Datastore
from trident.state.lock import servicing_lock
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.subsystems.boot import keep_from_booting

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.image.cosi.reader import Cosi
    from trident.plan.plan import Plan

NOTHING_TO_DO = Outcome(
    ServicingType.NO_ACTIVE_SERVICING,
    needs_reboot=False,
    summary="The host already is what the Host Configuration says. Nothing to do.",
)
# The journal's line for finalizing as a whole, beside those of its steps.
FINALIZE_MARK = "finalize"
_PENDING = {ServicingState.AB_UPDATE_STAGED, ServicingState.AB_UPDATE_FINALIZED}
# States for which ``baseline`` knows what runs.
BASELINES = _PENDING | {ServicingState.PROVISIONED}


def update(
    configuration: HostConfiguration, operations: Collection[Operation], environment: Environment
) -> Outcome:
    """Stage and finalize the update that leads from the host's state to ``configuration``.

    Args:
        configuration: a valid Host Configuration; without a ``storage`` section the present one is kept.
        operations: stage, finalize or both; finalize alone completes an earlier stage.
        environment: where state lies and progress goes.

    Raises:
        TridentError: the running system and its boot order are as before; ``lastError`` in Host Status
            says what happened.
    """
    require_root()
    with (
        servicing_lock("update", environment.lock),
        open_provisioned(environment) as datastore,
        recording_errors(datastore, "update"),
    ):
        return _update(configuration, operations, datastore, environment)


def open_provisioned(environment: Environment) -> Datastore:
    """The datastore of a host that Trident has installed.

    Raises:
        InvalidInput: ``host-not-provisioned`` if there is none.
    """
    try:
        return Datastore.open(environment.datastore_path)
    except TridentError as error:
        if error.code != "datastore-not-found":
            raise
        raise InvalidInput(
            "host-not-provisioned",
            f"This host was not installed by Trident: there is no datastore at {environment.datastore_path}.",
            hint="Install it with 'trident install' from a servicing OS first.",
        ) from None


def baseline(status: HostStatus) -> HostStatus:
    """The status of the system that runs now: what a staged or finalized update would replace.

    Raises:
        InvalidInput: ``host-not-provisioned`` if no install was committed yet.
    """
    if status.servicing_state in _PENDING:
        return status.evolve(spec=status.spec_old, spec_old={}, servicing_state=ServicingState.PROVISIONED)
    if status.servicing_state is ServicingState.PROVISIONED:
        return status
    waits_for_commit = status.servicing_state is ServicingState.CLEAN_INSTALL_FINALIZED
    raise InvalidInput(
        "host-not-provisioned",
        f"This host cannot be updated: its servicing state is '{status.servicing_state}'.",
        hint="Run 'trident commit' first."
        if waits_for_commit
        else "Install it with 'trident install' from a servicing OS first.",
    )


def complete_storage(configuration: HostConfiguration, running: HostConfiguration) -> HostConfiguration:
    """``configuration`` with the running storage section if it names none (upstream does the same).

    Raises:
        InvalidInput: ``invalid-host-configuration-static`` if the two do not fit each other.
    """
    if configuration.storage != type(configuration.storage)():
        return configuration
    completed = configuration.evolve(storage=running.storage)
    require_valid(completed, "with the storage of the running host")
    return completed


def _update(
    configuration: HostConfiguration,
    operations: Collection[Operation],
    datastore: Datastore,
    environment: Environment,
) -> Outcome:
    status = datastore.status()
    running = baseline(status)
    current = configuration_from(running.spec)
    desired = complete_storage(configuration, current)
    facts = gather_facts(desired, running.partition_paths)
    # After the boot into an update and before its commit, the status of what runs is not the baseline.
    refuse_other_volume(current, running, facts)
    staged = status.servicing_state in _PENDING and status.spec == desired.to_document()
    plan: Plan | None = None
    if not staged:
        if Operation.STAGE not in operations:
            if Operation.FINALIZE in operations:
                raise InvalidInput(
                    "finalize-before-stage",
                    "There is no staged update to this Host Configuration to finalize.",
                    hint="Run 'trident update' with stage among --allowed-operations first.",
                )
            return NOTHING_TO_DO
        servicing_type, changes = select_update(current, desired)
        if servicing_type is ServicingType.NO_ACTIVE_SERVICING:
            _withdraw(status, running, datastore)
            return NOTHING_TO_DO
        with open_image(desired) as cosi:
            situation = Situation(servicing_type, desired, running, facts, cosi.metadata)
            plan = compile_plan(situation, changes)
            refuse(situation, plan)
            refuse_running_target(situation)
            require_tools(situation)
            confirm(situation, plan, environment, operations)
            keep_from_booting(EfiVariables(), running.install_index, situation.target_volume)
            _withdraw(status, running, datastore)
            status = _stage(plan, situation, cosi, datastore, environment)
    if Operation.FINALIZE not in operations:
        return Outcome(
            ServicingType.AB_UPDATE,
            needs_reboot=False,
            summary="The update is finalized already; the host boots it next."
            if status.servicing_state is ServicingState.AB_UPDATE_FINALIZED
            else "The update is staged. 'trident update --allowed-operations finalize' boots into it.",
            plan=plan,
        )
    plan = finalize(desired, status, datastore, environment, plan)
    return Outcome(
        ServicingType.AB_UPDATE,
        needs_reboot=True,
        summary="The update is finalized; the host boots it next and commits it after that boot.",
        plan=plan,
    )


def _withdraw(status: HostStatus, running: HostStatus, datastore: Datastore) -> None:
    """Take back a pending update, before its volume is written again or because it is not wanted any more.

    From here on neither firmware nor status may lead to that volume: BootNext goes first, then the status.
    """
    if status.servicing_state not in _PENDING:
        return
    if status.servicing_state is ServicingState.AB_UPDATE_FINALIZED:
        EfiVariables().clear_boot_next()
    datastore.record(running)


def _stage(
    plan: Plan, situation: Situation, cosi: Cosi, datastore: Datastore, environment: Environment
) -> HostStatus:
    running = situation.status
    session = Session.resumed(situation, datastore, environment.progress, cosi)
    execute(plan.steps_of({Operation.STAGE}), session, datastore)
    return datastore.record(
        running.evolve(
            spec=situation.desired.to_document(),
            spec_old=running.spec,
            servicing_state=ServicingState.AB_UPDATE_STAGED,
            last_error=None,
        )
    )


def finalize(
    desired: HostConfiguration,
    status: HostStatus,
    datastore: Datastore,
    environment: Environment,
    plan: Plan | None = None,
) -> Plan:
    """Tell the firmware to boot the staged system once.

    ``plan`` is the one that staging was part of; an update that was staged before gets one of its own.

    The status says "finalized" before BootNext is set. Power lost in between boots the old system,
    where commit finds in the journal that finalizing never ended and goes back to "staged".

    Raises:
        TridentError: BootNext is not set, and the status is "staged" again; where the firmware or the
            datastore refuse even that, the status stays "finalized", and commit sorts it out.
    """
    facts: Facts = gather_facts(desired, status.partition_paths)
    situation = Situation(ServicingType.AB_UPDATE, desired, status, facts)
    refuse_running_target(situation)
    if plan is None:
        plan = compile_plan(situation)
        confirm(situation, plan, environment, {Operation.FINALIZE})
    staged = status.evolve(servicing_state=ServicingState.AB_UPDATE_STAGED)
    datastore.note(Operation.FINALIZE, FINALIZE_MARK, "begin")
    datastore.record(status.evolve(servicing_state=ServicingState.AB_UPDATE_FINALIZED))
    try:
        session = Session.resumed(situation, datastore, environment.progress)
        execute(plan.steps_of({Operation.FINALIZE}), session, datastore)
        datastore.note(Operation.FINALIZE, FINALIZE_MARK, "done")
    except BaseException:
        # BootNext is set last, so it is rarely there; if it is, it must not outlive the status.
        with contextlib.suppress(TridentError):
            EfiVariables().clear_boot_next()
            datastore.record(staged)
        raise
    return plan
