"""Copying boot files from one mounted ESP to another, whole and verified or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, Servicing, UnsupportedConfiguration
from trident.host.files import sync_directory, temporary_name, write_file
from trident.host.mount import sync_filesystem
from trident.subsystems.boot.names import (
    LOADER_CONFIGURATION,
    LOADER_ENTRIES_MARK,
    fallback_path,
    loader_name,
)

if TYPE_CHECKING:
    from trident.subsystems.boot.names import Slot

# Room for directories and the file allocation table's own growth.
_SPARE_BYTES = 256 * 1024


@dataclass(frozen=True)
class BootFile:
    """A file to copy: where it lies, and its path on the ESP."""

    source: Path
    path: str


def copy_boot_files(
    image: Path, esp: Path, slot: Slot, architecture: str, *, alone: bool = False
) -> tuple[str, ...]:
    """Copy the kernel and boot loader of an image to the slot's own paths on the ESP.

    Nothing that the other slot or the fallback path uses is touched. Running it again is fine. What earlier
    servicings left of the slot goes.

    Args:
        image: directory with the image's ESP.
        esp: directory with the host's ESP.
        slot: whose files these are.
        architecture: ``x86_64`` or ``arm64``.
        alone: the other slot has been erased, and so its files go, too.

    Returns:
        The paths on the ESP that were written.

    Raises:
        InvalidInput: ``corrupt-os-image`` if the image has no kernel, several, or no boot loader.
        UnsupportedConfiguration: ``esp-too-small``.
        Servicing: ``deploy-esp-images`` if the copy fails or reads back differently.
    """
    uki = find_uki(image)
    files = (
        *find_addons(uki, slot),
        BootFile(find_loader(image, architecture), f"{slot.directory}/{loader_name(architecture)}"),
        BootFile(uki, slot.uki),
    )
    try:
        remove_leftovers(esp, slot, {file.path for file in files}, architecture, alone=alone)
        make_room(esp, files, slot)
        for file in files:
            install_copy(file.source, esp / file.path)
        mark = esp / LOADER_ENTRIES_MARK
        if not mark.exists():
            # Tells boot loader tools that loader/entries holds type 1 entries (UAPI.1).
            mark.parent.mkdir(parents=True, exist_ok=True)
            write_file(mark, "type1\n", mode=None)
    except OSError as error:
        raise Servicing(
            "deploy-esp-images", f"The boot files cannot be copied to the ESP: {error.strerror}."
        ) from error
    sync_filesystem(esp)
    return tuple(file.path for file in files)


def find_uki(image: Path) -> Path:
    """The one unified kernel image on an image's ESP (UAPI.1: ``EFI/Linux/*.efi``).

    Raises:
        InvalidInput: ``corrupt-os-image`` if there is none, or more than one.
    """
    directory = image / "EFI/Linux"
    found = (
        sorted(path for path in directory.glob("*.[eE][fF][iI]") if path.is_file())
        if directory.is_dir()
        else []
    )
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise InvalidInput(
            "corrupt-os-image",
            f"The image's ESP must hold one unified kernel image in EFI/Linux, and holds {names}.",
            hint="Build the image with one kernel.",
        )
    return found[0]


def find_addons(uki: Path, slot: Slot) -> tuple[BootFile, ...]:
    """Add-ons that the kernel image reads from the directory beside it (systemd-stub(7))."""
    directory = uki.with_name(f"{uki.name}.extra.d")
    found = (
        sorted(path for path in directory.glob("*.addon.efi") if path.is_file()) if directory.is_dir() else []
    )
    return tuple(BootFile(path, f"{_addons(slot)}/{path.name}") for path in found)


def find_loader(image: Path, architecture: str) -> Path:
    """systemd-boot on an image's ESP, where ``bootctl install`` puts it.

    Raises:
        InvalidInput: ``corrupt-os-image`` if there is none.
    """
    places = (f"EFI/systemd/{loader_name(architecture)}", fallback_path(architecture))
    for place in places:
        if (image / place).is_file():
            return image / place
    raise InvalidInput(
        "corrupt-os-image",
        f"The image's ESP has no boot loader: neither {places[0]} nor {places[1]}.",
        hint="Install systemd-boot in the image.",
    )


def make_room(esp: Path, files: tuple[BootFile, ...], slot: Slot) -> None:
    """Check that the files fit, giving up the slot's previous kernel if that is what it takes.

    Raises:
        UnsupportedConfiguration: ``esp-too-small``, saying how much is missing.
        OSError: the ESP cannot be read.
    """
    needed = sum(file.source.stat().st_size for file in files) + _SPARE_BYTES
    previous = esp / slot.uki
    if shutil.disk_usage(esp).free < needed and previous.exists():
        # The slot's root volume is being overwritten: its previous kernel boots nothing any more.
        previous.unlink()
        sync_directory(previous.parent)
    free = shutil.disk_usage(esp).free
    if free < needed:
        raise UnsupportedConfiguration(
            "esp-too-small",
            f"The EFI system partition has {free} bytes free, and the boot files need {needed} bytes.",
            hint="Remove what does not belong there, or install with a larger ESP.",
            details={"free": free, "needed": needed},
        )


def install_copy(source: Path, target: Path) -> None:
    """Copy a file on a file system without modes, durably, and read it back to compare.

    A target with the same content is left alone.

    Raises:
        Servicing: ``deploy-esp-images`` if what was written reads back differently.
        OSError: it cannot be written.
    """
    expected = _digest(source)
    if target.is_file() and target.stat().st_size == source.stat().st_size and _digest(target) == expected:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    sync_directory(target.parent.parent)
    with source.open("rb") as content:
        write_file(target, content, mode=None)
    if _digest(target) != expected:
        raise Servicing(
            "deploy-esp-images",
            f"{target.name} on the ESP differs from what was written. The disk may be failing.",
            details={"path": str(target)},
        )


def remove_leftovers(esp: Path, slot: Slot, wanted: Set[str], architecture: str, *, alone: bool) -> None:
    """Remove from the mounted ``esp`` what earlier servicings left there and nothing uses any more.

    That is what a copy that was cut off has left half written; add-ons of the slot's previous kernel, which
    would change what the new one starts with; and loaders beside the slot's own. Only names that Trident
    gives are touched: others may keep their files on an ESP, too.

    Args:
        esp: directory with the host's ESP.
        slot: whose files are about to be written.
        wanted: paths of these files.
        architecture: of the machine.
        alone: the other slot has been erased; its files boot nothing any more.

    Raises:
        OSError: the ESP cannot be written.
    """
    ours = (slot.uki, slot.other.uki, fallback_path(architecture), LOADER_CONFIGURATION, LOADER_ENTRIES_MARK)
    for path in (esp / name for name in ours):
        _remove(path.with_name(temporary_name(path.name)))
    for directory in (esp / _addons(slot), esp / slot.directory):
        for path in directory.iterdir() if directory.is_dir() else ():
            if str(path.relative_to(esp)) not in wanted:
                _remove(path)
        if directory.is_dir() and not any(directory.iterdir()):
            _remove(directory)
    if alone:
        for name in (_addons(slot.other), slot.other.directory, slot.other.uki):
            _remove(esp / name)


def _addons(slot: Slot) -> str:
    """Where the slot's kernel reads add-ons from (systemd-stub(7))."""
    return f"{slot.uki}.extra.d"


def _remove(path: Path) -> None:
    """Remove a file, or a directory with everything in it, durably; none there is fine."""
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    else:
        return
    sync_directory(path.parent)


def _digest(path: Path) -> bytes:
    """SHA-256 of a file as the device holds it, not as the page cache remembers it."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(file, "sha256").digest()
