"""Rules about the EFI system partition (upstream: ESP-Detection.md)."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model.filesystems import ESP_MOUNT_PATH
from trident.crosscheck.rule import Rule, Violation
from trident.crosscheck.subject import Place, Subject, plain

# The kernel's names of FAT; UEFI 2.10, 13.3 knows no other file system.
_FAT = frozenset(("vfat", "msdos"))


def _mount_points_agree(subject: Subject) -> Iterator[Violation]:
    place, entry = subject.esp, subject.image.esp
    if place is None or entry is None or plain(entry.mount_point) == place.mount_path:
        return
    where = plain(entry.mount_point)
    yield Violation(
        message=f"The image has its EFI system partition at {where}, "
        f"the configuration at {place.mount_path}.",
        path=place.mount_field,
        suggestion=_move_to(where, subject, place),
        details={
            "os_image_esp_mount_point": where,
            "host_config_esp_mount_point": place.mount_path,
        },
    )


def _move_to(where: str, subject: Subject, place: Place) -> str:
    if where in subject.from_image:
        remove = "remove it here" if place.mount_path != ESP_MOUNT_PATH else "'overrideEspMount: block' here"
        return f"Write 'overrideEspMount: override' for the file system at {where}, and {remove}."
    if where == ESP_MOUNT_PATH:
        return f"Write 'mountPoint: {where}'; then 'overrideEspMount' is not needed."
    return f"Write 'mountPoint: {where}' with 'overrideEspMount: override'."


def _partition_type_is_that_of_an_esp(subject: Subject) -> Iterator[Violation]:
    place = subject.esp
    entry = subject.provided.get(place.mount_path) if place is not None else None
    if subject.image.esp is not None or entry is None or place is None:
        return
    yield Violation(
        message=f"The image's file system for {place.mount_path} has the partition type {entry.part_type}, "
        "which is not that of an EFI system partition.",
        suggestion="Build the image with an EFI system partition, "
        "or mark the file system that is the ESP with 'overrideEspMount'.",
        details={"mount_point": place.mount_path, "part_type": entry.part_type},
    )


def _type_is_fat(subject: Subject) -> Iterator[Violation]:
    entry = subject.image.esp
    if entry is not None and entry.fs_type.lower() not in _FAT:
        yield Violation(
            message=f"The image's EFI system partition holds {entry.fs_type}; firmware reads FAT only.",
            suggestion="Build the image with a vfat file system there.",
            details={"mount_point": entry.mount_point, "fs_type": entry.fs_type},
        )


def _esp_has_no_verity(subject: Subject) -> Iterator[Violation]:
    if subject.image.esp is not None and subject.image.esp.verity is not None:
        yield Violation(
            message="The image's EFI system partition has verity hashes, which firmware does not check.",
            suggestion="Build the image without verity for the ESP.",
        )


RULES = (
    Rule(
        "esp-mount-point-mismatch",
        "Configuration and image mount the EFI system partition at the same place.",
        "upstream, `esp-mount-point-mismatch`",
        _mount_points_agree,
    ),
    Rule(
        "unexpected-esp-partition-type",
        "What the configuration uses as the EFI system partition is one in the image, by partition type.",
        "COSI specification, Filesystem",
        _partition_type_is_that_of_an_esp,
    ),
    Rule(
        "unexpected-esp-filesystem-type",
        "The image's EFI system partition holds a FAT file system.",
        "UEFI specification 2.10, 13.3",
        _type_is_fat,
    ),
    Rule(
        "unexpected-verity-on-esp",
        "The image's EFI system partition has no verity.",
        "upstream, `unexpected-verity-on-esp`",
        _esp_has_no_verity,
    ),
)
