"""Writing files: whole or not at all, and never outside of the tree."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from trident.host.files import Tree, write_file

pytestmark = pytest.mark.machine


@pytest.fixture
def newroot(tmp_path: Path) -> Path:
    """A target tree with links as distributions and attackers have them, and a file outside to protect."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("untouched")
    root = tmp_path / "newroot"
    (root / "usr/lib").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "lib").symlink_to("usr/lib")
    (root / "absolute").symlink_to("/usr/lib")
    (root / "escape").symlink_to(outside)
    (root / "climb").symlink_to("../../../../../../../../.." + str(outside))
    (root / "etc/victim").symlink_to(outside / "victim")
    return root


@pytest.mark.parametrize(
    ("path", "lands"),
    [
        ("/etc/new", "etc/new"),
        ("/lib/new", "usr/lib/new"),
        ("/absolute/new", "usr/lib/new"),
        ("/etc/../usr/new", "usr/new"),
        ("/../../etc/new", "etc/new"),
        ("/made/on/the/way", "made/on/the/way"),
    ],
)
def test_paths_are_resolved_inside_the_tree(newroot: Path, path: str, lands: str) -> None:
    Tree(newroot).write(path, "content")
    assert (newroot / lands).read_text() == "content"


@pytest.mark.parametrize("path", ["/escape/file", "/climb/file", "/escape/victim"])
def test_a_link_out_of_the_tree_leads_nowhere(newroot: Path, path: str) -> None:
    with pytest.raises(OSError, match="exist"):
        Tree(newroot).write(path, "content")
    assert sorted(entry.name for entry in (newroot.parent / "outside").iterdir()) == ["victim"]


def test_a_link_at_the_end_is_replaced_not_followed(newroot: Path) -> None:
    Tree(newroot).write("/etc/victim", "mine")
    assert not (newroot / "etc/victim").is_symlink()
    assert (newroot.parent / "outside/victim").read_text() == "untouched"


def test_reading_follows_links_inside_the_tree_only(newroot: Path) -> None:
    tree = Tree(newroot)
    assert tree.read("/etc/victim") is None
    (newroot / "usr/lib/os-release").write_text("ID=debian\n")
    (newroot / "etc/os-release").symlink_to("/usr/lib/os-release")
    assert tree.read("/etc/os-release") == b"ID=debian\n"
    assert tree.real_path("/etc/os-release") == newroot / "usr/lib/os-release"
    assert tree.exists("/etc/os-release")
    assert not tree.exists("/etc/victim")


def test_mode_and_owner_are_as_asked_for_whatever_the_umask(newroot: Path) -> None:
    before = os.umask(0o077)
    try:
        Tree(newroot).write("/home/user/.ssh/keys", b"k", mode=0o640, owner=(1234, 5678))
    finally:
        os.umask(before)
    found = (newroot / "home/user/.ssh/keys").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o640, 1234, 5678)
    assert stat.S_IMODE((newroot / "home").stat().st_mode) == 0o755


def test_a_directory_gets_mode_and_owner_even_if_it_is_there(newroot: Path) -> None:
    (newroot / "home").mkdir()
    Tree(newroot).set_directory("/home", mode=0o700, owner=(7, 8))
    found = (newroot / "home").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o700, 7, 8)


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(newroot: Path) -> None:
    class Broken(io.RawIOBase):
        def read(self, _size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    tree = Tree(newroot)
    tree.write("/etc/hostname", "old\n")
    with pytest.raises(OSError, match="Input/output"):
        tree.write("/etc/hostname", Broken())  # type: ignore[arg-type]
    assert sorted(entry.name for entry in (newroot / "etc").iterdir()) == ["hostname", "victim"]
    assert tree.read("/etc/hostname") == b"old\n"


def test_what_a_power_cut_left_is_replaced(newroot: Path, tmp_path: Path) -> None:
    """Even if it is a link by now, which nobody but root could have made."""
    (newroot / "etc/.hostname.new").symlink_to(tmp_path / "outside/victim")
    Tree(newroot).write("/etc/hostname", "new\n")
    assert sorted(entry.name for entry in (newroot / "etc").iterdir()) == ["hostname", "victim"]
    assert (tmp_path / "outside/victim").read_text() == "untouched"


def test_an_open_file_is_copied(newroot: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3_000_000))
    with source.open("rb") as file:
        Tree(newroot).write("/big", file)
    assert (newroot / "big").read_bytes() == source.read_bytes()


def test_removing_is_fine_twice(newroot: Path) -> None:
    tree = Tree(newroot)
    tree.write("/etc/gone", "x")
    tree.remove("/etc/gone")
    tree.remove("/etc/gone")
    tree.remove("/no/such/directory/gone")
    assert not tree.exists("/etc/gone")


def test_a_file_in_the_way_of_a_directory_is_an_error(newroot: Path) -> None:
    (newroot / "etc/file").write_text("x")
    with pytest.raises(NotADirectoryError):
        Tree(newroot).write("/etc/file/below", "y")


def test_a_file_of_the_running_system_keeps_its_mode_where_there_are_none(tmp_path: Path) -> None:
    write_file(tmp_path / "a", "x", mode=None)
    write_file(tmp_path / "b", "x", mode=0o644)
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o644
    assert (tmp_path / "a").read_text() == "x"
