"""Adopted partitions: which one is meant, what is refused, where new ones go, what a plan does with them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pure.subsystems.situations import DISK, MIB, SAMPLE, configuration, install
from trident.config.model import HostConfiguration
from trident.errors import TridentError, UnsupportedConfiguration
from trident.host.layout import ALIGNMENT, Kept, PartitionRequest, plan_partitions
from trident.host.partitioning import PartitionTable, TableEntry
from trident.plan.situation import DiskFacts, Situation
from trident.servicing.compile import compile_plan
from trident.subsystems.storage import StorageSubsystem
from trident.subsystems.storage.adopt import RepartitionDisk
from trident.subsystems.storage.check import partition_sizes
from trident.subsystems.storage.fstab import WriteFstab, render
from trident.subsystems.storage.mounts import MountNewroot, NewrootMount

storage = StorageSubsystem()

ESP, WINDOWS, OLD = (f"0000000{number}-0000-4000-8000-000000000000" for number in (1, 2, 3))
BASIC = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
GENERIC = "0fc63daf-8483-4772-8e79-3d69d8477de4"
SECTORS = 2048  # of 512 bytes in a mebibyte


def entry(number: int, start: int, size: int, uuid: str, label: str) -> TableEntry:
    """Start and size in mebibytes."""
    return TableEntry(number, start * SECTORS, size * SECTORS, BASIC, uuid, label)


TABLE = PartitionTable(
    "d15c0000-0000-4000-8000-000000000000",
    512,
    (
        entry(1, 1, 260, ESP, "EFI system partition"),
        entry(2, 300, 1000, WINDOWS, "Basic data partition"),
        entry(4, 1300, 500, OLD, "old"),
    ),
    first_sector=34,
    last_sector=8192 * SECTORS - 34,
)
CONTENTS = {ESP: "vfat", WINDOWS: "ntfs", OLD: "ext4"}

# The sample beside another system, whose ESP it shares.
BESIDE = (
    SAMPLE.replace("        - {id: esp, type: esp, size: 512M}\n", "")
    .replace(
        "  abUpdate:",
        f"""\
      adoptedPartitions:
        - {{id: esp, matchLabel: EFI system partition}}
        - {{id: windows, matchUuid: {WINDOWS.upper()}}}
  abUpdate:""",
        1,
    )
    .replace(
        "os:\n",
        "    - {deviceId: windows, source: adopted, type: ntfs, mountPoint: /srv/windows}\nos:\n",
    )
)


def beside(text: str = BESIDE, table: PartitionTable | None = TABLE, **facts: object) -> Situation:
    config: HostConfiguration = configuration(text)
    disk = DiskFacts("/dev/vda", 8192 * MIB, table=table, contents=CONTENTS)
    return install(config, disks={DISK: replace(disk, **facts)})  # type: ignore[arg-type]


def refusals(situation: Situation) -> list[TridentError]:
    return list(storage.check(situation))


def the_only(situation: Situation) -> TridentError:
    (error,) = refusals(situation)
    return error


def test_a_disk_with_another_system_is_installed_beside_it() -> None:
    situation = beside()
    assert refusals(situation) == []
    plan = compile_plan(situation)
    step = next(step for step in plan.steps if isinstance(step, RepartitionDisk))
    assert step.title == (
        f"Keep esp, windows on {DISK}, delete its other partition, create root-a, root-b, state, home"
    )
    assert [kept.number for kept in step.keep] == [1, 2]
    assert not any("windows" in step.touches for step in plan.steps if not step.id.startswith("mount-"))


def test_an_adopted_esp_is_not_formatted_and_gets_the_boot_files() -> None:
    ids = [step.id for step in compile_plan(beside()).steps]
    assert "make-filesystem:esp" not in ids
    assert "make-filesystem:windows" not in ids
    assert "stage-boot-files:trident-a" in ids


def test_an_esp_whose_file_system_is_adopted_gets_the_boot_files_too() -> None:
    text = BESIDE.replace(
        "{deviceId: esp, mountPoint", "{deviceId: esp, source: adopted, type: vfat, mountPoint"
    )
    assert refusals(beside(text)) == []
    assert "stage-boot-files:trident-a" in [step.id for step in compile_plan(beside(text)).steps]


@pytest.mark.parametrize(("options", "kept", "check"), [("ro,nofail", True, "0"), ("nofail", False, "2")])
def test_what_is_adopted_read_only_is_not_written_by_a_mount_or_a_check(
    options: str, kept: bool, check: str
) -> None:
    text = BESIDE.replace(
        "mountPoint: /srv/windows", f'mountPoint: {{path: /srv/windows, options: "{options}"}}'
    )
    steps = list(storage.steps(beside(text)))
    mount = next(step for step in steps if isinstance(step, MountNewroot))
    assert NewrootMount("windows", "/srv/windows", read_only=kept) in mount.mounts
    assert ("windows" in mount.touches) is not kept
    fstab = next(step for step in steps if isinstance(step, WriteFstab))
    lines = render(fstab.entries, {str(entry.device_id): "/dev/x" for entry in fstab.entries}).splitlines()
    assert f"/dev/x /srv/windows ntfs {options} 0 {check}" in lines


def test_new_partitions_go_where_there_is_room() -> None:
    sizes = partition_sizes(beside())
    assert sizes["esp"] == 260 * MIB
    assert sizes["windows"] == 1000 * MIB
    # From 1300 MiB, where the deleted partition began, to the last whole MiB.
    assert sizes["home"] == (8192 - 1300 - 1 - 2048 - 2048 - 256) * MIB


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (None, "adopted-disk-without-gpt"),
        (replace(TABLE, entries=TABLE.entries[1:]), "adopted-partition-not-found"),
        (replace(TABLE, entries=TABLE.entries[:1]), "adopted-partition-not-found"),
        (replace(TABLE, entries=()), "adopted-partition-not-found"),
        (
            replace(TABLE, entries=(*TABLE.entries, entry(5, 2000, 5, OLD, "EFI system partition"))),
            "adopted-partition-ambiguous",
        ),
        (
            replace(TABLE, entries=(entry(1, 1, 301, ESP, "EFI system partition"), *TABLE.entries[1:])),
            "adopted-partitions-overlap",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table: PartitionTable | None, code: str) -> None:
    found = refusals(beside(table=table))
    assert code in {error.code for error in found}
    assert all(error.hint for error in found)


def test_what_is_not_found_is_told_with_what_is_there() -> None:
    text = BESIDE.replace("matchLabel: EFI system partition", "matchLabel: efi system partition")
    error = the_only(beside(text))
    assert error.code == "adopted-partition-not-found"
    assert error.hint == (
        f"The disk has: 1 'EFI system partition' {ESP}, 2 'Basic data partition' {WINDOWS}, 4 'old' {OLD}."
    )


def test_one_partition_is_adopted_once() -> None:
    text = BESIDE.replace(WINDOWS.upper(), ESP)
    assert "adopted-partition-twice" in {error.code for error in refusals(beside(text))}


@pytest.mark.parametrize(
    "changed",
    [
        f"{{id: state, size: 256M, uuid: {WINDOWS}}}",
        "{id: state, size: 256M, label: EFI system partition}",
    ],
)
def test_a_new_partition_cannot_have_the_name_of_an_adopted_one(changed: str) -> None:
    error = the_only(beside(BESIDE.replace("{id: state, size: 256M}", changed)))
    assert error.code == "adopted-partition-name-taken"


def test_without_room_between_the_kept_ones_nothing_is_deleted() -> None:
    error = the_only(beside(BESIDE.replace("size: 256M", "size: 3G")))
    assert (error.code, error.details["needed"]) == ("disk-too-small", 3072 * MIB)
    assert "'state'" in error.message


@pytest.mark.parametrize(
    ("contents", "found"),
    [
        ({ESP: "vfat"}, None),
        ({ESP: "vfat", WINDOWS: "ext4"}, "ext4"),
        ({WINDOWS: "ntfs", ESP: "ext4"}, "ext4"),
    ],
)
def test_a_file_system_that_is_not_there_is_told_before_anything_is_deleted(
    contents: dict[str, str], found: str | None
) -> None:
    error = the_only(beside(contents=contents))
    assert (error.code, error.details["found"]) == ("adopted-filesystem-mismatch", found)


@pytest.mark.parametrize(
    ("kind", "contents", "needed"),
    [(", type: ntfs", CONTENTS, True), ("", CONTENTS, True), ("", {ESP: "vfat", WINDOWS: "ext4"}, False)],
)
def test_ntfs_needs_its_program_before_anything_is_deleted(
    kind: str, contents: dict[str, str], needed: bool
) -> None:
    situation = beside(BESIDE.replace(", type: ntfs", kind), contents=contents)
    assert ("mount.ntfs" in storage.tools(situation)) is needed


def test_an_adopted_file_system_of_any_type_must_be_one() -> None:
    text = BESIDE.replace("source: adopted, type: ntfs", "source: adopted")
    assert refusals(beside(text)) == []
    assert the_only(beside(text, contents={ESP: "vfat"})).details["wanted"] is None


def test_a_disk_in_use_is_refused_with_adopted_partitions_too() -> None:
    assert the_only(beside(mounts=("/mnt",))).code == "disk-in-use"


def request(name: str, size: int | None) -> PartitionRequest:
    return PartitionRequest(name, size, GENERIC, name)


def test_numbers_are_the_lowest_that_are_free_and_areas_the_first_with_room() -> None:
    kept = Kept({2: (10 * MIB, 10 * MIB), 3: (50 * MIB + 512, 1 * MIB)}, 34 * 512, 100 * MIB)
    wanted = [request("big", 29 * MIB), request("small", 4 * MIB), request("g1", None), request("g2", None)]
    placed = plan_partitions(100 * MIB, 512, wanted, kept=kept)
    assert [(p.id, p.number, p.start // MIB, p.size // MIB) for p in placed] == [
        ("big", 1, 20, 29),
        ("small", 4, 1, 4),
        ("g1", 5, 52, 24),
        ("g2", 6, 76, 24),
    ]


@given(
    kept=st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 5000)), max_size=6),
    sizes=st.lists(st.integers(0, 20).map(lambda size: size * 256 * 4096 // 3 // 4096 * 4096), max_size=6),
)
def test_nothing_new_ever_overlaps_what_is_kept(kept: list[tuple[int, int]], sizes: list[int]) -> None:
    places: dict[int, tuple[int, int]] = {}
    end = 0
    for number, (gap, length) in enumerate(kept, start=2):
        start = end + (gap + 34) * 512
        places[number] = (start, length * 512)
        end = start + length * 512
    usable = max(end, 64 * MIB)
    wanted = [request(str(index), size or None) for index, size in enumerate(sizes)]
    try:
        placed = plan_partitions(usable + MIB, 512, wanted, kept=Kept(places, 34 * 512, usable))
    except UnsupportedConfiguration as error:
        assert error.code == "disk-too-small"
        return
    taken = sorted([*places.values(), *((p.start, p.size) for p in placed), (usable, 0)])
    assert all(start + size <= after for (start, size), (after, _) in itertools.pairwise(taken))
    assert all(p.start % ALIGNMENT == 0 and p.size > 0 for p in placed)
    assert not {p.number for p in placed} & set(places)
