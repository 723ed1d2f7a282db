"""Which servicing type a new Host Configuration needs, and which change forces it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.state.status import ServicingType
from trident.subsystems import ALL

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.plan.situation import Change


def select_update(old: HostConfiguration, new: HostConfiguration) -> tuple[ServicingType, tuple[Change, ...]]:
    """The least disruptive servicing type that covers every change from ``old`` to ``new``.

    Each subsystem says what its own changes force; the most disruptive of these decides (upstream:
    How-Trident-Knows-What-to-Do.md).
    """
    changes = tuple(change for subsystem in ALL for change in subsystem.changes(old, new))
    forced = [change.forces for change in changes]
    return max(forced, key=lambda kind: kind.rank, default=ServicingType.NO_ACTIVE_SERVICING), changes
