"""What the two slots of an install are called in the firmware and on the ESP.

Each slot has a firmware entry that starts the slot's own unified kernel image. ``BootOrder`` and
``BootNext`` alone decide which slot runs; the fallback path is for firmware that lost its variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trident.state.status import AbVolume

LOADER_CONFIGURATION = "loader/loader.conf"
LOADER_ENTRIES_MARK = "loader/entries.srel"

# UEFI specification 2.10, 3.5.1.1: the file that is started where no variable names one.
_MACHINE_NAMES = {"x86_64": "x64", "arm64": "aa64"}


@dataclass(frozen=True)
class Slot:
    """One side of one install: ``trident-a``, or ``trident2-b`` for the second install on a machine."""

    install_index: int
    volume: AbVolume

    @property
    def name(self) -> str:
        """Label of the firmware entry and stem of the file names."""
        number = "" if self.install_index == 0 else str(self.install_index + 1)
        return f"trident{number}-{self.volume.letter}"

    @property
    def other(self) -> Slot:
        """The opposite side of the same install."""
        return Slot(self.install_index, self.volume.other)

    @property
    def uki(self) -> str:
        """Path of the slot's unified kernel image on the ESP."""
        return f"EFI/Linux/{self.name}.efi"

    @property
    def directory(self) -> str:
        """Directory on the ESP with the boot loader that came with the slot's image."""
        return f"EFI/trident/{self.name}"


def boot_files(slot: Slot) -> str:
    """What steps call a slot's files on the ESP, among what they need."""
    return f"boot-files:{slot.name}"


def boot_entry(slot: Slot) -> str:
    """What steps call a slot's entry in the firmware, among what they need."""
    return f"boot-entry:{slot.name}"


def loader_name(architecture: str) -> str:
    """File name of systemd-boot, such as ``systemd-bootx64.efi``."""
    return f"systemd-boot{_MACHINE_NAMES[architecture]}.efi"


def fallback_path(architecture: str) -> str:
    """The path on the ESP that firmware starts when no variable names another, ``EFI/BOOT/BOOTX64.EFI``."""
    return f"EFI/BOOT/BOOT{_MACHINE_NAMES[architecture].upper()}.EFI"
