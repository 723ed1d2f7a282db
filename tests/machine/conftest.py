"""A system to run programs in: this machine's programs below a directory with an /etc of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.host.mount import mounted


@pytest.fixture
def small_system(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "system"
    for name in ("usr", "etc", "dev", "proc", "sys", "run", "tmp"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    with mounted("/usr", root / "usr", options=("bind", "ro")):
        yield root
