"""Verity: hash trees beside the data that they protect. Planned; this version cannot open them yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from trident.plan.situation import Effect
from trident.plan.step import Content, Operation, PendingStep, Phase
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model.devices import VerityDevice
    from trident.image.cosi.metadata import ImageFile
    from trident.plan.situation import Situation

_FIELDS = ("storage.verity",)


class VeritySubsystem(Subsystem):
    """dm-verity devices."""

    name = "verity"
    effects: ClassVar[Mapping[str, EffectRule]] = {
        "storage.verity": Effect(ServicingType.AB_UPDATE, "the image of a new target is opened with it"),
    }

    def steps(self, situation: Situation) -> Iterator[PendingStep]:
        """Write each hash tree, then open the device with the image's root hash."""
        if not situation.deploys:
            return
        install = situation.servicing_type is ServicingType.CLEAN_INSTALL
        for verity in situation.desired.storage.verity:
            if install or situation.desired.storage.is_ab(verity.hash_device_id):
                yield _write_hashes(verity, situation)
            yield _open(verity)


def _write_hashes(verity: VerityDevice, situation: Situation) -> PendingStep:
    storage = situation.desired.storage
    volume = storage.resolve_volume(verity.hash_device_id, situation.target_volume)
    path = next(
        (fs.mount_point.path for fs in storage.filesystems if fs.device_id == verity.id and fs.mount_point),
        "",
    )
    image = _hash_image(situation, path)
    return PendingStep(
        id=f"write-hash-tree:{volume}",
        title=f"Write the hash tree of {path or verity.id} from the image to {volume}",
        operation=Operation.STAGE,
        phase=Phase.DEPLOY,
        touches=(volume,),
        cost=image.compressed_size if image else 0,
        leaves=(
            Content(
                volume,
                f"image: hash tree of {path or verity.id}",
                None,
                image.uncompressed_size if image else None,
            ),
        ),
        fields=_FIELDS,
    )


def _open(verity: VerityDevice) -> PendingStep:
    return PendingStep(
        id=f"open-verity:{verity.id}",
        title=f"Open /dev/mapper/{verity.name} with the image's root hash "
        f"(on corruption: {verity.corruption_option})",
        operation=Operation.STAGE,
        phase=Phase.VERIFY,
        fields=_FIELDS,
    )


def _hash_image(situation: Situation, path: str) -> ImageFile | None:
    filesystem = situation.image.filesystem_at(path) if situation.image and path else None
    return filesystem.verity.image if filesystem and filesystem.verity else None
