"""The project's files, as the tests about them see them."""

from __future__ import annotations

import os
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

# Where a checkout without git (a source archive) keeps what belongs to the project.
_FOLDERS = (".ci", "bench", "docs", "lab", "packaging", "requirements", "src", "tests")


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project, tracked or about to be, sorted."""
    listing = subprocess.run(
        # The tests may run as root in a checkout that belongs to somebody else.
        ["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if listing.returncode == 0:
        names = {name for name in listing.stdout.split("\0") if name}
        return tuple(path for name in sorted(names) if (path := ROOT / name).is_file())
    loose = [path for path in ROOT.iterdir() if path.is_file()]
    nested = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    return tuple(sorted(path for path in (*loose, *nested) if "__pycache__" not in path.parts))


def texts() -> dict[str, str]:
    """The text of every file of the project, by its path relative to the root."""
    found = {}
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content:
            found[path.relative_to(ROOT).as_posix()] = content.decode()
    return found


@cache
def pyproject() -> dict[str, Any]:
    """The parsed ``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def dev(*arguments: str, cwd: Path = ROOT, user: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``./dev`` of the tree at ``cwd``; as ``user`` if given."""
    return subprocess.run(
        [cwd / "dev", *arguments], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        timeout=50, user=user, group=user, extra_groups=None if user is None else [],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
