"""Extension images for the lab's machines: sysexts and confexts in several versions, and spoilt ones.

A sysext is a squashfs and a confext an erofs, so that both of systemd's usual formats are on trial.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab import system
from lab.cache import cached, digest
from lab.tool import run_tool

TOOL = "lab-tool"
SETTINGS = "lab-settings"


@dataclass(frozen=True)
class Extension:
    """An extension image and what a Host Configuration says of it.

    Attributes:
        name: the suffix of its ``extension-release`` file, and so its file name on a host.
        path: the image.
        sha384: of the whole file, in hexadecimal digits.
    """

    name: str
    path: Path
    sha384: str


def sysext(version: int, *, works: bool = True, name: str = TOOL) -> Extension:
    """A command that prints its version, ``/usr/bin/NAME``; ``--check`` fails unless it ``works``.

    With it comes ``NAME.service``, which runs as long as the command works.
    """
    check = "exit 0" if works else f"echo '{name} {version} is broken' >&2; exit 1"
    command = f'#!/bin/sh\n[ "$1" != --check ] || {{ {check}; }}\n'
    command += f'[ "$1" != --serve ] || exec sleep infinity\necho {version}\n'
    return _image(
        name,
        "sysext",
        version,
        {
            f"usr/bin/{name}": command,
            f"usr/lib/systemd/system/{name}.service": f"[Service]\nExecStartPre={name} --check\n"
            f"ExecStart={name} --serve\n",
        },
    )


def confext(version: int, *, name: str = SETTINGS) -> Extension:
    """A file with its version in it, ``/etc/NAME``."""
    return _image(name, "confext", version, {f"etc/{name}": f"{version}\n"})


def of_another_distribution(name: str = TOOL) -> Extension:
    """A sysext that systemd does not merge into Debian."""
    return _image(name, "sysext", 1, {f"usr/bin/{name}": "#!/bin/sh\n"}, ID="fedora", VERSION_ID="42")


def with_os_release(name: str = TOOL) -> Extension:
    """A sysext that names this distribution and cannot be merged: it brings an os-release of its own."""
    return _image(name, "sysext", 1, {"usr/lib/os-release": "ID=debian\n"})


def _image(name: str, kind: str, version: int, files: dict[str, str], **release: str) -> Extension:
    # The images of all versions have the same level, so that an extension outlives an A/B update.
    fields = {"ID": "debian", f"{kind.upper()}_LEVEL": system.EXTENSION_LEVEL}
    if "ID" in release:
        fields = {}
    fields |= {f"{kind.upper()}_ID": name, f"{kind.upper()}_VERSION_ID": str(version)} | release
    if kind == "sysext":
        fields["EXTENSION_RELOAD_MANAGER"] = "1"  # it brings a unit
    top = "usr/lib" if kind == "sysext" else "etc"
    content = "".join(f"{key}={value}\n" for key, value in fields.items())
    files = {f"{top}/extension-release.d/extension-release.{name}": content} | files

    def build(path: Path) -> None:
        tree = path.with_name("tree")
        tree.mkdir()
        for file, text in files.items():
            system.write(tree, file, text, 0o755 if "/bin/" in file else 0o644)
        for directory in [tree, *(found for found in tree.rglob("*") if found.is_dir())]:
            directory.chmod(0o755)
        path.mkdir()
        _make(kind, tree, path / f"{name}-{version}.raw")
        shutil.rmtree(tree)

    key = digest(Path(__file__), kind, name, *(part for pair in sorted(files.items()) for part in pair))
    (image,) = cached(f"{kind}-{name}-{version}", key, build).iterdir()
    return Extension(name, image, hashlib.sha384(image.read_bytes()).hexdigest())


def _make(kind: str, tree: Path, image: Path) -> None:
    """Pack a tree, owned by root and with all times at 0."""
    if kind == "sysext":
        options = ("-all-root", "-no-xattrs", "-noappend", "-no-progress", "-quiet")
        run_tool("mksquashfs", tree, image, *options, "-mkfs-time", "0", "-all-time", "0")
    else:
        uuid = "00000000-0000-4000-8000-000000000000"
        run_tool("mkfs.erofs", "--quiet", "--all-root", "-T", "0", "-U", uuid, image, tree)
