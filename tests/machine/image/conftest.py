"""Loop devices and loopback file systems for tests of images."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

LoopDevice = Callable[[int], str]


@pytest.fixture
def loop_device(tmp_path: Path) -> Iterator[LoopDevice]:
    """Makes loop devices of a given size that hold old bytes, as a volume in use does."""
    with contextlib.ExitStack() as stack:

        def make(size: int) -> str:
            file = tmp_path / f"disk-{size}.raw"
            file.write_bytes(b"\xa5" * size)
            done = subprocess.run(
                ["losetup", "--find", "--show", file], check=True, capture_output=True, text=True
            )
            node = done.stdout.strip()
            stack.callback(subprocess.run, ["losetup", "--detach", node], check=True)
            return node

        yield make


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """A directory on a tmpfs, which knows no direct I/O before Linux 6.6, of 8 MiB."""
    place = tmp_path / "tmpfs"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8M", "none", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
