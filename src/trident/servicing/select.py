"""Which servicing type a new Host Configuration needs, and which change forces it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.plan.difference import differences
from trident.plan.situation import Effect
from trident.plan.subsystem import changes_of
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.plan.situation import Change


def _nothing(reason: str) -> Effect:
    return Effect(ServicingType.NO_ACTIVE_SERVICING, reason)


# Fields that alone are no reason to service a host: each servicing reads them from its own configuration.
FORCES_NOTHING = {
    "os.uefiFallback": _nothing("the next A/B update reads it"),
    "trident": _nothing("it is for the agent, and reaches it with the next target"),
    "managementOs": _nothing("an update ignores it: it is for the OS that installs"),
    "health": _nothing("the checks are made after the next servicing"),
    "internalParams": _nothing("it is for tests of Trident itself"),
}


def select_update(old: HostConfiguration, new: HostConfiguration) -> tuple[ServicingType, tuple[Change, ...]]:
    """The least disruptive servicing type that covers every change from ``old`` to ``new``.

    Each subsystem says what its own changes force; the most disruptive of these decides (upstream:
    How-Trident-Knows-What-to-Do.md). Changes come in the order of the configuration's fields.
    """
    from trident.servicing.concerns import ALL

    found = [change for subsystem in ALL for change in subsystem.changes(old, new)]
    found += changes_of(FORCES_NOTHING, old, new)
    if any(change.forces is ServicingType.AB_UPDATE and change.how != "present" for change in found):
        found = [change for change in found if change.how != "present"]
    order = {difference.field: number for number, difference in enumerate(differences(old, new))}
    found.sort(key=lambda change: order.get(change.field, len(order)))
    forced = (change.forces for change in found)
    decided = max(forced, key=lambda kind: kind.rank, default=ServicingType.NO_ACTIVE_SERVICING)
    return decided, tuple(found)
