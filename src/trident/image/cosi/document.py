"""COSI metadata as the JSON document of revision 1.2; the inverse of :mod:`trident.image.cosi.parse`."""

from __future__ import annotations

import json
from typing import Any

from trident.image.cosi.metadata import (
    Bootloader,
    CosiMetadata,
    Disk,
    GptRegion,
    ImageFile,
    ImageFilesystem,
    OsPackage,
)


def to_json(metadata: CosiMetadata) -> bytes:
    """The bytes of ``metadata.json``: the same metadata always gives the same bytes."""
    return (json.dumps(to_document(metadata), indent=2, ensure_ascii=False) + "\n").encode()


def to_document(metadata: CosiMetadata) -> dict[str, Any]:
    """The metadata as plain data in the specification's spelling; absent parts are left out."""
    document: dict[str, Any] = {
        "version": str(metadata.version),
        "osArch": metadata.arch,
        "osRelease": metadata.os_release.text,
        "images": [_filesystem(filesystem) for filesystem in metadata.filesystems],
    }
    if metadata.disk is not None:
        document["disk"] = _disk(metadata.disk)
    if metadata.bootloader is not None:
        document["bootloader"] = _bootloader(metadata.bootloader)
    if metadata.os_packages is not None:
        document["osPackages"] = [_package(package) for package in metadata.os_packages]
    if metadata.max_window_log is not None:
        document["compression"] = {"maxWindowLog": metadata.max_window_log}
    if metadata.id is not None:
        document["id"] = metadata.id
    return document


def _image(image: ImageFile) -> dict[str, Any]:
    return {
        "path": image.path,
        "compressedSize": image.compressed_size,
        "uncompressedSize": image.uncompressed_size,
        "sha384": image.sha384,
    }


def _filesystem(filesystem: ImageFilesystem) -> dict[str, Any]:
    document: dict[str, Any] = {
        "image": _image(filesystem.image),
        "mountPoint": filesystem.mount_point,
        "fsType": filesystem.fs_type,
        "fsUuid": filesystem.fs_uuid,
        "partType": filesystem.part_type,
    }
    if filesystem.verity is not None:
        verity = filesystem.verity
        document["verity"] = {"image": _image(verity.image), "roothash": verity.roothash}
    return document


def _region(region: GptRegion) -> dict[str, Any]:
    if region.number is None:
        return {"image": _image(region.image), "type": "primary-gpt"}
    return {"image": _image(region.image), "type": "partition", "number": region.number}


def _disk(disk: Disk) -> dict[str, Any]:
    return {
        "size": disk.size,
        "type": "gpt",
        "lbaSize": disk.lba_size,
        "gptRegions": [_region(region) for region in disk.gpt_regions],
    }


def _bootloader(bootloader: Bootloader) -> dict[str, Any]:
    if bootloader.type != "systemd-boot":
        return {"type": bootloader.type}
    entries = [
        {"type": entry.type, "path": entry.path, "cmdline": entry.cmdline, "kernel": entry.kernel}
        for entry in bootloader.entries
    ]
    return {"type": bootloader.type, "systemdBoot": {"entries": entries}}


def _package(package: OsPackage) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "release": package.release,
        "arch": package.arch,
    }
