"""The session: what steps share while a plan runs, and what is undone when it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import Internal
from trident.host.process import interrupts_held_back
from trident.progress import BytesMoved, Notice, Progress, silent

if TYPE_CHECKING:
    from trident.image.cosi.reader import Cosi
    from trident.plan.situation import Situation
    from trident.state.datastore import Datastore


@dataclass
class Session:
    """State of one execution.

    Attributes:
        situation: what the plan was compiled from.
        cosi: the open image, or ``None`` where the plan needs none.
        datastore: the open datastore of the running system.
        partition_paths: device path by block device id; creating partitions fills it in.
        disk_uuids: GPT disk GUID by disk id.
        newroot: where the target's file systems are mounted while they are.
        mounts: contexts to leave when the mounted newroot is no longer needed; unwound in reverse,
            whatever happens.
        progress: where events go.
        current_step: id of the running step, for byte progress.
        artifacts: small facts that one step leaves for a later one, by name.
        bytes_fetched: what the steps that are done have fetched.
        bytes_written: what they have written to volumes.
        seals: fingerprints of what was staged, by name; kept in the datastore from stage to finalize.
    """

    situation: Situation
    cosi: Cosi | None = None
    datastore: Datastore | None = None
    partition_paths: dict[str, str] = field(default_factory=dict)
    disk_uuids: dict[str, str] = field(default_factory=dict)
    newroot: Path | None = None
    mounts: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    progress: Progress = silent
    current_step: str = ""
    artifacts: dict[str, object] = field(default_factory=dict)
    bytes_fetched: int = 0
    bytes_written: int = 0
    seals: dict[str, str] = field(default_factory=dict)

    @classmethod
    def resumed(
        cls, situation: Situation, datastore: Datastore, progress: Progress, cosi: Cosi | None = None
    ) -> Session:
        """A session on a host whose partitions Host Status knows already."""
        return cls(
            situation,
            cosi,
            datastore,
            partition_paths=dict(situation.status.partition_paths),
            disk_uuids=dict(situation.status.disk_uuids),
            progress=progress,
        )

    def open_datastore(self) -> Datastore:
        """The datastore.

        Raises:
            Internal: ``datastore-closed`` if the session has none.
        """
        if self.datastore is None:
            raise Internal("datastore-closed", "The datastore is not open.")
        return self.datastore

    def device(self, block_device_id: str) -> str:
        """The node of a partition, or of the member of an A/B pair that this servicing writes.

        Raises:
            Internal: ``block-device-path`` if the id has no node (yet).
        """
        resolved = self.situation.desired.storage.resolve_volume(
            block_device_id, self.situation.target_volume
        )
        try:
            return self.partition_paths[resolved]
        except KeyError:
            raise Internal("get-block-device-path", f"No device node is known for '{resolved}'.") from None

    def mounted_newroot(self) -> Path:
        """The mounted newroot.

        Raises:
            Internal: ``newroot-not-mounted`` if a step asks for it outside its phase.
        """
        if self.newroot is None:
            raise Internal(
                "newroot-not-mounted", "A step needs the target's file systems, but they are not mounted."
            )
        return self.newroot

    def moved(self, done: int, total: int) -> None:
        """Report bytes of the running step."""
        self.progress(BytesMoved(self.current_step, done, total))

    def note(self, text: str) -> None:
        """Say something that belongs to the running step but is no byte count."""
        self.progress(Notice("info", text))

    @contextlib.contextmanager
    def unwinding(self) -> Iterator[Session]:
        """Leave every context in ``mounts``, in reverse, however the body ends; no signal cuts that short."""
        try:
            yield self
        except BaseException as error:
            with interrupts_held_back():
                if not self.mounts.__exit__(type(error), error, error.__traceback__):
                    raise
        else:
            with interrupts_held_back():
                self.mounts.close()
