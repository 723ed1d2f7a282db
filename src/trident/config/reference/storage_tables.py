"""The storage tables with the words around them, for their page and for ``trident explain``."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from functools import cache

import msgspec

from trident.config.model import FileSystemType
from trident.config.reference.markdown import code
from trident.config.rules import tables
from trident.config.rules.tables import DeviceKind, ReferrerKind


class Table(msgspec.Struct, frozen=True):
    """A table that rules read.

    Attributes:
        sentence: what its cells say.
        codes: the rules that read it; none where it only names things.
    """

    title: str
    sentence: str
    codes: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@cache
def storage_tables() -> tuple[Table, ...]:
    """Every table, in the order of upstream's page."""
    return (*_kinds(), *_references(), *_file_systems(), *_partitions_beneath(), *_partition_types())


def tables_of(rule: str) -> tuple[Table, ...]:
    """The tables that a rule reads, by its code."""
    return tuple(table for table in storage_tables() if rule in table.codes)


def _kinds() -> Iterator[Table]:
    devices, referrers = tables.DEVICE_DESCRIPTIONS.items(), tables.REFERRER_DESCRIPTIONS.items()
    yield Table("Block devices", "What has an id.", (), ("block device", "what it is"), tuple(devices))
    yield Table("Referrers", "What names block devices.", (), ("referrer", "what it is"), tuple(referrers))


def _references() -> Iterator[Table]:
    yield Table(
        "Reference validity",
        "Which kinds of block devices a referrer may name.",
        ("invalid-reference-kind",),
        ("referrer", *DeviceKind),
        tuple(
            (kind, *(_yes(device in tables.REFERENCE_VALIDITY[kind]) for device in DeviceKind))
            for kind in ReferrerKind
        ),
    )
    yield _by_referrer(
        "Reference count",
        "How many block devices a referrer names.",
        ("invalid-target-count",),
        "block devices",
        tables.REFERENCE_COUNT,
    )
    yield _by_referrer(
        "Reference sharing",
        "With which other referrers one may share a block device.",
        ("referrer-forbidden-sharing",),
        "shares with",
        {kind: ", ".join(sorted(peers)) or "none" for kind, peers in tables.SHARING_PEERS.items()},
    )
    yield Table(
        "Unique fields",
        "Fields that hold another value in every device of the kind.",
        ("unique-field-constraint-error",),
        ("block device", "field"),
        tuple((kind, code(field)) for kind, field in tables.UNIQUE_FIELDS),
    )
    yield _among(
        "Homogeneous references",
        "Whether all block devices that a referrer names are of one kind.",
        ("reference-kind-mismatch",),
        "one kind",
        tables.HOMOGENEOUS_KINDS,
    )


def _file_systems() -> Iterator[Table]:
    yield Table(
        "File system sources",
        "Types that can be written in `type`, by where the content comes from.",
        ("filesystem-type-with-image", "filesystem-type-with-source"),
        ("source", "types"),
        tuple(
            (
                source,
                ", ".join(kind for kind in FileSystemType if kind in types) or "none: the image has its own",
            )
            for source, types in tables.SOURCE_TYPES.items()
        ),
    )
    yield _by_type(
        "File system block devices",
        "Whether a file system names a block device; where it does not need one, it must not name one.",
        ("filesystem-missing-block-device-id", "filesystem-unexpected-block-device-id"),
        "block device",
        tables.EXPECTS_BLOCK_DEVICE,
    )
    yield _by_type(
        "File system mounting",
        "Whether a file system must be mounted somewhere.",
        ("filesystem-missing-mount-point",),
        "must be mounted",
        tables.NEEDS_MOUNT_POINT,
    )
    yield _by_type(
        "File system verity support",
        "Whether a file system can be the data of a verity device. Only the image can tell its type.",
        (),
        "verity",
        tables.SUPPORTS_VERITY,
    )


def _partitions_beneath() -> Iterator[Table]:
    yield _among(
        "Homogeneous partition types",
        "Whether all partitions beneath a referrer have one type.",
        ("partition-type-mismatch",),
        "one type",
        tables.HOMOGENEOUS_PARTITION_TYPES,
    )
    yield _among(
        "Homogeneous partition sizes",
        "Whether all partitions beneath a referrer have one size, which is fixed.",
        ("partition-size-mismatch", "partition-size-not-fixed"),
        "one size",
        tables.HOMOGENEOUS_PARTITION_SIZES,
    )
    yield _by_referrer(
        "Allowed partition types",
        "Types that the partitions beneath a referrer can have.",
        ("invalid-partition-type",),
        "partition types",
        {kind: str(types).replace("'", "`") for kind, types in tables.ALLOWED_PARTITION_TYPES.items()},
    )
    yield _by_referrer(
        "Allowed RAID levels",
        "Levels of the RAID arrays that a referrer names itself.",
        ("invalid-raidlevel",),
        "levels",
        {
            kind: "names no array" if levels is None else ", ".join(sorted(levels, key=_raid_number))
            for kind, levels in tables.ALLOWED_RAID_LEVELS.items()
        },
    )


def _partition_types() -> Iterator[Table]:
    yield Table(
        "Usual mount paths",
        "Where a partition of a type is usually mounted; a type that is a UUID, anywhere. Else it is a "
        "warning.",
        ("unusual-mount-path",),
        ("partition type", "mount paths"),
        tuple(
            (kind, "anywhere" if paths is None else " or ".join(code(path) for path in paths) or "nowhere")
            for kind, paths in tables.USUAL_MOUNT_PATHS.items()
        ),
    )
    yield Table(
        "Matching hash partitions",
        "The type of the hashes that belong to data of a type; beside `linux-generic` they can have any "
        "of them.",
        ("invalid-verity-hash-partition-type",),
        ("type of the data", "type of the hashes"),
        tuple(tables.MATCHING_HASH_TYPE.items()),
    )


def _by_referrer(
    title: str, sentence: str, codes: tuple[str, ...], heading: str, cells: Mapping[ReferrerKind, object]
) -> Table:
    rows = tuple((kind, str(cells[kind])) for kind in ReferrerKind)
    return Table(title, sentence, codes, ("referrer", heading), rows)


def _among(
    title: str, sentence: str, codes: tuple[str, ...], heading: str, some: Container[ReferrerKind]
) -> Table:
    rows = tuple((kind, _yes(kind in some)) for kind in ReferrerKind)
    return Table(title, sentence, codes, ("referrer", heading), rows)


def _by_type(
    title: str, sentence: str, codes: tuple[str, ...], heading: str, cells: Mapping[FileSystemType, bool]
) -> Table:
    rows = tuple((kind, _yes(is_so)) for kind, is_so in cells.items())
    return Table(title, sentence, codes, ("file system type", heading), rows)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _raid_number(level: str) -> int:
    return int(level.removeprefix("raid"))
