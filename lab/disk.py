"""Disk images of machines, by qemu-img."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab import emulator
from lab.tool import run_tool

Format = Literal["raw", "qcow2"]


@dataclass(frozen=True)
class Disk:
    """Where a machine's disk comes from. The machine writes its own file, never ``backing``.

    Attributes:
        size: of a blank disk, as qemu-img takes it (``8G``).
        backing: an image to start from, whose content stays as it is.
        format: the format of ``backing``.
    """

    size: str | None = None
    backing: Path | None = None
    format: Format = "qcow2"

    @classmethod
    def blank(cls, size: str) -> Disk:
        """An empty disk."""
        return cls(size=size)

    @classmethod
    def copy_of(cls, backing: Path, format_: Format = "qcow2") -> Disk:
        """A disk that starts as ``backing`` is now."""
        return cls(backing=backing, format=format_)

    def create(self, path: Path) -> None:
        """Make the machine's own file."""
        if self.backing is None:
            _qemu_img("create", "-q", "-f", "qcow2", path, str(self.size))
        else:
            overlay(self.backing, path, self.format)


def overlay(backing: Path, path: Path, format_: Format = "qcow2") -> None:
    """A copy-on-write file that starts as ``backing`` is."""
    _qemu_img("create", "-q", "-f", "qcow2", "-F", format_, "-b", backing.resolve(), path)


def to_raw(image: Path, path: Path) -> None:
    """A raw (sparse) copy of an image and everything beneath it."""
    partial = path.with_name(path.name + ".partial")
    _qemu_img("convert", "-O", "raw", image, partial)
    partial.replace(path)


def flattened(image: Path, path: Path) -> None:
    """A qcow2 copy that stands on nothing else."""
    _qemu_img("convert", "-O", "qcow2", image, path)


def _qemu_img(*arguments: str | Path) -> None:
    run_tool(*emulator.command("qemu-img"), *arguments)
