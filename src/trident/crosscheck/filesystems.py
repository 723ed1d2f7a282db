"""Rules about mount points: what the configuration takes from the image, and what the image brings."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model import PartitionType
from trident.config.nearest import nearest
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.crosscheck.devices import partitions_below
from trident.crosscheck.rule import Rule, Violation
from trident.crosscheck.subject import ALLOW_UNUSED, Place, Purpose, Subject
from trident.host.partition_types import partition_type_of

_FILESYSTEMS: Path = ("storage", "filesystems")


def _image_brings_what_is_taken(subject: Subject) -> Iterator[Violation]:
    unclaimed = sorted(subject.provided.keys() - subject.from_image.keys())
    for place in subject.from_image.values():
        if place.mount_path in subject.provided or not _needed(subject, place):
            continue
        if place.filesystem.is_esp:
            yield from _esp_is_missing(subject, place)
            continue
        close = nearest(place.mount_path, unclaimed)
        known = ", ".join(sorted(subject.provided)) or "nothing"
        optional = _is_optional(subject, place)
        when = ", which an install would need" if optional else ""
        yield Violation(
            message=f"The image has no file system for {place.mount_path}{when}.",
            path=place.mount_field,
            suggestion=f"Did you mean '{close}'?"
            if close
            else f"The image has {known}. An empty file system has 'source: new'.",
            severity=Severity.WARNING if optional else None,
            details={"mount_point": place.mount_path},
        )


def _esp_is_missing(subject: Subject, place: Place) -> Iterator[Violation]:
    if subject.image.esp is None:  # One that is mounted elsewhere is another mistake.
        yield Violation(
            message="The image has no EFI system partition to take the boot files from.",
            path=place.mount_field,
            suggestion="Build the image with one; 'trident image inspect' shows what it has.",
            details={"mount_point": place.mount_path},
        )


def _needed(subject: Subject, place: Place) -> bool:
    """An update writes A/B volumes and boot files only, and needs no more of the image (as upstream)."""
    return subject.purpose is not Purpose.UPDATE or subject.is_paired(place) or place.filesystem.is_esp


def _is_optional(subject: Subject, place: Place) -> bool:
    """Whether the configuration and the image may well be meant for an update."""
    could_be_update = subject.purpose is Purpose.ANY and bool(subject.storage.volume_pairs)
    return could_be_update and not subject.is_paired(place) and place.mount_path != "/"


def _configuration_uses_what_is_brought(subject: Subject) -> Iterator[Violation]:
    others = {place.mount_path: place for place in subject.mounted}
    for mount_path, entry in sorted(subject.provided.items()):
        # An ESP that is mounted elsewhere, or not at all, is a mistake of its own.
        if mount_path in subject.from_image or entry.is_esp:
            continue
        severity = Severity.WARNING if subject.allows_unused else None
        details = {"mount_point": mount_path}
        other = others.get(mount_path)
        if other is not None:
            source = other.filesystem.source
            yield Violation(
                message=f"The image has a file system for {mount_path}, but the configuration has one with "
                f"'source: {source}' there.",
                path=(*other.path, "source"),
                suggestion="Remove 'source' and 'type' to take the image's, or build the image without it.",
                severity=severity,
                details=details,
            )
            continue
        yield Violation(
            message=f"The image has a file system for {mount_path}, which the configuration does not use.",
            path=_FILESYSTEMS,
            suggestion=f"Add one with 'mountPoint: {mount_path}' and a 'deviceId'; its source is the image.",
            at_key=True,
            severity=severity,
            details=details,
        )


def _partition_types_agree(subject: Subject) -> Iterator[Violation]:
    for place, entry in subject.shared():
        if entry.is_esp or place.filesystem.is_esp or place.filesystem.device_id is None:
            continue
        built = partition_type_of(entry.part_type)
        for partition in partitions_below(subject, place.filesystem.device_id):
            name, architecture = partition_type_of(str(partition.item.type)) or (None, None)
            path = (*partition.path, "type")
            if architecture is not None and architecture != subject.image.arch:
                yield Violation(
                    message=f"Partition '{partition.item.id}' has the type of {name} on {architecture}, but "
                    f"the image is for {subject.image.arch}.",
                    path=path,
                    suggestion=f"Write '{name}', which is the type for the machine's architecture.",
                )
                break
            if built is None or name is None or PartitionType.LINUX_GENERIC in (name, built[0]):
                continue
            if name != built[0]:
                yield Violation(
                    message=f"Partition '{partition.item.id}' for {place.mount_path} has the type '{name}', "
                    f"but the image was built with '{built[0]}'.",
                    path=path,
                    suggestion=f"Write '{built[0]}', unless the other type is meant.",
                )
                break


RULES = (
    Rule(
        "missing-os-image-filesystem",
        "The image has every file system that the configuration takes from it. An update needs those on A/B "
        "volume pairs only; `validate`, which cannot know, warns of the others.",
        "upstream, `missing-os-image-filesystem`",
        _image_brings_what_is_taken,
    ),
    Rule(
        "unused-os-image-filesystem",
        "The configuration takes every file system of the image from it. With "
        f"`internalParams.{ALLOW_UNUSED}: true` this is a warning.",
        "upstream, `unused-os-image-filesystem`",
        _configuration_uses_what_is_brought,
    ),
    Rule(
        "mismatched-partition-type",
        "A partition has the type, and the architecture, that the image's file system was built with.",
        "Discoverable Partitions Specification: tools find file systems by partition type",
        _partition_types_agree,
        Severity.WARNING,
    ),
)
