"""RAID: software arrays of partitions. Planned; this version cannot make or find them yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from trident.plan.situation import Effect
from trident.plan.step import Content, Operation, PendingStep, Phase
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model.devices import SoftwareRaidArray
    from trident.plan.situation import Situation

_FIELDS = ("storage.raid",)


class RaidSubsystem(Subsystem):
    """Software RAID arrays."""

    name = "raid"
    effects: ClassVar[Mapping[str, EffectRule]] = {
        "storage.raid": Effect(ServicingType.AB_UPDATE, "the storage layout is made by an install"),
    }

    def steps(self, situation: Situation) -> Iterator[PendingStep]:
        """An install creates each array, an update finds it; the target is told how to assemble it."""
        raid = situation.desired.storage.raid
        if not situation.deploys or not raid.software:
            return
        install = situation.servicing_type is ServicingType.CLEAN_INSTALL
        for array in raid.software:
            yield _create(array) if install else _find(array)
        if install and raid.sync_timeout is not None:
            yield PendingStep(
                id="wait-for-raid-sync",
                title=f"Wait until the arrays are in sync, {raid.sync_timeout} s at most",
                operation=Operation.STAGE,
                phase=Phase.ASSEMBLE,
                fields=("storage.raid.syncTimeout",),
            )
        yield PendingStep(
            id="write-mdadm-configuration",
            title=f"Write /etc/mdadm/mdadm.conf with {_arrays(len(raid.software))}",
            operation=Operation.STAGE,
            phase=Phase.PROVISION,
            touches=("/etc/mdadm/mdadm.conf",),
            fields=_FIELDS,
        )


def _create(array: SoftwareRaidArray) -> PendingStep:
    return PendingStep(
        id=f"create-raid-array:{array.id}",
        title=f"Create the {array.level} array /dev/md/{array.name} of {', '.join(array.devices)}",
        operation=Operation.STAGE,
        phase=Phase.ASSEMBLE,
        touches=(array.id, *array.devices),
        makes=(array.id,),
        leaves=tuple(
            Content(member, f"member of the {array.level} array {array.id}") for member in array.devices
        ),
        fields=_FIELDS,
    )


def _find(array: SoftwareRaidArray) -> PendingStep:
    return PendingStep(
        id=f"find-raid-array:{array.id}",
        title=f"Find the {array.level} array /dev/md/{array.name}",
        operation=Operation.STAGE,
        phase=Phase.ASSEMBLE,
        fields=_FIELDS,
    )


def _arrays(count: int) -> str:
    return "1 array" if count == 1 else f"{count} arrays"
