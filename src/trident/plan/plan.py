"""The plan: what will be done and why, as data that can be printed, compared and executed."""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass, replace
from typing import Any

from trident.plan.situation import Change
from trident.plan.step import Content, Operation, ScriptRun, Step
from trident.state.status import AbVolume, ServicingType


@dataclass(frozen=True)
class Plan:
    """Steps in the order of execution, with the reasons that led to them.

    Attributes:
        servicing_type: what kind of servicing this is.
        changes: each difference between desired and actual state and what it forces.
        steps: every step of stage and finalize (and of commit, for a plan to look at).
        target_volume: the side of each A/B pair that is written; ``None`` where nothing is.
        image_url: where the image comes from, if one is used, as messages may show it.
        image_known: whether the image was looked at; if not, the numbers of bytes are not known.
        not_yet: fields of the Host Configuration that this version cannot carry out.
    """

    servicing_type: ServicingType
    changes: tuple[Change, ...] = ()
    steps: tuple[Step, ...] = ()
    target_volume: AbVolume | None = None
    image_url: str | None = None
    image_known: bool = True
    not_yet: tuple[str, ...] = ()

    @property
    def nothing_to_do(self) -> bool:
        """The machine is already what the Host Configuration says."""
        return self.servicing_type is ServicingType.NO_ACTIVE_SERVICING

    @property
    def reboots(self) -> bool:
        """Whether finalizing ends in a reboot."""
        boots = self.servicing_type in _BOOTING
        return boots and any(step.operation is Operation.FINALIZE for step in self.steps)

    @property
    def bytes_to_fetch(self) -> int:
        """Bytes that staging reads from the image source."""
        return sum(step.cost for step in self.steps)

    @property
    def bytes_to_write(self) -> int:
        """Bytes that staging writes to block devices, as far as that is known before."""
        return sum(entry.size or 0 for entry in self.contents)

    @property
    def contents(self) -> tuple[Content, ...]:
        """What will be on each block device that is written: the last step that writes it decides."""
        found: dict[str, Content] = {}
        for step in self.steps:
            for entry in step.contents:
                found[entry.device] = entry
        return tuple(found.values())

    @property
    def scripts(self) -> tuple[ScriptRun, ...]:
        """The user's scripts that run, in order."""
        return tuple(step.script_run for step in self.steps if step.script_run is not None)

    def steps_of(self, operations: Collection[Operation]) -> tuple[Step, ...]:
        """The steps that belong to the given operations, in order."""
        return tuple(step for step in self.steps if step.operation in operations)

    def limited(self, operations: Set[Operation]) -> Plan:
        """The plan of someone who allows only some operations: their steps, and what these need and do."""
        if operations >= _WHOLE:
            return self
        steps = self.steps_of(operations)
        if Operation.STAGE in operations:
            return replace(self, steps=steps)
        return replace(self, steps=steps, target_volume=None, image_url=None, image_known=True)

    def to_document(self) -> dict[str, Any]:
        """The plan as plain data; ``trident plan --output json`` prints it (documented in docs/plan.md)."""
        return {
            "schemaVersion": 1,
            "servicingType": str(self.servicing_type),
            "supported": not self.not_yet,
            "notSupportedYet": list(self.not_yet),
            "reboot": self.reboots,
            "bytesToFetch": self.bytes_to_fetch if self.image_known else None,
            "bytesToWrite": self.bytes_to_write if self.image_known else None,
            "targetVolume": str(self.target_volume) if self.target_volume else None,
            "image": self.image_url,
            "changes": [change.to_document() for change in self.changes],
            "steps": [step_document(step) for step in self.steps],
            "volumes": [
                {
                    "volume": entry.device,
                    "source": entry.source,
                    "mountPoint": entry.mount_point,
                    "bytes": entry.size,
                }
                for entry in self.contents
            ],
            "scripts": [
                {"name": script.name, "moment": script.moment, "where": script.where}
                for script in self.scripts
            ],
        }


_BOOTING = {ServicingType.CLEAN_INSTALL, ServicingType.AB_UPDATE, ServicingType.MANUAL_ROLLBACK_AB}
_WHOLE = frozenset({Operation.STAGE, Operation.FINALIZE})


def step_document(step: Step) -> dict[str, Any]:
    """A step as it stands in the plan's JSON."""
    return {
        "id": step.id,
        "operation": str(step.operation),
        "phase": step.phase.name.lower().replace("_", "-"),
        "title": step.title,
        "touches": list(step.touches),
        "bytes": step.cost,
        "supported": not step.not_yet,
    }
