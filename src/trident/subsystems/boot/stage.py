"""The step that puts the target's kernel and boot loader on the ESP, without anything booting them yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import Internal
from trident.plan.step import Content, Operation, Phase, Step, content
from trident.state.status import ServicingType
from trident.subsystems.boot.esp import mounted_esp
from trident.subsystems.boot.names import Slot, boot_files

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation

IMAGE_DIRECTORY = Path("/run/trident/esp-image")


@dataclass(frozen=True, kw_only=True)
class StageBootFiles(Step):
    """Copy kernel and boot loader from the image's ESP to the host's.

    The ESP image is verified as it is streamed, and for that it needs a place as large as itself. It
    borrows the target's root volume, which this servicing overwrites next: no memory, no temporary copy.

    Attributes:
        esp_id: partition id of the host's ESP.
        borrowed_id: partition id of the target's root volume.
        mount_point: which file system of the image is its ESP.
        slot: whose files these are.
        architecture: of the machine.
        alone: the other slot has been erased: this is an install.
    """

    esp_id: str
    borrowed_id: str
    mount_point: str
    slot: Slot
    architecture: str
    alone: bool

    @classmethod
    def compile(cls, situation: Situation, slot: Slot) -> Iterator[StageBootFiles]:
        """The step. The boot files are the image's, whether the ESP is new or adopted (as upstream does)."""
        storage = situation.desired.storage
        esp, root = storage.esp, storage.filesystem_at("/")
        if esp is None or esp.mount_point is None:
            return
        if esp.device_id is None or root is None or root.device_id is None:
            return
        borrowed = storage.resolve_volume(root.device_id, situation.target_volume)
        path = esp.mount_point.path
        image = situation.image.filesystem_at(path) if situation.image else None
        yield cls(
            id=f"stage-boot-files:{slot.name}",
            title=f"Put the image's kernel and boot loader on the ESP as {slot.uki} (by way of {borrowed})",
            operation=Operation.STAGE,
            phase=Phase.DEPLOY,
            touches=(borrowed, esp.device_id),
            cost=image.image.compressed_size if image else 0,
            esp_id=esp.device_id,
            borrowed_id=borrowed,
            mount_point=path,
            slot=slot,
            architecture=situation.facts.architecture,
            alone=situation.servicing_type is ServicingType.CLEAN_INSTALL,
        )

    @property
    def needs(self) -> frozenset[str]:
        """The ESP with its file system, and the borrowed ground."""
        return super().needs | {content(self.esp_id)}

    @property
    def provides(self) -> frozenset[str]:
        """What the slot boots with."""
        return frozenset({boot_files(self.slot)})

    @property
    def ends(self) -> frozenset[str]:
        """Whatever was on the borrowed ground."""
        return frozenset({content(self.borrowed_id)})

    @property
    def contents(self) -> tuple[Content, ...]:
        """Files on the ESP."""
        return (
            Content(self.esp_id, f"image: {self.mount_point} (files of {self.slot.name})", self.mount_point),
        )

    def run(self, session: Session) -> None:
        """Stream the ESP image, mount it beside the ESP, copy."""
        from trident.host.block import device_size
        from trident.host.mount import mounted
        from trident.image.stream import write_image
        from trident.subsystems.boot.copy import copy_boot_files

        if session.cosi is None:
            raise Internal("image-not-open", "A step needs the image, but it is not open.")
        borrowed = Path(session.device(self.borrowed_id))
        filesystem = session.cosi.metadata.filesystem_at(self.mount_point)
        if filesystem is None:
            raise Internal("image-filesystem", f"The image has no file system for {self.mount_point}.")
        write_image(
            session.cosi, filesystem.image, borrowed, capacity=device_size(borrowed), moved=session.moved
        )
        IMAGE_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            mounted(borrowed, IMAGE_DIRECTORY, fstype="vfat", options=("ro",)),
            mounted_esp(session, self.esp_id) as esp,
        ):
            copied = copy_boot_files(IMAGE_DIRECTORY, esp, self.slot, self.architecture, alone=self.alone)
        session.note(f"Put {', '.join(copied)} on the ESP.")
