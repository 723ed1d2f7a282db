"""What Host Status says is under way: which servicing waits, and what the host runs meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trident.errors import InvalidInput
from trident.state.status import HostStatus, ServicingState, ServicingType

STAGED: Mapping[ServicingType, ServicingState] = {
    ServicingType.RUNTIME_UPDATE: ServicingState.RUNTIME_UPDATE_STAGED,
    ServicingType.AB_UPDATE: ServicingState.AB_UPDATE_STAGED,
    ServicingType.MANUAL_ROLLBACK_AB: ServicingState.MANUAL_ROLLBACK_AB_STAGED,
    ServicingType.MANUAL_ROLLBACK_RUNTIME: ServicingState.MANUAL_ROLLBACK_RUNTIME_STAGED,
}
"""The state of a provisioned host for which a servicing is staged."""

FINALIZED: Mapping[ServicingType, ServicingState] = {
    ServicingType.AB_UPDATE: ServicingState.AB_UPDATE_FINALIZED,
    ServicingType.MANUAL_ROLLBACK_AB: ServicingState.MANUAL_ROLLBACK_AB_FINALIZED,
}
"""The state of a provisioned host that is to boot its other volume."""

UPDATES = {ServicingType.RUNTIME_UPDATE, ServicingType.AB_UPDATE}
CHANGE_WHAT_RUNS = {ServicingType.RUNTIME_UPDATE, ServicingType.MANUAL_ROLLBACK_RUNTIME}
ROLLBACKS = {ServicingType.MANUAL_ROLLBACK_AB, ServicingType.MANUAL_ROLLBACK_RUNTIME}


@dataclass(frozen=True)
class Pending:
    """A servicing of a provisioned host that is not through.

    Attributes:
        servicing_type: its kind.
        finalized: the firmware was told to boot it; else it is staged.
    """

    servicing_type: ServicingType
    finalized: bool = False


_WAITING = {state: Pending(kind) for kind, state in STAGED.items()} | {
    state: Pending(kind, finalized=True) for kind, state in FINALIZED.items()
}


def pending(status: HostStatus) -> Pending | None:
    """What waits, or ``None`` on a host where nothing does, or where nothing is installed."""
    return _WAITING.get(status.servicing_state)


def has_baseline(status: HostStatus) -> bool:
    """Whether :func:`baseline` can tell what the host runs."""
    return status.servicing_state is ServicingState.PROVISIONED or pending(status) is not None


def baseline(status: HostStatus) -> HostStatus:
    """The status of the system that runs now: what a staged or finalized servicing would replace.

    Raises:
        InvalidInput: ``host-not-provisioned`` if no install was committed yet, or if the host has yet to
            reboot into its old volume.
    """
    if pending(status) is not None:
        return status.evolve(spec=status.spec_old, spec_old={}, servicing_state=ServicingState.PROVISIONED)
    if status.servicing_state is ServicingState.PROVISIONED:
        return status
    raise InvalidInput(
        "host-not-provisioned",
        f"This host cannot be serviced: its servicing state is '{status.servicing_state}'.",
        hint=_WHAT_TO_DO.get(status.servicing_state, _INSTALL),
    )


_INSTALL = "Install it with 'trident install' from a servicing OS first."
_WHAT_TO_DO = {
    ServicingState.CLEAN_INSTALL_FINALIZED: "Run 'trident commit' first.",
    ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED: "Reboot the host: it goes back to its previous volume, and "
    "'trident commit' runs there by itself.",
}
