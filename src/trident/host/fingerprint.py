"""Fingerprints of volumes and files: cheap to take, and another one once something was changed.

A file is hashed as a whole. To hash a whole volume would take as long as to read it, so its fingerprint is
made of what gives a change away:

- its size, and the UUID of its file system: another disk, another file system;
- SHA-256 of its first 128 KiB, where ext4, xfs, btrfs and vfat keep their superblocks: mounting a file system
  writable, checking or growing it writes there, and so does everything that begins at the front;
- how many sectors the kernel has written and discarded through the volume's node since it started: whatever
  was written to the volume, down to one byte, as long as the machine has not been started anew since;
- SHA-256 of 512 blocks of 4 KiB, evenly spaced over the rest: a piece that was overwritten past the kernel's
  count (through the node of the whole disk, or by another system) is noticed if it is longer than the
  spacing, 1/512 of the volume, and otherwise with the probability (its length / the spacing).

Not noticed is thus a change of a few blocks in the middle of a volume, made past the file system, and either
through the node of the disk or before another start of the machine. This is a guard against accidents and not
against an attacker: he can write what no sample looks at. dm-verity is what holds against him.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from trident.host.block import device_size, filesystem_uuid

_FRONT = 128 * 1024
_SAMPLES = 512
_BLOCK = 4096
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# Fields of /sys/class/block/*/stat (Linux, Documentation/block/stat.rst): sectors written and discarded.
_WRITTEN, _DISCARDED = 6, 13

_IDENTITY = ("size", "uuid")
# What it means that a part of a volume's fingerprint is another, the most telling part first.
_MEANINGS = {
    "size": "it has another size",
    "uuid": "it holds another file system, or none",
    "front": "its superblock was written: it was mounted writable, checked or overwritten at its beginning",
    "samples": "its content was changed",
    "writes": "it was written to",
}


def volume_identity(device: Path) -> str:
    """Which volume and file system it is, whatever is written inside it.

    Raises:
        Servicing: ``get-device-information`` if it is not there or cannot be opened.
    """
    return f"size={device_size(device)} uuid={filesystem_uuid(device) or 'none'}"


def volume_fingerprint(device: Path) -> str:
    """The fingerprint of an unmounted volume. What the system still has in memory of it is written out first.

    Raises:
        Servicing: ``get-device-information`` if it is not there or cannot be opened.
        OSError: it cannot be read.
    """
    identity = volume_identity(device)
    size = device_size(device)
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
        writes = _writes(device)
        # The device is to be read and not what the page cache remembers of it.
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        front = hashlib.sha256(os.pread(descriptor, min(_FRONT, size), 0))
        samples = hashlib.sha256()
        offsets = _sampled(size)
        for offset in offsets:  # All at once, so that the device can work on many of them.
            os.posix_fadvise(descriptor, offset, _BLOCK, os.POSIX_FADV_WILLNEED)
        for offset in offsets:
            samples.update(os.pread(descriptor, _BLOCK, offset))
    finally:
        os.close(descriptor)
    counted = f" writes={writes}" if writes is not None else ""
    return f"{identity} front={front.hexdigest()} samples={samples.hexdigest()}{counted}"


def volume_difference(recorded: str, device: Path) -> str | None:
    """How a volume differs from a fingerprint or identity of it; ``None`` if it does not.

    Args:
        recorded: as :func:`volume_fingerprint` or :func:`volume_identity` gave it.
        device: the volume now.

    Returns:
        A clause for people, such as ``it has another size``.

    Raises:
        Servicing: ``get-device-information`` if it is not there or cannot be opened.
        OSError: it cannot be read.
    """
    before = _parts(recorded)
    now = _parts(volume_fingerprint(device) if "front" in before else volume_identity(device))
    # The kernel counts from zero when it starts: counts of two starts say nothing.
    if before.get("writes", "").partition(":")[0] != now.get("writes", "").partition(":")[0]:
        before.pop("writes", None)
    if not set(_IDENTITY) <= before.keys() <= now.keys():
        return "its fingerprint was recorded by another version of Trident"
    changed = [part for part in _MEANINGS if part in before and before[part] != now[part]]
    return _MEANINGS[changed[0]] if changed else None


def identity_in(fingerprint: str) -> str:
    """The part of a fingerprint that stays the same while the volume is in use (:func:`volume_identity`)."""
    return " ".join(f"{part}={value}" for part, value in _parts(fingerprint).items() if part in _IDENTITY)


def file_fingerprint(path: Path) -> str:
    """Size and SHA-256 of a file, as the device holds it and not as the page cache remembers it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return f"size={file.tell()} sha256={digest}"


def _parts(fingerprint: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in fingerprint.split() if "=" in part)


def _sampled(size: int) -> list[int]:
    """Where the samples begin: each in a block of its own, the last one at the very end."""
    first, last = _FRONT // _BLOCK, size // _BLOCK - 1
    count = min(_SAMPLES, last - first + 1)
    if count < 2:
        return [first * _BLOCK] * max(count, 0)
    return [(first + (last - first) * number // (count - 1)) * _BLOCK for number in range(count)]


def _writes(device: Path) -> str | None:
    """This start of the machine, and the sectors written through a node since; ``None`` for a file."""
    try:
        statistics = (Path("/sys/class/block") / device.resolve().name / "stat").read_text(encoding="ascii")
        numbers = [int(number) for number in statistics.split()]
        discarded = numbers[_DISCARDED] if len(numbers) > _DISCARDED else 0
        return f"{_BOOT_ID.read_text(encoding='ascii').strip()}:{numbers[_WRITTEN] + discarded}"
    except (OSError, ValueError, IndexError):
        return None
