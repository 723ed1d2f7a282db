"""Every cell of the storage tables, each with a configuration that it decides.

The tables stand here a second time, as upstream publishes them, and are not read from the code.
"""

from __future__ import annotations

import itertools

import pytest

from tests.pure.config.building import Host
from trident.config.problems import Severity
from trident.config.rules import tables
from trident.config.rules.tables import COREOS_USR_TYPE, DeviceKind, ReferrerKind

OTHER_TYPE = "0fc63daf-8483-4772-8e79-3d69d8477de5"
"""The UUID of linux-generic; as a UUID it is a type of its own."""
NAMED_TYPES = (
    "esp", "root", "swap", "root-verity", "home", "var", "usr", "usr-verity", "tmp", "linux-generic", "srv",
    "xbootldr",
)  # fmt: skip
ALL_TYPES = (*NAMED_TYPES, OTHER_TYPE, COREOS_USR_TYPE)
LEVELS = ("raid0", "raid1", "raid5", "raid6", "raid10")


def grid(text: str) -> dict[tuple[str, str], str]:
    """The cells of a table: its first line names the columns, the others begin with the row."""
    columns, *rows = [line.split() for line in text.strip().splitlines()]
    return {(row[0], column): cell for row in rows for column, cell in zip(columns, row[1:], strict=True)}


def device(host: Host, kind: str, id: str, type: str = "linux-generic", level: str = "raid1") -> str:
    """Add a device of a kind whose partitions have a type."""
    if kind == "disk":
        return host.empty_disk(id, f"/dev/{id}")
    if kind == "adopted-partition":
        return host.adopted(id)
    if kind == "partition":
        return host.partition(id, type)
    if kind == "raid-array":
        return host.array(id, host.partition(f"{id}-1", type), host.partition(f"{id}-2", type), level=level)
    if kind == "ab-volume":
        return host.pair(id, host.partition(f"{id}-a", type), host.partition(f"{id}-b", type))
    if kind == "encrypted-volume":
        return host.encrypted(id, host.partition(f"{id}-raw", type))
    assert kind == "verity-device"
    return host.verity(id, host.partition(f"{id}-data", "usr"), host.partition(f"{id}-hash", "usr-verity"))


def refer(host: Host, kind: str, target: str, second: str = "") -> None:
    """Add a referrer of a kind that names a device, and a second one where it needs two."""
    if kind == "raid-array":
        host.array("referrer", target, second)
    elif kind == "ab-volume":
        host.pair("referrer", target, second)
    elif kind == "encrypted-volume":
        host.encrypted("referrer", target)
    elif kind == "verity-device":
        host.verity("referrer", target, second)
        host.filesystem(deviceId="referrer", mountPoint={"path": "/usr", "options": "ro"})
    elif kind == "swap-device":
        host.swap(target)
    elif kind == "filesystem-new":
        host.filesystem(deviceId=target, source="new", mountPoint="/new")
    elif kind == "filesystem-image":
        host.filesystem(deviceId=target, mountPoint={"path": "/usr", "options": "ro"})
    elif kind == "filesystem-esp":
        host.filesystem_at("/boot/efi")["overrideEspMount"] = "block"
        host.filesystem(deviceId=target, mountPoint="/efi", overrideEspMount="override")
    else:
        assert kind == "filesystem-adopted"
        host.filesystem(deviceId=target, source="adopted", mountPoint="/adopted")


FITTING_TYPE = {"swap-device": "swap", "filesystem-esp": "esp", "verity-device": "usr"}


def with_reference(referrer: str, kind: str, type: str | None = None, level: str = "raid1") -> Host:
    """A host with one referrer on a device of a kind."""
    host = Host()
    type = type or FITTING_TYPE.get(referrer, "linux-generic")
    second_type = "usr-verity" if referrer == "verity-device" else type
    target = device(host, kind, "target", type, level)
    second = ""
    if referrer in ("raid-array", "ab-volume", "verity-device"):
        second = device(host, kind, "second", second_type, level)
    refer(host, referrer, target, second)
    return host


def test_every_kind_is_described() -> None:
    assert set(tables.DEVICE_DESCRIPTIONS) == set(tables.DEVICE_NOUNS) == set(DeviceKind)
    assert set(tables.REFERRER_DESCRIPTIONS) == set(tables.REFERRER_NOUNS) == set(ReferrerKind)


VALIDITY = grid("""
                   disk partition adopted-partition raid-array ab-volume encrypted-volume verity-device
raid-array         no   yes       no                no         no        no               no
ab-volume          no   yes       no                yes        no        yes              no
encrypted-volume   no   yes       no                yes        no        no               no
verity-device      no   yes       no                yes        yes       no               no
swap-device        no   yes       no                no         no        yes              no
filesystem-new     no   yes       no                yes        yes       yes              no
filesystem-image   no   yes       no                yes        yes       yes              yes
filesystem-esp     no   yes       yes               yes        no        no               no
filesystem-adopted no   no        yes               no         no        no               no
""")


@pytest.mark.parametrize(("referrer", "kind"), VALIDITY)
def test_reference_validity(referrer: str, kind: str) -> None:
    mistakes = with_reference(referrer, kind).mistakes()
    if VALIDITY[referrer, kind] == "yes":
        assert mistakes == []
    else:
        assert "invalid-reference-kind" in mistakes


def test_the_table_of_reference_validity_is_complete() -> None:
    assert set(VALIDITY) == set(itertools.product(ReferrerKind, DeviceKind))


@pytest.mark.parametrize(("count", "code"), [(0, "invalid-target-count"), (1, "invalid-target-count")])
def test_reference_count_of_an_array_with_too_few(count: int, code: str) -> None:
    host = Host()
    host.array("array", *[host.partition(f"p{number}") for number in range(count)])
    assert host.mistakes() == [code]


@pytest.mark.parametrize("count", [2, 3, 12])
def test_reference_count_of_an_array_has_no_upper_limit(count: int) -> None:
    host = Host()
    host.array("array", *[host.partition(f"p{number}") for number in range(count)])
    assert host.mistakes() == []


FIELDS = {
    "ab-volume": ("volumeAId", "volumeBId"),
    "encrypted-volume": ("deviceId",),
    "verity-device": ("dataDeviceId", "hashDeviceId"),
}


@pytest.mark.parametrize(("referrer", "field"), [(r, f) for r, fields in FIELDS.items() for f in fields])
def test_reference_count_of_what_has_a_field_for_each(referrer: str, field: str) -> None:
    host = with_reference(referrer, "partition")
    places = {
        "ab-volume": host.storage.get("abUpdate", {}).get("volumePairs"),
        "encrypted-volume": host.storage.get("encryption", {}).get("volumes"),
        "verity-device": host.storage.get("verity"),
    }
    del places[referrer][0][field]
    assert "missing-field" in host.mistakes()


@pytest.mark.parametrize("referrer", ["filesystem-new", "filesystem-image", "filesystem-adopted"])
def test_reference_count_of_a_file_system_without_a_device(referrer: str) -> None:
    host = with_reference(referrer, "adopted-partition" if referrer == "filesystem-adopted" else "partition")
    del host.storage["filesystems"][-1]["deviceId"]
    assert host.mistakes() == ["filesystem-missing-block-device-id"]


def test_reference_count_of_the_esp_without_a_device() -> None:
    host = Host()
    del host.filesystem_at("/boot/efi")["deviceId"]
    assert host.mistakes() == ["filesystem-missing-block-device-id"]


@pytest.mark.parametrize("kind", ReferrerKind)
def test_reference_count_table(kind: ReferrerKind) -> None:
    most = {"raid-array": None, "ab-volume": 2, "verity-device": 2}.get(kind, 1)
    least = {"raid-array": 2, "filesystem-new": 0}.get(kind, most)
    assert (tables.REFERENCE_COUNT[kind].least, tables.REFERENCE_COUNT[kind].most) == (least, most)


@pytest.mark.parametrize(
    ("one", "other"),
    list(itertools.combinations_with_replacement([str(kind) for kind in ReferrerKind], 2)),
)
def test_reference_sharing(one: str, other: str) -> None:
    host = Host()
    shared = host.partition("shared")
    refer(host, one, shared, host.partition("more"))
    host.filesystem_at("/boot/efi").pop("overrideEspMount", None)
    refer(host, other, shared, host.partition("still-more"))
    assert "referrer-forbidden-sharing" in host.mistakes()


def test_what_is_made_of_itself_does_not_keep_others_from_it() -> None:
    host = Host()
    host.pair("pair", "pair", host.partition("other"))
    host.filesystem(deviceId="pair", mountPoint="/data")
    assert set(host.mistakes()) == {"invalid-reference-kind"}


def test_two_references_of_one_referrer_differ() -> None:
    host = Host()
    host.pair("pair", host.partition("twice"), "twice")
    assert host.mistakes() == ["duplicate-target-id"]


UUID = "6a0f1d9c-0b7e-4c5d-9c1a-2f3e4d5c6b7a"


def two_with_one_value(kind: str, field: str, values: tuple[str, str]) -> Host:
    host = Host()
    for number, value in enumerate(values):
        id = f"d{number}"
        if kind == "disk":
            host.empty_disk(id, value)
        elif kind == "partition":
            host.partition(id, **{field: value})
        elif kind == "adopted-partition":
            host.adopted(id, **{field: value})
        elif kind == "raid-array":
            host.array(id, host.partition(f"{id}-1"), host.partition(f"{id}-2"), name=value)
        elif kind == "encrypted-volume":
            host.encrypted(id, host.partition(f"{id}-raw"), device_name=value)
        else:
            host.verity(id, host.partition(f"{id}-d", "usr"), host.partition(f"{id}-h", "usr-verity"), value)
    return host


UNIQUE = [
    ("disk", "device", ("/dev/x", "/dev/x"), ("/dev/x", "/dev/y")),
    ("partition", "uuid", (UUID, UUID.upper()), (UUID, OTHER_TYPE)),
    ("adopted-partition", "matchLabel", ("x", "x"), ("x", "y")),
    ("adopted-partition", "matchUuid", (UUID, UUID.replace("-", "")), (UUID, OTHER_TYPE)),
    ("raid-array", "name", ("x", "x"), ("x", "y")),
    ("encrypted-volume", "deviceName", ("x", "x"), ("x", "y")),
    ("verity-device", "name", ("usr", "usr"), ("usr", "root")),
]


@pytest.mark.parametrize(("kind", "field", "same", "different"), UNIQUE, ids=str)
def test_unique_field_values(
    kind: str, field: str, same: tuple[str, str], different: tuple[str, str]
) -> None:
    code = "unique-field-constraint-error"
    assert code in two_with_one_value(kind, field, same).mistakes()
    assert code not in two_with_one_value(kind, field, different).mistakes()


def test_the_table_of_unique_fields_is_complete() -> None:
    assert [(str(kind), field) for kind, field in tables.UNIQUE_FIELDS] == [row[:2] for row in UNIQUE]


FILE_SYSTEMS = grid("""
      device mount    verity new adopted
ext4  yes    optional yes    yes yes
xfs   yes    optional yes    yes yes
vfat  yes    optional no     yes yes
ntfs  yes    optional no     yes yes
tmpfs no     required no     yes no
auto  yes    optional no     no  yes
""")
TYPES = ("ext4", "xfs", "vfat", "ntfs", "tmpfs", "auto")


def filesystem_host(type: str, *, device: bool, mount: bool, source: str | None = None) -> Host:
    host = Host()
    source = source or ("adopted" if type == "auto" else "new")
    named = (
        {"deviceId": host.adopted("on") if source == "adopted" else host.partition("on")} if device else {}
    )
    host.filesystem(**named, source=source, type=type, **({"mountPoint": "/x"} if mount else {}))
    return host


@pytest.mark.parametrize("type", TYPES)
def test_filesystem_block_device_requirements(type: str) -> None:
    needs = FILE_SYSTEMS[type, "device"] == "yes"
    without, with_device = (filesystem_host(type, device=d, mount=True) for d in (False, True))
    assert without.mistakes() == (["filesystem-missing-block-device-id"] if needs else [])
    assert with_device.mistakes() == ([] if needs else ["filesystem-unexpected-block-device-id"])


@pytest.mark.parametrize("type", TYPES)
def test_filesystem_mounting(type: str) -> None:
    is_required = FILE_SYSTEMS[type, "mount"] == "required"
    without = filesystem_host(type, device=type != "tmpfs", mount=False)
    assert without.mistakes() == (["filesystem-missing-mount-point"] if is_required else [])


@pytest.mark.parametrize("source", ["new", "adopted"])
@pytest.mark.parametrize("type", TYPES)
def test_filesystem_types_of_a_source(type: str, source: str) -> None:
    host = filesystem_host(type, device=type != "tmpfs" or source == "adopted", mount=True, source=source)
    expected = [] if FILE_SYSTEMS[type, source] == "yes" else ["filesystem-type-with-source"]
    assert host.mistakes() == expected


def test_filesystem_verity_support_table() -> None:
    supported = {str(type) for type, is_so in tables.SUPPORTS_VERITY.items() if is_so}
    assert supported == {"ext4", "xfs"}


HETEROGENEOUS = [
    ("ab-volume", "partition", "raid-array"),
    ("ab-volume", "partition", "encrypted-volume"),
    ("ab-volume", "raid-array", "encrypted-volume"),
    ("verity-device", "partition", "raid-array"),
    ("verity-device", "partition", "ab-volume"),
    ("verity-device", "ab-volume", "raid-array"),
]


@pytest.mark.parametrize(("referrer", "one", "other"), HETEROGENEOUS)
def test_homogeneous_references(referrer: str, one: str, other: str) -> None:
    host = Host()
    types = ("usr", "usr-verity") if referrer == "verity-device" else ("var", "var")
    refer(host, referrer, device(host, one, "target", types[0]), device(host, other, "second", types[1]))
    assert host.mistakes() == ["reference-kind-mismatch"]


def test_homogeneous_references_table() -> None:
    expected = {"raid-array", "ab-volume", "encrypted-volume", "verity-device", "swap-device"}
    assert {str(kind) for kind in tables.HOMOGENEOUS_KINDS} == expected


@pytest.mark.parametrize("referrer", ["raid-array", "ab-volume"])
def test_homogeneous_partition_types_of_what_names_two(referrer: str) -> None:
    host = Host()
    refer(host, referrer, host.partition("target", "var"), host.partition("second", "srv"))
    assert host.mistakes() == ["partition-type-mismatch"]


ABOVE_ARRAYS = ["encrypted-volume", "filesystem-new", "filesystem-image"]


@pytest.mark.parametrize("referrer", ABOVE_ARRAYS)
def test_homogeneous_partition_types_of_what_lies_above(referrer: str) -> None:
    """Two types beneath are always a mistake of the array or pair between, and told there, once."""
    host = Host()
    array = host.array("mixed", host.partition("target", "var"), host.partition("second", "srv"))
    refer(host, referrer, array)
    (problem,) = [p for p in host.problems() if p.severity is Severity.ERROR]
    assert (problem.code, problem.path) == ("partition-type-mismatch", "storage.raid.software[0]")


def test_homogeneous_partition_types_table() -> None:
    assert set(tables.HOMOGENEOUS_PARTITION_TYPES) == set(ReferrerKind) - {ReferrerKind.VERITY_DEVICE}


@pytest.mark.parametrize("kind", ["partition", "raid-array", "encrypted-volume"])
@pytest.mark.parametrize("referrer", ["raid-array", "ab-volume"])
def test_homogeneous_partition_sizes(referrer: str, kind: str) -> None:
    if VALIDITY[referrer, kind] == "no":
        return
    host = with_reference(referrer, kind)
    assert host.mistakes() == []
    for partition in host.disk["partitions"]:
        if partition["id"].startswith("second"):
            partition["size"] = "8K"
    assert host.mistakes() == ["partition-size-mismatch"]
    for partition in host.disk["partitions"]:
        if partition["id"].startswith(("target", "second")):
            partition["size"] = "grow"
    assert set(host.mistakes()) == {"partition-size-not-fixed"}


@pytest.mark.parametrize("referrer", sorted({"swap-device", "verity-device", "filesystem-new"}))
def test_other_referrers_have_partitions_of_any_size(referrer: str) -> None:
    host = with_reference(referrer, "partition")
    next(part for part in host.disk["partitions"] if part["id"] == "target")["size"] = "grow"
    assert host.mistakes() == []


# A verity device is judged more closely: what its data can be, and what its hashes, is below.
TYPES_ALLOWED = grid("""
                 esp root swap root-verity home var usr usr-verity tmp linux-generic srv xbootldr uuid coreos
raid-array       yes yes  yes  yes         yes  yes yes yes        yes yes           yes yes      yes  yes
ab-volume        yes yes  yes  yes         yes  yes yes yes        yes yes           yes yes      yes  yes
encrypted-volume no  no   yes  no          no   yes yes no         yes yes           yes yes      yes  yes
verity-device    no  yes  no   yes         no   no  yes yes        no  yes           no  no       no   yes
swap-device      no  no   yes  no          no   no  no  no         no  no            no  no       no   no
filesystem-new   no  yes  yes  yes         yes  yes yes yes        yes yes           yes yes      yes  yes
filesystem-image yes yes  yes  yes         yes  yes yes yes        yes yes           yes yes      yes  yes
filesystem-esp   yes no   no   no          no   no  no  no         no  no            no  no       no   no
""")
UUIDS = {"uuid": OTHER_TYPE, "coreos": COREOS_USR_TYPE}


@pytest.mark.parametrize(("referrer", "type"), [cell for cell in TYPES_ALLOWED if cell[0] != "verity-device"])
def test_allowed_partition_types(referrer: str, type: str) -> None:
    mistakes = with_reference(referrer, "partition", UUIDS.get(type, type)).mistakes()
    assert mistakes == ([] if TYPES_ALLOWED[referrer, type] == "yes" else ["invalid-partition-type"])


@pytest.mark.parametrize("type", [*NAMED_TYPES, "uuid", "coreos"])
def test_allowed_partition_types_of_a_verity_device(type: str) -> None:
    host = Host()
    refer(
        host,
        "verity-device",
        host.partition("data", UUIDS.get(type, type)),
        host.partition("h", "usr-verity"),
    )
    expected = TYPES_ALLOWED["verity-device", type] == "no"
    assert ("invalid-partition-type" in host.mistakes()) is expected


def test_an_adopted_file_system_is_on_a_partition_whose_type_is_not_known() -> None:
    assert with_reference("filesystem-adopted", "adopted-partition").mistakes() == []
    allowed = tables.ALLOWED_PARTITION_TYPES[ReferrerKind.FILESYSTEM_ADOPTED]
    assert [type for type in ALL_TYPES if not allowed.contains(type)] == ["esp"]


@pytest.mark.parametrize("between", ["raid-array", "ab-volume", "encrypted-volume"])
def test_allowed_partition_types_hold_through_other_devices(between: str) -> None:
    assert "invalid-partition-type" in with_reference("filesystem-new", between, "esp").mistakes()


RAID_LEVELS = grid("""
                 raid0 raid1 raid5 raid6 raid10
ab-volume        yes   yes   yes   yes   yes
encrypted-volume yes   yes   yes   yes   yes
verity-device    yes   yes   yes   yes   yes
filesystem-new   yes   yes   yes   yes   yes
filesystem-image yes   yes   yes   yes   yes
filesystem-esp   no    yes   no    no    no
""")


@pytest.mark.parametrize(("referrer", "level"), RAID_LEVELS)
def test_allowed_raid_levels(referrer: str, level: str) -> None:
    mistakes = with_reference(referrer, "raid-array", level=level).mistakes()
    assert mistakes == ([] if RAID_LEVELS[referrer, level] == "yes" else ["invalid-raidlevel"])


def test_the_other_referrers_cannot_name_an_array() -> None:
    without = {str(kind) for kind, levels in tables.ALLOWED_RAID_LEVELS.items() if levels is None}
    assert without == {"raid-array", "swap-device", "filesystem-adopted"}
    assert {row for row, _level in RAID_LEVELS} == set(map(str, ReferrerKind)) - without


MOUNT_PATHS = {
    "esp": "/boot /efi /boot/efi", "root": "/", "swap": "", "root-verity": "", "home": "/home", "var": "/var",
    "usr": "/usr", "usr-verity": "", "tmp": "/var/tmp", "linux-generic": None, "srv": "/srv",
    "xbootldr": "/boot", OTHER_TYPE: None,
}  # fmt: skip
PATHS = ("/", "/boot", "/boot/efi", "/efi", "/home", "/srv", "/usr", "/var", "/var/tmp", "/else")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("type", MOUNT_PATHS)
def test_partition_type_valid_mounting_paths(type: str, path: str) -> None:
    host = Host()
    if path in ("/", "/boot/efi"):
        host.filesystem_at(path)["deviceId"] = host.partition("tested", type)
    else:
        host.filesystem(deviceId=host.partition("tested", type), mountPoint=path)
    usual = MOUNT_PATHS[type]
    is_unusual = usual is not None and path not in usual.split()
    found = {problem.code: problem.severity for problem in host.problems()}
    assert found.get("unusual-mount-path") == (Severity.WARNING if is_unusual else None)


HASH_OF = {"root": "root-verity", "usr": "usr-verity", COREOS_USR_TYPE: "usr-verity"}
HASHES = ("root-verity", "usr-verity", "linux-generic")


@pytest.mark.parametrize("hashes", ALL_TYPES)
@pytest.mark.parametrize("data", ALL_TYPES)
def test_partition_type_matching_hash_partition(data: str, hashes: str) -> None:
    host = Host()
    refer(host, "verity-device", host.partition("data", data), host.partition("hash", hashes))
    is_allowed = hashes in HASHES if data == "linux-generic" else HASH_OF.get(data) == hashes
    assert (host.mistakes() == []) is is_allowed
