"""Rules about block devices and who refers to them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from trident.config.model import AbVolumePair, Disk, Partition
from trident.config.nearest import nearest
from trident.config.nodes import Path, spelled
from trident.config.quantities import Grow, spell_byte_count
from trident.config.rules import tables
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Device, Referrer, Subject
from trident.config.rules.tables import DEVICE_NOUNS, DeviceKind

_STORAGE: tuple[Path, ...] = (("storage",),)
_LONGEST_LABEL = 36
_MOST_CANDIDATES = 100


def _ids_are_unique(subject: Subject) -> Iterator[Violation]:
    for device in subject.definitions:
        first = subject.devices[device.id]
        if first is not device:
            message = (
                f"The id '{device.id}' already belongs to {DEVICE_NOUNS[first.kind]} ({spelled(first.path)})."
            )
            yield Violation((*device.path, "id"), message, "Give one of them another id.")


def _disk_paths_are_absolute(subject: Subject) -> Iterator[Violation]:
    for device in subject.definitions:
        if isinstance(device.item, Disk) and not device.item.device.startswith("/"):
            suggestion = f"Write /dev/{device.item.device}." if device.item.device.isalnum() else None
            message = f"The device of disk '{device.id}' must be an absolute path."
            yield Violation((*device.path, "device"), message, suggestion)


def _fields_are_unique(subject: Subject) -> Iterator[Violation]:
    for kind, field in tables.UNIQUE_FIELDS:
        seen: dict[str, Device] = {}
        for device in subject.definitions:
            value = getattr(device.item, field) if device.kind is kind else None
            if value is None:
                continue
            first = seen.setdefault(value, device)
            if first is not device:
                message = f"The {kind}s '{first.id}' and '{device.id}' have the same {field}."
                yield Violation((*device.path, field), message)


def _references_exist(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        for reference in referrer.references:
            if reference.target in subject.devices:
                continue
            close = nearest(reference.target, _suitable(subject, referrer))
            message = f"There is no block device '{reference.target}'."
            yield Violation(reference.path, message, f"Did you mean '{close}'?" if close else None)


def _suitable(subject: Subject, referrer: Referrer) -> Iterator[str]:
    """Ids that the referrer may name; the first few, as guessing among thousands helps nobody."""
    valid = tables.REFERENCE_VALIDITY[referrer.kind]
    fitting = (device.id for device in subject.devices.values() if device.kind in valid)
    return itertools.islice(fitting, _MOST_CANDIDATES)


def _reference_kinds_fit(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        valid = tables.REFERENCE_VALIDITY[referrer.kind]
        for reference in referrer.references:
            device = subject.devices.get(reference.target)
            if device is None or device.kind in valid:
                continue
            wanted = " or ".join(DEVICE_NOUNS[kind] for kind in DeviceKind if kind in valid)
            message = f"{referrer.label} needs {wanted}, but '{device.id}' is {DEVICE_NOUNS[device.kind]}."
            yield Violation(reference.path, message, _instead(subject, device))


def _instead(subject: Subject, device: Device) -> str | None:
    """What was probably meant where a device of the wrong kind is named."""
    if isinstance(device.item, AbVolumePair):
        return f"Its volumes are '{device.item.volume_a_id}' and '{device.item.volume_b_id}'."
    if isinstance(device.item, Disk) and device.item.partitions:
        names = ", ".join(f"'{partition.id}'" for partition in device.item.partitions)
        return f"The partitions of this disk are {names}."
    return None


def _references_differ(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        seen: set[str] = set()
        for reference in referrer.references:
            if reference.target in seen:
                message = (
                    f"{referrer.label} names '{reference.target}' twice, but its two volumes must differ."
                )
                yield Violation(reference.path, message)
            seen.add(reference.target)


def _devices_are_not_shared(subject: Subject) -> Iterator[Violation]:
    users: dict[str, list[tuple[tables.ReferrerKind, str, Path]]] = {}
    for referrer in subject.referrers:
        for target in dict.fromkeys(reference.target for reference in referrer.references):
            path = next(reference.path for reference in referrer.references if reference.target == target)
            users.setdefault(target, []).append((referrer.kind, referrer.label, path))
    for target, referrers in users.items():
        if target not in subject.devices:
            continue
        first_kind, first_label, _path = referrers[0]
        for kind, label, path in referrers[1:]:
            if kind in tables.SHARING_PEERS[first_kind] and first_kind in tables.SHARING_PEERS[kind]:
                continue
            other = f"{first_label[0].lower()}{first_label[1:]}"
            yield Violation(
                path, f"{label} uses '{target}', which {other} uses already.", _of_pair(subject, target)
            )


def _of_pair(subject: Subject, target: str) -> str | None:
    pairs = (pair for pair in subject.storage.volume_pairs if target in (pair.volume_a_id, pair.volume_b_id))
    pair = next(pairs, None)
    return f"'{target}' is a volume of the A/B volume pair '{pair.id}': refer to that." if pair else None


def _sizes_are_fixed(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        if referrer.kind not in tables.HOMOGENEOUS_PARTITION_SIZES:
            continue
        for reference in referrer.references:
            for partition in subject.partitions_below(reference.target):
                if isinstance(partition.item, Partition) and partition.item.size is Grow.GROW:
                    message = f"{referrer.label} consists of '{partition.id}', so that needs a fixed size."
                    yield Violation((*partition.path, "size"), message, "Write a size such as 8G.")


def _sizes_are_equal(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        if referrer.kind not in tables.HOMOGENEOUS_PARTITION_SIZES:
            continue
        sized: dict[int, Device] = {}
        for reference in referrer.references:
            for partition in subject.partitions_below(reference.target):
                if isinstance(partition.item, Partition) and isinstance(partition.item.size, int):
                    sized.setdefault(partition.item.size, partition)
        if len(sized) > 1:
            spelt = ", ".join(f"'{device.id}' has {spell_byte_count(size)}" for size, device in sized.items())
            message = f"{referrer.label} needs partitions of one size, but {spelt}."
            largest = spell_byte_count(max(sized))
            yield Violation(referrer.path, message, f"Give both {largest}.")


def _one_partition_grows(subject: Subject) -> Iterator[Violation]:
    for index, disk in enumerate(subject.storage.disks):
        growing = [(n, part) for n, part in enumerate(disk.partitions) if part.size is Grow.GROW]
        for number, partition in growing[1:]:
            path = ("storage", "disks", index, "partitions", number, "size")
            first = growing[0][1].id
            message = (
                f"'{partition.id}' and '{first}' on disk '{disk.id}' cannot both take the space that is left."
            )
            yield Violation(path, message, "Give all but one of them a size.")


def _labels_fit(subject: Subject) -> Iterator[Violation]:
    for device in subject.definitions:
        if not isinstance(device.item, Partition):
            continue
        field = "id" if device.item.label is None else "label"
        label = device.id if device.item.label is None else device.item.label
        units = len(label.encode("utf-16-le", "surrogatepass")) // 2
        if units > _LONGEST_LABEL:
            is_id = " (its id, as it has none of its own)" if field == "id" else ""
            message = (
                f"The label of a partition{is_id} can have {_LONGEST_LABEL} characters, and this has {units}."
            )
            yield Violation((*device.path, field), message, "Write a shorter 'label'.")


RULES = (
    Rule(
        "duplicate-device-id",
        "A block device id is used once, over devices of all kinds.",
        "upstream, graph builder",
        _STORAGE,
        _ids_are_unique,
    ),
    Rule(
        "disk-path-not-absolute",
        "The device of a disk is an absolute path.",
        "upstream, `path-not-absolute`",
        _STORAGE,
        _disk_paths_are_absolute,
    ),
    Rule(
        "unique-field-constraint-error",
        "Some fields hold a different value in every device of a kind.",
        "upstream, Storage Rules: Unique Field Value Constraints",
        _STORAGE,
        _fields_are_unique,
    ),
    Rule(
        "non-existent-reference",
        "An id that something refers to is the id of a block device.",
        "upstream, Storage Rules: Reference Validity",
        _STORAGE,
        _references_exist,
    ),
    Rule(
        "invalid-reference-kind",
        "Each kind of referrer refers to certain kinds of block devices only.",
        "upstream, Storage Rules: Reference Validity",
        _STORAGE,
        _reference_kinds_fit,
    ),
    Rule(
        "duplicate-target-id",
        "What refers to two block devices refers to two different ones.",
        "upstream, graph builder",
        _STORAGE,
        _references_differ,
    ),
    Rule(
        "referrer-forbidden-sharing",
        "A block device belongs to one referrer, unless both may share.",
        "upstream, Storage Rules: Reference Sharing",
        _STORAGE,
        _devices_are_not_shared,
    ),
    Rule(
        "partition-size-not-fixed",
        "Partitions of an A/B volume pair have a fixed size.",
        "upstream, Storage Rules: Homogeneous Partition Sizes",
        _STORAGE,
        _sizes_are_fixed,
    ),
    Rule(
        "partition-size-mismatch",
        "Partitions of an A/B volume pair have the same size.",
        "upstream, Storage Rules: Homogeneous Partition Sizes",
        _STORAGE,
        _sizes_are_equal,
    ),
    Rule(
        "several-growing-partitions",
        "At most one partition of a disk has the size 'grow'.",
        "this version of Trident; upstream shares the space out equally",
        _STORAGE,
        _one_partition_grows,
    ),
    Rule(
        "partition-label-too-long",
        "A partition label has at most 36 UTF-16 code units.",
        "UEFI specification, GPT partition entry",
        _STORAGE,
        _labels_fit,
    ),
)
