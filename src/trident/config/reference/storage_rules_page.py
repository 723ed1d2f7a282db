"""The page of the storage rules: every table that the checks read, with the code of the mistake."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from trident.config.model import FileSystemType
from trident.config.reference.markdown import code, link, table
from trident.config.rules import tables
from trident.config.rules.tables import DeviceKind, ReferrerKind

_OPENING = """\
# Storage rules

What may stand on what. *Block devices* are what has an id: disks, partitions, arrays, pairs, volumes.
*Referrers* are what names them: file systems, swap areas, and the block devices that are made of others.

The tables are those by which `trident validate` judges. What breaks one is an error, if nothing else is said;
each table names the [rules](rules.md) that read it.

"""


def storage_rules_page() -> str:
    """The whole page."""
    return _OPENING + "\n".join(f"## {title}\n\n{text}" for title, text in _sections())


def _sections() -> Iterator[tuple[str, str]]:
    yield from _kinds()
    yield from _references()
    yield from _file_systems()
    yield from _partitions_beneath()
    yield from _partition_types()


def _kinds() -> Iterator[tuple[str, str]]:
    yield "Block devices", table(("block device", "what it is"), tables.DEVICE_DESCRIPTIONS.items())
    yield "Referrers", table(("referrer", "what it is"), tables.REFERRER_DESCRIPTIONS.items())


def _references() -> Iterator[tuple[str, str]]:
    validity = [
        (kind, *(_yes(device in tables.REFERENCE_VALIDITY[kind]) for device in DeviceKind))
        for kind in ReferrerKind
    ]
    text = _rules("Which kinds of block devices a referrer may name", "invalid-reference-kind")
    yield "Reference validity", text + table(("referrer", *DeviceKind), validity)
    text = _rules("How many block devices a referrer names", "invalid-target-count")
    yield "Reference count", text + _by_referrer("block devices", tables.REFERENCE_COUNT)
    text = _rules("With which other referrers one may share a block device", "referrer-forbidden-sharing")
    peers = {kind: ", ".join(sorted(peers)) or "none" for kind, peers in tables.SHARING_PEERS.items()}
    yield "Reference sharing", text + _by_referrer("shares with", peers)
    text = _rules(
        "Fields that hold another value in every device of the kind", "unique-field-constraint-error"
    )
    fields = [(kind, code(field)) for kind, field in tables.UNIQUE_FIELDS]
    yield "Unique fields", text + table(("block device", "field"), fields)
    text = _rules(
        "Whether all block devices that a referrer names are of one kind", "reference-kind-mismatch"
    )
    yield "Homogeneous references", text + _among("one kind", tables.HOMOGENEOUS_KINDS)


def _file_systems() -> Iterator[tuple[str, str]]:
    text = "Types that can be written in `type`, by where the content comes from.\n\n"
    types = [
        (source, ", ".join(kind for kind in known if kind) or "none: the image brings its own")
        for source, known in (
            (source, [kind for kind in tables.EXPECTS_BLOCK_DEVICE if kind in types])
            for source, types in tables.SOURCE_TYPES.items()
        )
    ]
    yield "File system sources", text + table(("source", "types"), types)
    text = _rules(
        "Whether a file system names a block device; where it does not need one, it must not name one",
        "filesystem-missing-block-device-id", "filesystem-unexpected-block-device-id",
    )  # fmt: skip
    yield "File system block devices", text + _by_type("block device", tables.EXPECTS_BLOCK_DEVICE)
    text = _rules("Whether a file system must be mounted somewhere", "filesystem-missing-mount-point")
    yield "File system mounting", text + _by_type("must be mounted", tables.NEEDS_MOUNT_POINT)
    text = "Whether a file system can be the data of a verity device. Only the image can tell its type.\n\n"
    yield "File system verity support", text + _by_type("verity", tables.SUPPORTS_VERITY)


def _partitions_beneath() -> Iterator[tuple[str, str]]:
    text = _rules("Whether all partitions beneath a referrer have one type", "partition-type-mismatch")
    yield "Homogeneous partition types", text + _among("one type", tables.HOMOGENEOUS_PARTITION_TYPES)
    text = _rules(
        "Whether all partitions beneath a referrer have one size, which is fixed",
        "partition-size-mismatch", "partition-size-not-fixed",
    )  # fmt: skip
    yield "Homogeneous partition sizes", text + _among("one size", tables.HOMOGENEOUS_PARTITION_SIZES)
    text = _rules("Types that the partitions beneath a referrer can have", "invalid-partition-type")
    types = {kind: str(types).replace("'", "`") for kind, types in tables.ALLOWED_PARTITION_TYPES.items()}
    yield "Allowed partition types", text + _by_referrer("partition types", types)
    text = _rules("Levels of the RAID arrays that a referrer names itself", "invalid-raidlevel")
    levels = {
        kind: "names no array" if levels is None else ", ".join(sorted(levels, key=_raid_number))
        for kind, levels in tables.ALLOWED_RAID_LEVELS.items()
    }
    yield "Allowed RAID levels", text + _by_referrer("levels", levels)


def _partition_types() -> Iterator[tuple[str, str]]:
    text = _rules(
        "Where a partition of a type is usually mounted; a type that is a UUID, anywhere. Other paths are "
        "a warning",
        "unusual-mount-path",
    )
    usual = [
        (kind, "anywhere" if paths is None else " or ".join(code(path) for path in paths) or "nowhere")
        for kind, paths in tables.USUAL_MOUNT_PATHS.items()
    ]
    yield "Usual mount paths", text + table(("partition type", "mount paths"), usual)
    text = _rules(
        "The type of the hashes that belong to data of a type", "invalid-verity-hash-partition-type"
    )
    yield (
        "Matching hash partitions",
        text + table(("type of the data", "type of the hashes"), tables.MATCHING_HASH_TYPE.items()),
    )


def _rules(sentence: str, *codes: str) -> str:
    """What a table says, and the codes of the rules that read it."""
    links = ", ".join(link(code(name), "rules.md", name) for name in codes)
    return f"{sentence}: {links}.\n\n"


def _by_referrer(heading: str, cells: Mapping[ReferrerKind, object]) -> str:
    return table(("referrer", heading), [(kind, str(cells[kind])) for kind in ReferrerKind])


def _among(heading: str, some: Container[ReferrerKind]) -> str:
    return table(("referrer", heading), [(kind, _yes(kind in some)) for kind in ReferrerKind])


def _by_type(heading: str, cells: Mapping[FileSystemType, bool]) -> str:
    rows: Iterable[tuple[str, str]] = [(kind, _yes(is_so)) for kind, is_so in cells.items()]
    return table(("file system type", heading), rows)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _raid_number(level: str) -> int:
    return int(level.removeprefix("raid"))
