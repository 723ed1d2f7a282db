"""Where the running root lives, read from mount tables as real systems have them; leaving it."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from trident.errors import Servicing
from trident.host import system

# Each is what the kernel shows, cut to the mounts that matter.
TABLES = {
    "initial RAM file system": ("1 1 0:2 / / rw - rootfs rootfs rw", "ram-disk"),
    "root on tmpfs": ("27 1 0:24 / / rw,relatime - tmpfs tmpfs rw,size=4096k", "ram-disk"),
    "optical medium": ("27 1 11:0 / / ro - iso9660 /dev/sr0 ro", "live-media"),
    "compressed image in a file": ("27 1 7:0 / / ro - squashfs /dev/loop0 ro", "live-media"),
    "compressed image on a partition, an appliance": (
        "27 1 254:2 / / ro - erofs /dev/vda2 ro",
        "persistent-storage",
    ),
    "plain disk": ("27 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw", "persistent-storage"),
    "Debian live": (
        "27 1 0:25 / / rw - overlay overlay rw,lowerdir=/run/live/rootfs/filesystem.squashfs/,"
        "upperdir=/run/live/overlay/rw,workdir=/run/live/overlay/work\n"
        "30 27 7:0 / /run/live/rootfs/filesystem.squashfs ro - squashfs /dev/loop0 ro\n"
        "31 27 0:26 / /run/live/overlay rw - tmpfs tmpfs rw\n"
        "32 27 11:0 / /run/live/medium ro - iso9660 /dev/sr0 ro",
        "live-media",
    ),
    "Debian live with its changes kept on a disk": (
        "27 1 0:25 / / rw - overlay overlay rw,lowerdir=/run/live/rootfs/filesystem.squashfs/,"
        "upperdir=/run/live/persistence/sda2/rw,workdir=/run/live/persistence/sda2/work\n"
        "30 27 7:0 / /run/live/rootfs/filesystem.squashfs ro - squashfs /dev/loop0 ro\n"
        "31 27 8:2 / /run/live/persistence/sda2 rw - ext4 /dev/sda2 rw",
        "persistent-storage",
    ),
    "dracut live": (
        "27 1 0:25 / / rw - overlay LiveOS_rootfs rw,lowerdir=/run/rootfsbase,upperdir=/run/overlayfs,"
        "workdir=/run/ovlwork\n"
        "30 27 0:23 / /run rw - tmpfs tmpfs rw\n"
        "31 30 7:1 / /run/rootfsbase ro - ext4 /dev/loop1 ro",
        "live-media",
    ),
    "an installed system behind a RAM overlay": (
        "27 1 0:25 / / rw - overlay overlayroot rw,lowerdir=/media/root-ro,"
        "upperdir=/media/root-rw/overlay,workdir=/media/root-rw/overlay-workdir\n"
        "30 27 254:1 / /media/root-ro ro - ext4 /dev/vda1 ro\n"
        "31 27 0:26 / /media/root-rw rw - tmpfs tmpfs-root rw",
        "persistent-storage",
    ),
    "layers out of sight, medium mounted": (
        "27 1 0:25 / / rw - overlay /cow rw,lowerdir=/minimal.squashfs,upperdir=/cow/upper,"
        "workdir=/cow/work\n"
        "30 27 11:0 / /cdrom ro - iso9660 /dev/sr0 ro",
        "live-media",
    ),
    "a container on a disk": (
        "27 1 0:25 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A,"
        "upperdir=/var/lib/docker/overlay2/x/diff,workdir=/var/lib/docker/overlay2/x/work\n"
        "30 27 254:1 /hosts /etc/hosts rw - ext4 /dev/vda1 rw",
        "persistent-storage",
    ),
    "nothing known": ("30 27 0:23 / /run rw - tmpfs tmpfs rw", "persistent-storage"),
    "a disk mounted over the initial RAM file system": (
        "1 1 0:2 / / rw - rootfs rootfs rw\n27 1 254:1 / / rw - ext4 /dev/root rw",
        "persistent-storage",
    ),
}


def sysroot(tmp_path: Path, mountinfo: str) -> Path:
    table = tmp_path / "proc/self/mountinfo"
    table.parent.mkdir(parents=True)
    table.write_text(mountinfo + "\n")
    return tmp_path


@pytest.mark.parametrize("name", TABLES)
def test_boot_type(name: str, tmp_path: Path) -> None:
    mountinfo, expected = TABLES[name]
    assert system.boot_type(sysroot(tmp_path, mountinfo)) == expected


def test_the_root_device_is_found_by_number_where_the_kernel_calls_it_dev_root(tmp_path: Path) -> None:
    root = sysroot(tmp_path, "27 1 254:1 / / rw - ext4 /dev/root rw")
    (root / "sys/devices/virtio/block/vda/vda1").mkdir(parents=True)
    (root / "sys/dev/block").mkdir(parents=True)
    (root / "sys/dev/block/254:1").symlink_to("../../devices/virtio/block/vda/vda1")
    assert system.root_device(root) == "/dev/vda1"


@pytest.mark.parametrize("name", ["initial RAM file system", "Debian live", "nothing known"])
def test_without_a_disk_there_is_no_root_device(name: str, tmp_path: Path) -> None:
    assert system.root_device(sysroot(tmp_path, TABLES[name][0])) is None


def test_a_directory_without_variables_is_no_uefi(tmp_path: Path) -> None:
    assert not system.uefi_available(tmp_path)
    assert not system.uefi_available(tmp_path / "absent")
    (tmp_path / "BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c").touch()
    assert system.uefi_available(tmp_path)


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that were started; none is."""
    started: list[list[str]] = []

    def start(command: list[str], **_options: Any) -> None:
        started.append(command)

    monkeypatch.setattr(system, "run", start)
    monkeypatch.setattr(os, "sync", lambda: None)
    return started


def test_a_file_system_that_is_never_written_holds_up_no_reboot(
    requested: list[list[str]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server_is_back = threading.Event()
    monkeypatch.setattr(os, "sync", server_is_back.wait)
    monkeypatch.setattr(system, "_SYNC_PATIENCE", 0.01)
    accepted: list[bool] = []
    with pytest.raises(Servicing) as caught:
        system.reboot(patience=0, on_its_way=lambda: accepted.append(True))
    server_is_back.set()
    assert (caught.value.code, accepted) == ("reboot-timeout", [True])
    assert requested == [["systemctl", "reboot"]]
    assert "not written to its disk" in caplog.text


def test_everything_is_written_before_the_reboot_is_asked_for(
    requested: list[list[str]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "sync", lambda: requested.append(["sync"]))
    with pytest.raises(Servicing):
        system.reboot(patience=0)
    assert requested == [["sync"], ["systemctl", "reboot"]]
    assert caplog.text == ""


def test_a_service_manager_that_does_not_answer_is_not_waited_for_for_ever(
    requested: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs(_command: list[str], *, timeout: float | None = None) -> None:
        assert timeout is not None
        raise Servicing("command-timed-out", "'systemctl' did not end.")

    monkeypatch.setattr(system, "run", hangs)
    with pytest.raises(Servicing) as caught:
        system.reboot(on_its_way=lambda: pytest.fail("it was not accepted"))
    assert caught.value.code == "reboot"
    assert "did not end" in caught.value.message
