"""Rules about verity devices: what lies on them, and what they need beside them."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model import FileSystem, FileSystemSource, SelinuxMode, VerityDevice
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject, label

_STORAGE: tuple[Path, ...] = (("storage",),)
_VERITY: Path = ("storage", "verity")
_DEVICE_NAMES = {"/": "root", "/usr": "usr"}
_BOOT = "/boot"
OVERLAY_PATH = "/var/lib/trident-overlay"
"""Where the writable layer of `/etc` is kept when the root is a verity device."""
_SELF_UPGRADE = "selfUpgradeTrident"


def _on(subject: Subject, verity: VerityDevice) -> list[FileSystem]:
    """The file systems on a verity device; by the other rules there is at most one."""
    return [fs for fs in subject.storage.filesystems if fs.device_id == verity.id]


def _root_verity(subject: Subject) -> VerityDevice | None:
    """The verity device that the root is on."""
    root = subject.storage.filesystem_at("/")
    device = root.device_id if root else None
    return next((verity for verity in subject.storage.verity if verity.id == device), None)


def _there_is_one(subject: Subject) -> Iterator[Violation]:
    for index in range(1, len(subject.storage.verity)):
        message = "There can be one verity device, for '/' or for '/usr', and this is another."
        yield Violation((*_VERITY, index), message, "Remove all but one.")


def _one_filesystem_is_on_it(subject: Subject) -> Iterator[Violation]:
    for index, verity in enumerate(subject.storage.verity[:1]):
        if not _on(subject, verity):
            message = f"No file system is on the verity device '{verity.id}'."
            yield Violation((*_VERITY, index), message, f"Write 'deviceId: {verity.id}' for '/' or '/usr'.")


def _it_is_mounted(subject: Subject) -> Iterator[Violation]:
    for verity in subject.storage.verity[:1]:
        for filesystem in _on(subject, verity):
            path = subject.filesystem_path(filesystem)
            if filesystem.mount_point is None:
                message = f"The file system on the verity device '{verity.id}' needs a mount point."
                yield Violation(path, message, "Add 'mountPoint: {path: /, options: ro}'.")


def _it_is_root_or_usr(subject: Subject) -> Iterator[Violation]:
    for verity in subject.storage.verity[:1]:
        for filesystem in _on(subject, verity):
            mount = filesystem.mount_point
            if mount is not None and mount.path not in _DEVICE_NAMES:
                path = (*subject.filesystem_path(filesystem), "mountPoint", "path")
                message = f"What is on a verity device is mounted at '/' or '/usr', not at '{mount.path}'."
                yield Violation(path, message)


def _it_is_read_only(subject: Subject) -> Iterator[Violation]:
    for verity in subject.storage.verity[:1]:
        for filesystem in _on(subject, verity):
            mount = filesystem.mount_point
            if mount is None or mount.is_read_only:
                continue
            path = (*subject.filesystem_path(filesystem), "mountPoint")
            message = f"'{mount.path}' is on the verity device '{verity.id}', so it must be mounted 'ro'."
            yield Violation(path, message, f"Write {{path: {mount.path}, options: ro}}.")


def _its_name_is_known(subject: Subject) -> Iterator[Violation]:
    for index, verity in enumerate(subject.storage.verity[:1]):
        for filesystem in _on(subject, verity):
            mount = filesystem.mount_point
            expected = _DEVICE_NAMES.get(mount.path) if mount else None
            if mount is not None and expected is not None and verity.name != expected:
                message = f"The name of the verity device of '{mount.path}' must be '{expected}'."
                yield Violation((*_VERITY, index, "name"), message, f"Write 'name: {expected}'.")


def _boot_is_apart(subject: Subject) -> Iterator[Violation]:
    verity = _root_verity(subject)
    if verity is None:
        return
    boot = subject.storage.filesystem_at(_BOOT)
    if boot is None:
        message = f"The root is on a verity device, so '{_BOOT}' must be a file system of its own."
        yield Violation(
            ("storage", "filesystems"), message, f"Add one from the image at '{_BOOT}'.", at_key=True
        )
    elif boot.source is FileSystemSource.NEW:
        path = (*subject.filesystem_path(boot), "source")
        message = f"The root is on a verity device, so '{_BOOT}' must come from the image."
        yield Violation(path, message, "Write 'source: image', or remove 'source' and 'type'.")


def _overlay_is_writable(subject: Subject) -> Iterator[Violation]:
    verity = _root_verity(subject)
    holder = subject.storage.filesystem_holding(OVERLAY_PATH) if verity else None
    if verity is None or holder is None or holder.mount_point is None or not holder.mount_point.is_read_only:
        return
    message = (
        f"The root is on a verity device, so '{OVERLAY_PATH}', which keeps the changes of '/etc', must be "
        f"writable; but it is on '{holder.mount_point.path}', which is mounted 'ro'."
    )
    yield Violation(
        (*subject.filesystem_path(holder), "mountPoint", "options"),
        message,
        f"Mount a new file system at '{OVERLAY_PATH}'.",
    )


def _overlay_is_on_a_device(subject: Subject) -> Iterator[Violation]:
    verity = _root_verity(subject)
    holder = subject.storage.filesystem_holding(OVERLAY_PATH) if verity else None
    if holder is not None and holder.device_id is None:
        message = (
            f"The root is on a verity device, so '{OVERLAY_PATH}', which keeps the changes of '/etc', must "
            "be on a block device."
        )
        yield Violation(subject.filesystem_path(holder), message, f"{label(holder)} is in memory.")


def _overlay_is_on_ab(subject: Subject) -> Iterator[Violation]:
    verity = _root_verity(subject)
    holder = subject.storage.filesystem_holding(OVERLAY_PATH) if verity else None
    if holder is None or holder.device_id is None or subject.storage.ab_update is None:
        return
    if holder.mount_point is None or holder.mount_point.is_read_only:
        return  # told already
    if not subject.is_pair(holder.device_id):
        message = (
            f"'{OVERLAY_PATH}' keeps the changes of '/etc' for the root on its verity device, so beside A/B "
            f"volume pairs it must be on one, and '{holder.device_id}' is none."
        )
        yield Violation((*subject.filesystem_path(holder), "deviceId"), message)


def _agent_does_not_copy_itself(subject: Subject) -> Iterator[Violation]:
    if _root_verity(subject) is not None and subject.configuration.internal_params.get(_SELF_UPGRADE) is True:
        message = f"The root is on a verity device, so '{_SELF_UPGRADE}' cannot write the agent there."
        yield Violation(("internalParams", _SELF_UPGRADE), message, "Remove it.", at_key=True)


def _selinux_needs_a_uki(subject: Subject) -> Iterator[Violation]:
    mode = subject.configuration.os.selinux.mode
    if _root_verity(subject) is not None and mode not in (None, SelinuxMode.DISABLED):
        message = f"SELinux ('{mode}') with a root on a verity device needs an image that boots a UKI."
        yield Violation(("os", "selinux", "mode"), message, "Write 'mode: disabled' for any other.")


RULES = (
    Rule(
        "unsupported-verity-devices",
        "There is at most one verity device.",
        "upstream, Storage",
        _STORAGE,
        _there_is_one,
        fields=("storage.verity",),
    ),
    Rule(
        "verity-device-without-filesystem",
        "One file system is on a verity device.",
        "upstream, `unsupported-verity-devices`",
        _STORAGE,
        _one_filesystem_is_on_it,
        fields=(
            "storage.verity",
            "storage.filesystems.deviceId",
        ),
    ),
    Rule(
        "verity-filesystem-without-mount-point",
        "The file system on a verity device is mounted.",
        "upstream, Storage",
        _STORAGE,
        _it_is_mounted,
        fields=(
            "storage.verity",
            "storage.filesystems.mountPoint",
        ),
    ),
    Rule(
        "verity-mount-path",
        "The file system on a verity device is mounted at '/' or '/usr'.",
        "upstream, `unsupported-verity-devices`",
        _STORAGE,
        _it_is_root_or_usr,
        fields=(
            "storage.verity",
            "storage.filesystems.mountPoint",
            "storage.filesystems.mountPoint.path",
        ),
    ),
    Rule(
        "verity-device-mounted-read-write",
        "The file system on a verity device is mounted 'ro'.",
        "upstream, Storage",
        _STORAGE,
        _it_is_read_only,
        fields=(
            "storage.verity",
            "storage.filesystems.mountPoint.options",
        ),
    ),
    Rule(
        "verity-device-name-invalid",
        "The name of a verity device is 'root' for '/', and 'usr' for '/usr'.",
        "upstream, Storage",
        _STORAGE,
        _its_name_is_known,
        fields=("storage.verity.name",),
    ),
    Rule(
        "verity-boot-missing",
        "With a root on a verity device, '/boot' is a file system that does not start empty.",
        "upstream, `expected-mount-point-not-found` and `mount-point-not-backed-by-image`",
        _STORAGE,
        _boot_is_apart,
        fields=(
            "storage.verity",
            "storage.filesystems",
        ),
    ),
    Rule(
        "overlay-on-read-only-volume",
        "With a root on a verity device, '/var/lib/trident-overlay' is writable.",
        "upstream, Storage",
        _STORAGE,
        _overlay_is_writable,
        fields=(
            "storage.verity",
            "storage.filesystems.mountPoint.options",
        ),
    ),
    Rule(
        "mount-point-not-backed-by-block-device",
        "With a root on a verity device, '/var/lib/trident-overlay' is on a block device.",
        "upstream, Storage",
        _STORAGE,
        _overlay_is_on_a_device,
        fields=(
            "storage.verity",
            "storage.filesystems.deviceId",
        ),
    ),
    Rule(
        "mount-point-not-backed-by-ab-update-volume-pair",
        "With a root on a verity device and A/B volume pairs, '/var/lib/trident-overlay' is on such a pair.",
        "upstream, Storage",
        _STORAGE,
        _overlay_is_on_ab,
        fields=(
            "storage.verity",
            "storage.filesystems.deviceId",
        ),
    ),
    Rule(
        "self-upgrade-on-read-only-root-verity-fs",
        "With a root on a verity device, the agent is not asked to copy itself there.",
        "upstream, HostConfiguration",
        (("storage",), ("internalParams",)),
        _agent_does_not_copy_itself,
        fields=(
            "storage.verity",
            "internalParams",
        ),
    ),
    Rule(
        "selinux-with-root-verity",
        "SELinux with a root on a verity device needs an image that boots a UKI.",
        "upstream, HostConfiguration",
        (("storage",), ("os", "selinux")),
        _selinux_needs_a_uki,
        Severity.WARNING,
        fields=(
            "storage.verity",
            "os.selinux.mode",
        ),
    ),
)
