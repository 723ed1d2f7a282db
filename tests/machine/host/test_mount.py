"""Mounting: what is entered is left, and what keeps a mount busy is named."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.errors import Servicing
from trident.host.chroot import furnished
from trident.host.mount import mounted, unmount, unmount_below
from trident.host.mountinfo import mounts_below
from trident.host.process import run

pytestmark = pytest.mark.machine


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "mount point"
    directory.mkdir()
    yield directory
    unmount_below(directory)


def test_a_mount_lasts_as_long_as_the_body(target: Path) -> None:
    with mounted("tmpfs", target, fstype="tmpfs", options=("size=1m",)):
        (target / "file").touch()
        assert [mount.fstype for mount in mounts_below(target)] == ["tmpfs"]
    assert mounts_below(target) == ()
    assert list(target.iterdir()) == []


def test_a_mount_is_left_when_the_body_fails(target: Path) -> None:
    with pytest.raises(RuntimeError), mounted("tmpfs", target, fstype="tmpfs"):
        raise RuntimeError
    assert mounts_below(target) == ()


def test_what_cannot_be_mounted_is_named(target: Path) -> None:
    with pytest.raises(Servicing) as caught, mounted("/dev/null", target, fstype="ext4"):
        pass
    assert caught.value.code == "mount"
    assert caught.value.details == {"source": "/dev/null", "target": str(target)}


def test_a_furnished_tree_leaves_the_running_system_alone(small_system: Path) -> None:
    """With shared propagation, as systemd sets it up, a mount on a bind mount of /dev would show in /dev."""
    script = f"""
import contextlib, pathlib
from trident.host.chroot import furnished
from trident.host.mountinfo import mounts_below
before = mounts_below(pathlib.Path("/dev"))
with furnished(pathlib.Path({str(small_system)!r})):
    assert mounts_below(pathlib.Path("/dev")) == before
assert mounts_below(pathlib.Path("/dev")) == before
"""
    command = ["unshare", "--mount", "--propagation", "shared", sys.executable, "-c", script]
    subprocess.run(command, check=True)


def test_a_process_that_keeps_a_mount_busy_is_named(target: Path) -> None:
    with mounted("tmpfs", target, fstype="tmpfs"):
        holder = subprocess.Popen(["sleep", "60"], cwd=target)
        try:
            with pytest.raises(Servicing) as caught:
                unmount(target, patience=0.2)
        finally:
            holder.kill()
            holder.wait()
    assert caught.value.code == "unmount"
    assert f"process {holder.pid} (sleep)" in caught.value.message


def test_an_open_file_and_an_inner_mount_are_named_too(target: Path) -> None:
    with mounted("tmpfs", target, fstype="tmpfs"):
        with (target / "held").open("w"), pytest.raises(Servicing, match=rf"process {os.getpid()} .*/held"):
            unmount(target, patience=0)
        (target / "inner").mkdir()
        with (
            mounted("tmpfs", target / "inner", fstype="tmpfs"),
            pytest.raises(Servicing, match=r"the mount .*inner"),
        ):
            unmount(target, patience=0)


def test_a_mount_that_is_freed_in_time_is_left(target: Path) -> None:
    with mounted("tmpfs", target, fstype="tmpfs"):
        holder = subprocess.Popen(["sleep", "0.3"], cwd=target)
    assert mounts_below(target) == ()
    holder.wait()


def test_mounts_of_an_earlier_run_are_left_from_the_inside_out(target: Path) -> None:
    run(["mount", "-t", "tmpfs", "tmpfs", target])
    (target / "inner").mkdir()
    run(["mount", "-t", "tmpfs", "tmpfs", target / "inner"])
    assert unmount_below(target) == (target / "inner", target)
    assert unmount_below(target) == ()


def test_a_furnished_tree_runs_programs(small_system: Path) -> None:
    with furnished(small_system):
        printed = run(
            ["sh", "-c", "test -c /dev/null && cat /proc/self/comm && ls /run /tmp"], root=small_system
        )
        assert printed.stdout.splitlines()[0] == "cat"
        assert not (small_system / "run/systemd").exists()
    assert not any(mount.target.is_relative_to(small_system / "proc") for mount in mounts_below(small_system))


def test_a_tree_whose_run_directory_leads_elsewhere_is_furnished_inside(small_system: Path) -> None:
    (small_system / "var").mkdir()
    (small_system / "run").rmdir()
    (small_system / "run").symlink_to("/var")
    with furnished(small_system):
        assert (small_system / "var").is_mount()
    assert mounts_below(small_system / "var") == ()


def test_a_tree_that_cannot_be_furnished_is_left_as_it_was(small_system: Path) -> None:
    (small_system / "sys").rmdir()
    (small_system / "sys").write_text("a file")
    with pytest.raises(Servicing) as caught, furnished(small_system):
        pass
    assert caught.value.code == "chroot-mount-special-dir"
    assert mounts_below(small_system / "proc") == ()


def test_a_program_that_the_target_lacks_is_an_error_of_the_servicing(small_system: Path) -> None:
    with pytest.raises(Servicing) as caught:
        run(["no-such-program"], root=small_system)
    assert caught.value.code == "command-failed"
    assert "no-such-program" in caught.value.message
