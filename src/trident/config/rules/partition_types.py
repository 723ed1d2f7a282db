"""Rules about the types of the partitions beneath something, and where such partitions are mounted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trident.config.model import PartitionType
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.config.rules import tables
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Device, Reference, Referrer, Subject
from trident.config.rules.tables import ReferrerKind

_STORAGE: tuple[Path, ...] = (("storage",),)


def _types_seen(subject: Subject, referrer: Referrer) -> list[dict[str, Device]]:
    """The partition types beneath each of its references, hashes of a verity device apart."""
    return [
        dict(subject.beneath(reference.target).types)
        for reference in subject.sound_references(referrer)
        if not reference.is_hash
    ]


def _types_are_equal(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        if referrer.kind not in tables.HOMOGENEOUS_PARTITION_TYPES:
            continue
        members = _types_seen(subject, referrer)
        if any(len(member) > 1 for member in members):
            continue  # told of the device below
        kinds: dict[str, Device] = {}
        for member in members:
            for kind, device in member.items():
                kinds.setdefault(kind, device)
        if len(kinds) > 1:
            spelt = ", ".join(f"'{device.id}' is '{kind}'" for kind, device in kinds.items())
            message = f"{referrer.label} needs partitions of one type, but {spelt}."
            yield Violation(referrer.path, message, "Give them one 'type'.")


def _types_fit(subject: Subject) -> Iterator[Violation]:
    for referrer in subject.referrers:
        allowed = tables.ALLOWED_PARTITION_TYPES[referrer.kind]
        if subject.is_new_esp(referrer):
            continue  # told of its source
        for reference in subject.sound_references(referrer):
            for kind, device in subject.beneath(reference.target).types.items():
                if not allowed.contains(kind):
                    message = f"{referrer.label} cannot be on '{device.id}', a partition of type '{kind}'."
                    yield Violation(reference.path, message, f"The type can be {allowed}.")
                    break


def _verity_types_match(subject: Subject) -> Iterator[Violation]:
    allowed = tables.ALLOWED_PARTITION_TYPES[ReferrerKind.VERITY_DEVICE]
    for referrer in subject.referrers:
        if referrer.kind is not ReferrerKind.VERITY_DEVICE:
            continue
        references = {reference.is_hash: reference for reference in subject.sound_references(referrer)}
        if len({reference.target for reference in referrer.references}) == 1:
            continue  # told as one device named twice
        data_type, data_partition = _only_type(subject, references.get(False))
        partner = tables.MATCHING_HASH_TYPE.get(data_type)
        if data_partition is not None and partner is None and allowed.contains(data_type):
            on = f"'{data_partition.id}', of type '{data_type}'"
            message = f"{referrer.label} cannot have its data on {on}."
            yield Violation(references[False].path, message, _choice(tables.MATCHING_HASH_TYPE))
        is_free = partner is None or partner == data_type
        wanted = set(tables.MATCHING_HASH_TYPE.values()) if is_free else {partner}
        hash_type, hash_partition = _only_type(subject, references.get(True))
        if hash_partition is not None and hash_type not in wanted and allowed.contains(hash_type):
            on = f"'{hash_partition.id}', of type '{hash_type}'"
            beside = f" beside data of type '{data_type}'" if partner else ""
            message = f"{referrer.label} cannot have its hashes on {on}{beside}."
            yield Violation(references[True].path, message, _choice(wanted))


def _choice(types: Iterable[str | None]) -> str:
    names = sorted(f"'{type_}'" for type_ in types if isinstance(type_, PartitionType))
    return f"The type can be {' or '.join(names)}."


def _only_type(subject: Subject, reference: Reference | None) -> tuple[str, Device | None]:
    """The one type of the partitions beneath a device; nothing if there are several, which is told there."""
    types = subject.beneath(reference.target).types if reference is not None else {}
    if len(types) != 1:
        return "", None
    kind, device = next(iter(types.items()))
    return str(kind), device


def _mount_paths_are_usual(subject: Subject) -> Iterator[Violation]:
    for index, filesystem in enumerate(subject.storage.filesystems):
        mount = filesystem.mount_point
        if mount is None or filesystem.device_id is None:
            continue
        types = list(subject.beneath(filesystem.device_id).types)
        kind = types[0] if len(types) == 1 else ""
        usual = tables.USUAL_MOUNT_PATHS.get(kind)
        if usual is None or mount.path in usual:
            continue
        where = " or ".join(f"'{place}'" for place in usual) if usual else "nowhere"
        message = f"'{mount.path}' is unusual for a partition of type '{kind}'."
        path = ("storage", "filesystems", index, "mountPoint", "path")
        yield Violation(path, message, f"Tools expect it mounted {'at ' if usual else ''}{where}.")


RULES = (
    Rule(
        "partition-type-mismatch",
        "The partitions beneath one referrer have the same type.",
        "upstream, Storage Rules: Homogeneous Partition Types",
        _STORAGE,
        _types_are_equal,
        fields=(
            "storage.disks.partitions.type",
            "storage.raid.software.devices",
            "storage.abUpdate.volumePairs.volumeAId",
            "storage.abUpdate.volumePairs.volumeBId",
        ),
    ),
    Rule(
        "invalid-partition-type",
        "Each kind of referrer stands on certain partition types only.",
        "upstream, Storage Rules: Allowed Partition Types",
        _STORAGE,
        _types_fit,
        fields=(
            "storage.disks.partitions.type",
            "storage.encryption.volumes.deviceId",
            "storage.verity.dataDeviceId",
            "storage.verity.hashDeviceId",
            "storage.swap.deviceId",
            "storage.filesystems.deviceId",
        ),
    ),
    Rule(
        "invalid-verity-hash-partition-type",
        "The hashes of a verity device are on partitions of the type that matches those of its data.",
        "upstream, Storage Rules: Partition Type Matching Hash Partition",
        _STORAGE,
        _verity_types_match,
        fields=(
            "storage.disks.partitions.type",
            "storage.verity.hashDeviceId",
        ),
    ),
    Rule(
        "unusual-mount-path",
        "A partition is mounted where its type says.",
        "upstream, Storage Rules: Partition Type Valid Mounting Paths",
        _STORAGE,
        _mount_paths_are_usual,
        Severity.WARNING,
        fields=(
            "storage.disks.partitions.type",
            "storage.filesystems.mountPoint",
            "storage.filesystems.mountPoint.path",
        ),
    ),
)
