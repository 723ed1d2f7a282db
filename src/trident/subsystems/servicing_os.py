"""The servicing OS: its own users and network during an install. Planned; not carried out yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trident.plan.step import Operation, PendingStep, Phase
from trident.plan.subsystem import Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.plan.situation import Situation


class ServicingOsSubsystem(Subsystem):
    """``managementOs``, which only an install looks at (upstream: ``MosConfigSubsystem``)."""

    name = "servicing-os"

    def steps(self, situation: Situation) -> Iterator[PendingStep]:
        """Network first: users may be there to log in over it."""
        if situation.servicing_type is not ServicingType.CLEAN_INSTALL:
            return
        settings = situation.desired.management_os
        if settings.netplan is not None:
            yield PendingStep(
                id="set-up-servicing-network",
                title="Apply the netplan configuration of the servicing OS",
                operation=Operation.STAGE,
                phase=Phase.PRE_SERVICING,
                fields=("managementOs.netplan",),
            )
        for user in settings.users:
            yield PendingStep(
                id=f"set-up-servicing-user:{user.name}",
                title=f"Set up the user {user.name} of the servicing OS",
                operation=Operation.STAGE,
                phase=Phase.PRE_SERVICING,
                fields=("managementOs.users",),
            )
