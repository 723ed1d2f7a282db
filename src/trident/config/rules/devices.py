"""Rules about block devices and who refers to them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from trident.config.model import AbVolumePair, AdoptedPartition, Disk, Partition, RaidLevel, SoftwareRaidArray
from trident.config.nearest import nearest
from trident.config.nodes import Path, spelled
from trident.config.problems import Severity
from trident.config.quantities import Grow, spell_byte_count
from trident.config.rules import tables
from trident.config.rules.rule import Check, Rule, Violation
from trident.config.rules.subject import Device, Referrer, Subject
from trident.config.rules.tables import DEVICE_NOUNS, DeviceKind, ReferrerKind

_STORAGE: tuple[Path, ...] = (("storage",),)
_IDS = (
    "storage.disks.id",
    "storage.disks.partitions.id",
    "storage.disks.adoptedPartitions.id",
    "storage.raid.software.id",
    "storage.abUpdate.volumePairs.id",
    "storage.encryption.volumes.id",
    "storage.verity.id",
)
_REFERENCES = (
    "storage.raid.software.devices",
    "storage.abUpdate.volumePairs.volumeAId",
    "storage.abUpdate.volumePairs.volumeBId",
    "storage.encryption.volumes.deviceId",
    "storage.verity.dataDeviceId",
    "storage.verity.hashDeviceId",
    "storage.swap.deviceId",
    "storage.filesystems.deviceId",
)
# Where a member that does not fit those before it is told.
_FURTHER_MEMBERS = (
    "storage.raid.software.devices",
    "storage.abUpdate.volumePairs.volumeBId",
    "storage.verity.hashDeviceId",
)
_OF_ONE_SIZE = (
    "storage.disks.partitions.size",
    "storage.raid.software.devices",
    "storage.abUpdate.volumePairs.volumeAId",
    "storage.abUpdate.volumePairs.volumeBId",
)
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


def _ids_are_plain(subject: Subject) -> Iterator[Violation]:
    for device in subject.definitions:
        if not device.id or not device.id.isprintable():
            what = "holds control characters" if device.id else "is empty"
            yield Violation((*device.path, "id"), f"An id of {DEVICE_NOUNS[device.kind]} {what}.")


def _disk_paths_are_absolute(subject: Subject) -> Iterator[Violation]:
    for device in subject.definitions:
        if isinstance(device.item, Disk) and not device.item.device.startswith("/"):
            suggestion = f"Write /dev/{device.item.device}." if device.item.device.isalnum() else None
            message = f"The device of disk '{device.id}' must be an absolute path."
            yield Violation((*device.path, "device"), message, suggestion)


def _adoption_has_one_criterion(subject: Subject) -> Iterator[Violation]:
    for device in subject.definitions:
        item = device.item
        if not isinstance(item, AdoptedPartition) or (item.match_label is None) != (item.match_uuid is None):
            continue
        if item.match_label is None:
            message = f"Nothing says which partition '{device.id}' is."
            yield Violation(device.path, message, "Add 'matchLabel' or 'matchUuid'.")
        else:
            message = f"The adopted partition '{device.id}' has both 'matchLabel' and 'matchUuid'."
            yield Violation(device.path, message, "Remove one of them.")


def _fields_are_unique(subject: Subject) -> Iterator[Violation]:
    for kind, key in tables.UNIQUE_FIELDS:
        seen: dict[str, Device] = {}
        for device in subject.definitions:
            value = getattr(device.item, _attribute(key)) if device.kind is kind else None
            if value is None:
                continue
            first = seen.setdefault(value, device)
            if first is not device:
                plural = DEVICE_NOUNS[kind].split(" ", 1)[1] + "s"
                message = f"The {plural} '{first.id}' and '{device.id}' have the same {key}."
                yield Violation((*device.path, key), message)


def _attribute(key: str) -> str:
    """A field as Python spells it: ``match_uuid`` for ``matchUuid``."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in key)


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
            if device is None or device.kind in valid or reference.target in subject.ambiguous:
                continue
            wanted = _either([DEVICE_NOUNS[kind] for kind in DeviceKind if kind in valid])
            message = f"{referrer.label} needs {wanted}, but '{device.id}' is {DEVICE_NOUNS[device.kind]}."
            yield Violation(reference.path, message, _instead(subject, device))


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


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
                message = f"{referrer.label} names '{reference.target}' twice, but its devices must differ."
                yield Violation(reference.path, message)
            seen.add(reference.target)


def _references_are_enough(subject: Subject) -> Iterator[Violation]:
    """Only an array can name too few: all others have a field for each device."""
    for referrer in subject.referrers:
        count = tables.REFERENCE_COUNT[referrer.kind]
        if referrer.kind is ReferrerKind.RAID_ARRAY and not count.holds(len(referrer.references)):
            message = f"{referrer.label} needs {count} devices, and it has {len(referrer.references)}."
            yield Violation((*referrer.path, "devices"), message, "Name more partitions.")


def _arrays_below(level: RaidLevel, least: int) -> Check:
    def check(subject: Subject) -> Iterator[Violation]:
        for device in subject.definitions:
            item = device.item
            # Fewer than two are told by 'invalid-target-count'.
            if isinstance(item, SoftwareRaidArray) and item.level is level and 2 <= len(item.devices) < least:
                message = (
                    f"An array of level '{level}' has {least} devices or more, "
                    f"and '{item.id}' has {len(item.devices)}."
                )
                suggestion = "Name more partitions, or write 'level: raid1'."
                yield Violation((*device.path, "devices"), message, suggestion)

    return check


def _devices_are_not_shared(subject: Subject) -> Iterator[Violation]:
    users: dict[str, list[tuple[Referrer, Path]]] = {}
    for referrer in subject.referrers:
        paths: dict[str, Path] = {}
        own = subject.devices_by_path.get(referrer.path)
        for reference in referrer.references:
            # What is made of itself is a mistake of another kind, and takes nothing from others.
            if own is None or reference.target != own.id:
                paths.setdefault(reference.target, reference.path)
        for target, path in paths.items():
            users.setdefault(target, []).append((referrer, path))
    for target, referrers in users.items():
        if target not in subject.devices:
            continue
        first = referrers[0][0]
        for referrer, path in referrers[1:]:
            if (
                referrer.kind in tables.SHARING_PEERS[first.kind]
                and first.kind in tables.SHARING_PEERS[referrer.kind]
            ):
                continue
            message = f"{referrer.label} uses '{target}', which {first.label_inside} uses already."
            yield Violation(path, message, _above(subject, target, first))


def _above(subject: Subject, target: str, owner: Referrer) -> str | None:
    """What to refer to instead of a device that belongs to another one."""
    device = subject.devices_by_path.get(owner.path)
    return f"'{target}' belongs to '{device.id}': refer to that." if device else None


def _kinds_are_equal(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        if referrer.kind not in tables.HOMOGENEOUS_KINDS:
            continue
        devices = [subject.devices[reference.target] for reference in subject.sound_references(referrer)]
        kinds = {device.kind: device.id for device in reversed(devices)}
        if len(kinds) > 1:
            spelt = ", ".join(f"'{name}' is {DEVICE_NOUNS[kind]}" for kind, name in reversed(kinds.items()))
            message = f"{referrer.label} needs devices of one kind, but {spelt}."
            yield Violation(referrer.path, message)


def _raid_levels_fit(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        levels = tables.ALLOWED_RAID_LEVELS[referrer.kind]
        for reference in subject.sound_references(referrer):
            array = subject.devices[reference.target].item
            if isinstance(array, SoftwareRaidArray) and levels is not None and array.level not in levels:
                allowed = _either([f"'{level}'" for level in sorted(levels)])
                message = (
                    f"{referrer.label} needs a RAID array of level {allowed}, "
                    f"but '{array.id}' is of '{array.level}'."
                )
                yield Violation(reference.path, message, f"Write 'level: {min(levels)}' for '{array.id}'.")


def _sizes_are_fixed(subject: Subject) -> Iterator[Violation]:
    told: set[str] = set()
    for referrer in subject.referrers:
        if referrer.kind not in tables.HOMOGENEOUS_PARTITION_SIZES:
            continue
        for reference in subject.sound_references(referrer):
            partition = subject.beneath(reference.target).sizes.get(Grow.GROW)
            if partition is not None and partition.id not in told:
                told.add(partition.id)
                message = f"{referrer.label} consists of '{partition.id}', so that needs a fixed size."
                yield Violation((*partition.path, "size"), message, "Write a size such as 8G.")


def _sizes_are_equal(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        if referrer.kind not in tables.HOMOGENEOUS_PARTITION_SIZES:
            continue
        sized: dict[int, Device] = {}
        is_mixed_below = False
        for reference in subject.sound_references(referrer):
            sizes = {s: d for s, d in subject.beneath(reference.target).sizes.items() if isinstance(s, int)}
            is_mixed_below |= len(sizes) > 1
            for size, partition in sizes.items():
                sized.setdefault(size, partition)
        if len(sized) > 1 and not is_mixed_below:
            spelt = ", ".join(f"'{device.id}' has {spell_byte_count(size)}" for size, device in sized.items())
            message = f"{referrer.label} needs partitions of one size, but {spelt}."
            yield Violation(referrer.path, message, f"Give all of them {spell_byte_count(max(sized))}.")


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
        fields=_IDS,
    ),
    Rule(
        "odd-device-id",
        "A block device id has a character, and none that controls a terminal.",
        "Trident: ids are printed, and become labels of partitions",
        _STORAGE,
        _ids_are_plain,
        Severity.WARNING,
        stops_servicing=True,
        fields=_IDS,
    ),
    Rule(
        "disk-path-not-absolute",
        "The device of a disk is an absolute path.",
        "upstream, `path-not-absolute`",
        _STORAGE,
        _disk_paths_are_absolute,
        fields=("storage.disks.device",),
    ),
    Rule(
        "adopted-partition-criterion",
        "An adopted partition is found by its label or by its UUID, not by both.",
        "upstream, AdoptedPartition",
        _STORAGE,
        _adoption_has_one_criterion,
        fields=(
            "storage.disks.adoptedPartitions.matchLabel",
            "storage.disks.adoptedPartitions.matchUuid",
        ),
    ),
    Rule(
        "unique-field-constraint-error",
        "Some fields hold a different value in every device of a kind.",
        "upstream, Storage Rules: Unique Field Value Constraints",
        _STORAGE,
        _fields_are_unique,
        fields=(
            "storage.disks.device",
            "storage.disks.partitions.uuid",
            "storage.disks.adoptedPartitions.matchLabel",
            "storage.disks.adoptedPartitions.matchUuid",
            "storage.raid.software.name",
            "storage.encryption.volumes.deviceName",
            "storage.verity.name",
        ),
    ),
    Rule(
        "non-existent-reference",
        "An id that something refers to is the id of a block device.",
        "upstream, Storage Rules: Reference Validity",
        _STORAGE,
        _references_exist,
        fields=_REFERENCES,
    ),
    Rule(
        "invalid-reference-kind",
        "Each kind of referrer refers to certain kinds of block devices only.",
        "upstream, Storage Rules: Reference Validity",
        _STORAGE,
        _reference_kinds_fit,
        fields=_REFERENCES,
    ),
    Rule(
        "duplicate-target-id",
        "What refers to several block devices refers to different ones.",
        "upstream, graph builder",
        _STORAGE,
        _references_differ,
        fields=_FURTHER_MEMBERS,
    ),
    Rule(
        "invalid-target-count",
        "A RAID array has two devices or more.",
        "upstream, Storage Rules: Reference Count",
        _STORAGE,
        _references_are_enough,
        fields=("storage.raid.software.devices",),
    ),
    Rule(
        "referrer-forbidden-sharing",
        "A block device belongs to one referrer, unless both may share.",
        "upstream, Storage Rules: Reference Sharing",
        _STORAGE,
        _devices_are_not_shared,
        fields=_REFERENCES,
    ),
    Rule(
        "reference-kind-mismatch",
        "The devices that one device is made of are all of one kind.",
        "upstream, Storage Rules: Homogeneous References",
        _STORAGE,
        _kinds_are_equal,
        fields=_FURTHER_MEMBERS,
    ),
    Rule(
        "invalid-raidlevel",
        "The ESP can be on a RAID array of level 1 only.",
        "upstream, Storage Rules: Allowed RAID Levels",
        _STORAGE,
        _raid_levels_fit,
        fields=(
            "storage.raid.software.level",
            "storage.filesystems.deviceId",
        ),
    ),
    Rule(
        "partition-size-not-fixed",
        "Partitions of an A/B volume pair and of a RAID array have a fixed size.",
        "upstream, Storage Rules: Homogeneous Partition Sizes",
        _STORAGE,
        _sizes_are_fixed,
        fields=_OF_ONE_SIZE,
    ),
    Rule(
        "partition-size-mismatch",
        "Partitions of an A/B volume pair and of a RAID array have the same size.",
        "upstream, Storage Rules: Homogeneous Partition Sizes",
        _STORAGE,
        _sizes_are_equal,
        fields=_OF_ONE_SIZE,
    ),
    Rule(
        "partition-label-too-long",
        "A partition label has at most 36 UTF-16 code units.",
        "UEFI specification, GPT partition entry",
        _STORAGE,
        _labels_fit,
        Severity.WARNING,
        fields=("storage.disks.partitions.label",),
    ),
    Rule(
        "too-few-raid6-devices",
        "An array of level 'raid6' has four devices or more.",
        "mdadm, which refuses to create a smaller one",
        _STORAGE,
        _arrays_below(RaidLevel.RAID6, 4),
        Severity.WARNING,
        stops_servicing=True,
        fields=("storage.raid.software.devices", "storage.raid.software.level"),
    ),
    Rule(
        "too-few-raid5-devices",
        "An array of level 'raid5' has three devices or more.",
        "Trident: mdadm creates one of two, which is a slower mirror",
        _STORAGE,
        _arrays_below(RaidLevel.RAID5, 3),
        Severity.WARNING,
        fields=("storage.raid.software.devices", "storage.raid.software.level"),
    ),
)
