"""File systems made, grown and identified by the real tools, in files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from trident.errors import Servicing
from trident.host.block import device_size, filesystem_uuid
from trident.host.filesystem import SMALLEST, check, grow, make_filesystem, make_swap

pytestmark = pytest.mark.machine

MIB = 1024 * 1024
UUID = "11223344-5566-7788-99aa-bbccddeeff00"


def volume(path: Path, size: int) -> Path:
    with path.open("ab") as file:
        file.truncate(size)
    return path


def block_count(path: Path) -> int:
    printed = subprocess.run(["dumpe2fs", "-h", str(path)], check=True, capture_output=True, text=True).stdout
    fields = dict(line.split(":", 1) for line in printed.splitlines() if ":" in line)
    return int(fields["Block count"]) * int(fields["Block size"])


def test_ext4_has_the_uuid_that_was_asked_for(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", 16 * MIB)
    make_filesystem(path, "ext4", label="data", uuid=UUID)
    assert filesystem_uuid(path) == UUID
    check(path, "ext4")


@pytest.mark.parametrize(("size", "bits"), [(512 * MIB, "FAT32"), (16 * MIB, "FAT16"), (34 * MIB, "FAT32")])
def test_vfat_is_fat32_where_it_can_be(tmp_path: Path, size: int, bits: str) -> None:
    path = volume(tmp_path / "esp", size)
    make_filesystem(path, "vfat")
    probed = subprocess.run(
        ["blkid", "--probe", "-s", "VERSION", "-o", "value", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert probed.stdout.strip() == bits
    uuid = filesystem_uuid(path)
    assert uuid is not None
    assert len(uuid) == len("1A2B-3C4D")


def test_a_new_file_system_replaces_an_old_one(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", 64 * MIB)
    make_filesystem(path, "ext4")
    make_filesystem(path, "vfat")
    make_filesystem(path, "ext4", uuid=UUID)
    assert filesystem_uuid(path) == UUID


def probed(path: Path) -> dict[str, str]:
    """What blkid finds on a volume."""
    printed = subprocess.run(
        ["blkid", "--probe", "-o", "export", str(path)], check=True, capture_output=True, text=True
    ).stdout
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


def test_xfs_is_made_over_another_file_system_and_mounts(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", SMALLEST["xfs"])
    make_filesystem(path, "ext4")
    make_filesystem(path, "xfs", label="data", uuid=UUID)
    assert probed(path)["TYPE"] == "xfs"
    assert (probed(path)["UUID"], probed(path)["LABEL"]) == (UUID, "data")
    (tmp_path / "mnt").mkdir()
    subprocess.run(["mount", str(path), str(tmp_path / "mnt")], check=True)
    subprocess.run(["umount", str(tmp_path / "mnt")], check=True)


def test_below_the_smallest_size_no_xfs_is_made(tmp_path: Path) -> None:
    with pytest.raises(Servicing) as caught:
        make_filesystem(volume(tmp_path / "v", SMALLEST["xfs"] - MIB), "xfs")
    assert caught.value.code == "create-filesystems"


def test_ntfs_is_made(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", 16 * MIB)
    make_filesystem(path, "ext4")
    make_filesystem(path, "ntfs", label="share")
    assert (probed(path)["TYPE"], probed(path)["LABEL"]) == ("ntfs", "share")


def test_a_swap_area_replaces_a_file_system(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", 16 * MIB)
    make_filesystem(path, "ext4")
    make_swap(path)
    assert probed(path)["TYPE"] == "swap"
    assert filesystem_uuid(path) is not None


def test_a_swap_area_needs_some_pages(tmp_path: Path) -> None:
    with pytest.raises(Servicing) as caught:
        make_swap(volume(tmp_path / "v", 4096))
    assert caught.value.code == "create-swap"


def test_growing_fills_the_volume_and_is_fine_twice(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", 16 * MIB)
    make_filesystem(path, "ext4", uuid=UUID)
    volume(path, 64 * MIB)
    grow(path, "ext4")
    grow(path, "ext4")
    assert block_count(path) == 64 * MIB
    check(path, "ext4")


def test_a_file_system_that_was_mounted_is_checked_before_it_grows(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", 16 * MIB)
    make_filesystem(path, "ext4")
    (tmp_path / "mnt").mkdir()
    subprocess.run(["mount", str(path), str(tmp_path / "mnt")], check=True)
    subprocess.run(["umount", str(tmp_path / "mnt")], check=True)
    volume(path, 64 * MIB)
    grow(path, "ext4")
    assert block_count(path) == 64 * MIB


def test_other_types_are_left_as_they_are(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", 1 * MIB)
    grow(path, "vfat")
    assert path.read_bytes() == bytes(1 * MIB)


def test_what_is_no_file_system_cannot_grow(tmp_path: Path) -> None:
    path = volume(tmp_path / "v", 1 * MIB)
    with pytest.raises(Servicing) as caught:
        grow(path, "ext4")
    assert caught.value.code == "resize-filesystem"


def test_a_device_that_is_too_small_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(Servicing) as caught:
        make_filesystem(volume(tmp_path / "v", 4096), "ext4")
    assert caught.value.code == "create-filesystems"


def test_without_device_or_file_system_there_is_no_uuid(tmp_path: Path) -> None:
    assert filesystem_uuid(tmp_path / "absent") is None
    assert filesystem_uuid(volume(tmp_path / "empty", 1 * MIB)) is None


def test_the_size_of_what_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Servicing) as caught:
        device_size(tmp_path / "absent")
    assert caught.value.code == "get-device-information"
