"""The table of system tools."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trident.errors import ExecutionEnvironment
from trident.host.tools import PACKAGES, package_of, require

HOST_ROOM = Path(__file__).parents[3] / "src/trident/host"


def test_all_missing_tools_and_their_packages_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ExecutionEnvironment) as caught:
        require(["sfdisk", "mkfs.ext4", "resize2fs", "homemade"], str(tmp_path))
    assert caught.value.code == "missing-binary"
    assert caught.value.details["binary"] == "homemade, mkfs.ext4, resize2fs, sfdisk"
    assert caught.value.hint == "On Debian: apt-get install e2fsprogs fdisk"


def test_installed_tools_pass() -> None:
    require(["sync", "chroot"])


def test_every_program_that_the_host_room_starts_is_in_the_table() -> None:
    """``run(["…`` and command lists begin with the program's name."""
    text = "\n".join(path.read_text() for path in HOST_ROOM.glob("*.py"))
    started = set(re.findall(r'(?:run|run_json)\(\s*\[\s*"([^"]+)"', text))
    started |= set(re.findall(r'command(?:: [^=\n]+)? = \[\s*"([^"]+)"', text))
    assert started
    assert {name for name in started if package_of(name) is None} == set()
    assert started <= set(PACKAGES)
