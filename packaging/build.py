"""Build ``build/package/trident_VERSION_all.deb`` and print its path; ``./dev package`` starts this.

The same sources and tools give the same bytes: everything that carries a time carries that of the newest
entry in ``debian/changelog``. Nothing is built when neither sources nor tools have changed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
OUTPUT = PROJECT / "build" / "package"
LOG = PROJECT / "build" / "log" / "package.log"

# What goes into the package, and nothing else: a change elsewhere never changes it.
SOURCES = ("LICENSE", "docs/samples", "packaging", "pyproject.toml", "src")
TOOLS = ("debhelper", "dh-python", "dpkg-dev", "python3", "python3-hatchling", "python3-shtab")


def main() -> int:
    """Build unless built already; the exit code of the command."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with (OUTPUT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        package = OUTPUT / f"trident_{version()}_all.deb"
        stamp = OUTPUT / ".stamp"
        wanted = digest()
        if package.exists() and stamp.exists() and stamp.read_text() == wanted:
            print(package)
            return 0
        print("dev: building the Debian package", file=sys.stderr)
        stamp.unlink(missing_ok=True)
        if not build(package):
            return 1
        stamp.write_text(wanted)
    print(package)
    return 0


def version() -> str:
    """The version that the changelog's newest entry names, once it is sure to be the program's own."""
    ours = _first_match(r'__version__ = "(.+)"', PROJECT / "src/trident/__init__.py")
    debian = _first_match(r"trident \((.+)\)", PROJECT / "packaging/debian/changelog")
    if ours != debian:
        raise SystemExit(f"dev: trident.__version__ is {ours}, but packaging/debian/changelog says {debian}.")
    return ours


def _first_match(pattern: str, path: Path) -> str:
    match = re.search(pattern, path.read_text(encoding="utf-8"))
    if match is None:
        raise SystemExit(f"dev: {path} names no version.")
    return match[1]


def sources() -> Iterator[Path]:
    """Every file that is packaged, in a stable order, relative to the project."""
    for name in SOURCES:
        top = PROJECT / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(PROJECT)


def digest() -> str:
    """What the package is made of: names, modes and content of the sources, and the tools' versions."""
    state = hashlib.sha256(_output("dpkg-query", "-W", *TOOLS))
    for path in sources():
        whole = PROJECT / path
        content = hashlib.sha256(whole.read_bytes()).hexdigest()
        state.update(f"{path}\0{os.access(whole, os.X_OK)}\0{content}\n".encode())
    return state.hexdigest()


def build(package: Path) -> bool:
    """Build in a copy, so that the work tree stays clean, and put the result in place whole."""
    work = OUTPUT / "work"
    shutil.rmtree(work, ignore_errors=True)
    stage = work / "trident"
    for path in sources():
        (stage / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / path, stage / path)
    (stage / "packaging/debian").rename(stage / "debian")
    with LOG.open("wb") as log:
        result = subprocess.run(
            # ./dev sees to the build dependencies; dpkg would also insist on a C compiler.
            ["dpkg-buildpackage", "--build=binary", "--no-sign", "--no-check-builddeps"],
            cwd=stage, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False,
        )  # fmt: skip
    if result.returncode != 0:
        sys.stderr.writelines(f"{line}\n" for line in LOG.read_text(errors="replace").splitlines()[-20:])
        print(f"dev: building failed; the whole of it is in {LOG.relative_to(PROJECT)}", file=sys.stderr)
        return False
    for old in OUTPUT.glob("*.deb"):
        old.unlink()
    (work / package.name).rename(package)
    shutil.rmtree(work)
    return True


def environment() -> dict[str, str]:
    """Nothing of the caller's: Debian's own tools and Python, one time zone, one language, one time."""
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _output(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout


if __name__ == "__main__":
    sys.exit(main())
