"""What is true, and what to say, when the firmware did not start the system that it was told to start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, Servicing, TridentError
from trident.host.efi import EfiVariables
from trident.plan.step import Operation
from trident.servicing import record
from trident.servicing.pending import STAGED, baseline
from trident.servicing.switch import FINALIZE_MARK, keep_running_first
from trident.servicing.volumes import volume_name
from trident.state.history import EntryState
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.subsystems.boot import entry_label, fallback_to_running

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation
    from trident.state.datastore import Datastore


@dataclass(frozen=True)
class _Words:
    """How messages call a servicing that switches volumes, and the code of its failure (upstream)."""

    name: str
    verb: str
    code: str
    advice: str


_WORDS = {
    ServicingType.AB_UPDATE: _Words(
        "update",
        "trident update",
        "ab-update-reboot-check",
        "Find out from the console log why the new one did not start (or, if nothing could be recorded then, "
        "why it was not kept), and update to an image that does.",
    ),
    ServicingType.MANUAL_ROLLBACK_AB: _Words(
        "rollback",
        "trident rollback",
        "manual-rollback-reboot-check",
        "Find out from the console log why the old one did not start.",
    ),
}


def not_booted(situation: Situation, session: Session, expected: str) -> TridentError:
    """Record what is true now, and say why the expected system does not run.

    Args:
        situation: of the commit.
        session: of the commit, with an open datastore.
        expected: the device of the root file system that was to be booted.

    Raises:
        Internal: ``datastore-closed``, if the session has none.
    """
    datastore = session.open_datastore()
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
    words = _WORDS[situation.servicing_type]
    if _boot_still_pending(situation):
        return InvalidInput(
            "commit-before-reboot",
            f"The {words.name} is finalized, but the host has not rebooted into it yet.",
            hint="Reboot the host; 'trident commit' runs by itself after the boot.",
        )
    now, end, error = _what_became_of_it(situation, datastore, booted, expected)
    keep_what_runs(situation, session, error)
    record.move(datastore, now, end, error=error if end else None)
    return error


def _what_became_of_it(
    situation: Situation, datastore: Datastore, booted: str, expected: str
) -> tuple[HostStatus, EntryState | None, Servicing]:
    """The status of a host that is back on its old volume, how the servicing ended if it did, and why."""
    status, words = situation.status, _WORDS[situation.servicing_type]
    if datastore.last_journal_event(Operation.FINALIZE, FINALIZE_MARK) == "begin":
        error = Servicing(
            "finalize-interrupted",
            f"Finalizing the {words.name} was cut off, so {booted} was booted again. "
            f"The {words.name} is still staged.",
            hint=f"Run '{words.verb} --allowed-operations finalize' to boot into it.",
        )
        return status.evolve(servicing_state=STAGED[situation.servicing_type]), None, error
    now, end = baseline(status), EntryState.FAILED
    found = {"root_device_path": booted, "expected_device_path": expected}
    volume = volume_name(situation.target_volume)
    last = _last_of_commit(situation, datastore)
    if last is not None:
        end = EntryState.FAILED if last.event == "failed" else EntryState.INTERRUPTED
        known = (status.last_error or {}).get("message") if last.event == "failed" else None
        error = Servicing(
            "commit-not-completed",
            f"The {words.name} is not kept: {volume} was booted, but 'trident commit' {last.how} its step "
            f"'{last.step}', and the host booted from {booted} again."
            + (f" The error was: {known}" if known else ""),
            hint=f"The host runs the system that it ran before. Run '{words.verb}' again: it is staged anew.",
            details={**found, "step": last.step},
        )
    else:
        error = Servicing(
            words.code,
            f"The {words.name} failed: the host booted from {booted} instead of {expected} ({volume}).",
            hint=f"The host runs the system that it ran before. {words.advice}",
            details=found,
        )
    return now, end, error


@dataclass(frozen=True)
class _Line:
    """The last line that a commit has written to the journal: a step, and what became of it."""

    step: str
    event: str

    @property
    def how(self) -> str:
        """How the commit ended there; without a line for that it was cut off, or the journal was."""
        return {"failed": "failed at", "interrupted": "was interrupted at"}.get(
            self.event, "did not get past"
        )


def _last_of_commit(situation: Situation, datastore: Datastore) -> _Line | None:
    """How far the commit on the volume that was to be booted came; ``None`` if it never began.

    That it did not end the status tells, which is still that of a servicing that waits for it. As long as it
    has not come to the boot order, the next boot leads back.
    """
    ours = {step.id for step in fallback_to_running(situation)}  # What a commit does on this side.
    lines = [
        _Line(step, event)
        for operation, step, event in datastore.journal_since(Operation.FINALIZE, FINALIZE_MARK)
        if operation == Operation.COMMIT and step not in ours
    ]
    return lines[-1] if lines else None


def keep_what_runs(situation: Situation, session: Session, error: TridentError) -> None:
    """See that what runs is also what boots by itself; ``error`` is told what stood against that.

    A commit that was cut off may have put the other system first in the order already, and finalizing may
    have pointed the fallback path at it. This comes before the status, which does not tell of it.

    Args:
        situation: its target volume is the one that does not run.
        session: of the commit, with an open datastore.
        error: what the commit is going to say.
    """
    try:
        keep_running_first(situation, session.open_datastore())
    except TridentError as second:
        error.__cause__ = second


def _install_not_booted(status: HostStatus, datastore: Datastore, booted: str, expected: str) -> Servicing:
    error = Servicing(
        "clean-install-reboot-check",
        f"The install failed: the host booted from {booted} instead of {expected}.",
        hint="Check the firmware's boot order, then install again from the servicing OS.",
        details={"root_device_path": booted, "expected_device_path": expected},
    )
    now = status.evolve(spec={}, servicing_state=ServicingState.NOT_PROVISIONED)
    record.move(datastore, now, EntryState.FAILED, error=error)
    return error


def _boot_still_pending(situation: Situation) -> bool:
    variables = EfiVariables()
    number = variables.boot_next()
    if number is None:
        return False
    label = entry_label(situation.status.install_index, situation.target_volume)
    return any(entry.number == number and entry.label == label for entry in variables.entries())
