"""Reading the kernel's mount table."""

from __future__ import annotations

from pathlib import Path

from trident.host.mountinfo import mounts_below, read_mounts

TABLE = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
36 35 254:0 /sub /mnt/with\040space rw,noatime master:1 propagate_from:2 - ext4 /dev/vda rw,errors=continue
37 36 0:40 / /mnt/with\040space/in rw - tmpfs  rw
38 35 0:41 / /mnt/withother rw - tmpfs tmpfs rw
""".strip()


def sysroot(tmp_path: Path) -> Path:
    table = tmp_path / "proc/self/mountinfo"
    table.parent.mkdir(parents=True)
    table.write_text(TABLE + "\n")
    return tmp_path


def test_fields_before_and_after_the_optional_ones(tmp_path: Path) -> None:
    mount = read_mounts(sysroot(tmp_path))[1]
    assert mount.target == Path("/mnt/with space")
    assert (mount.fstype, mount.source, mount.device_number, mount.root) == (
        "ext4",
        "/dev/vda",
        "254:0",
        "/sub",
    )
    assert mount.options == ("rw", "noatime")
    assert mount.super_options == ("rw", "errors=continue")


def test_below_a_directory_goes_by_whole_names(tmp_path: Path) -> None:
    below = mounts_below(Path("/mnt/with space"), sysroot(tmp_path))
    assert [str(mount.target) for mount in below] == ["/mnt/with space", "/mnt/with space/in"]


def test_the_running_system_has_a_root_or_proc_mount() -> None:
    assert any(mount.target == Path("/proc") for mount in read_mounts())
