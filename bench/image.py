"""A COSI to measure with: an ext4 file system filled from this machine's /usr."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from trident.host.process import run
from trident.image.cosi.metadata import (
    Bootloader,
    CosiMetadata,
    Disk,
    GptRegion,
    ImageFile,
    ImageFilesystem,
)
from trident.image.cosi.writer import Compression, compress, replacing, write_cosi
from trident.image.gpt import GptPartition, backup_size, first_usable_byte, make_gpt
from trident.image.os_release import OsRelease

_ROOT_TYPE = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
_UUID = "5f0e8e0c-32b4-4f0b-9c3c-0d3f6f3c5a01"
# A third of a small root file system is empty: that is what a real one looks like.
_FILLED = 0.67
_LARGEST = 32 * 1024 * 1024


def make_image(work: Path, size: int) -> Path:
    """A COSI whose root image has ``size`` bytes; kept in ``work`` for the next run."""
    output = work / f"stream-{size >> 20}M.cosi"
    if output.exists():
        return output
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        raw = Path(scratch) / "root.raw"
        _make_filesystem(Path(scratch) / "tree", raw, size)
        _pack(Path(scratch), raw, output)
    return output


def _make_filesystem(tree: Path, raw: Path, size: int) -> None:
    tree.mkdir()
    _fill(tree, int(size * _FILLED))
    command = ["mkfs.ext4", "-q", "-F", "-U", _UUID, "-E", "lazy_itable_init=0,lazy_journal_init=0"]
    run([*command, "-d", str(tree), str(raw), f"{size // 1024}k"])
    shutil.rmtree(tree)


def _fill(tree: Path, amount: int) -> None:
    """Copy files of /usr until ``amount`` bytes are there, over and over if need be."""
    files = sorted(_files(Path("/usr")), key=_shuffled)
    copied = 0
    for turn in range(1000):
        for file in files:
            destination = tree / str(turn) / file.relative_to("/usr")
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, destination)
            copied += file.stat().st_size + 2048
            if copied >= amount:
                return
    raise AssertionError("/usr is too small")


def _shuffled(file: Path) -> str:
    """A sort key that mixes programs, libraries, texts and data the same way each time."""
    return hashlib.sha256(bytes(file)).hexdigest()


def _files(top: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(top):
        for name in names:
            file = Path(directory) / name
            if file.is_file() and not file.is_symlink() and file.stat().st_size < _LARGEST:
                yield file


def _pack(scratch: Path, raw: Path, output: Path) -> None:
    size = raw.stat().st_size
    disk_size = first_usable_byte() + size + 1024 * 1024 + backup_size()
    disk_size -= disk_size % 4096
    first = first_usable_byte() // 512
    partition = GptPartition(1, _ROOT_TYPE, _UUID, first, first + size // 512 - 1, "root")
    table = scratch / "gpt.raw"
    table.write_bytes(make_gpt(_UUID, disk_size, (partition,)).region)
    images: dict[str, ImageFile] = {}
    files: dict[str, Path] = {}
    for name, file in (("images/gpt.raw.zst", table), ("images/root.raw.zst", raw)):
        files[name] = file.with_suffix(".zst")
        with file.open("rb") as source, files[name].open("wb") as destination:
            images[name] = compress(source, destination, name, Compression())
    gpt, root = images.values()
    metadata = CosiMetadata(
        os_release=OsRelease("ID=bench\n"),
        filesystems=(ImageFilesystem(root, "/", "ext4", _UUID, _ROOT_TYPE),),
        disk=Disk(disk_size, 512, (GptRegion(gpt), GptRegion(root, 1))),
        bootloader=Bootloader("grub"),
        os_packages=(),
        max_window_log=Compression().window_log,
    )
    with replacing(output) as cosi:
        write_cosi(cosi, metadata, files)
