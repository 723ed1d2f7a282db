"""Options for the kernel's command line, as an add-on that systemd-stub reads (systemd-stub(7)).

The command line of a unified kernel image is part of it, and of its signature. What is added for one host
goes into an add-on beside the image: a PE file that does nothing, with the options in a section. It is so
small that it is written here, instead of asking for a stub that servicing OS and image may both lack.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, Servicing, TridentError, UnsupportedConfiguration
from trident.plan.step import Operation, Phase, Step
from trident.subsystems.boot.esp import mounted_esp
from trident.subsystems.boot.names import Slot

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation

NAME = "trident-command-line.addon.efi"

# The kernel cuts its command line off after this many bytes on x86 (COMMAND_LINE_SIZE).
_LONGEST = 2048
# systemd-stub reads add-ons since this version (systemd NEWS); older ones ignore them without a word.
_FIRST_STUB = 254
_STUB_MARK = re.compile(rb"#### LoaderInfo: systemd-stub (\d+)")

# PE format (Microsoft): machine, and code that returns success at once.
_MACHINES = {
    "x86_64": (0x8664, bytes.fromhex("31c0c3")),
    "arm64": (0xAA64, bytes.fromhex("000080d2c0035fd6")),
}
_HEADERS, _FILE_ALIGNMENT, _PAGE = 0x200, 0x200, 0x1000
_EXECUTABLE, _EFI_APPLICATION, _NX_COMPATIBLE = 0x22, 10, 0x100
_CODE, _DATA = 0x60000020, 0x40000040


@dataclass(frozen=True, kw_only=True)
class WriteCommandLineAddon(Step):
    """Put the configured options beside the slot's kernel.

    Attributes:
        esp_id: partition id of the ESP.
        slot: whose kernel it is.
        options: in the order of the configuration.
        architecture: of the machine.
    """

    esp_id: str
    slot: Slot
    options: tuple[str, ...]
    architecture: str

    @classmethod
    def compile(cls, situation: Situation, esp_id: str, slot: Slot) -> Iterator[WriteCommandLineAddon]:
        """The step, if options are configured. Its phase is that of the boot files, which come first."""
        options = _options(situation)
        if options:
            yield cls(
                id=f"write-kernel-command-line:{slot.name}",
                title=f"Add {' '.join(options)} to the kernel command line of {slot.name}",
                operation=Operation.STAGE,
                phase=Phase.DEPLOY,
                touches=(esp_id,),
                esp_id=esp_id,
                slot=slot,
                options=options,
                architecture=situation.facts.architecture,
            )

    def run(self, session: Session) -> None:
        """Mount the ESP and write the file."""
        with mounted_esp(session, self.esp_id) as esp:
            write_addon(esp, self.slot, self.options, self.architecture)


def check_command_line(situation: Situation) -> Iterator[TridentError]:
    """Options that no command line can hold, and firmware that would not read them."""
    options = _options(situation)
    place = "os.kernelCommandLine.extraCommandLine"
    for option in options:
        if not option.isprintable():
            yield InvalidInput(
                "invalid-kernel-command-line",
                f"{place}: {option!r} has characters that a command line cannot hold.",
                hint="Write each option as one line of printable characters.",
            )
    length = len(" ".join(options).encode(errors="surrogatepass"))
    if length > _LONGEST:
        yield InvalidInput(
            "invalid-kernel-command-line",
            f"{place} has {length} bytes; the kernel reads at most {_LONGEST}, those of the image included.",
        )
    if options and situation.facts.secure_boot:
        yield UnsupportedConfiguration(
            "kernel-command-line-secure-boot",
            f"{place} cannot be used while Secure Boot is on: the firmware starts and reads only what is "
            "signed, and Trident has no key to sign with.",
            hint="Build the options into the image, where they are signed with its kernel, or add a signed "
            "add-on to the image.",
        )


def write_addon(esp: Path, slot: Slot, options: Iterable[str], architecture: str) -> None:
    """Put the options beside the slot's kernel on the mounted ``esp``. Running it again is fine.

    Raises:
        UnsupportedConfiguration: ``kernel-command-line-stub`` if the kernel image does not read add-ons.
        Servicing: ``deploy-esp-images`` if the file cannot be written or reads back differently.
    """
    from trident.host.files import sync_directory, write_file
    from trident.host.mount import sync_filesystem

    content = build_addon(" ".join(options), architecture)
    kernel = esp / slot.uki
    path = kernel.with_name(f"{kernel.name}.extra.d") / NAME
    try:
        _check_stub(kernel)
        path.parent.mkdir(parents=True, exist_ok=True)
        sync_directory(path.parent.parent)
        write_file(path, content, mode=None)
        sync_filesystem(esp)
        same = path.read_bytes() == content
    except OSError as error:
        raise Servicing(
            "deploy-esp-images", f"The kernel's options cannot be written to the ESP: {error.strerror}."
        ) from error
    if not same:
        raise Servicing("deploy-esp-images", f"{path.name} on the ESP differs from what was written.")


def build_addon(command_line: str, architecture: str) -> bytes:
    """A PE file that does nothing and carries ``command_line`` in its section ``.cmdline``.

    Args:
        command_line: options, separated by spaces.
        architecture: ``x86_64`` or ``arm64``.
    """
    machine, code = _MACHINES[architecture]
    sections = [
        (b".text", code, _CODE),
        (b".sdmagic", b"#### LoaderInfo: systemd-addon trident ####\0", _DATA),
        (b".cmdline", command_line.encode(errors="surrogatepass"), _DATA),
    ]
    sections = [(name[:8], data, kind) for name, data, kind in sections]
    table, body = b"", b""
    address = _PAGE
    for name, data, kind in sections:
        size = _up(len(data), _FILE_ALIGNMENT)
        table += struct.pack(
            "<8sIIIIIIHHI", name, len(data), address, size, _HEADERS + len(body), 0, 0, 0, 0, kind
        )
        body += data.ljust(size, b"\0")
        address += _up(len(data), _PAGE)
    optional = struct.pack(
        "<HBBIIIII", 0x20B, 0, 0, _FILE_ALIGNMENT, len(body) - _FILE_ALIGNMENT, 0, _PAGE, _PAGE
    )
    # Image base, alignments, six version numbers, reserved, sizes, checksum (none), subsystem.
    optional += struct.pack("<QII6HIIII", 0, _PAGE, _FILE_ALIGNMENT, *(0,) * 6, 0, address, _HEADERS, 0)
    optional += struct.pack("<HH4QII", _EFI_APPLICATION, _NX_COMPATIBLE, 0, 0, 0, 0, 0, 16) + bytes(16 * 8)
    coff = struct.pack("<HHIIIHH", machine, len(sections), 0, 0, 0, len(optional), _EXECUTABLE)
    dos = struct.pack("<2s58xI", b"MZ", 64)
    return (dos + b"PE\0\0" + coff + optional + table).ljust(_HEADERS, b"\0") + body


def _options(situation: Situation) -> tuple[str, ...]:
    """The options, without surrounding space; an empty one adds nothing."""
    configured = situation.desired.os.kernel_command_line.extra_command_line
    return tuple(option.strip() for option in configured if option.strip())


def _check_stub(kernel: Path) -> None:
    version = _stub_version(kernel)
    if version is None or version < _FIRST_STUB:
        has = "no systemd-stub" if version is None else f"systemd-stub {version}"
        raise UnsupportedConfiguration(
            "kernel-command-line-stub",
            f"The image's unified kernel image has {has}, and reads no options from outside.",
            hint=f"Build it with systemd {_FIRST_STUB} or newer, or with the options of "
            "'os.kernelCommandLine' in it.",
        )


def _stub_version(kernel: Path) -> int | None:
    """Version of systemd whose stub starts the kernel; ``None`` if it is another's."""
    if kernel.stat().st_size == 0:
        return None
    with kernel.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
        mark = _STUB_MARK.search(content)
        return int(mark[1]) if mark else None


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple
