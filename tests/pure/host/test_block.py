"""Partitions as the kernel shows them in sysfs."""

from __future__ import annotations

from pathlib import Path

from trident.host.block import Partition, partitions_of


def sysfs(root: Path, disk: str, partitions: dict[str, tuple[int, int, int, str]]) -> None:
    for name, (number, start, size, uevent) in partitions.items():
        entry = root / "sys/class/block" / disk / name
        entry.mkdir(parents=True)
        for file, value in {"partition": number, "start": start, "size": size, "uevent": uevent}.items():
            (entry / file).write_text(f"{value}\n")


def test_partitions_come_in_disk_order_with_their_labels(tmp_path: Path) -> None:
    sysfs(
        tmp_path,
        "nvme0n1",
        {
            "nvme0n1p2": (2, 2048, 4096, "DEVTYPE=partition\nPARTN=2\nPARTNAME=root a"),
            "nvme0n1p1": (1, 8192, 8, "PARTN=1"),
        },
    )
    (tmp_path / "sys/class/block/nvme0n1/queue").mkdir()
    assert partitions_of("/dev/nvme0n1", tmp_path) == (
        Partition("/dev/nvme0n1p2", 2, 2048 * 512, 4096 * 512, "root a"),
        Partition("/dev/nvme0n1p1", 1, 8192 * 512, 8 * 512, ""),
    )


def test_a_blank_disk_and_one_that_is_not_there_have_none(tmp_path: Path) -> None:
    (tmp_path / "sys/class/block/vda/queue").mkdir(parents=True)
    assert partitions_of("/dev/vda", tmp_path) == ()
    assert partitions_of("/dev/vdb", tmp_path) == ()
