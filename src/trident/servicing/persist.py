"""The steps that leave the datastore of an install on the target: once staged, and before it is booted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from trident.errors import Internal, Servicing
from trident.host.files import sync_directory
from trident.host.mount import mounted, unmount_below
from trident.plan.step import STAGED, Operation, Phase, Step, content
from trident.servicing import record
from trident.servicing.log import keep_log
from trident.state.history import EntryState
from trident.state.status import HostStatus, ServicingState

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.plan.session import Session
    from trident.plan.situation import Situation

MOUNT_DIRECTORY = Path("/run/trident/datastore")


@dataclass(frozen=True, kw_only=True)
class PersistDatastore(Step):
    """Copy the datastore of a clean install onto the target's own volume.

    The copy that staging leaves is for a servicing OS that was started anew and for whoever starts the target
    by hand; that of finalize, for the target. One takes the place of the other at once, or not at all.

    Attributes:
        device_id: block device that holds the datastore's file system.
        path_in_volume: where the datastore lies inside that file system.
    """

    device_id: str
    path_in_volume: str

    @classmethod
    def compile(cls, situation: Situation, operation: Operation) -> PersistDatastore:
        """The step for stage or finalize.

        Raises:
            Internal: ``datastore-volume`` if no file system of the configuration holds the datastore,
                which validation rules out.
        """
        path = situation.desired.trident.datastore_path
        place = datastore_place(situation.desired)
        if place is None:
            raise Internal("datastore-volume", f"No file system of the Host Configuration holds {path}.")
        device_id, path_in_volume = place
        staging = operation is Operation.STAGE
        return cls(
            id="persist-staged-datastore" if staging else "persist-datastore",
            title=f"Keep the record of this {'staged ' if staging else ''}install in {path} on '{device_id}'",
            operation=operation,
            phase=Phase.SEAL if staging else Phase.FINALIZE,
            touches=(device_id,),
            device_id=device_id,
            path_in_volume=path_in_volume,
        )

    @property
    def needs(self) -> frozenset[str]:
        """A target that is complete, and the file system that the datastore goes to."""
        return super().needs | {STAGED, content(self.device_id)}

    def run(self, session: Session) -> None:
        """Mount the volume, copy the datastore and this log there, and record in the copy what will be true.

        Raises:
            Servicing: ``open-datastore`` or ``write-to-datastore`` if it cannot be written.
        """
        MOUNT_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
        unmount_below(MOUNT_DIRECTORY)  # A run that was killed may have left it mounted.
        with mounted(session.device(self.device_id), MOUNT_DIRECTORY):
            target = MOUNT_DIRECTORY / self.path_in_volume
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.parent.chmod(0o700)
            try:
                self._copy(session, target)
            except OSError as error:
                raise Servicing(
                    "write-to-datastore",
                    f"The record of the install cannot be kept on '{self.device_id}': {error.strerror}.",
                    hint="Give that file system more room.",
                ) from error
            if self.operation is Operation.FINALIZE:
                keep_log(target.parent, ServicingState.CLEAN_INSTALL_FINALIZED)

    def _copy(self, session: Session, target: Path) -> None:
        new = target.with_name(f"{target.name}.new")
        for leftover in (new, new.with_name(f"{new.name}-journal")):
            leftover.unlink(missing_ok=True)
        if self.operation is Operation.STAGE:
            status, reached = staged_install(session), EntryState.STAGED
        else:
            finalized = ServicingState.CLEAN_INSTALL_FINALIZED
            status, reached = session.situation.status.evolve(servicing_state=finalized), EntryState.FINALIZED
        with session.open_datastore().copy_to(new) as copy, copy.together():
            record.save_seals(copy, session)
            record.move(copy, status.evolve(is_management_os=False, last_error=None), reached)
        new.replace(target)
        sync_directory(target.parent)


def datastore_place(configuration: HostConfiguration) -> tuple[str, str] | None:
    """Where a target keeps its datastore: a block device, and a path in its file system.

    ``None`` for a target without an agent, which keeps none, and where no file system would hold it.
    """
    path = PurePosixPath(configuration.trident.datastore_path)
    if configuration.trident.disable:
        return None
    for parent in path.parents:
        filesystem = configuration.storage.filesystem_at(str(parent))
        if filesystem is not None and filesystem.device_id is not None:
            return filesystem.device_id, str(path.relative_to(parent))
    return None


def staged_install(session: Session) -> HostStatus:
    """The status of an install that has just been staged."""
    situation = session.situation
    return situation.status.evolve(
        spec=situation.desired.to_document(),
        servicing_state=ServicingState.CLEAN_INSTALL_STAGED,
        partition_paths=dict(session.partition_paths),
        disk_uuids=dict(session.disk_uuids),
    )
