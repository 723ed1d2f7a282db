"""Rules about file systems, where they are mounted, and the partitions beneath them."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model import FileSystem, FileSystemSource, FileSystemType, OverrideEspMount
from trident.config.model.filesystems import ESP_MOUNT_PATH
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.config.rules import tables
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject, label, needs_device

_STORAGE: tuple[Path, ...] = (("storage",),)
_ROOT = "/"
_VAR_TMP = "/var/tmp"


def _each(subject: Subject) -> Iterator[tuple[Path, FileSystem]]:
    for index, filesystem in enumerate(subject.storage.filesystems):
        yield ("storage", "filesystems", index), filesystem


def _image_brings_its_type(subject: Subject) -> Iterator[Violation]:
    for path, filesystem in _each(subject):
        if filesystem.source is FileSystemSource.IMAGE and filesystem.type is not None:
            message = f"{label(filesystem)} comes from the image, which brings its own type."
            yield Violation((*path, "type"), message, "Remove 'type', or write 'source: new'.", at_key=True)


def _type_suits_its_source(subject: Subject) -> Iterator[Violation]:
    for path, filesystem in _each(subject):
        if filesystem.source is FileSystemSource.IMAGE or filesystem.type is None:
            continue
        suited = tables.SOURCE_TYPES[filesystem.source]
        if filesystem.type not in suited:
            kind = "an adopted" if filesystem.source is FileSystemSource.ADOPTED else "a new"
            message = f"The type of {kind} file system cannot be '{filesystem.type}'."
            types = " or ".join(f"'{type_}'" for type_ in FileSystemType if type_ in suited)
            yield Violation((*path, "type"), message, f"It can be {types}.")


def _override_needs_a_mount_point(subject: Subject) -> Iterator[Violation]:
    for path, filesystem in _each(subject):
        if filesystem.override_esp_mount is OverrideEspMount.OVERRIDE and filesystem.mount_point is None:
            message = "A file system can only be the ESP if it has a mount point."
            yield Violation((*path, "overrideEspMount"), message, "Add 'mountPoint'.")


def _device_is_named(subject: Subject) -> Iterator[Violation]:
    for path, filesystem in _each(subject):
        if filesystem.device_id is None and needs_device(filesystem):
            yield Violation(path, f"{label(filesystem)} needs a block device.", "Add 'deviceId'.")


def _no_device_is_named(subject: Subject) -> Iterator[Violation]:
    for path, filesystem in _each(subject):
        if filesystem.device_id is not None and not needs_device(filesystem):
            message = f"A file system of type '{filesystem.type}' is on no block device."
            yield Violation((*path, "deviceId"), message, "Remove 'deviceId'.", at_key=True)


def _memory_is_mounted(subject: Subject) -> Iterator[Violation]:
    for path, filesystem in _each(subject):
        if filesystem.mount_point is not None or needs_device(filesystem) or filesystem.type is None:
            continue
        if tables.NEEDS_MOUNT_POINT[filesystem.type]:
            message = f"A file system of type '{filesystem.type}' needs a mount point."
            yield Violation(path, message, "Add 'mountPoint'.")


def _mount_path(path: Path, filesystem: FileSystem) -> tuple[Path, str] | None:
    mount = filesystem.mount_point
    return None if mount is None else ((*path, "mountPoint", "path"), mount.path)


def _mounts(subject: Subject) -> Iterator[tuple[Path, str]]:
    for path, filesystem in _each(subject):
        mount = _mount_path(path, filesystem)
        if mount is not None:
            yield mount


def _mount_paths_are_absolute(subject: Subject) -> Iterator[Violation]:
    for path, mount in _mounts(subject):
        if not mount.startswith("/"):
            message = f"The mount path '{mount}' is not absolute."
            yield Violation(path, message, f"Write /{mount.lstrip('./')}." if mount else None)


def _mount_paths_do_not_climb(subject: Subject) -> Iterator[Violation]:
    for path, mount in _mounts(subject):
        if "\0" in mount:
            yield Violation(path, "A mount path cannot hold a NUL character.")
        elif ".." in mount.split("/"):
            message = f"The mount path '{mount}' contains '..'."
            yield Violation(path, message, "Write the path that it leads to.")


def _mount_paths_are_unique(subject: Subject) -> Iterator[Violation]:
    seen: set[str] = set()
    for path, mount in _mounts(subject):
        if mount in seen:
            yield Violation(path, f"Two file systems are mounted at '{mount}'.")
        seen.add(mount)


def _there_is_one_esp(subject: Subject) -> Iterator[Violation]:
    found: FileSystem | None = None
    for path, filesystem in _each(subject):
        if not filesystem.is_esp or filesystem.mount_point is None:
            continue
        if found is None:
            found = filesystem
            continue
        other = label(found)
        message = f"{label(filesystem)} is the ESP, but {other[0].lower()}{other[1:]} is too."
        yield Violation(path, message, "Write 'overrideEspMount: block' for the one that is not.")


def _there_is_an_esp(subject: Subject) -> Iterator[Violation]:
    if subject.has_storage and not any(fs.is_esp for fs in subject.storage.filesystems):
        message = f"No file system is the ESP: none is mounted at '{ESP_MOUNT_PATH}'."
        yield Violation(
            ("storage", "filesystems"),
            message,
            "Add the ESP, or write 'overrideEspMount: override' for the file system that it is.",
            at_key=True,
        )


def _there_is_storage(subject: Subject) -> Iterator[Violation]:
    if not subject.has_storage:
        message = "There is no storage section, so nothing says where '/' and the agent's state are."
        yield Violation(
            ("storage",),
            message,
            "Add 'storage'. Only an update may keep the host's: 'trident validate --for-update'.",
            at_key=True,
        )


def _there_is_a_root(subject: Subject) -> Iterator[Violation]:
    if subject.has_storage and subject.storage.filesystem_at(_ROOT) is None:
        message = "No file system is mounted at '/'."
        yield Violation(("storage", "filesystems"), message, "Add one with 'mountPoint: /'.", at_key=True)


def must_come_from_image(filesystem: FileSystem) -> bool:
    """Whether a file system is the ESP or the root, which cannot be made empty."""
    mount = filesystem.mount_point
    return mount is not None and (mount.path == _ROOT or filesystem.is_esp)


def _esp_and_root_come_from_the_image(subject: Subject) -> Iterator[Violation]:
    for path, filesystem in _each(subject):
        if filesystem.source is FileSystemSource.NEW and must_come_from_image(filesystem):
            message = f"{label(filesystem)} must come from the image."
            yield Violation(
                (*path, "source"), message, "Write 'source: image', or remove 'source' and 'type'."
            )


def _var_tmp_is_writable(subject: Subject) -> Iterator[Violation]:
    filesystem = subject.storage.filesystem_holding(_VAR_TMP)
    if filesystem is not None and filesystem.mount_point is not None and filesystem.mount_point.is_read_only:
        path = (*subject.filesystem_path(filesystem), "mountPoint", "options")
        message = f"'{_VAR_TMP}' must be writable, but '{filesystem.mount_point.path}' is mounted with 'ro'."
        yield Violation(path, message, f"Remove 'ro', or mount a writable file system at '{_VAR_TMP}'.")


RULES = (
    Rule(
        "storage-missing",
        "A configuration has a storage section; only an update may take over that of the running host.",
        "upstream, `expected-mount-point-not-found` and `datastore-path-not-in-known-volume`",
        _STORAGE,
        _there_is_storage,
        fields=("storage",),
    ),
    Rule(
        "filesystem-type-with-image",
        "A file system from the image has no 'type'.",
        "upstream, FileSystem",
        _STORAGE,
        _image_brings_its_type,
        fields=(
            "storage.filesystems.type",
            "storage.filesystems.source",
        ),
    ),
    Rule(
        "filesystem-type-with-source",
        "A new file system is not of type 'auto', and an adopted one not of type 'tmpfs'.",
        "upstream, FileSystem",
        _STORAGE,
        _type_suits_its_source,
        fields=(
            "storage.filesystems.type",
            "storage.filesystems.source",
        ),
    ),
    Rule(
        "filesystem-esp-without-mount-point",
        "What is the ESP by 'overrideEspMount: override' has a mount point.",
        "upstream, FileSystem",
        _STORAGE,
        _override_needs_a_mount_point,
        fields=(
            "storage.filesystems.overrideEspMount",
            "storage.filesystems.mountPoint",
        ),
    ),
    Rule(
        "filesystem-missing-block-device-id",
        "A file system whose type needs a block device names one.",
        "upstream, Storage Rules: Filesystem Block Device Requirements, Reference Count",
        _STORAGE,
        _device_is_named,
        fields=("storage.filesystems.deviceId",),
    ),
    Rule(
        "filesystem-unexpected-block-device-id",
        "A file system that is in memory names no block device.",
        "upstream, Storage Rules: Filesystem Block Device Requirements",
        _STORAGE,
        _no_device_is_named,
        fields=(
            "storage.filesystems.deviceId",
            "storage.filesystems.type",
        ),
    ),
    Rule(
        "filesystem-missing-mount-point",
        "A file system that is in memory has a mount point.",
        "upstream, Storage Rules: Filesystem Mounting",
        _STORAGE,
        _memory_is_mounted,
        fields=(
            "storage.filesystems.mountPoint",
            "storage.filesystems.type",
        ),
    ),
    Rule(
        "mount-point-path-not-absolute",
        "A mount path is absolute.",
        "upstream, graph builder",
        _STORAGE,
        _mount_paths_are_absolute,
        fields=(
            "storage.filesystems.mountPoint",
            "storage.filesystems.mountPoint.path",
        ),
    ),
    Rule(
        "mount-point-path-climbs",
        "A mount path does not contain '..'.",
        "Trident: what is mounted where must be plain to see",
        _STORAGE,
        _mount_paths_do_not_climb,
        Severity.WARNING,
        stops_servicing=True,
        fields=(
            "storage.filesystems.mountPoint",
            "storage.filesystems.mountPoint.path",
        ),
    ),
    Rule(
        "duplicate-mount-point",
        "A mount path is used once.",
        "upstream, graph builder",
        _STORAGE,
        _mount_paths_are_unique,
        fields=(
            "storage.filesystems.mountPoint",
            "storage.filesystems.mountPoint.path",
        ),
    ),
    Rule(
        "filesystem-esp-multiple",
        "At most one file system is the ESP.",
        "upstream, graph builder",
        _STORAGE,
        _there_is_one_esp,
        fields=(
            "storage.filesystems",
            "storage.filesystems.overrideEspMount",
        ),
    ),
    Rule(
        "esp-mount-point-not-found",
        "Where there is storage, one file system is the ESP.",
        "upstream, Storage",
        _STORAGE,
        _there_is_an_esp,
        fields=(
            "storage.filesystems",
            "storage.filesystems.overrideEspMount",
        ),
    ),
    Rule(
        "expected-mount-point-not-found",
        "Where there is storage, a file system is mounted at '/'.",
        "upstream, Storage",
        _STORAGE,
        _there_is_a_root,
        fields=(
            "storage.filesystems",
            "storage.filesystems.mountPoint",
        ),
    ),
    Rule(
        "mount-point-not-backed-by-image",
        "The ESP and '/' come from the image.",
        "upstream, Storage",
        _STORAGE,
        _esp_and_root_come_from_the_image,
        fields=("storage.filesystems.source",),
    ),
    Rule(
        "var-tmp-on-read-only-volume",
        "'/var/tmp' is on a file system that is mounted writable.",
        "upstream, Storage",
        _STORAGE,
        _var_tmp_is_writable,
        fields=("storage.filesystems.mountPoint.options",),
    ),
)
