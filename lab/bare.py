"""An image made to be staged often: no more of Debian than what runs while it is staged. It cannot boot."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import yaml

from lab import agent, debian, system
from lab.cache import cached, digest
from lab.images import Image
from trident.image.build.build import build_image
from trident.image.build.layout import parse_layout
from trident.image.cosi.reader import open_cosi

_PROGRAMS = ("usr/bin/systemctl", "usr/sbin/useradd", "usr/sbin/usermod")
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
# Left out whole.
_EXCLUDED = (
    "boot/*", "initrd.img*", "vmlinuz*", "usr/lib/modules", "usr/lib/openssh", "usr/lib/python3*",
    "usr/lib/systemd/systemd*", "usr/libexec", "usr/share", "var/cache", "var/lib/dpkg",
)  # fmt: skip


def image() -> Image:
    """A version with users and units, and little besides."""
    deb = agent.package()
    base = system.archive(deb)

    def build(path: Path) -> None:
        tree = debian.unpack(base, path.with_name("tree"))
        agent.install(tree, deb)
        _shorten_kernel(tree)
        layout = {
            "id": "lab",
            "version": "bare",
            "exclude": [*_EXCLUDED, *_needless(tree)],
            "compression": {"level": 3},
        }
        path.mkdir()
        build_image(tree, parse_layout(yaml.safe_dump(layout)), path / "bare.cosi")
        shutil.rmtree(tree)

    made = cached("image-bare", digest(base.name, deb, Path(__file__)), build) / "bare.cosi"
    with open_cosi(str(made), "ignored") as opened:
        filesystem = opened.metadata.filesystem_at("/")
        assert filesystem is not None
        return Image(made, opened.metadata_sha384, filesystem.fs_uuid)


def _needless(tree: Path) -> list[str]:
    """Programs but those that run in a target, and libraries that these are not linked to."""
    linked = debian.in_tree(tree, "ldd", *(f"/{program}" for program in _PROGRAMS))
    wanted = {tree / program for program in _PROGRAMS} | {tree / _LIBRARIES / "ld-linux-x86-64.so.2"}
    for name in map(os.path.basename, re.findall(r"/\S+\.so\S*", linked)):
        wanted |= {tree / _LIBRARIES / name, tree / _LIBRARIES / "systemd" / name}
    wanted |= {path.resolve() for path in wanted} | {tree / _LIBRARIES / "systemd"}
    folders = ("usr/bin", "usr/sbin", _LIBRARIES, f"{_LIBRARIES}/systemd")
    found = (path for folder in folders for path in (tree / folder).iterdir())
    return [str(path.relative_to(tree)) for path in found if path not in wanted]


def _shorten_kernel(tree: Path) -> None:
    """Leave the heads of kernel and initrd, which tell what they are."""
    for kind in ("vmlinuz", "initrd.img"):
        (found,) = (tree / "boot").glob(f"{kind}-*")
        with found.open("r+b") as file:
            file.truncate(1 << 20)
