"""COSI files in a few lines: metadata documents, tar archives and small images."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import zstandard

from trident.image.gpt import Gpt, GptPartition, make_gpt

MIB = 1024 * 1024
ROOT_TYPE = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
ESP_TYPE = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
DISK_GUID = "3f2a3a5e-59a5-4e0a-9b2e-8a4d9f2f7c11"
OS_RELEASE = 'ID=debian\nVERSION_ID="13"\nIMAGE_ID="lab"\nIMAGE_VERSION="7"\n'


def image_document(name: str, data: bytes, raw_size: int) -> dict[str, Any]:
    return {
        "path": f"images/{name}",
        "compressedSize": len(data),
        "uncompressedSize": raw_size,
        "sha384": hashlib.sha384(data).hexdigest(),
    }


def document() -> dict[str, Any]:
    """Valid metadata of revision 1.2 with an ESP and a root file system."""
    gpt, esp, root = (
        image_document(name, name.encode(), 1024) for name in ("gpt.zst", "esp.zst", "root.zst")
    )
    return {
        "version": "1.2",
        "osArch": "x86_64",
        "osRelease": OS_RELEASE,
        "images": [
            {
                "image": copy.deepcopy(esp),
                "mountPoint": "/boot/efi",
                "fsType": "vfat",
                "fsUuid": "C3D4-250D",
                "partType": ESP_TYPE,
                "verity": None,
            },
            {
                "image": copy.deepcopy(root),
                "mountPoint": "/",
                "fsType": "ext4",
                "fsUuid": "88d2fa9b-7a32-450a-a9f8-aa9c3de79298",
                "partType": ROOT_TYPE,
            },
        ],
        "disk": {
            "size": 64 * MIB,
            "type": "gpt",
            "lbaSize": 512,
            "gptRegions": [
                {"image": gpt, "type": "primary-gpt"},
                {"image": esp, "type": "partition", "number": 1},
                {"image": root, "type": "partition", "number": 2},
            ],
        },
        "osPackages": [{"name": "bash", "version": "5.2.37", "release": "2", "arch": "x86_64"}],
        "bootloader": {
            "type": "systemd-boot",
            "systemdBoot": {
                "entries": [
                    {
                        "type": "uki-standalone",
                        "path": "/boot/efi/EFI/Linux/lab.efi",
                        "cmdline": "root=UUID=88d2fa9b-7a32-450a-a9f8-aa9c3de79298 ro",
                        "kernel": "6.12.1",
                    }
                ]
            },
        },
        "compression": {"maxWindowLog": 23},
        "id": "0B1E7F0A-1111-4222-8333-444455556666",
    }


def old_document(version: str) -> dict[str, Any]:
    """Valid metadata of revision 1.0 or 1.1."""
    old = document()
    old["version"] = version
    del old["disk"], old["compression"]
    if version == "1.0":
        del old["bootloader"], old["osPackages"]
    return old


def encoded(metadata: object) -> bytes:
    return json.dumps(metadata).encode()


def tar(files: Sequence[tuple[str, bytes]], tar_format: int = tarfile.GNU_FORMAT) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tar_format) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue()


def compressed(data: bytes, *, frames: int = 1, window_log: int = 20) -> bytes:
    """``data`` as one or more concatenated zstd frames."""
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=window_log)
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    step = -(-len(data) // frames) or 1
    return b"".join(compressor.compress(data[at : at + step]) for at in range(0, max(len(data), 1), step))


@dataclass
class Sample:
    """A COSI with a root image of ``root`` bytes on a small disk; every part may be bent before ``build``."""

    root: bytes = b""
    frames: int = 1
    window_log: int = 20
    partition_size: int = 0
    metadata: dict[str, Any] = field(default_factory=document)
    images: dict[str, bytes] = field(default_factory=dict)
    table: Gpt | None = None

    def __post_init__(self) -> None:
        self.partition_size = self.partition_size or max(MIB, -(-len(self.root) // MIB) * MIB)
        size = MIB + MIB + self.partition_size + MIB
        esp = GptPartition(1, ESP_TYPE, DISK_GUID, 2048, 4095, "esp")
        root = GptPartition(2, ROOT_TYPE, DISK_GUID, 4096, 4096 + self.partition_size // 512 - 1, "root")
        self.table = self.table or make_gpt(DISK_GUID, size, (esp, root))
        self.metadata["disk"]["size"] = size
        raws = {"gpt.zst": self.table.region, "esp.zst": b"\xeb" * 4096, "root.zst": self.root}
        for region, (name, raw) in zip(self.metadata["disk"]["gptRegions"], raws.items(), strict=True):
            frames = self.frames if name == "root.zst" else 1
            data = compressed(raw, frames=frames, window_log=self.window_log)
            self.images[f"images/{name}"] = data
            region["image"] = image_document(name, data, len(raw))
        for filesystem, region in zip(
            self.metadata["images"], self.metadata["disk"]["gptRegions"][1:], strict=True
        ):
            filesystem["image"] = copy.deepcopy(region["image"])

    def alter_image(self, name: str, **fields: object) -> None:
        """Change what the metadata says of an image, in both of its places."""
        places = [region["image"] for region in self.metadata["disk"]["gptRegions"]]
        places += [filesystem["image"] for filesystem in self.metadata["images"]]
        for place in places:
            if place["path"] == name:
                place.update(fields)

    @property
    def metadata_bytes(self) -> bytes:
        return encoded(self.metadata)

    @property
    def sha384(self) -> str:
        return hashlib.sha384(self.metadata_bytes).hexdigest()

    def build(self, *, tar_format: int = tarfile.GNU_FORMAT) -> bytes:
        start = [("cosi-marker", b""), ("metadata.json", self.metadata_bytes)]
        return tar([*start, *self.images.items()], tar_format)
