"""Deployment: the image's file systems, written to the target's volumes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from trident.config.model import FileSystemSource
from trident.errors import Internal, InvalidInput, TridentError
from trident.plan.situation import Effect
from trident.plan.step import Content, Operation, Phase, Step
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType
from trident.subsystems.deployment.seal import CheckOtherVolumes, CheckVolumes, SealVolumes, is_written

if TYPE_CHECKING:
    from trident.config.model import FileSystem, HostConfiguration
    from trident.image.cosi.metadata import CosiMetadata
    from trident.plan.session import Session
    from trident.plan.situation import Situation


def _image_effect(old: HostConfiguration, new: HostConfiguration) -> Effect:
    """Upstream: the SHA-384 tells images apart; where both are ignored, the URL does."""
    before, after = old.image, new.image
    if before is not None and after is not None and before.sha384 == after.sha384 != "ignored":
        return Effect(ServicingType.NO_ACTIVE_SERVICING, "it is the same image by its SHA-384")
    return Effect(ServicingType.AB_UPDATE, "another image is deployed to the inactive volumes")


class DeploymentSubsystem(Subsystem):
    """Content of the file systems that come from the image."""

    name = "deployment"
    effects: ClassVar[Mapping[str, EffectRule]] = {"image": _image_effect}

    def check(self, situation: Situation) -> Iterator[TridentError]:
        """No image, or one that cannot live beside the running system.

        Whether it fits the configuration at all, :mod:`trident.crosscheck` says.
        """
        if not situation.deploys:
            return
        if situation.desired.image is None:
            yield InvalidInput(
                "missing-os-image",
                "The Host Configuration names no image, and there is nothing to deploy without one.",
                hint="Add 'image' with 'url' and 'sha384'.",
            )
        if situation.image is None:
            return
        yield from _check_uuids(situation, situation.image)

    def tools(self, situation: Situation) -> Iterable[str]:
        """Growing a file system to its partition."""
        return {"resize2fs", "e2fsck"} if situation.deploys else set()

    def steps(self, situation: Situation) -> Iterator[Step]:
        """One step for each file system, in the order of the image, which is that of its stream.

        What was written is sealed, and compared before it is booted.
        """
        if situation.deploys:
            yield from WriteImage.compile(situation)
            yield from SealVolumes.compile(situation)
            yield from CheckVolumes.compile(situation)
        elif situation.servicing_type is ServicingType.MANUAL_ROLLBACK_AB:
            yield from CheckOtherVolumes.compile(situation)


@dataclass(frozen=True, kw_only=True)
class WriteImage(Step):
    """Stream a file system of the image to a volume, verify it, and grow it to the volume's size.

    Attributes:
        device_id: id of the partition.
        mount_point: which file system of the image.
        size: bytes of the file system, if the image is known.
    """

    device_id: str
    mount_point: str
    size: int | None = None

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[WriteImage]:
        """A clean install writes every file system of the image but the ESP, an update those of A/B pairs."""
        storage = situation.desired.storage
        wanted = [
            filesystem
            for filesystem in storage.filesystems
            if is_written(filesystem, situation, {FileSystemSource.IMAGE})
        ]
        order = _stream_order(situation.image)
        for filesystem in sorted(wanted, key=lambda filesystem: order.get(_path(filesystem), len(order))):
            path = _path(filesystem)
            partition = storage.resolve_volume(str(filesystem.device_id), situation.target_volume)
            yield cls(
                id=f"write-image:{partition}",
                title=f"Write {path} from the image to {partition}",
                operation=Operation.STAGE,
                phase=Phase.DEPLOY,
                touches=(partition,),
                cost=_compressed_size(situation.image, path),
                device_id=partition,
                mount_point=path,
                size=_uncompressed_size(situation.image, path),
            )

    @property
    def contents(self) -> tuple[Content, ...]:
        """The file system of the image."""
        return (Content(self.device_id, f"image: {self.mount_point}", self.mount_point, self.size),)

    def run(self, session: Session) -> None:
        """Write, then grow."""
        from trident.host.block import device_size
        from trident.host.filesystem import grow
        from trident.image.stream import write_image

        if session.cosi is None:
            raise Internal("image-not-open", "A step needs the image, but it is not open.")
        filesystem = session.cosi.metadata.filesystem_at(self.mount_point)
        if filesystem is None:
            raise Internal("image-filesystem", f"The image has no file system for {self.mount_point}.")
        device = Path(session.device(self.device_id))
        write_image(session.cosi, filesystem.image, device, capacity=device_size(device), moved=session.moved)
        grow(device, filesystem.fs_type)


def _path(filesystem: FileSystem) -> str:
    return filesystem.mount_point.path if filesystem.mount_point else ""


def _stream_order(image: CosiMetadata | None) -> dict[str, int]:
    """Position in the stream of each file system's image, by mount point."""
    if image is None:
        return {}
    position = {file.path: index for index, file in enumerate(image.image_files())}
    return {entry.mount_point: position[entry.image.path] for entry in image.filesystems}


def _compressed_size(image: CosiMetadata | None, mount_point: str) -> int:
    entry = image.filesystem_at(mount_point) if image else None
    return entry.image.compressed_size if entry else 0


def _uncompressed_size(image: CosiMetadata | None, mount_point: str) -> int | None:
    entry = image.filesystem_at(mount_point) if image else None
    return entry.image.uncompressed_size if entry else None


def _check_uuids(situation: Situation, image: CosiMetadata) -> Iterator[TridentError]:
    if situation.servicing_type is not ServicingType.AB_UPDATE:
        return
    storage = situation.desired.storage
    volumes = [entry for entry in image.filesystems if not entry.is_esp]
    active = situation.target_volume.other
    for pair in storage.volume_pairs:
        path = next((_path(entry) for entry in storage.filesystems if entry.device_id == pair.id), "")
        entry = next((entry for entry in volumes if entry.mount_point == path), None)
        running = situation.facts.volume_uuids.get(storage.resolve_volume(pair.id, active))
        if entry is not None and running is not None and entry.fs_uuid.lower() == running.lower():
            yield InvalidInput(
                "duplicate-fs-uuid-ab-update",
                f"The image's file system for {path} has the same UUID as the running one ({running}): "
                "it is the image that is already installed, or was built with the same UUID.",
                hint="Update with another image.",
                details={"pair_id": pair.id, "uuid": running},
            )
