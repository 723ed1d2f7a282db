"""The agent's Debian package, and installing it into a tree."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from lab import debian
from lab.errors import LabError
from lab.paths import BUILD, PROJECT
from lab.tool import run_tool


@cache
def package() -> Path:
    """The agent's ``.deb``, built from the sources as they are now.

    Raises:
        LabError: building it left no package.
    """
    run_tool(PROJECT / "dev", "package", cwd=PROJECT, seconds=600)
    found = sorted((BUILD / "package").glob("trident_*.deb"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise LabError("'./dev package' left no trident_*.deb in build/package.")
    return found[-1]


def dependencies(deb: Path) -> list[str]:
    """Names of the packages that the agent needs; of alternatives the first."""
    text = run_tool("dpkg-deb", "--field", deb, "Depends")
    return sorted(clause.split("|")[0].split("(")[0].split(":")[0].strip() for clause in text.split(","))


def install(tree: Path, deb: Path) -> None:
    """Install the package into a tree; its dependencies must be there."""
    inside = tree / "tmp" / deb.name
    shutil.copyfile(deb, inside)
    debian.in_tree(tree, "dpkg", "--install", f"/tmp/{deb.name}")
    inside.unlink()
