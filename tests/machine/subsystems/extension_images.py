"""Extension images as people build them: squashfs, erofs, ext4, bare or in a partition table."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from trident.image.gpt import GptPartition, backup_size, first_usable_byte, make_gpt

MIB = 1024 * 1024
ROOT_X86_64 = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
USR_X86_64 = "8484680c-9521-48c6-9c11-b0720656f69e"
ROOT_ARM64 = "b921b045-1df0-41c3-af44-4c6f280d3fae"
SRV = "3b8f8425-20e0-4f3b-907f-1a25a76f98e8"


def tree(
    base: Path,
    name: str = "tools",
    *,
    confext: bool = False,
    directory: str | None = None,
    release: Mapping[str, str] | str | None = None,
    content: str = "",
) -> Path:
    """The files of an extension that brings one file, named after it."""
    files = base / f"tree-{name}-{len(list(base.iterdir()))}"
    kind = "CONFEXT" if confext else "SYSEXT"
    where = directory or ("etc/extension-release.d" if confext else "usr/lib/extension-release.d")
    (files / where).mkdir(parents=True)
    if release is None:
        release = {"ID": "debian", "VERSION_ID": "13", f"{kind}_ID": name}
    if not isinstance(release, str):
        release = "".join(f"{key}={value}\n" for key, value in release.items())
    (files / where / f"extension-release.{name}").write_text(release)
    brought = files / ("etc" if confext else "usr/share") / name
    brought.parent.mkdir(parents=True, exist_ok=True)
    brought.write_text(content)
    return files


def pack(files: Path, fstype: str = "squashfs") -> Path:
    """One file system with these files in it, as a file."""
    image = files.with_name(f"{files.name}.{fstype}")
    if fstype == "squashfs":
        command: list[str | Path] = ["mksquashfs", files, image, "-noappend", "-quiet", "-no-progress"]
    elif fstype == "erofs":
        command = ["mkfs.erofs", image, files]
    else:
        with image.open("wb") as file:
            file.truncate(2 * MIB)
        command = ["mkfs.ext4", "-q", "-d", files, image]
    subprocess.run(command, check=True, capture_output=True)
    return image


def in_partitions(*parts: tuple[str, Path]) -> Path:
    """A disk image with a GPT and these partitions, each a type and its content."""
    sizes = [-(-content.stat().st_size // MIB) * MIB for _kind, content in parts]
    total = first_usable_byte() + sum(sizes) + -(-backup_size() // MIB) * MIB
    entries, begin = [], first_usable_byte()
    for number, ((kind, _content), size) in enumerate(zip(parts, sizes, strict=True), start=1):
        guid = f"00000000-0000-4000-8000-{number:012x}"
        entries.append(GptPartition(number, kind, guid, begin // 512, (begin + size) // 512 - 1))
        begin += size
    table = make_gpt("00000000-0000-4000-8000-000000000000", total, tuple(entries))
    disk = parts[0][1].with_name(f"{parts[0][1].name}-{len(parts)}.ddi") if parts else Path()
    with disk.open("wb") as file:
        file.write(table.region)
        for entry, (_kind, content) in zip(entries, parts, strict=True):
            file.seek(entry.first_lba * 512)
            file.write(content.read_bytes())
        file.truncate(total)
    return disk


def sha384(image: Path) -> str:
    return hashlib.sha384(image.read_bytes()).hexdigest()
