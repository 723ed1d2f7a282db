"""The steps that mount the target's file systems as newroot, and leave them again."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import Servicing, TridentError
from trident.plan.step import NEWROOT as MOUNTED_TARGET
from trident.plan.step import STAGED, Operation, Phase, Step, content
from trident.subsystems.storage.mounted import is_kept, mounted_filesystems

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation

NEWROOT = Path("/run/trident/newroot")


@dataclass(frozen=True)
class NewrootMount:
    """A file system of the target: partition id, absolute mount point, whether it is the ESP or read-only.

    Without a partition it is a tmpfs: its mount point is made, and nothing mounted there, since whatever
    is put into it now would be gone before the target boots.
    """

    device_id: str | None
    path: str
    is_esp: bool = False
    read_only: bool = False


@dataclass(frozen=True, kw_only=True)
class ReleaseNewroot(Step):
    """Leave the mounts of a run that was killed, so that this one begins afresh."""

    @classmethod
    def compile(cls) -> ReleaseNewroot:
        """The step."""
        return cls(
            id="release-newroot",
            title="Leave what an interrupted run may have left mounted",
            operation=Operation.STAGE,
            phase=Phase.PRE_SERVICING,
        )

    def run(self, session: Session) -> None:
        """Unmount everything below Trident's run directory."""
        from trident.host.mount import RUN_DIRECTORY, unmount_below

        for target in unmount_below(RUN_DIRECTORY):
            session.note(f"Left the mount {target} of an interrupted run.")


@dataclass(frozen=True, kw_only=True)
class MountNewroot(Step):
    """Mount the target's file systems below one directory, with what programs inside them need.

    Attributes:
        mounts: outer mount points before inner ones.
    """

    mounts: tuple[NewrootMount, ...]

    @classmethod
    def compile(cls, situation: Situation) -> MountNewroot:
        """The step for the target side of every A/B pair, and for all shared partitions."""
        mounts = tuple(
            NewrootMount(entry.device_id, entry.path, entry.filesystem.is_esp, is_kept(entry.filesystem))
            for entry in mounted_filesystems(situation)
        )
        return cls(
            id="mount-newroot",
            title="Mount the target's file systems "
            f"({', '.join(mount.path for mount in mounts if mount.device_id is not None)})",
            operation=Operation.STAGE,
            phase=Phase.MOUNT,
            touches=tuple(
                mount.device_id for mount in mounts if mount.device_id is not None and not mount.read_only
            ),
            mounts=mounts,
        )

    @property
    def needs(self) -> frozenset[str]:
        """Each file system that is mounted."""
        mounted = (mount.device_id for mount in self.mounts)
        return super().needs | {content(name) for name in mounted if name is not None}

    @property
    def provides(self) -> frozenset[str]:
        """The newroot."""
        return frozenset({MOUNTED_TARGET})

    def run(self, session: Session) -> None:
        """Mount all, or nothing, and hand the mounts over to the session."""
        from trident.host.chroot import furnished

        NEWROOT.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                for mount in self.mounts:
                    self._mount(stack, session, mount)
                stack.enter_context(furnished(NEWROOT))
            except (TridentError, OSError) as error:
                raise Servicing(
                    "mount-newroot", f"The target's file systems cannot be mounted. {error}"
                ) from error
            session.mounts.push(stack.pop_all())
        session.newroot = NEWROOT

    @staticmethod
    def _mount(stack: ExitStack, session: Session, mount: NewrootMount) -> None:
        from trident.host.files import Tree
        from trident.host.mount import mounted

        tree = Tree(NEWROOT)
        if mount.path != "/":
            tree.make_directories(mount.path)
        if mount.device_id is None:
            return
        target = NEWROOT if mount.path == "/" else tree.real_path(mount.path)
        # The configured options are for the running target: read-only or noexec would be in the way here.
        # Only what is adopted read-only stays so, to its last byte.
        # vfat has no modes and owners; "quiet" lets it take them as asked for and forget them.
        options = ("umask=0077", "quiet") if mount.is_esp else ("ro",) if mount.read_only else ()
        stack.enter_context(mounted(session.device(mount.device_id), target, options=options))


@dataclass(frozen=True, kw_only=True)
class UnmountNewroot(Step):
    """Write everything to the devices and leave the newroot."""

    @classmethod
    def compile(cls) -> UnmountNewroot:
        """The step."""
        return cls(
            id="unmount-newroot",
            title="Write the target's file systems to disk and unmount them",
            operation=Operation.STAGE,
            phase=Phase.UNMOUNT,
        )

    @property
    def needs(self) -> frozenset[str]:
        """The newroot."""
        return frozenset({MOUNTED_TARGET})

    @property
    def provides(self) -> frozenset[str]:
        """A target that is complete on its devices."""
        return frozenset({STAGED})

    @property
    def ends(self) -> frozenset[str]:
        """The newroot."""
        return frozenset({MOUNTED_TARGET})

    def run(self, session: Session) -> None:
        """Unmount in reverse order; a busy mount is an error that names its holder."""
        import os

        try:
            session.mounts.close()
        except Servicing as error:
            raise Servicing(
                "unmount-newroot", error.message, hint=error.hint, details=error.details
            ) from error
        finally:
            session.newroot = None
        os.sync()
