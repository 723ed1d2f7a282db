"""The step that decides what starts when the firmware has lost its variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trident.errors import Servicing
from trident.plan.step import Operation, Phase, Step
from trident.subsystems.boot.esp import mounted_esp
from trident.subsystems.boot.names import LOADER_CONFIGURATION, Slot, boot_files, fallback_path, loader_name

if TYPE_CHECKING:
    from pathlib import Path

    from trident.plan.session import Session


@dataclass(frozen=True, kw_only=True)
class SetFallback(Step):
    """Make the fallback path start one slot: its boot loader, and its kernel as the default entry.

    Attributes:
        esp_id: partition id of the ESP.
        slot: the slot to start.
        architecture: of the machine.
    """

    esp_id: str
    slot: Slot
    architecture: str

    @classmethod
    def compile(cls, esp_id: str, slot: Slot, architecture: str, operation: Operation) -> SetFallback:
        """The step for finalize or commit."""
        return cls(
            id=f"set-uefi-fallback:{slot.name}" + (":commit" if operation is Operation.COMMIT else ""),
            title=f"Make the UEFI fallback path start {slot.name}",
            operation=operation,
            phase=Phase.COMMIT if operation is Operation.COMMIT else Phase.FINALIZE,
            touches=(esp_id,),
            esp_id=esp_id,
            slot=slot,
            architecture=architecture,
        )

    @property
    def needs(self) -> frozenset[str]:
        """The ESP, and on it the slot's files."""
        return super().needs | {boot_files(self.slot)}

    def run(self, session: Session) -> None:
        """Mount the ESP and write boot loader and its configuration."""
        with mounted_esp(session, self.esp_id) as esp:
            set_fallback(esp, self.slot, self.architecture)


def set_fallback(esp: Path, slot: Slot, architecture: str) -> None:
    """Make the fallback path of the mounted ``esp`` start ``slot``. Running it again is fine.

    The configuration is written last: between the two the previous slot's kernel is still the default.

    Raises:
        Servicing: ``set-up-uefi-fallback`` if the slot has no boot loader, or the ESP cannot be written.
    """
    from trident.host.mount import sync_filesystem
    from trident.subsystems.boot.copy import install_copy

    loader = esp / slot.directory / loader_name(architecture)
    try:
        install_copy(loader, esp / fallback_path(architecture))
        configuration = esp / LOADER_CONFIGURATION
        configuration.parent.mkdir(parents=True, exist_ok=True)
        _put(configuration, render_loader_configuration(slot))
    except OSError as error:
        raise Servicing(
            "set-up-uefi-fallback",
            f"The UEFI fallback path cannot be made to start {slot.name}: {error.strerror} "
            f"({error.filename}).",
            details={"slot": slot.name},
        ) from error
    sync_filesystem(esp)


def _put(path: Path, text: str) -> None:
    """Write a file unless it says the same already: what is not written cannot be cut off."""
    from trident.host.files import write_file

    if not path.is_file() or path.read_bytes() != text.encode():
        write_file(path, text, mode=None)


def render_loader_configuration(slot: Slot) -> str:
    """loader.conf(5) with the slot's kernel as default; the menu waits three seconds for a person."""
    return f"# Written by Trident.\ndefault {slot.name}.efi\ntimeout 3\neditor no\n"
