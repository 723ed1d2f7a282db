"""systemd-sysext itself, and directories that lie beneath what it merged."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.errors import ExecutionEnvironment, Servicing
from trident.host.mount import RUN_DIRECTORY, mounted
from trident.host.mountinfo import mounts_below
from trident.host.process import run
from trident.host.sysext import beneath_merged, merged, refresh

pytestmark = pytest.mark.machine


def test_systemds_own_list_is_understood() -> None:
    assert merged("systemd-sysext") == frozenset()


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ExecutionEnvironment):
        refresh("systemd-nosuchext")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Path]:
    """A system with a read-only overlay over its /etc, mounted as systemd mounts it."""
    root = tmp_path / "host"
    (root / "etc/extensions").mkdir(parents=True)
    (root / "var").mkdir()
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "merged.conf").touch()
    options = ("ro", f"lowerdir={layer}:{root / 'etc'}")
    with mounted("confext", root / "etc", fstype="overlay", options=options):
        yield root
    assert mounts_below(RUN_DIRECTORY / "beneath") == ()


def test_a_directory_beneath_what_is_merged_can_be_written(host: Path) -> None:
    with pytest.raises(OSError) as caught:
        (host / "etc/extensions/x.raw").touch()
    assert caught.value.errno == errno.EROFS
    with beneath_merged("/etc/extensions", host) as root:
        assert not (root / "etc/merged.conf").exists()
        (root / "etc/extensions/x.raw").touch()
    run(["umount", host / "etc"])
    try:
        assert (host / "etc/extensions/x.raw").exists()
    finally:
        run(["mount", "-t", "tmpfs", "tmpfs", host / "etc"])


def test_a_directory_that_nothing_covers_is_reached_as_it_is(host: Path) -> None:
    with beneath_merged("/var/lib/extensions", host) as root:
        assert root == host


def test_an_overlay_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    for name in ("lower", "upper", "root/etc"):
        (tmp_path / name).mkdir(parents=True)
    options = ("ro", f"lowerdir={tmp_path / 'lower'}:{tmp_path / 'upper'}")
    with (
        mounted("overlay", tmp_path / "root/etc", fstype="overlay", options=options),
        beneath_merged("/etc", tmp_path / "root") as root,
    ):
        assert root == tmp_path / "root"


def test_a_file_system_of_its_own_beneath_is_out_of_reach(tmp_path: Path) -> None:
    root, layer = tmp_path / "root", tmp_path / "layer"
    (root / "usr").mkdir(parents=True)
    layer.mkdir()
    with mounted("tmpfs", root / "usr", fstype="tmpfs"):
        (root / "usr/lib").mkdir()
        options = ("ro", f"lowerdir={layer}:{root / 'usr'}")
        with (
            mounted("sysext", root / "usr", fstype="overlay", options=options),
            pytest.raises(Servicing) as caught,
            beneath_merged("/usr/lib/confexts", root),
        ):
            pass
    assert caught.value.code == "set-up-extension-images"
