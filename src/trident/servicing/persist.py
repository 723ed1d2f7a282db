"""The step that leaves the datastore on the target before the firmware is told to boot it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from trident.errors import Internal
from trident.host.mount import mounted
from trident.plan.step import STAGED, Operation, Phase, Step, content
from trident.servicing.log import keep_log
from trident.state.status import ServicingState

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation

MOUNT_DIRECTORY = Path("/run/trident/datastore")


@dataclass(frozen=True, kw_only=True)
class PersistDatastore(Step):
    """Copy the datastore of a clean install onto the target's own volume.

    Attributes:
        device_id: block device that holds the datastore's file system.
        path_in_volume: where the datastore lies inside that file system.
    """

    device_id: str
    path_in_volume: str

    @classmethod
    def compile(cls, situation: Situation) -> PersistDatastore:
        """The step for this situation.

        Raises:
            Internal: ``datastore-volume`` if no file system of the configuration holds the datastore,
                which validation rules out.
        """
        path = PurePosixPath(situation.desired.trident.datastore_path)
        for parent in path.parents:
            filesystem = situation.desired.storage.filesystem_at(str(parent))
            if filesystem is not None and filesystem.device_id is not None:
                return cls(
                    id="persist-datastore",
                    title=f"Keep the record of this install in {path} on '{filesystem.device_id}'",
                    operation=Operation.FINALIZE,
                    phase=Phase.FINALIZE,
                    touches=(filesystem.device_id,),
                    device_id=filesystem.device_id,
                    path_in_volume=str(path.relative_to(parent)),
                )
        raise Internal("datastore-volume", f"No file system of the Host Configuration holds {path}.")

    @property
    def needs(self) -> frozenset[str]:
        """A target that is complete, and the file system that the datastore goes to."""
        return super().needs | {STAGED, content(self.device_id)}

    def run(self, session: Session) -> None:
        """Mount the volume, copy the datastore and this log there, and record the finalized install."""
        MOUNT_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
        with mounted(session.device(self.device_id), MOUNT_DIRECTORY):
            target = MOUNT_DIRECTORY / self.path_in_volume
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.parent.chmod(0o700)
            with session.open_datastore().copy_to(target) as copy:
                copy.record(
                    copy.status().evolve(
                        servicing_state=ServicingState.CLEAN_INSTALL_FINALIZED,
                        is_management_os=False,
                        last_error=None,
                    )
                )
            keep_log(target.parent, ServicingState.CLEAN_INSTALL_FINALIZED)
