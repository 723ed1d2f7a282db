"""Rules about text that becomes part of a path, of a command or of a file such as /etc/fstab."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model import Disk, EncryptedVolume, SoftwareRaidArray, VerityDevice
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject

_STORAGE: tuple[Path, ...] = (("storage",),)
_DATASTORE: Path = ("trident", "datastorePath")
_OF_THE_KERNEL = ("/proc", "/sys", "/dev", "/run")
_NO_CLIMBING = "Write the path that it leads to."


def _has_control(text: str) -> bool:
    """Whether a text has a character that could end a line or control a terminal; a space is none."""
    return not text.isprintable()


def _datastore_path_is_plain(subject: Subject) -> Iterator[Violation]:
    trident = subject.configuration.trident
    if trident.disable:
        return
    if ".." in trident.datastore_path.split("/"):
        message = f"The datastore path '{trident.datastore_path}' contains '..'."
        yield Violation(_DATASTORE, message, _NO_CLIMBING)
    elif _has_control(trident.datastore_path):
        yield Violation(_DATASTORE, "The datastore path holds control characters.")


def _disk_paths_are_plain(subject: Subject) -> Iterator[Violation]:
    for device in subject.definitions:
        if not isinstance(device.item, Disk):
            continue
        path = (*device.path, "device")
        if ".." in device.item.device.split("/"):
            message = f"The device of disk '{device.id}', '{device.item.device}', contains '..'."
            yield Violation(path, message, _NO_CLIMBING)
        elif _has_control(device.item.device):
            yield Violation(path, f"The device of disk '{device.id}' holds control characters.")


def _device_names_are_plain(subject: Subject) -> Iterator[Violation]:
    for device in subject.definitions:
        item = device.item
        if isinstance(item, EncryptedVolume):
            field, name = "deviceName", item.device_name
        elif isinstance(item, SoftwareRaidArray | VerityDevice):
            field, name = "name", item.name
        else:
            continue
        if name in ("", ".", ".."):
            message = (
                f"'{name}' cannot be the name of a device." if name else "The name of a device is empty."
            )
        elif "/" in name:
            message = f"The name of a device is no path, and '{name}' contains '/'."
        elif any(character.isspace() or not character.isprintable() for character in name):
            message = "The name of a device holds spaces or control characters."
        else:
            continue
        suggestion = "Write a name of letters, digits, '-' and '_'."
        yield Violation((*device.path, field), message, suggestion)


def _mount_paths_are_plain(subject: Subject) -> Iterator[Violation]:
    for index, filesystem in enumerate(subject.storage.filesystems):
        mount = filesystem.mount_point
        # What holds a NUL is told by 'mount-point-path-climbs'.
        if mount is not None and "\0" not in mount.path and _has_control(mount.path):
            path: Path = ("storage", "filesystems", index, "mountPoint", "path")
            yield Violation(path, "The mount path holds line breaks or control characters.")


def _mount_options_are_plain(subject: Subject) -> Iterator[Violation]:
    for index, filesystem in enumerate(subject.storage.filesystems):
        options = filesystem.mount_point.options if filesystem.mount_point is not None else ""
        if not any(character.isspace() or not character.isprintable() for character in options):
            continue
        path: Path = ("storage", "filesystems", index, "mountPoint", "options")
        closed = ",".join(part for part in options.replace(",", " ").split() if part.isprintable())
        yield Violation(
            path,
            "Mount options hold white space or control characters, which fstab has between its fields.",
            f"Write {closed}." if closed and len(closed) <= len(options) <= 100 else None,
        )


def _mounts_leave_the_kernels_alone(subject: Subject) -> Iterator[Violation]:
    for index, filesystem in enumerate(subject.storage.filesystems):
        if filesystem.mount_point is not None and filesystem.mount_point.path in _OF_THE_KERNEL:
            path: Path = ("storage", "filesystems", index, "mountPoint", "path")
            message = (
                f"'{filesystem.mount_point.path}' belongs to the running system, which mounts it itself."
            )
            yield Violation(path, message, "Mount the file system elsewhere.")


RULES = (
    Rule(
        "datastore-path-climbs",
        "The datastore path does not contain '..', nor control characters.",
        "Trident: what holds the datastore is found by its path",
        (("trident",),),
        _datastore_path_is_plain,
        Severity.WARNING,
        stops_servicing=True,
        fields=("trident.datastorePath",),
    ),
    Rule(
        "odd-disk-path",
        "The device of a disk does not contain '..', nor control characters.",
        "Trident: the path is compared, printed and handed to programs",
        _STORAGE,
        _disk_paths_are_plain,
        Severity.WARNING,
        stops_servicing=True,
        fields=("storage.disks.device",),
    ),
    Rule(
        "odd-device-name",
        "The name of a device on the host has a character, and no '/', white space or control character.",
        "Trident: it becomes a file in /dev/md or /dev/mapper, and a field of crypttab(5) or mdadm.conf(5)",
        _STORAGE,
        _device_names_are_plain,
        Severity.WARNING,
        stops_servicing=True,
        fields=(
            "storage.raid.software.name",
            "storage.encryption.volumes.deviceName",
            "storage.verity.name",
        ),
    ),
    Rule(
        "odd-mount-path",
        "A mount path holds no line breaks or control characters.",
        "fstab(5): a line is a file system",
        _STORAGE,
        _mount_paths_are_plain,
        Severity.WARNING,
        stops_servicing=True,
        fields=("storage.filesystems.mountPoint.path",),
    ),
    Rule(
        "odd-mount-options",
        "Mount options hold no white space and no control characters.",
        "fstab(5): white space separates its fields",
        _STORAGE,
        _mount_options_are_plain,
        Severity.WARNING,
        stops_servicing=True,
        fields=("storage.filesystems.mountPoint.options",),
    ),
    Rule(
        "mount-path-of-the-kernel",
        "Nothing is mounted at '/proc', '/sys', '/dev' or '/run'.",
        "file-hierarchy(7): the running system mounts these itself",
        _STORAGE,
        _mounts_leave_the_kernels_alone,
        Severity.WARNING,
        stops_servicing=True,
        fields=("storage.filesystems.mountPoint.path",),
    ),
)
