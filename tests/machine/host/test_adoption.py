"""Partitions that are kept: their bytes and entries are the same afterwards, whatever happens around them."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.errors import Servicing, UnsupportedConfiguration
from trident.host.layout import PartitionRequest
from trident.host.partition_types import partition_type_guid
from trident.host.partitioning import (
    PartitionTable,
    TableEntry,
    contents_of,
    partition_disk,
    read_table,
    repartition_disk,
)

pytestmark = pytest.mark.machine

MIB = 1024 * 1024
GENERIC = partition_type_guid("linux-generic", "x86_64")
# As other systems leave a disk: odd places, labels and attributes, and a hole in the numbers.
OTHERS = """\
label: gpt
first-lba: 34

1 : start=40, size=20000, type=U, name="EFI system partition", attrs="GUID:63"
2 : start=20480, size=204801, name="quo\\x22te", attrs="RequiredPartition LegacyBIOSBootable GUID:48"
4 : start=256000, size=40960, name="old"
5 : start=300000, size=8192, name="old"
"""
NEW = (
    PartitionRequest("root-a", 60 * MIB, GENERIC, "root-a"),
    PartitionRequest("root-b", 60 * MIB, GENERIC, "root-b", "11223344-5566-7788-99aa-bbccddeeff00"),
    PartitionRequest("small", 5 * MIB, GENERIC, "größe"),
    PartitionRequest("home", None, GENERIC, "home"),
)


@pytest.fixture
def disk_file(tmp_path: Path) -> Path:
    """A disk of 320 MiB with four partitions, three of them with a file system, all full of bytes."""
    file = tmp_path / "disk.raw"
    with file.open("wb") as handle:
        handle.truncate(320 * MIB)
    subprocess.run(["sfdisk", "--quiet", str(file)], input=OTHERS, check=True, text=True)
    for place, command in ((40, "mkfs.vfat"), (20480, "mkfs.ntfs -Q -F -q"), (256000, "mkfs.ext4 -q")):
        part = tmp_path / "part"
        entry = next(entry for entry in read_table(file).entries if entry.start_sector == place)
        with part.open("wb") as handle:
            handle.truncate(entry.sectors * 512)
        subprocess.run([*command.split(), str(part)], check=True, capture_output=True)
        with file.open("r+b") as handle:
            handle.seek(place * 512)
            handle.write(part.read_bytes())
    return file


@pytest.fixture(params=["file", "loop device"])
def disk(request: pytest.FixtureRequest, disk_file: Path) -> Iterator[Path]:
    if request.param == "file":
        yield disk_file
        return
    found = subprocess.run(["losetup", "-f", "--show", disk_file], check=True, capture_output=True, text=True)
    yield Path(found.stdout.strip())
    subprocess.run(["losetup", "--detach", found.stdout.strip()], check=True)


def digest(disk: Path, entry: TableEntry) -> str:
    """Of every byte of a partition."""
    with disk.open("rb") as file:
        file.seek(entry.start_sector * 512)
        return hashlib.sha256(file.read(entry.sectors * 512)).hexdigest()


def kept(table: PartitionTable) -> list[TableEntry]:
    return [entry for entry in table.entries if entry.number in (1, 2)]


def test_what_is_kept_stays_byte_for_byte_and_the_rest_goes(disk: Path) -> None:
    before = read_table(disk)
    keep = kept(before)
    digests = [digest(disk, entry) for entry in keep]

    made = repartition_disk(disk, keep, NEW)

    after = read_table(disk)
    assert [entry for entry in after.entries if entry in keep] == keep
    assert [digest(disk, entry) for entry in keep] == digests
    assert keep[1].attributes == "RequiredPartition LegacyBIOSBootable GUID:48"
    assert made.disk_uuid == after.disk_uuid == before.disk_uuid
    assert [(entry.number, entry.label) for entry in after.entries] == [
        (1, "EFI system partition"),
        (2, 'quo"te'),
        (3, "root-a"),
        (4, "root-b"),
        (5, "größe"),
        (6, "home"),
    ]
    assert after.entries[3].uuid == "11223344-5566-7788-99aa-bbccddeeff00"
    subprocess.run(["sfdisk", "--verify", "--quiet", str(disk)], check=True)


def test_nothing_is_found_in_a_new_partition_where_an_old_one_began(disk: Path) -> None:
    table = read_table(disk)
    assert sorted(contents_of(disk, table).values()) == ["ext4", "ntfs", "vfat"]
    here = PartitionRequest("here", 30 * MIB, GENERIC, "here")
    filler = PartitionRequest("filler", 14 * MIB, GENERIC, "filler")

    repartition_disk(disk, kept(table), [filler, here])

    after = read_table(disk)
    assert [entry.start_sector for entry in after.entries if entry.label == "here"] == [256000]
    assert sorted(contents_of(disk, after).values()) == ["ntfs", "vfat"]


def test_doing_it_again_after_it_was_cut_off_completes(disk: Path) -> None:
    """The others are deleted, and the new ones not there yet; then all of it once more."""
    keep = kept(read_table(disk))
    digests = [digest(disk, entry) for entry in keep]
    repartition_disk(disk, keep, [])
    assert list(read_table(disk).entries) == keep

    repartition_disk(disk, keep, NEW)
    repartition_disk(disk, keep, NEW)

    assert [entry.number for entry in read_table(disk).entries] == [1, 2, 3, 4, 5, 6]
    assert [digest(disk, entry) for entry in keep] == digests


def test_a_disk_of_which_all_is_kept_changes_not_at_all(disk: Path) -> None:
    table = read_table(disk)
    whole = hashlib.sha256(disk.read_bytes()).hexdigest()
    repartition_disk(disk, table.entries, [])
    assert hashlib.sha256(disk.read_bytes()).hexdigest() == whole


def test_without_room_nothing_is_deleted(disk: Path) -> None:
    table = read_table(disk)
    with pytest.raises(UnsupportedConfiguration) as caught:
        repartition_disk(disk, kept(table), [PartitionRequest("big", 300 * MIB, GENERIC, "big")])
    assert caught.value.code == "disk-too-small"
    assert read_table(disk) == table


def test_a_table_that_changed_since_the_plan_is_left_alone(disk: Path) -> None:
    keep = kept(read_table(disk))
    subprocess.run(["sfdisk", "--quiet", "--part-label", str(disk), "2", "renamed"], check=True)
    table = read_table(disk)
    with pytest.raises(Servicing) as caught:
        repartition_disk(disk, keep, NEW)
    assert caught.value.code == "create-partitions"
    assert read_table(disk) == table


def test_a_disk_without_gpt_has_nothing_to_keep(tmp_path: Path) -> None:
    path = tmp_path / "dos.raw"
    with path.open("wb") as file:
        file.truncate(64 * MIB)
    subprocess.run(["sfdisk", "--quiet", str(path)], input="label: dos\nsize=10M\n", check=True, text=True)
    with pytest.raises(Servicing) as caught:
        repartition_disk(path, [], NEW)
    assert caught.value.code == "read-partition-table"


def test_a_disk_that_grew_keeps_what_it_has(disk_file: Path) -> None:
    """The backup table is not at the end of the disk any more."""
    disk = disk_file
    keep = kept(read_table(disk))
    digests = [digest(disk, entry) for entry in keep]
    with disk.open("r+b") as file:
        file.truncate(640 * MIB)
    repartition_disk(disk, keep, NEW)
    assert [digest(disk, entry) for entry in keep] == digests
    assert [entry.number for entry in read_table(disk).entries] == [1, 2, 3, 4, 5, 6]


def test_a_table_made_here_can_be_adopted_from(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.truncate(320 * MIB)
    partition_disk(path, NEW)
    keep = [entry for entry in read_table(path).entries if entry.label == "root-b"]
    repartition_disk(path, keep, [PartitionRequest("rest", None, GENERIC, "rest")])
    assert [(entry.number, entry.label) for entry in read_table(path).entries] == [(1, "rest"), (2, "root-b")]
