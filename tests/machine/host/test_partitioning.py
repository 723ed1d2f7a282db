"""Partition tables on files and loop devices, written and read by the real sfdisk."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.errors import Servicing, UnsupportedConfiguration
from trident.host.block import device_size, find_disk
from trident.host.layout import PartitionRequest
from trident.host.partition_types import partition_type_guid
from trident.host.partitioning import partition_disk, read_table, wait_for_nodes

pytestmark = pytest.mark.machine

MIB = 1024 * 1024
ESP_UUID = "11223344-5566-7788-99aa-bbccddeeff00"
REQUESTS = (
    PartitionRequest("esp", 40 * MIB, partition_type_guid("esp", "x86_64"), "esp", ESP_UUID.upper()),
    PartitionRequest("root-a", None, partition_type_guid("root", "x86_64"), "größe"),
    PartitionRequest("last", 8 * MIB, partition_type_guid("linux-generic", "x86_64"), "with space"),
)


@pytest.fixture(params=[512, 4096], ids=["512 byte sectors", "4096 byte sectors"])
def loop(request: pytest.FixtureRequest, disk_image: Path) -> Iterator[Path]:
    command = ["losetup", "--find", "--show", "--sector-size", str(request.param), str(disk_image)]
    device = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    yield Path(device)
    subprocess.run(["losetup", "--detach", device], check=True)


@pytest.fixture
def disk_image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.truncate(200 * MIB)
    return path


def check_table(device: Path, disk_uuid: str, uuids: dict[str, str]) -> None:
    table = read_table(device)
    assert table.disk_uuid == disk_uuid
    assert [(entry.number, entry.label, entry.uuid) for entry in table.entries] == [
        (1, "esp", ESP_UUID),
        (2, "größe", uuids["root-a"]),
        (3, "with space", uuids["last"]),
    ]
    sector = table.sector_size
    assert [entry.start_sector * sector for entry in table.entries] == [1 * MIB, 41 * MIB, 191 * MIB]
    assert [entry.sectors * sector for entry in table.entries] == [40 * MIB, 150 * MIB, 8 * MIB]
    assert table.entries[1].type_guid == "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"


def test_a_loop_device_is_partitioned_as_planned(loop: Path) -> None:
    made = partition_disk(loop, REQUESTS)
    check_table(loop, made.disk_uuid, made.partition_uuids)


def test_a_disk_is_partitioned_by_any_of_its_names(loop: Path) -> None:
    """Such as the stable ones that a Host Configuration should use, where sfdisk's names differ."""
    link = Path("/dev/disk/by-path") / f"test-{loop.name}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(loop)
    try:
        made = partition_disk(link, REQUESTS)
        check_table(link, made.disk_uuid, made.partition_uuids)
    finally:
        link.unlink()
        with contextlib.suppress(OSError):  # A machine with udev has more in there.
            link.parent.rmdir()
            link.parent.parent.rmdir()


def test_a_disk_image_file_is_partitioned_as_planned(disk_image: Path) -> None:
    made = partition_disk(disk_image, REQUESTS)
    check_table(disk_image, made.disk_uuid, made.partition_uuids)


def test_old_contents_do_not_shine_through(disk_image: Path) -> None:
    """A file system on the whole disk, and one where a partition will begin."""
    subprocess.run(["mkfs.ext4", "-q", "-F", str(disk_image)], check=True)
    subprocess.run(
        ["mkfs.vfat", "--offset", "2048", str(disk_image), "40960"], check=True, capture_output=True
    )
    partition_disk(disk_image, REQUESTS)
    probed = subprocess.run(
        ["blkid", "--probe", "--offset", str(MIB), str(disk_image)], check=False, capture_output=True
    )
    assert probed.returncode == 2  # Nothing found.
    whole = subprocess.run(
        ["wipefs", "--noheadings", "--output", "TYPE", str(disk_image)], check=True, capture_output=True
    )
    assert set(whole.stdout.split()) == {b"gpt", b"PMBR"}


def test_partitioning_again_replaces_everything(disk_image: Path) -> None:
    first = partition_disk(disk_image, REQUESTS)
    second = partition_disk(disk_image, REQUESTS[:1])
    assert second.disk_uuid != first.disk_uuid
    assert [entry.uuid for entry in read_table(disk_image).entries] == [ESP_UUID]


def test_a_disk_that_is_too_small_is_left_alone(disk_image: Path) -> None:
    before = disk_image.read_bytes()[:MIB]
    with pytest.raises(UnsupportedConfiguration) as caught:
        partition_disk(disk_image, [PartitionRequest("big", 300 * MIB, REQUESTS[0].type_guid, "big")])
    assert caught.value.code == "disk-too-small"
    assert disk_image.read_bytes()[:MIB] == before


def test_a_disk_in_use_is_refused(loop: Path, tmp_path: Path) -> None:
    subprocess.run(["mkfs.ext4", "-q", str(loop)], check=True)
    (tmp_path / "mnt").mkdir()
    subprocess.run(["mount", str(loop), str(tmp_path / "mnt")], check=True)
    try:
        disk = find_disk(str(loop))
        assert disk is not None
        assert disk.mounts == (str(tmp_path / "mnt"),)
        with pytest.raises(Servicing) as caught:
            partition_disk(loop, REQUESTS)
        assert caught.value.code == "create-partitions"
        assert "in use" in caught.value.message
    finally:
        subprocess.run(["umount", str(tmp_path / "mnt")], check=True)


def test_a_disk_without_a_table_says_so(disk_image: Path) -> None:
    with pytest.raises(Servicing) as caught:
        read_table(disk_image)
    assert caught.value.code == "read-partition-table"


def test_facts_of_a_disk(loop: Path) -> None:
    disk = find_disk(str(loop))
    assert disk is not None
    assert (disk.device, disk.size, disk.mounts) == (str(loop), 200 * MIB, ())
    assert disk.sector_size == read_sector_size(loop)
    assert device_size(loop) == 200 * MIB


def read_sector_size(loop: Path) -> int:
    return int(subprocess.run(["blockdev", "--getss", str(loop)], check=True, capture_output=True).stdout)


def test_a_disk_is_found_by_any_of_its_names(loop: Path, tmp_path: Path) -> None:
    (tmp_path / "by-path").symlink_to(loop)
    disk = find_disk(str(tmp_path / "by-path"))
    assert disk is not None
    assert disk.device == str(loop)


@pytest.mark.parametrize("path", ["/dev/no-such-disk", "/dev/null", "/etc/passwd"])
def test_what_is_no_disk_is_not_found(path: str) -> None:
    assert find_disk(path) is None


def test_nodes_that_do_not_appear_are_named(tmp_path: Path) -> None:
    (tmp_path / "aaaa").touch()
    assert wait_for_nodes(["AAAA"], directory=tmp_path, patience=0) == {"AAAA": tmp_path / "aaaa"}
    with pytest.raises(Servicing) as caught:
        wait_for_nodes(["aaaa", "bbbb"], directory=tmp_path, patience=0)
    assert caught.value.code == "create-partitions"
    assert caught.value.details["missing"] == [str(tmp_path / "bbbb")]
