"""The steps that set the target's SELinux mode and label its files (selinux(8), setfiles(8))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import FileSystemSource, FileSystemType, SelinuxMode
from trident.errors import InvalidInput, Servicing
from trident.plan.step import Operation, Phase, Step
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model import FileSystem
    from trident.plan.session import Session
    from trident.plan.situation import Situation

CONFIGURATION = "/etc/selinux/config"
_MODE = re.compile(r"^\s*SELINUX=.*$", re.MULTILINE)
_POLICY = re.compile(r"^\s*SELINUXTYPE=\s*([A-Za-z0-9._-]+)\s*$", re.MULTILINE)
# Mounted while staging, and no part of the target's disks (see trident.host.chroot).
_PASSING = ("/dev", "/proc", "/run", "/sys", "/tmp")
# File systems that keep a label for each file, of those that a Host Configuration can name.
_LABELLED = {"ext4", "xfs"}


@dataclass(frozen=True, kw_only=True)
class SetSelinuxMode(Step):
    """Write the mode into the target's configuration.

    Attributes:
        mode: what is wanted.
    """

    mode: SelinuxMode

    @classmethod
    def compile(cls, mode: SelinuxMode | None) -> Iterator[SetSelinuxMode]:
        """The step, if a mode is configured."""
        if mode is not None:
            yield cls(
                id="set-selinux-mode",
                title=f"Set SELinux to {mode}",
                operation=Operation.STAGE,
                phase=Phase.CONFIGURE,
                touches=(CONFIGURATION,),
                mode=mode,
            )

    def run(self, session: Session) -> None:
        """Change the file; an image without SELinux is as good as one that disables it."""
        if not set_mode(session.mounted_newroot(), self.mode):
            session.note(f"The target has no {CONFIGURATION}: SELinux is not there to be disabled.")


@dataclass(frozen=True, kw_only=True)
class LabelFiles(Step):
    """Give every file of the target the label that its policy wants, last of all changes.

    Attributes:
        excluded: directories that are left alone: file systems without labels, those that this servicing
            does not write, and adopted ones.
    """

    excluded: tuple[str, ...]

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[LabelFiles]:
        """The step, if SELinux is configured and not disabled."""
        mode = situation.desired.os.selinux.mode
        if mode is None or mode is SelinuxMode.DISABLED:
            return
        others = (
            filesystem.mount_point.path
            for filesystem in situation.desired.storage.filesystems
            if filesystem.mount_point is not None and not _is_labelled(filesystem, situation)
        )
        yield cls(
            id="label-files",
            title="Label the target's files for SELinux",
            operation=Operation.STAGE,
            phase=Phase.POST_CONFIGURE,
            touches=("/",),
            excluded=tuple(sorted({*_PASSING, *others})),
        )

    def run(self, session: Session) -> None:
        """Let the target's own ``setfiles`` do it."""
        label_files(session.mounted_newroot(), self.excluded)


def set_mode(root: Path, mode: SelinuxMode) -> bool:
    """Set the mode of the system below ``root``; ``False`` if it has no SELinux and needs none.

    Raises:
        InvalidInput: ``selinux-enabled-but-not-found`` if SELinux is wanted and the system has none.
        Servicing: ``set-selinux-mode`` if the file cannot be read or written.
    """
    from trident.host.files import Tree

    tree = Tree(root)
    try:
        content = tree.read(CONFIGURATION)
        if content is None:
            if mode is SelinuxMode.DISABLED:
                return False
            raise _not_found(f"it has no {CONFIGURATION}")
        text = content.decode(errors="surrogateescape")
        line = f"SELINUX={mode}"
        changed, found = _MODE.subn(line, text, count=1)
        if not found:
            changed = f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n"
        tree.write(CONFIGURATION, changed.encode(errors="surrogateescape"))
    except OSError as error:
        raise Servicing(
            "set-selinux-mode", f"{CONFIGURATION} of the target cannot be changed: {error.strerror}."
        ) from error
    return True


def label_files(root: Path, excluded: tuple[str, ...]) -> None:
    """Label the files of the system below ``root``, which has SELinux.

    Raises:
        InvalidInput: ``selinux-enabled-but-not-found`` if it lacks a policy, or ``setfiles``.
        Servicing: ``label-files`` if a label cannot be set.
    """
    from trident.host.files import Tree
    from trident.host.process import run

    tree = Tree(root)
    try:
        configuration = (tree.read(CONFIGURATION) or b"").decode(errors="replace")
    except OSError as error:
        raise Servicing("label-files", f"{CONFIGURATION} cannot be read: {error.strerror}.") from error
    policy = _POLICY.search(configuration)
    if policy is None:
        raise _not_found(f"{CONFIGURATION} names no SELINUXTYPE")
    contexts = f"/etc/selinux/{policy[1]}/contexts/files/file_contexts"
    if not tree.exists(contexts):
        raise _not_found(f"it has no {contexts}")
    if not any(tree.exists(f"{directory}/setfiles") for directory in ("/usr/sbin", "/sbin")):
        raise _not_found("it has no setfiles")
    exclusions = [word for directory in excluded if tree.exists(directory) for word in ("-e", directory)]
    try:
        # "-m": what is mounted without labels is excluded by name; the servicing OS's kernel may have no
        # SELinux, and then every mount looks like one without labels.
        run(["setfiles", "-m", *exclusions, contexts, "/"], root=root)
    except Servicing as error:
        raise Servicing("label-files", f"The target's files cannot be labelled. {error.message}") from error


def _is_labelled(filesystem: FileSystem, situation: Situation) -> bool:
    """Whether its files are to be labelled: it can hold labels, and this servicing writes it."""
    if filesystem.source is FileSystemSource.ADOPTED or filesystem.device_id is None or filesystem.is_esp:
        return False
    if filesystem.source is FileSystemSource.IMAGE:
        path = filesystem.mount_point.path if filesystem.mount_point else ""
        image = situation.image.filesystem_at(path) if situation.image else None
        fstype = image.fs_type if image else "ext4"
    else:
        fstype = str(filesystem.type or FileSystemType.EXT4)
    shared = not situation.desired.storage.is_ab(filesystem.device_id)
    return fstype in _LABELLED and not (shared and situation.servicing_type is ServicingType.AB_UPDATE)


def _not_found(what: str) -> InvalidInput:
    return InvalidInput(
        "selinux-enabled-but-not-found",
        f"'os.selinux.mode' wants SELinux, but the image is not made for it: {what}.",
        hint="Install a policy and policycoreutils in the image, or set 'mode: disabled'.",
    )
