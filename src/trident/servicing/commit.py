"""``trident commit``: after the boot, make the new system permanent, or record that the old one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.errors import InvalidInput, Servicing, TridentError
from trident.host.efi import EfiVariables
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import Operation
from trident.servicing.compile import compile_plan
from trident.servicing.environment import Environment, Outcome, configuration_from
from trident.servicing.execute import execute, recording_errors
from trident.servicing.gather import gather_facts, require_root
from trident.servicing.update import BASELINES, FINALIZE_MARK, baseline, open_provisioned
from trident.servicing.volumes import refuse_other_volume, same_device, target_root, volume_name
from trident.state.lock import servicing_lock
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.subsystems.boot import entry_label, keep_from_booting

if TYPE_CHECKING:
    from trident.state.datastore import Datastore

_FINALIZED = {
    ServicingState.CLEAN_INSTALL_FINALIZED: ServicingType.CLEAN_INSTALL,
    ServicingState.AB_UPDATE_FINALIZED: ServicingType.AB_UPDATE,
}


def commit(environment: Environment) -> Outcome:
    """Check that the firmware booted what the last servicing wrote, and make that permanent.

    With nothing to commit this succeeds and says so, as upstream does: the agent's unit runs it at
    every boot.

    Raises:
        Servicing: the host runs another system than the one it was told to boot; the status is that
            of the system that runs, and ``lastError`` says what happened.
            The same if there is nothing to commit, but the inactive volume was booted by hand.
        InvalidInput: the host has not rebooted since finalize, or was not installed by Trident.
    """
    require_root()
    with servicing_lock("commit", environment.lock), open_provisioned(environment) as datastore:
        status = datastore.status()
        servicing_type = _FINALIZED.get(status.servicing_state)
        if servicing_type is None:
            with recording_errors(datastore, "commit"):
                _check_active(status)
            return Outcome(
                ServicingType.NO_ACTIVE_SERVICING,
                needs_reboot=False,
                summary=f"Nothing to commit: the host is '{status.servicing_state}'.",
            )
        with recording_errors(datastore, "commit"):
            return _commit(servicing_type, status, datastore, environment)


def _check_active(status: HostStatus) -> None:
    """Refuse to call a host fine that runs another volume than Host Status says."""
    if status.servicing_state in BASELINES:
        running = baseline(status)
        configuration = configuration_from(running.spec)
        refuse_other_volume(configuration, running, gather_facts(configuration, running.partition_paths))


def _commit(
    servicing_type: ServicingType, status: HostStatus, datastore: Datastore, environment: Environment
) -> Outcome:
    configuration = configuration_from(status.spec)
    facts = gather_facts(configuration, status.partition_paths)
    situation = Situation(servicing_type, configuration, status, facts)
    expected = target_root(situation)
    if not same_device(facts.root_device, expected):
        raise _not_booted(situation, datastore, expected)
    session = Session.resumed(situation, datastore, environment.progress)
    plan = compile_plan(situation)
    execute(plan.steps_of({Operation.COMMIT}), session, datastore)
    datastore.record(
        status.evolve(
            spec_old={},
            servicing_state=ServicingState.PROVISIONED,
            ab_active_volume=situation.target_volume,
            last_error=None,
        )
    )
    return Outcome(
        servicing_type,
        needs_reboot=False,
        summary=f"Committed: the host runs {volume_name(situation.target_volume)} and keeps booting it.",
        plan=plan,
    )


def _not_booted(situation: Situation, datastore: Datastore, expected: str) -> Exception:
    """Record what is true now, and say why the new system does not run."""
    status, facts = situation.status, situation.facts
    booted = facts.root_device or "a RAM disk"
    if status.is_management_os:
        return InvalidInput(
            "commit-before-reboot",
            "The install is finalized, but the machine still runs the servicing OS.",
            hint="Reboot the machine; 'trident commit' runs by itself on the new system.",
        )
    if situation.servicing_type is ServicingType.CLEAN_INSTALL:
        return _install_not_booted(status, datastore, booted, expected)
    if _boot_still_pending(situation):
        return InvalidInput(
            "commit-before-reboot",
            "The update is finalized, but the host has not rebooted into it yet.",
            hint="Reboot the host; 'trident commit' runs by itself after the boot.",
        )
    if datastore.last_journal_event(Operation.FINALIZE, FINALIZE_MARK) == "begin":
        datastore.record(status.evolve(servicing_state=ServicingState.AB_UPDATE_STAGED))
        return Servicing(
            "finalize-interrupted",
            f"Finalizing the update was cut off, so the host booted the old system from {booted}. "
            "The update is still staged.",
            hint="Run 'trident update --allowed-operations finalize' to boot into it.",
        )
    datastore.record(
        status.evolve(spec=status.spec_old, spec_old={}, servicing_state=ServicingState.PROVISIONED)
    )
    error = Servicing(
        "ab-update-reboot-check",
        f"The A/B update failed: the host booted from {booted} instead of the updated root {expected} "
        f"({volume_name(situation.target_volume)}).",
        hint="The host runs the previous system. Find out from the console log why the new one did not "
        "start, then update to an image that does.",
        details={"root_device_path": booted, "expected_device_path": expected},
    )
    try:
        # A commit that was cut off may have put the new system first in the order already.
        keep_from_booting(EfiVariables(), status.install_index, situation.target_volume)
    except TridentError as second:
        error.__cause__ = second
    return error


def _install_not_booted(status: HostStatus, datastore: Datastore, booted: str, expected: str) -> Servicing:
    datastore.record(status.evolve(spec={}, servicing_state=ServicingState.NOT_PROVISIONED))
    return Servicing(
        "clean-install-reboot-check",
        f"The install failed: the host booted from {booted} instead of {expected}.",
        hint="Check the firmware's boot order, then install again from the servicing OS.",
        details={"root_device_path": booted, "expected_device_path": expected},
    )


def _boot_still_pending(situation: Situation) -> bool:
    variables = EfiVariables()
    pending = variables.boot_next()
    if pending is None:
        return False
    label = entry_label(situation.status.install_index, situation.target_volume)
    return any(entry.number == pending and entry.label == label for entry in variables.entries())
