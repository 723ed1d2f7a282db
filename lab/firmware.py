"""What the firmware would boot, read from a machine's variable store while the machine is off."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

GLOBAL_GUID = "8be4df61-93ca-11d2-aa0d-00e098032b8c"


@dataclass(frozen=True)
class BootVariables:
    """What the firmware would boot: entry labels by number, and the order of the numbers."""

    labels: dict[int, str]
    order: tuple[int, ...]
    boot_next: int | None

    @property
    def order_labels(self) -> tuple[str, ...]:
        """BootOrder by label."""
        return tuple(self.labels.get(number, f"Boot{number:04X}") for number in self.order)

    @property
    def next_label(self) -> str | None:
        """BootNext by label."""
        return None if self.boot_next is None else self.labels.get(self.boot_next)


def read_boot_variables(store: Path) -> BootVariables:
    """Read BootOrder, BootNext and Boot#### from a raw variable store of a machine that is off.

    Raises:
        LabError: the file is no variable store.
    """
    from virt.firmware.varstore import edk2

    if not edk2.Edk2VarStore.probe(str(store)):
        raise LabError(f"{store} is not a UEFI variable store.")
    found = {
        name: bytes(variable.data)
        for name, variable in edk2.Edk2VarStore(str(store)).get_varlist().items()
        if str(variable.guid) == GLOBAL_GUID
    }
    labels = {
        int(name[4:], 16): _label(data) for name, data in found.items() if _is_boot_entry(name) and data
    }
    order = found.get("BootOrder", b"")
    boot_next = found.get("BootNext", b"")
    return BootVariables(
        labels,
        struct.unpack(f"<{len(order) // 2}H", order),
        struct.unpack("<H", boot_next)[0] if len(boot_next) == 2 else None,
    )


def _is_boot_entry(name: str) -> bool:
    return len(name) == 8 and name.startswith("Boot") and all(c in "0123456789ABCDEFabcdef" for c in name[4:])


def _label(load_option: bytes) -> str:
    """The description in an EFI_LOAD_OPTION (UEFI 2.10, 3.1.3): UTF-16 after 6 bytes, up to a zero."""
    text = load_option[6:]
    end = next((i for i in range(0, len(text) - 1, 2) if text[i : i + 2] == b"\0\0"), len(text))
    return text[:end].decode("utf-16-le", errors="replace")
