"""The steps by which finalize knows that a slot's files on the ESP are still as staging left them.

They are few and small, so each is hashed as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trident.errors import Servicing
from trident.plan.seals import file_seal, not_bootable, not_whole, sealed_files
from trident.plan.step import STAGED, Operation, Phase, Step
from trident.subsystems.boot.esp import mounted_esp
from trident.subsystems.boot.names import Slot, boot_files

if TYPE_CHECKING:
    from pathlib import Path

    from trident.plan.session import Session


@dataclass(frozen=True, kw_only=True)
class _SlotFiles(Step):
    """Reads the files of a slot.

    Attributes:
        esp_id: partition id of the ESP.
        slot: whose files these are.
    """

    esp_id: str
    slot: Slot

    @property
    def needs(self) -> frozenset[str]:
        """A target that is complete, with what it boots with."""
        return frozenset({STAGED, boot_files(self.slot)})


@dataclass(frozen=True, kw_only=True)
class SealBootFiles(_SlotFiles):
    """Record fingerprints of the slot's files on the ESP."""

    @classmethod
    def compile(cls, esp_id: str, slot: Slot) -> SealBootFiles:
        """The step."""
        return cls(
            id=f"seal-boot-files:{slot.name}",
            title=f"Take fingerprints of the boot files of {slot.name}",
            operation=Operation.STAGE,
            phase=Phase.SEAL,
            esp_id=esp_id,
            slot=slot,
        )

    def run(self, session: Session) -> None:
        """Mount the ESP and hash.

        Raises:
            Servicing: ``deploy-esp-images`` if a file cannot be read.
        """
        with mounted_esp(session, self.esp_id) as esp:
            session.seals.update(seal_files(esp, self.slot))


@dataclass(frozen=True, kw_only=True)
class CheckBootFiles(_SlotFiles):
    """Compare the slot's files with their fingerprints, before anything starts them."""

    @classmethod
    def compile(cls, esp_id: str, slot: Slot) -> CheckBootFiles:
        """The step."""
        return cls(
            id=f"check-boot-files:{slot.name}",
            title=f"Compare the boot files of {slot.name} with the fingerprints taken while staging",
            operation=Operation.FINALIZE,
            phase=Phase.CHECK_STAGED,
            esp_id=esp_id,
            slot=slot,
        )

    def run(self, session: Session) -> None:
        """Mount the ESP and hash.

        Raises:
            Servicing: ``staged-not-whole``, naming every file that is not as it was.
        """
        if not files_of_slot(session.seals, self.slot):
            session.note(
                "No fingerprints were recorded when this was staged; the boot files are not compared."
            )
            return
        with mounted_esp(session, self.esp_id) as esp:
            damage = damaged_files(esp, self.slot, session.seals)
        if damage:
            raise not_whole(damage)


@dataclass(frozen=True, kw_only=True)
class CheckOtherBootFiles(_SlotFiles):
    """Before a rollback: the slot to be booted has the files of its deployment, or a kernel at least."""

    @classmethod
    def compile(cls, esp_id: str, slot: Slot) -> Iterator[CheckOtherBootFiles]:
        """The step while staging, and once more while finalizing."""
        for operation, phase in ((Operation.STAGE, Phase.SEAL), (Operation.FINALIZE, Phase.CHECK_STAGED)):
            yield cls(
                id=f"check-other-boot-files:{slot.name}"
                + (":finalize" if operation is Operation.FINALIZE else ""),
                title=f"See that {slot.name} still has the files that it boots with",
                operation=operation,
                phase=phase,
                esp_id=esp_id,
                slot=slot,
            )

    @property
    def needs(self) -> frozenset[str]:
        """What the slot boots with; it was staged by another servicing."""
        return frozenset({boot_files(self.slot)})

    def run(self, session: Session) -> None:
        """Mount the ESP, and hash or read.

        Raises:
            Servicing: ``rollback-target-not-bootable``; ``staged-not-whole`` while finalizing.
        """
        with mounted_esp(session, self.esp_id) as esp:
            damage = damage_of_slot(esp, self.slot, session.seals)
        if damage:
            raise (not_whole if self.operation is Operation.FINALIZE else not_bootable)(damage)


def slot_files(esp: Path, slot: Slot) -> tuple[str, ...]:
    """Paths on the mounted ``esp`` of every file that the slot has: kernel, add-ons, boot loader."""
    found = [esp / slot.uki] if (esp / slot.uki).is_file() else []
    for directory in (esp / f"{slot.uki}.extra.d", esp / slot.directory):
        found += sorted(path for path in directory.rglob("*") if path.is_file()) if directory.is_dir() else []
    return tuple(str(path.relative_to(esp)) for path in found)


def seal_files(esp: Path, slot: Slot) -> dict[str, str]:
    """Seals of the slot's files on the mounted ``esp``, by name.

    Raises:
        Servicing: ``deploy-esp-images`` if one cannot be read.
    """
    from trident.host.fingerprint import file_fingerprint

    try:
        return {file_seal(path): file_fingerprint(esp / path) for path in slot_files(esp, slot)}
    except OSError as error:
        raise Servicing(
            "deploy-esp-images",
            f"The boot files on the ESP, which were just written, cannot be read: {error.strerror}.",
            hint="The disk may be failing; 'dmesg' may say more.",
        ) from error


def files_of_slot(seals: Mapping[str, str], slot: Slot) -> dict[str, str]:
    """The seals of a slot's files among ``seals``, by path."""
    places = (f"{slot.uki}.extra.d/", f"{slot.directory}/")
    return {
        path: seal
        for path, seal in sealed_files(seals).items()
        if path == slot.uki or path.startswith(places)
    }


def damaged_files(esp: Path, slot: Slot, seals: Mapping[str, str]) -> dict[str, str]:
    """How the slot's files on the mounted ``esp`` differ from their seals, by path; empty if they do not."""
    from trident.host.fingerprint import file_fingerprint

    recorded = files_of_slot(seals, slot)
    present = slot_files(esp, slot)
    damage = {}
    for path, seal in recorded.items():
        try:
            if path not in present:
                damage[path] = "it is missing"
            elif file_fingerprint(esp / path) != seal:
                damage[path] = "its content was changed"
        except OSError as error:
            damage[path] = f"it cannot be read: {error.strerror}"
    return damage | {path: "it was added" for path in present if path not in recorded}


def damage_of_slot(esp: Path, slot: Slot, seals: Mapping[str, str]) -> dict[str, str]:
    """Why a slot that was deployed long ago would not boot from the mounted ``esp``, by path.

    Where nothing was recorded when it was deployed, its kernel must at least be one.
    """
    if files_of_slot(seals, slot):
        return damaged_files(esp, slot, seals)
    if slot.uki not in slot_files(esp, slot):
        return {slot.uki: "it is missing"}
    flaw = flaw_of_uki(esp / slot.uki)
    return {slot.uki: flaw} if flaw is not None else {}


def flaw_of_uki(path: Path) -> str | None:
    """What is wrong with a unified kernel image, as far as its headers tell; ``None`` if nothing is.

    Every section must lie within the file, so that one which was cut short is noticed.
    """
    from trident.image.build.uki import pe_sections

    sections = pe_sections(path)
    if not {".linux", ".osrel"} <= sections.keys():
        return "it is no unified kernel image"
    size = path.stat().st_size
    return "it is cut short" if any(offset + length > size for offset, length in sections.values()) else None
