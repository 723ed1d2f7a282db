"""The QEMU command line of a lab machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab import accel, emulator


@dataclass(frozen=True)
class DirectBoot:
    """A kernel and an initrd that the firmware starts from QEMU instead of from a disk.

    The firmware runs in full and its variables are writable; only the boot order is not asked.
    """

    kernel: Path
    initrd: Path
    command_line: str


@dataclass(frozen=True)
class Record:
    """Where every write to disk and variables is written down, in one order; see :mod:`lab.recording`.

    The machine's image then holds the disk and, behind it, the variables.

    Attributes:
        log: the file, in the format of Linux's dm-log-writes.
        disk_size: bytes of the disk.
        variables_size: bytes of the variable store.
    """

    log: Path
    disk_size: int
    variables_size: int


@dataclass(frozen=True)
class Hardware:
    """What a machine is made of.

    Attributes:
        disk: its disk, qcow2.
        variables: its UEFI variable store, raw.
        ssh_port: port on loopback that leads to the guest's port 22.
        memory: in MiB.
        processors: virtual CPUs.
        boot: what to start instead of the disk.
        incoming: a file with a saved RAM state to go on from.
        bad_sector: a sector of 512 bytes that the disk cannot write any more, counted from 0.
        record: if every write is to be recorded; ``disk`` then holds the variables too.
    """

    disk: Path
    variables: Path
    ssh_port: int
    memory: int
    processors: int
    boot: DirectBoot | None = None
    incoming: Path | None = None
    bad_sector: int | None = None
    record: Record | None = None


def command_line(hardware: Hardware, directory: Path, control: Path) -> list[str]:
    """The whole command line. The machine writes ``console.log`` in ``directory``.

    No ``bootindex`` anywhere: with one, OVMF reorders BootOrder by itself at every start.
    No ``-no-reboot``: whether a reset ends QEMU is decided over QMP, when it matters.
    """
    arguments = [
        *emulator.system(), "-name", directory.name, "-nodefaults", "-no-user-config", "-display", "none",
        "-machine", "q35,smm=off,vmport=off,hpet=off", *accel.options(),
        "-m", str(hardware.memory), "-smp", str(hardware.processors),
        "-blockdev", f"driver=file,filename={emulator.firmware_code()},node-name=code,read-only=on",
        "-machine", "pflash0=code,pflash1=variables",
        *_storage(hardware),
        *_damage(hardware.bad_sector),
        "-device", "virtio-blk-pci,serial=lab,share-rw=on,"
        f"drive={'disk' if hardware.bad_sector is None else 'damaged'}",
        # romfile= : without a ROM the firmware has no network boot to wait for.
        "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{hardware.ssh_port}-:22",
        "-device", "virtio-net-pci,netdev=net,romfile=",
        "-device", "virtio-rng-pci",
        "-device", "i6300esb", "-action", "watchdog=reset",
        "-chardev", f"file,id=console,path={directory / 'console.log'},append=on",
        "-serial", "chardev:console",
        "-qmp", f"unix:{control},server=on,wait=off",
    ]  # fmt: skip
    if hardware.boot is not None:
        arguments += [
            "-kernel", str(hardware.boot.kernel), "-initrd", str(hardware.boot.initrd),
            "-append", hardware.boot.command_line,
        ]  # fmt: skip
    if hardware.incoming is not None:
        arguments += ["-incoming", f"file:{hardware.incoming}"]
    return arguments


def _damage(bad_sector: int | None) -> list[str]:
    """A layer above the disk at which every write to one sector fails with EIO (5), at once and for ever."""
    if bad_sector is None:
        return []
    rule = {"event": "none", "iotype": "write", "errno": "5", "sector": str(bad_sector), "immediately": "on"}
    rules = ",".join(f"inject-error.0.{key}={value}" for key, value in rule.items())
    return ["-blockdev", f"driver=blkdebug,node-name=damaged,image=disk,{rules}"]


def _storage(hardware: Hardware) -> list[str]:
    """The nodes ``disk`` and ``variables``."""
    # The guest's flushes reach the host's page cache, which outlives a killed QEMU, and go no further.
    image = f"driver=qcow2,file.driver=file,cache.no-flush=on,discard=unmap,file.filename={hardware.disk}"
    if hardware.record is None:
        # Raw: a write to flash is in the file at once, as on a board; qcow2 would keep its tables in memory.
        variables = f"driver=file,filename={hardware.variables},node-name=variables"
        return ["-blockdev", f"{image},node-name=disk", "-blockdev", variables]
    # Two windows on one image: so the writes to disk and flash stand in one log, in one order.
    size, behind = hardware.record.disk_size, hardware.record.variables_size
    return [
        "-blockdev", f"{image},node-name=ground",
        "-blockdev", "driver=blklogwrites,node-name=recorded,file=ground,log-sector-size=512,"
        f"log.driver=file,log.filename={hardware.record.log}",
        "-blockdev", f"driver=raw,node-name=disk,file=recorded,offset=0,size={size}",
        "-blockdev", f"driver=raw,node-name=variables,file=recorded,offset={size},size={behind}",
    ]  # fmt: skip
