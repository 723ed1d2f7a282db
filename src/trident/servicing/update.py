"""``trident update``: bring a provisioned machine to a new Host Configuration."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING

from trident.config.load import require_valid
from trident.errors import InvalidInput, TridentError
from trident.host.efi import EfiVariables
from trident.plan.seals import IMAGE_SEAL
from trident.plan.session import Session
from trident.plan.situation import Facts, Situation
from trident.plan.step import Operation
from trident.progress import ServicingSelected
from trident.servicing import record
from trident.servicing.alone import alone
from trident.servicing.compile import compile_plan, refuse
from trident.servicing.confirm import confirm
from trident.servicing.environment import Environment, Outcome, configuration_from
from trident.servicing.execute import execute, recording_errors
from trident.servicing.forget import forget_extensions
from trident.servicing.gather import (
    gather_facts,
    open_image,
    require_root,
    require_tools,
    with_extension_sizes,
)
from trident.servicing.half_way import unsettled_by
from trident.servicing.pending import ROLLBACKS, STAGED, UPDATES, Pending, baseline, pending
from trident.servicing.provisioned import open_provisioned
from trident.servicing.runtime import finalize_running, try_to_undo
from trident.servicing.select import select_update
from trident.servicing.switch import finalize_switch, give_up_or_withdraw, reopened, withdraw
from trident.servicing.volumes import refuse_other_volume, refuse_running_target
from trident.state.datastore import Datastore
from trident.state.status import HostStatus, ServicingType
from trident.subsystems.boot import keep_from_booting

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.image.cosi.reader import Cosi
    from trident.plan.plan import Plan
    from trident.plan.situation import Change

NOTHING_TO_DO = Outcome(
    ServicingType.NO_ACTIVE_SERVICING,
    needs_reboot=False,
    summary="The host already is what the Host Configuration says. Nothing to do.",
)


def update(
    configuration: HostConfiguration, operations: Collection[Operation], environment: Environment
) -> Outcome:
    """Stage and finalize the update that leads from the host's state to ``configuration``.

    The least disruptive kind that covers every change is taken: a runtime update, or an A/B update. Both
    are possible too where an earlier servicing was cut off and cannot be undone.

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
        alone("update", environment),
        open_provisioned(environment) as datastore,
        recording_errors(datastore, "update"),
    ):
        half_way = try_to_undo(datastore, environment)
        return _Update.of(configuration, datastore, environment, half_way).carry_out(operations)


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


def stage(plan: Plan, session: Session) -> None:
    """Carry out the stage of a servicing of a provisioned host, and record it.

    Args:
        plan: the servicing.
        session: its situation has the status of what runs; the datastore is open.

    Raises:
        TridentError: nothing is staged; what runs is as before.
    """
    situation, datastore = session.situation, session.open_datastore()
    record.begin(situation, datastore)
    with record.accounted(Operation.STAGE, session, datastore):
        execute(plan.steps_of({Operation.STAGE}), session, datastore)
    if session.cosi is not None:
        session.seals[IMAGE_SEAL] = session.cosi.metadata_sha384
    record.staged(
        datastore,
        situation.status.evolve(
            spec=situation.desired.to_document(),
            spec_old=situation.status.spec,
            servicing_state=STAGED[situation.servicing_type],
            last_error=None,
        ),
        session,
    )


@dataclasses.dataclass(frozen=True)
class _Update:
    """One update: where the host stands and where it is to go.

    Attributes:
        status: the newest Host Status.
        running: the status of what runs.
        current: the configuration of what runs.
        desired: the configuration that the host is to have.
        facts: the machine.
        datastore: open for writing.
        environment: where progress goes.
        half_way: why what was cut off cannot be undone, if that is so.
    """

    status: HostStatus
    running: HostStatus
    current: HostConfiguration
    desired: HostConfiguration
    facts: Facts
    datastore: Datastore
    environment: Environment
    half_way: TridentError | None

    @classmethod
    def of(
        cls,
        configuration: HostConfiguration,
        datastore: Datastore,
        environment: Environment,
        half_way: TridentError | None,
    ) -> _Update:
        """Look at the host.

        Raises:
            TridentError: it cannot be updated in the state that it is in.
        """
        status = datastore.status()
        running = baseline(status)
        current = configuration_from(running.spec)
        desired = complete_storage(configuration, current)
        facts = gather_facts(desired, running.partition_paths)
        # After the boot into an update and before its commit, the status of what runs is not the baseline.
        refuse_other_volume(current, running, facts)
        return cls(status, running, current, desired, facts, datastore, environment, half_way)

    def carry_out(self, operations: Collection[Operation]) -> Outcome:
        """Stage if this is not what is staged already, then finalize, as far as that is allowed."""
        waiting, plan = self._waiting(), None
        is_runtime = waiting is not None and waiting.servicing_type is ServicingType.RUNTIME_UPDATE
        if is_runtime and self.half_way is not None and Operation.STAGE in operations:
            waiting = None  # What an earlier stage has brought may be what is lost.
        if waiting is not None and operations == {Operation.STAGE} and self._is_another_image(waiting):
            waiting = None
        if waiting is None:
            if Operation.STAGE not in operations:
                return self._nothing_staged(operations)
            servicing_type, changes = self._selected()
            if servicing_type is ServicingType.NO_ACTIVE_SERVICING:
                return self._nothing_to_do(changes)
            plan = self._stage(servicing_type, changes, operations)
            waiting = Pending(servicing_type)
        if Operation.FINALIZE not in operations:
            again = plan is None
            if waiting.finalized and reopened(self.status, waiting.servicing_type, self.datastore):
                waiting = Pending(waiting.servicing_type)
            return Outcome(
                waiting.servicing_type, needs_reboot=False, summary=_staged(waiting, again), plan=plan
            )
        return self._finalize(waiting.servicing_type, plan)

    def _waiting(self) -> Pending | None:
        """The update to exactly this configuration, if it waits to be finalized."""
        waiting = pending(self.status)
        if waiting is None or waiting.servicing_type not in UPDATES:
            return None
        return waiting if self.status.spec == self.desired.to_document() else None

    def _is_another_image(self, waiting: Pending) -> bool:
        """Whether the URL holds another image than the one that was staged from it: ``ignored`` allows that.

        Finalize does not ask: what was staged is completed without a server.

        Raises:
            TridentError: the image cannot be opened; what was staged still is.
        """
        image = self.desired.image
        if image is None or image.sha384 != "ignored" or waiting != Pending(ServicingType.AB_UPDATE):
            return False
        staged = self.datastore.history.current()
        with open_image(self.desired) as cosi:
            return staged is None or staged.seals.get(IMAGE_SEAL) != cosi.metadata_sha384

    def _nothing_staged(self, operations: Collection[Operation]) -> Outcome:
        if Operation.FINALIZE not in operations:
            return NOTHING_TO_DO
        if self.half_way is not None:
            raise self.half_way
        waiting = pending(self.status)
        rolls_back = waiting is not None and waiting.servicing_type in ROLLBACKS
        raise InvalidInput(
            "finalize-before-stage",
            "There is no staged update to this Host Configuration to finalize.",
            hint="A rollback is staged; 'trident rollback --allowed-operations finalize' completes it."
            if rolls_back
            else "Run 'trident update' with stage among --allowed-operations first.",
        )

    def _selected(self) -> tuple[ServicingType, tuple[Change, ...]]:
        """The kind of update and what decides it, which is told at once."""
        servicing_type, changes = select_update(self.current, self.desired)
        if servicing_type is ServicingType.NO_ACTIVE_SERVICING and self.half_way is not None:
            servicing_type = ServicingType.RUNTIME_UPDATE  # To what it should be already.
        told = tuple(change.to_document() for change in changes)
        self.environment.progress(ServicingSelected(str(servicing_type), told))
        return servicing_type, changes

    def _nothing_to_do(self, changes: tuple[Change, ...]) -> Outcome:
        """Withdraw what waits; nothing of the Host Configuration is dropped without a word."""
        summary = NOTHING_TO_DO.summary
        if changes:
            named = "; ".join(f"{change.field} ({change.reason})" for change in changes)
            summary = (
                f"Nothing to do. Alone it is no reason for an update, so it was not taken over: {named}."
            )
        if pending(self.status) is not None:
            summary += " What was staged before is withdrawn."
        withdraw(self.status, self.running, self.datastore)
        return dataclasses.replace(NOTHING_TO_DO, summary=summary)

    def _stage(
        self, servicing_type: ServicingType, changes: tuple[Change, ...], operations: Collection[Operation]
    ) -> Plan:
        with self._image(servicing_type) as cosi:
            facts = with_extension_sizes(self.facts, self.desired)
            situation = Situation(
                servicing_type,
                self.desired,
                self.running,
                facts,
                cosi.metadata if cosi else None,
                unsettled_by(servicing_type, self.status, self.datastore),
            )
            plan = compile_plan(situation, changes)
            refuse(situation, plan)
            if situation.switches:
                refuse_running_target(situation)
            require_tools(situation)
            confirm(situation, plan, self.environment, operations)
            if situation.switches:
                keep_from_booting(EfiVariables(), self.running.install_index, situation.target_volume)
            give_up_or_withdraw(self.status, self.running, self.datastore, self.half_way)
            forget_extensions(self.datastore, self.desired.to_document())
            stage(plan, Session.resumed(situation, self.datastore, self.environment.progress, cosi))
        return plan

    def _image(self, servicing_type: ServicingType) -> contextlib.AbstractContextManager[Cosi | None]:
        if servicing_type is ServicingType.AB_UPDATE:
            return open_image(self.desired)
        return contextlib.nullcontext()

    def _finalize(self, servicing_type: ServicingType, plan: Plan | None) -> Outcome:
        if servicing_type is ServicingType.RUNTIME_UPDATE:
            plan = finalize_running(servicing_type, self.datastore, self.environment, plan)
            return Outcome(
                servicing_type,
                needs_reboot=False,
                summary="The runtime update is done; the host is what the Host Configuration says.",
                plan=plan,
            )
        plan = finalize_switch(servicing_type, self.desired, self.datastore, self.environment, plan)
        return Outcome(
            servicing_type,
            needs_reboot=True,
            summary="The update is finalized; the host boots it next and commits it after that boot.",
            plan=plan,
        )


def _staged(waiting: Pending, again: bool) -> str:
    if waiting.finalized:
        return "The update is finalized already; the host boots it next."
    is_runtime = waiting.servicing_type is ServicingType.RUNTIME_UPDATE
    what = "The runtime update" if is_runtime else "The update"
    then = "carries it out" if is_runtime else "boots into it"
    return (
        f"{what} is staged{' already' if again else ''}. "
        f"'trident update --allowed-operations finalize' {then}."
    )
