"""The steps that tell the firmware what to start: entries, order, and what comes next.

Each may be run again after a power cut anywhere inside it, with the same end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trident.errors import Servicing
from trident.plan.step import STAGED, Operation, Phase, Step
from trident.subsystems.boot.names import Slot, boot_entry, boot_files

if TYPE_CHECKING:
    from trident.host.efi import EfiVariables
    from trident.host.loadoption import LoadOption
    from trident.plan.session import Session

_VARIABLES = ("/sys/firmware/efi/efivars",)


@dataclass(frozen=True, kw_only=True)
class _EntryStep(Step):
    """Writes a slot's entry and the order.

    Attributes:
        esp_id: partition id of the ESP.
        slot: the target.
    """

    esp_id: str
    slot: Slot


@dataclass(frozen=True, kw_only=True)
class _NewEntry(_EntryStep):
    """Finalizing makes the target's entry."""

    @property
    def needs(self) -> frozenset[str]:
        """A target that is complete, with the files that the entry starts."""
        return frozenset({STAGED, boot_files(self.slot)})

    @property
    def provides(self) -> frozenset[str]:
        """The slot's entry."""
        return frozenset({boot_entry(self.slot)})


@dataclass(frozen=True, kw_only=True)
class PutBootEntryFirst(_NewEntry):
    """A clean install: create the target's entry and put it first in ``BootOrder``."""

    @classmethod
    def compile(cls, esp_id: str, slot: Slot) -> PutBootEntryFirst:
        """The step."""
        return cls(
            id="set-boot-order-first",
            title=f"Create the firmware's boot entry {slot.name} and put it first in BootOrder",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            touches=_VARIABLES,
            esp_id=esp_id,
            slot=slot,
        )

    def run(self, session: Session) -> None:
        """Write the entry, then the order; entries of the install that was erased go."""
        from trident.host.efi import EfiVariables

        put_first(EfiVariables(), self.slot, _load_option(session, self.esp_id, self.slot))


@dataclass(frozen=True, kw_only=True)
class AppendBootEntry(_NewEntry):
    """An update: create the target's entry as the last in ``BootOrder``."""

    @classmethod
    def compile(cls, esp_id: str, slot: Slot) -> AppendBootEntry:
        """The step."""
        return cls(
            id="create-boot-entry",
            title=f"Create the firmware's boot entry {slot.name}, last in BootOrder",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            touches=_VARIABLES,
            esp_id=esp_id,
            slot=slot,
        )

    def run(self, session: Session) -> None:
        """Write the entry, then the order; the servicing OS stays before it."""
        from trident.host.efi import EfiVariables

        target, servicing = (
            _load_option(session, self.esp_id, slot) for slot in (self.slot, self.slot.other)
        )
        append(EfiVariables(), target, servicing)


@dataclass(frozen=True, kw_only=True)
class SetBootNext(Step):
    """An update, last of all: start the target once. If it fails, the order starts the servicing OS.

    Attributes:
        slot: the target.
    """

    slot: Slot

    @classmethod
    def compile(cls, slot: Slot) -> SetBootNext:
        """The step."""
        return cls(
            id="set-boot-next",
            title=f"Make the firmware start {slot.name} at the next boot, once",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            touches=_VARIABLES,
            slot=slot,
        )

    @property
    def needs(self) -> frozenset[str]:
        """The slot's entry."""
        return frozenset({boot_entry(self.slot)})

    def run(self, session: Session) -> None:
        """Set ``BootNext``."""
        from trident.host.efi import EfiVariables

        variables = EfiVariables()
        variables.set_boot_next(variables.number_of(self.slot.name))


@dataclass(frozen=True, kw_only=True)
class MoveBootEntryFirst(_EntryStep):
    """Commit of an update: the target that has proved itself is first in ``BootOrder`` from now on."""

    @classmethod
    def compile(cls, esp_id: str, slot: Slot) -> MoveBootEntryFirst:
        """The step."""
        return cls(
            id="commit-boot-order",
            title=f"Put {slot.name} first in BootOrder",
            operation=Operation.COMMIT,
            phase=Phase.COMMIT,
            touches=_VARIABLES,
            esp_id=esp_id,
            slot=slot,
        )

    @property
    def needs(self) -> frozenset[str]:
        """The slot's entry."""
        return frozenset({boot_entry(self.slot)})

    def run(self, session: Session) -> None:
        """Write the order, and forget a ``BootNext`` that names one of the two slots."""
        from trident.host.efi import EfiVariables

        keep_first(EfiVariables(), self.slot, _load_option(session, self.esp_id, self.slot))


def put_first(variables: EfiVariables, slot: Slot, option: LoadOption) -> None:
    """Make a newly installed slot the one that boots; entries of the install that was erased go.

    The order is written last: until then the machine starts what it would have started before.

    Raises:
        Servicing: ``set-efi-variable`` or ``read-efi-variable``.
    """
    number = variables.put_entry(option)
    variables.remove_entries(slot.other.name)
    variables.clear_boot_next()
    variables.move_first(number)


def append(variables: EfiVariables, target: LoadOption, servicing: LoadOption) -> None:
    """Give the target an entry that the firmware tries after all others, the servicing OS's among them.

    Raises:
        Servicing: ``set-efi-variable`` or ``read-efi-variable``.
    """
    # Firmware that lost its variables has started the servicing OS by the fallback path. Without an
    # entry of its own the target would be the only one in the order, and be tried again and again.
    if not variables.numbers_of(servicing.label):
        variables.put_entry(servicing)
    if not set(variables.numbers_of(servicing.label)) & set(variables.boot_order()):
        variables.move_first(variables.number_of(servicing.label))
    # Behind the others before it changes what it starts: at no moment may it be tried first.
    for number in variables.numbers_of(target.label):
        variables.move_last(number)
    variables.move_last(variables.put_entry(target))


def keep_out(variables: EfiVariables, slot: Slot) -> None:
    """See that the firmware does not start ``slot`` before its other side: by ``BootNext`` or by the order.

    The order may name the slot first after a commit that was cut off, or because somebody changed it.

    Raises:
        Servicing: ``set-efi-variable`` or ``read-efi-variable``.
    """
    kept_out = set(variables.numbers_of(slot.name))
    if variables.boot_next() in kept_out:
        variables.clear_boot_next()
    pair = kept_out.union(variables.numbers_of(slot.other.name))
    tried_first = next((number for number in variables.boot_order() if number in pair), None)
    if tried_first in kept_out:
        # With the slot out of it an order may be left that starts neither.
        if pair - kept_out and not (pair - kept_out) & set(variables.boot_order()):
            variables.move_first(min(pair - kept_out))
        for number in sorted(kept_out):
            variables.take_out(number)


def forget(variables: EfiVariables, slot: Slot) -> bool:
    """Remove the slot's entry, from the order and from the firmware; whether there was one.

    Raises:
        Servicing: ``set-efi-variable``, also if the firmware did not let go of it, or ``read-efi-variable``.
    """
    if not variables.numbers_of(slot.name):
        return False
    variables.remove_entries(slot.name)
    if variables.numbers_of(slot.name):
        raise Servicing("set-efi-variable", f"The firmware did not remove its boot entry '{slot.name}'.")
    return True


def keep_first(variables: EfiVariables, slot: Slot, option: LoadOption) -> None:
    """Make the slot that runs the one that boots, and forget a ``BootNext`` that names one of the two.

    Raises:
        Servicing: ``set-efi-variable`` or ``read-efi-variable``.
    """
    number = variables.put_entry(option)  # Some firmware drops entries; this one has just proved itself.
    ours = {number, *variables.numbers_of(slot.other.name)}
    variables.move_first(number)
    if variables.boot_next() in ours:
        variables.clear_boot_next()


def _load_option(session: Session, esp_id: str, slot: Slot) -> LoadOption:
    """The load option that starts the slot's kernel from the ESP."""
    from pathlib import Path

    from trident.host.loadoption import HardDrive, LoadOption
    from trident.host.partitioning import locate_partition

    place = locate_partition(Path(session.device(esp_id)))
    drive = HardDrive(place.number, place.start_sector, place.sectors, place.uuid)
    return LoadOption(slot.name, drive, "\\" + slot.uki.replace("/", "\\"))
