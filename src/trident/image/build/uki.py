"""The unified kernel image: made by ``ukify`` from what the tree holds, or taken as it lies there."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from trident.errors import ExecutionEnvironment, InvalidInput
from trident.host.process import run
from trident.host.tools import SEARCH_PATH
from trident.image.build.layout import Architecture, Layout
from trident.image.build.tree import Tree

_EFI = "usr/lib/systemd/boot/efi"
_SUFFIX = {Architecture.X86_64: "x64", Architecture.ARM64: "aa64"}
_KERNELS = ("boot/vmlinuz-{}", "usr/lib/modules/{}/vmlinuz", "boot/vmlinux-{}", "boot/Image-{}")
_INITRDS = (
    "boot/initrd.img-{}",
    "boot/initramfs-{}.img",
    "boot/initrd-{}",
    "usr/lib/modules/{}/initrd",
    "usr/lib/modules/{}/initramfs.img",
)
_UKIFY = ("usr/bin/ukify", "usr/lib/systemd/ukify")
_LIBRARIES = "usr/lib/python3/dist-packages"
_LARGEST_TEXT = 64 * 1024


@dataclass(frozen=True)
class Uki:
    """A unified kernel image and what is in it."""

    file: Path
    cmdline: str
    kernel: str


@dataclass(frozen=True)
class Kernel:
    """A kernel of the tree with its initrd."""

    release: str
    image: Path
    initrd: Path


def make_uki(tree: Tree, layout: Layout, root_uuid: str, scratch: Path) -> Uki:
    """The UKI of the image.

    Args:
        tree: with kernel, initrd and systemd's stub, or with the UKI that the layout names.
        layout: command line and kernel.
        root_uuid: of the image's root file system.
        scratch: directory for the result.

    Raises:
        InvalidInput: ``invalid-root-tree`` if something is missing from the tree.
        ExecutionEnvironment: ``missing-binary`` if there is no ukify.
        Servicing: ``command-failed`` if ukify fails.
    """
    if layout.kernel.uki is not None:
        return _ready_made(tree, layout.kernel.uki)
    kernel = find_kernel(tree, layout.kernel.release)
    stub = boot_file(tree, f"linux{_SUFFIX[layout.architecture]}.efi.stub")
    os_release = tree.file("etc/os-release")
    assert os_release is not None, "the caller has put IMAGE_ID into it"
    cmdline = layout.kernel.command_line
    if layout.kernel.root:
        cmdline = f"root=UUID={root_uuid} ro {cmdline}".strip()
    output = scratch / "uki.efi"
    command, environment = _ukify(tree)
    run(
        [
            *(*command, "build", "--linux", str(kernel.image), "--initrd", str(kernel.initrd)),
            *("--stub", str(stub), "--os-release", f"@{os_release}", "--uname", kernel.release),
            *("--efi-arch", _SUFFIX[layout.architecture], "--cmdline", cmdline, "--output", str(output)),
        ],
        environment=environment,
    )
    return Uki(output, cmdline, kernel.release)


def boot_loader(tree: Tree, layout: Layout) -> Path:
    """systemd-boot's EFI program, the signed one where there is one.

    Raises:
        InvalidInput: ``invalid-root-tree`` if the tree has none.
    """
    name = f"systemd-boot{_SUFFIX[layout.architecture]}.efi"
    return tree.file(f"{_EFI}/{name}.signed") or boot_file(tree, name)


def fallback_name(layout: Layout) -> str:
    """The file that firmware without boot entries starts (UEFI 2.10, section 3.5.1.1)."""
    return f"BOOT{_SUFFIX[layout.architecture].upper()}.EFI"


def loader_name(layout: Layout) -> str:
    """systemd-boot's name on the ESP."""
    return f"systemd-boot{_SUFFIX[layout.architecture]}.efi"


def boot_file(tree: Tree, name: str) -> Path:
    """One of systemd's EFI programs in the tree.

    Raises:
        InvalidInput: ``invalid-root-tree`` if it is not there.
    """
    file = tree.file(f"{_EFI}/{name}")
    if file is None:
        raise _missing(f"{_EFI}/{name}", "On Debian the package systemd-boot-efi brings it.")
    return file


def find_kernel(tree: Tree, release: str | None) -> Kernel:
    """The kernel ``release`` of the tree, or its newest.

    Raises:
        InvalidInput: ``invalid-root-tree`` if there is none, or it has no initrd.
    """
    found = {path: name for pattern in _KERNELS for path, name in _matches(tree, pattern)}
    releases = [release] if release is not None else sorted(set(found.values()), key=_by_version)
    if not releases or releases[-1] not in found.values():
        raise _missing(f"a kernel boot/vmlinuz-{release or '*'}", "Install a kernel package in the tree.")
    newest = releases[-1]
    path = next(path for path, name in found.items() if name == newest)
    initrd = next((file for name in _INITRDS if (file := tree.file(name.format(newest))) is not None), None)
    if initrd is None:
        raise _missing(
            f"an initrd boot/initrd.img-{newest}", "Install initramfs-tools or dracut in the tree."
        )
    image = tree.file(path)
    assert image is not None
    return Kernel(newest, image, initrd)


def _matches(tree: Tree, pattern: str) -> list[tuple[str, str]]:
    before, after = pattern.split("{}")
    paths = (path for path in tree.glob(pattern.format("*")) if tree.file(path) is not None)
    return [(path, path[len(before) : len(path) - len(after)]) for path in paths]


def _by_version(release: str) -> list[tuple[int, str]]:
    """A sort key that takes runs of digits as numbers."""
    parts = re.findall(r"\d+|\D+", release)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _ukify(tree: Tree) -> tuple[list[str], dict[str, str]]:
    """How to start ukify: this host's, or the tree's own, which is a Python program."""
    host = shutil.which("ukify", path=SEARCH_PATH)
    if host is not None:
        return [host], {}
    script = next((file for name in _UKIFY if (file := tree.file(name)) is not None), None)
    if script is None:
        raise ExecutionEnvironment(
            "missing-binary",
            "'ukify' is installed neither on this system nor in the root tree.",
            hint="Add the package systemd-ukify to the tree, or give a ready-made UKI as 'kernel.uki'.",
            details={"binary": "ukify", "packages": ["systemd-ukify"]},
        )
    libraries = {}
    if importlib.util.find_spec("pefile") is None:
        # Its one library is plain Python, so the tree's own copy runs here too.
        libraries = {"PYTHONPATH": str(tree.staged(_LIBRARIES))}
    return [sys.executable, str(script)], {"PYTHONDONTWRITEBYTECODE": "1", **libraries}


def _ready_made(tree: Tree, path: str) -> Uki:
    file = tree.file(path)
    if file is None:
        raise _missing(path, "'kernel.uki' of the layout names it.")
    sections = pe_sections(file)
    if not {".linux", ".osrel"} <= sections.keys():
        raise InvalidInput(
            "invalid-root-tree", f"'{path}' is no unified kernel image.", hint="Make it with ukify."
        )
    return Uki(file, _text(file, sections.get(".cmdline")), _text(file, sections.get(".uname")))


def _text(file: Path, place: tuple[int, int] | None) -> str:
    if place is None:
        return ""
    with file.open("rb") as stream:
        stream.seek(place[0])
        return stream.read(min(place[1], _LARGEST_TEXT)).split(b"\0")[0].decode("utf-8", "replace").strip()


def pe_sections(file: Path) -> dict[str, tuple[int, int]]:
    """Offset and size of each section of a PE file; none if it is no PE file (Microsoft's PE format)."""
    try:
        with file.open("rb") as stream:
            if stream.read(2) != b"MZ":
                return {}
            stream.seek(0x3C)
            (header,) = struct.unpack("<I", stream.read(4))
            stream.seek(header)
            magic, count, optional = struct.unpack("<4s2xH12xH2x", stream.read(24))
            if magic != b"PE\0\0":
                return {}
            stream.seek(optional, os.SEEK_CUR)
            table = [struct.unpack("<8sI4xII16x", stream.read(40)) for _ in range(count)]
    except (OSError, struct.error):
        return {}
    return {
        name.rstrip(b"\0").decode("ascii", "replace"): (offset, min(virtual, size))
        for name, virtual, size, offset in table
    }


def _missing(what: str, hint: str) -> InvalidInput:
    return InvalidInput("invalid-root-tree", f"The root tree does not hold {what}.", hint=hint)
