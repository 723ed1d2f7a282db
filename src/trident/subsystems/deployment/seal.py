"""The steps by which finalize knows that the volumes which staging wrote are still as it left them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import FileSystemSource
from trident.errors import TridentError
from trident.plan.seals import not_bootable, not_whole, volume_seal
from trident.plan.step import STAGED, Operation, Phase, Step
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model import FileSystem
    from trident.plan.session import Session
    from trident.plan.situation import Situation


@dataclass(frozen=True, kw_only=True)
class SealVolumes(Step):
    """Record fingerprints of the volumes that staging wrote.

    Attributes:
        volumes: ids of the volumes.
        shared: the volume among them that holds the datastore, which is written until the reboot; only
            which volume and file system it is can be recorded.
    """

    volumes: tuple[str, ...]
    shared: str | None = None

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[SealVolumes]:
        """The step, if anything is written."""
        volumes = written_volumes(situation)
        if volumes:
            yield cls(
                id="seal-volumes",
                title=f"Take fingerprints of {', '.join(volumes)}",
                operation=Operation.STAGE,
                phase=Phase.SEAL,
                volumes=volumes,
                shared=_datastore_volume(situation),
            )

    @property
    def needs(self) -> frozenset[str]:
        """A target that is complete."""
        return frozenset({STAGED})

    def run(self, session: Session) -> None:
        """Read a little of each volume.

        Raises:
            Servicing: ``read-staged-volumes`` if one cannot be read.
        """
        from trident.errors import Servicing
        from trident.host.fingerprint import volume_fingerprint, volume_identity

        for volume in self.volumes:
            take = volume_identity if volume == self.shared else volume_fingerprint
            device = Path(session.device(volume))
            try:
                session.seals[volume_seal(volume)] = take(device)
            except OSError as error:
                raise Servicing(
                    "read-staged-volumes",
                    f"{device}, which was just written, cannot be read: {error.strerror}.",
                    hint="The disk may be failing; 'dmesg' may say more.",
                    details={"device": str(device)},
                ) from error


@dataclass(frozen=True, kw_only=True)
class CheckVolumes(Step):
    """Compare the volumes with their fingerprints, before anything boots them.

    Attributes:
        volumes: ids of the volumes.
    """

    volumes: tuple[str, ...]

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[CheckVolumes]:
        """The step, if staging writes anything."""
        volumes = written_volumes(situation)
        if volumes:
            yield cls(
                id="check-staged-volumes",
                title=f"Compare {', '.join(volumes)} with the fingerprints taken while staging",
                operation=Operation.FINALIZE,
                phase=Phase.CHECK_STAGED,
                volumes=volumes,
            )

    @property
    def needs(self) -> frozenset[str]:
        """A target that is complete."""
        return frozenset({STAGED})

    def run(self, session: Session) -> None:
        """Take the fingerprints again.

        Raises:
            Servicing: ``staged-not-whole``, naming every volume that has changed.
        """
        recorded = {name: session.seals.get(volume_seal(name)) for name in self.volumes}
        if not any(recorded.values()):
            session.note("No fingerprints were recorded when this was staged; the volumes are not compared.")
            return
        damage = {}
        for name, seal in recorded.items():
            if seal is None:
                damage[name] = "no fingerprint of it was recorded"
                continue
            found = _difference(session, name, seal)
            if found is not None:
                damage[name] = found
        if damage:
            raise not_whole(damage)


@dataclass(frozen=True, kw_only=True)
class CheckOtherVolumes(Step):
    """Before a rollback: the volumes that are to be booted hold file systems, those of their deployment.

    Their content has changed since, when they ran; so only which file systems they are is compared.

    Attributes:
        volumes: ids of the volumes.
    """

    volumes: tuple[str, ...]

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[CheckOtherVolumes]:
        """The step while staging, and once more while finalizing."""
        storage = situation.desired.storage
        volumes = tuple(
            storage.resolve_volume(filesystem.device_id, situation.target_volume)
            for filesystem in storage.filesystems
            if filesystem.device_id is not None and storage.is_ab(filesystem.device_id)
        )
        for operation, phase in ((Operation.STAGE, Phase.SEAL), (Operation.FINALIZE, Phase.CHECK_STAGED)):
            yield cls(
                id="check-other-volumes" + (":finalize" if operation is Operation.FINALIZE else ""),
                title=f"See that {', '.join(volumes)} can still be booted",
                operation=operation,
                phase=phase,
                volumes=volumes,
            )

    def run(self, session: Session) -> None:
        """Look for the file systems.

        Raises:
            Servicing: ``rollback-target-not-bootable``; ``staged-not-whole`` while finalizing.
        """
        from trident.host.fingerprint import identity_in

        damage = {}
        for name in self.volumes:
            seal = session.seals.get(volume_seal(name))
            found = _difference(session, name, identity_in(seal) if seal is not None else None)
            if found is not None:
                damage[name] = found
        if damage:
            raise (not_whole if self.operation is Operation.FINALIZE else not_bootable)(damage)


def written_volumes(situation: Situation) -> tuple[str, ...]:
    """Ids of the volumes that staging leaves complete: from the image, or with a new file system.

    The ESP is none of them: its files are sealed one by one, since others may write to it.
    """
    storage = situation.desired.storage
    found = (
        storage.resolve_volume(str(filesystem.device_id), situation.target_volume)
        for filesystem in storage.filesystems
        if is_written(filesystem, situation, {FileSystemSource.IMAGE, FileSystemSource.NEW})
    )
    return tuple(dict.fromkeys(found))


def is_written(filesystem: FileSystem, situation: Situation, sources: set[FileSystemSource]) -> bool:
    """Whether staging writes a file system that has one of these sources; the ESP's files are another matter.

    A clean install writes all of them, an update those on A/B volume pairs.
    """
    if filesystem.source not in sources or filesystem.is_esp or filesystem.device_id is None:
        return False
    if situation.servicing_type is ServicingType.CLEAN_INSTALL:
        return True
    return situation.desired.storage.is_ab(filesystem.device_id)


def _datastore_volume(situation: Situation) -> str | None:
    """The volume of the target that its datastore is copied to after it was sealed."""
    trident = situation.desired.trident
    if situation.servicing_type is not ServicingType.CLEAN_INSTALL or trident.disable:
        return None
    holding = situation.desired.storage.filesystem_holding(trident.datastore_path)
    if holding is None or holding.device_id is None:
        return None
    return situation.desired.storage.resolve_volume(holding.device_id, situation.target_volume)


def _difference(session: Session, name: str, seal: str | None) -> str | None:
    """How a volume differs from its seal; without a seal it must hold some file system."""
    from trident.host.block import device_size, filesystem_uuid
    from trident.host.fingerprint import volume_difference

    try:
        device = Path(session.device(name))
        if seal is not None:
            return volume_difference(seal, device)
        device_size(device)
        return None if filesystem_uuid(device) else "it holds no file system"
    except (TridentError, OSError) as error:
        return f"it cannot be read: {error}".removesuffix(".")
