"""Volumes for staging, loop devices of a given size; and hosts for extensions."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machine.subsystems.extension_hosts import system
from trident.host.mount import RUN_DIRECTORY
from trident.host.mountinfo import mounts_below

Volume = Callable[[str, int], str]


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    """Makes a loop device; its node stands for a partition, which this machine's kernel cannot show."""
    with contextlib.ExitStack() as stack:

        def make(name: str, size: int) -> str:
            file = tmp_path / f"{name}.raw"
            with file.open("wb") as handle:
                handle.truncate(size)
            done = subprocess.run(
                ["losetup", "--find", "--show", file], check=True, capture_output=True, text=True
            )
            node = done.stdout.strip()
            stack.callback(subprocess.run, ["losetup", "--detach", node], check=True)
            return node

        yield make


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The running system's tree."""
    return system(tmp_path / "host")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where images are built."""
    place = tmp_path / "work"
    place.mkdir()
    return place


@pytest.fixture
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """No mount and no loop device stays, however a test ends."""
    yield
    assert mounts_below(RUN_DIRECTORY / "extension") == ()
    loops = subprocess.run(
        ["losetup", "--list", "--output", "BACK-FILE"], check=True, capture_output=True, text=True
    )
    assert str(tmp_path) not in loops.stdout
