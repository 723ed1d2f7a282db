"""Rules about sizes: every image fits the block device that is to hold it."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.problems import Severity
from trident.crosscheck.devices import Room, room_of
from trident.crosscheck.rule import Rule, Violation
from trident.crosscheck.subject import Subject


def _images_fit(subject: Subject) -> Iterator[Violation]:
    yield from _esp_can_be_unpacked(subject)
    for place, entry in subject.shared():
        if place.filesystem.is_esp or place.filesystem.device_id is None:
            continue
        needed = entry.image.uncompressed_size
        room = room_of(subject, place.filesystem.device_id)
        if room is not None and needed > room.size:
            yield _too_small(room, needed, place.mount_path, f"file system for {place.mount_path}")
        verity = subject.verity_beneath(place)
        if verity is None or entry.verity is None:
            continue
        needed = entry.verity.image.uncompressed_size
        room = room_of(subject, verity[1].hash_device_id)
        if room is not None and needed > room.size:
            yield _too_small(room, needed, place.mount_path, f"verity hashes for {place.mount_path}")


def _esp_can_be_unpacked(subject: Subject) -> Iterator[Violation]:
    """The ESP's image is unpacked on the target's root volume and copied from there."""
    esp, entry, root = subject.esp, subject.image.esp, subject.from_image.get("/")
    if esp is None or entry is None or root is None or root.filesystem.device_id is None:
        return
    needed = entry.image.uncompressed_size
    room = room_of(subject, root.filesystem.device_id)
    if room is not None and needed > room.size:
        yield _too_small(
            room, needed, esp.mount_path, "EFI system partition, which is unpacked on the root volume,"
        )


def _too_small(room: Room, needed: int, mount_path: str, what: str) -> Violation:
    return Violation(
        message=f"The image's {what} needs {needed} bytes, but '{room.id}' has {room.size} bytes.",
        path=room.path,
        suggestion=f"Give it at least {_spelled(needed)}, or build a smaller image.",
        details={
            "device_id": room.id,
            "mount_point": mount_path,
            "device_size": room.size,
            "fs_size": needed,
        },
    )


def _files_of_the_esp_fit(subject: Subject) -> Iterator[Violation]:
    esp, entry = subject.esp, subject.image.esp
    if esp is None or entry is None or esp.filesystem.device_id is None:
        return
    needed = entry.image.uncompressed_size
    room = room_of(subject, esp.filesystem.device_id)
    if room is not None and needed > room.size:
        yield Violation(
            message=f"The image's EFI system partition has {needed} bytes, '{room.id}' has {room.size}: its "
            "files may not fit, and an A/B host keeps those of two images.",
            path=room.path,
            suggestion=f"Give it {_spelled(needed)} or more.",
        )


def _spelled(size: int) -> str:
    """A size, rounded up, as a partition takes it: ``600M``."""
    return f"{-(-size // 1024**2)}M"


RULES = (
    Rule(
        "filesystem-size-exceeds-block-device",
        "Each image is at most as large as the block device that is to hold it; so are verity hashes. That "
        "of the ESP is unpacked on the root volume before its files are copied, and measured against that. A "
        "partition that grows is measured where the disk is known: by `plan`, `install` and `update`.",
        "upstream, `filesystem-size-exceeds-block-device`",
        _images_fit,
    ),
    Rule(
        "esp-smaller-than-image",
        "The EFI system partition is not smaller than the image's.",
        "Trident: its files are copied one by one and may fit all the same",
        _files_of_the_esp_fit,
        Severity.WARNING,
    ),
)
