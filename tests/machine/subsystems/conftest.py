"""Volumes for staging: loop devices of a given size."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
