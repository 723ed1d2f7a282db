"""``trident commit``: after the boot, make the new system permanent, or record that the old one runs."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from trident.errors import HealthChecks, Servicing, TridentError
from trident.host.efi import EfiVariables
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import Operation
from trident.servicing import record
from trident.servicing.alone import alone
from trident.servicing.compile import compile_plan
from trident.servicing.environment import Environment, Outcome, configuration_from
from trident.servicing.execute import execute, recording_errors
from trident.servicing.forget import forget_extensions
from trident.servicing.gather import gather_facts, require_root
from trident.servicing.not_booted import keep_what_runs, not_booted
from trident.servicing.pending import baseline, has_baseline
from trident.servicing.provisioned import open_provisioned
from trident.servicing.runtime import undo_what_was_cut_off
from trident.servicing.staged_install import refuse_unfinalized_install
from trident.servicing.volumes import refuse_other_volume, same_device, target_root, volume_name
from trident.state.history import EntryState
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.subsystems.boot import fallback_to_running, forget_entry, keep_from_booting

if TYPE_CHECKING:
    from trident.state.datastore import Datastore

_BOOTED: Mapping[ServicingState, ServicingType] = {
    ServicingState.CLEAN_INSTALL_FINALIZED: ServicingType.CLEAN_INSTALL,
    ServicingState.AB_UPDATE_FINALIZED: ServicingType.AB_UPDATE,
    ServicingState.MANUAL_ROLLBACK_AB_FINALIZED: ServicingType.MANUAL_ROLLBACK_AB,
}
_PATIENCE = 300.0


def commit(environment: Environment) -> Outcome:
    """Check that the firmware booted what the last servicing prepared and that it is healthy; keep it then.

    With nothing to commit this succeeds and says so, as upstream does: the agent's unit runs it at
    every boot. After failed health checks of an update the outcome asks for a reboot, which leads to
    the old volume; that is asked for once, never again. Where a booted system waits for its commit, another
    command is waited for, five minutes at most.

    Raises:
        Servicing: the host runs another system than the one it was told to boot; the status is that
            of the system that runs, and ``lastError`` says what happened.
            The same if there is nothing to commit, but the inactive volume was booted by hand.
            ``finalize-interrupted`` if a servicing of the running system had been cut off; it was undone.
        HealthChecks: the checks of an install failed, or those of an update had failed, and the host is
            back on its old volume.
        InvalidInput: the host has not rebooted since finalize, or was not installed by Trident.
    """
    require_root()
    with alone("commit", environment, lambda: _patience(environment)):
        try:
            datastore = open_provisioned(environment)
        except Servicing as unwritable:
            return _without_record(unwritable, environment)
        with datastore, recording_errors(datastore, "commit"):
            return _carry_out(datastore, environment)


def _without_record(unwritable: Servicing, environment: Environment) -> Outcome:
    """Do what cannot wait for the datastore to be writable: bring the host back, judge an update's health.

    Raises:
        TridentError: ``unwritable``, or what else went wrong; nothing is committed.
    """
    try:
        datastore = open_provisioned(environment, read_only=True)
    except TridentError:
        raise unwritable from None
    with datastore, recording_errors(datastore, "commit"):
        outcome = _carry_out(datastore, environment)
    if outcome.needs_reboot:
        return outcome
    raise unwritable


def _carry_out(datastore: Datastore, environment: Environment) -> Outcome:
    status = datastore.status()
    if status.servicing_state in _BOOTED:
        return _commit(_BOOTED[status.servicing_state], status, datastore, environment)
    if status.servicing_state is ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED:
        raise _after_failed_checks(status, datastore, environment)
    _settle(status, datastore, environment)
    return Outcome(
        ServicingType.NO_ACTIVE_SERVICING,
        needs_reboot=False,
        summary=f"Nothing to commit: the host is '{status.servicing_state}'.",
    )


def _patience(environment: Environment) -> float:
    """Seconds to wait for another command, which would otherwise cost the host the system that it has booted.

    On such a system every other command is refused at once, so none is long at work. Where nothing is to be
    committed one may work for hours, and commit would only say so.
    """
    with (
        contextlib.suppress(TridentError),
        open_provisioned(environment, read_only=True) as datastore,
    ):
        state = datastore.status().servicing_state
        if state in _BOOTED or state is ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED:
            return _PATIENCE
    return 0.0


def _settle(status: HostStatus, datastore: Datastore, environment: Environment) -> None:
    """See that Host Status is true where nothing was booted.

    Raises:
        Servicing: the host runs another volume than Host Status says, a runtime servicing was cut off, or
            a target runs whose install was not finalized.
    """
    refuse_unfinalized_install(status)
    situation = None
    if has_baseline(status):
        running = baseline(status)
        configuration = configuration_from(running.spec)
        facts = gather_facts(configuration, running.partition_paths)
        refuse_other_volume(configuration, running, facts)
        situation = Situation(ServicingType.AB_UPDATE, configuration, running, facts)
    if undo_what_was_cut_off(datastore, environment):
        raise Servicing(
            "finalize-interrupted",
            "Finalizing was cut off. The host was brought back to what it was; what was staged still is.",
            hint="Run the command that was cut off again to complete it.",
        )
    if situation is not None:
        _settle_fallback(situation, datastore, environment)


def _settle_fallback(situation: Situation, datastore: Datastore, environment: Environment) -> None:
    """Point the fallback path at what runs, if that failed when the host went back to it.

    The journal tells; where all went well nothing is looked at, and the ESP is not mounted.

    Raises:
        Servicing: it fails again, and the next commit tries again.
    """
    if situation.status.ab_active_volume is None:
        return
    steps = tuple(
        step
        for step in fallback_to_running(situation)
        if datastore.last_journal_event(step.operation, step.id) not in {None, "done"}
    )
    execute(steps, Session.resumed(situation, datastore, environment.progress), datastore)


def _commit(
    servicing_type: ServicingType, status: HostStatus, datastore: Datastore, environment: Environment
) -> Outcome:
    configuration = configuration_from(status.spec)
    facts = gather_facts(configuration, status.partition_paths)
    situation = Situation(servicing_type, configuration, status, facts)
    session = Session.resumed(situation, datastore, environment.progress)
    expected = target_root(situation)
    if not same_device(facts.root_device, expected):
        raise not_booted(situation, session, expected)
    plan = compile_plan(situation)
    try:
        with record.accounted(Operation.COMMIT, session, datastore):
            execute(plan.steps_of({Operation.COMMIT}), session, datastore)
    except HealthChecks as failure:
        return _unhealthy(situation, datastore, environment, failure)
    record.move(
        datastore,
        status.evolve(
            spec_old={},
            servicing_state=ServicingState.PROVISIONED,
            ab_active_volume=situation.target_volume,
            last_error=None,
        ),
        EntryState.SUCCEEDED,
    )
    environment.settled()
    forget_extensions(datastore)
    return Outcome(
        servicing_type,
        needs_reboot=False,
        summary=f"Committed: the host runs {volume_name(situation.target_volume)} and keeps booting it.",
        plan=plan,
    )


def _unhealthy(
    situation: Situation, datastore: Datastore, environment: Environment, failure: HealthChecks
) -> Outcome:
    """What a failed health check leads to: an update goes back, an install has nowhere to go.

    Raises:
        HealthChecks: ``failure`` itself, after an install, where the firmware does not take the way back, and
            where neither datastore nor firmware can tell the next boot that this one was judged.
    """
    status = situation.status
    if situation.servicing_type is ServicingType.CLEAN_INSTALL:
        now = status.evolve(servicing_state=ServicingState.NOT_PROVISIONED, last_error=failure.to_document())
        try:
            record.move(datastore, now, EntryState.FAILED, error=failure)
        except TridentError as second:
            failure.reword(f"{failure.message} That cannot be recorded: {second.message}")
        raise failure
    # The order has not been touched yet, unless somebody did: the old volume must be what boots next.
    try:
        keep_from_booting(EfiVariables(), status.install_index, situation.target_volume)
    except TridentError as second:
        failure.reword(
            f"{failure.message} And the host cannot be sent back to its old volume: {second.message}"
        )
        raise failure from second
    judged = status.evolve(
        servicing_state=ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED, last_error=failure.to_document()
    )
    try:
        datastore.record(judged)
    except TridentError as second:
        failure.reword(f"{failure.message} That cannot be recorded: {second.message}")
        _remember_in_firmware(situation, failure)
    environment.settled()
    return Outcome(
        situation.servicing_type,
        needs_reboot=True,
        summary=f"The update is not kept: {volume_name(situation.target_volume)} is not healthy. "
        f"The host reboots into {volume_name(situation.target_volume.other)}.",
        failure=failure,
    )


def _remember_in_firmware(situation: Situation, failure: HealthChecks) -> None:
    """See that the host reboots once, not for ever, where the datastore cannot say that it was told to.

    What says so instead is that the firmware has no entry for the volume any more: finalizing has made it,
    and nothing makes it anew before an update is finalized, or this volume committed.

    Raises:
        HealthChecks: ``failure``, if there is no entry to remove, or if it stays: the host must not reboot
            by itself then.
    """
    volume = situation.target_volume
    try:
        is_first_time = forget_entry(EfiVariables(), situation.status.install_index, volume)
    except TridentError as second:
        failure.reword(f"{failure.message} {_STAYS}, because the next boot could not know: {second.message}")
        raise failure from second
    if not is_first_time:
        failure.reword(
            f"{failure.message} {_STAYS}: the firmware has no entry for {volume_name(volume)} any more, as "
            "after a reboot that was to lead away from it."
        )
        failure.hint = (
            "Reboot the host. If it comes back here, its firmware does not start the other volume. Where the "
            "datastore can be written again, 'trident commit' records what is true."
        )
        raise failure


_STAYS = "The host does not reboot by itself"


def _after_failed_checks(status: HostStatus, datastore: Datastore, environment: Environment) -> TridentError:
    """The host was told to reboot into its old volume; whether it did, and what is true now."""
    configuration = configuration_from(status.spec_old)
    facts = gather_facts(configuration, status.partition_paths)
    situation = Situation(ServicingType.AB_UPDATE, configuration, status, facts)
    unhealthy = target_root(situation)
    if same_device(facts.root_device, unhealthy):
        # Something may have put it first again since; rebooting must lead away from it.
        keep_from_booting(EfiVariables(), status.install_index, situation.target_volume)
        return Servicing(
            "ab-update-reboot-check",
            f"The host still runs {volume_name(situation.target_volume)} ({unhealthy}), whose health checks "
            "failed.",
            hint="Reboot the host. If it comes back here, its firmware does not start the other volume.",
            details={"root_device_path": facts.root_device or "", "unhealthy_device_path": unhealthy},
        )
    reason = str((status.last_error or {}).get("message", ""))
    error = HealthChecks(
        "ab-update-health-check-commit-check",
        f"The update was undone, because {volume_name(situation.target_volume)} was not healthy. {reason}",
        hint="The host runs the previous system. The log of the failed checks lies beside the datastore.",
        details={"root_device_path": facts.root_device or ""},
    )
    keep_what_runs(situation, Session.resumed(situation, datastore, environment.progress), error)
    now = status.evolve(spec=status.spec_old, spec_old={}, servicing_state=ServicingState.PROVISIONED)
    record.move(datastore, now, EntryState.ROLLED_BACK, error=error)
    return error
