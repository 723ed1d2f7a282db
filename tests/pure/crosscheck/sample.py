"""A configuration and an image that fit each other, and ways to bend either."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from tests.pure.config.sample import edited
from tests.pure.image import samples
from trident.config.load import judge_host_configuration
from trident.config.model import HostConfiguration
from trident.config.problems import Problem
from trident.crosscheck import Subject, cross_check
from trident.image.cosi.metadata import CosiMetadata
from trident.image.cosi.parse import parse_metadata

URL = "http://images.example/v1.cosi"
MIB = samples.MIB
GIB = 1024 * MIB

Metadata = dict[str, Any]
Bend = Callable[[Metadata], None]

_HASHES = "\n        - {{id: hash-{0}, type: root-verity, size: 64M}}"
_PAIR = "{id: root, volumeAId: root-a, volumeBId: root-b}"
_PAIRS = (
    "{id: data-root, volumeAId: root-a, volumeBId: root-b}\n"
    "      - {id: hash-root, volumeAId: hash-a, volumeBId: hash-b}"
)
_DEVICE = "{id: root, name: root, dataDeviceId: data-root, hashDeviceId: hash-root}"
_USERS = "  users:\n    - {name: ada, sshMode: key-only, sshPublicKeys: [ssh-ed25519 AAAA]}\n"

VERITY = edited(
    ("{id: root-a, type: root, size: 2G}", "{id: root-a, type: root, size: 2G}" + _HASHES.format("a")),
    ("{id: root-b, type: root, size: 2G}", "{id: root-b, type: root, size: 2G}" + _HASHES.format("b")),
    (_PAIR, _PAIRS),
    ("  filesystems:", f"  verity:\n    - {_DEVICE}\n  filesystems:"),
    ("{deviceId: root, mountPoint: /}", "{deviceId: root, mountPoint: {path: /, options: ro}}"),
    (_USERS, ""),
    ("  hostname: host-1\n", ""),
)
"""The sample with its root file system on verity; nothing on it is configured."""


def metadata(*bends: Bend) -> CosiMetadata:
    """The metadata of an image for the sample, bent."""
    document = samples.document()
    packages("netplan.io")(document)
    del document["disk"]["gptRegions"][1:]  # which file systems need once they are bent
    for bend in bends:
        bend(document)
    for number, image in enumerate(_images(document), 1):
        region = {"image": copy.deepcopy(image), "type": "partition", "number": number}
        document["disk"]["gptRegions"].append(region)
    return parse_metadata(samples.encoded(document))


def _images(document: Metadata) -> list[Metadata]:
    filesystems = document["images"]
    return [fs["image"] for fs in filesystems] + [
        fs["verity"]["image"] for fs in filesystems if fs.get("verity")
    ]


def also(mount_point: str, **fields: Any) -> Bend:
    """One more file system, ext4 on a generic partition."""

    def bend(document: Metadata) -> None:
        number = len(document["images"])
        name = f"fs{number}.zst"
        filesystem = {
            "image": samples.image_document(name, name.encode(), MIB),
            "mountPoint": mount_point,
            "fsType": "ext4",
            "fsUuid": f"00000000-0000-4000-8000-{number:012}",
            "partType": "0fc63daf-8483-4772-8e79-3d69d8477de4",
        }
        document["images"].append(filesystem | fields)

    return bend


def without(mount_point: str) -> Bend:
    def bend(document: Metadata) -> None:
        document["images"] = [fs for fs in document["images"] if fs["mountPoint"] != mount_point]

    return bend


def with_fields(mount_point: str, **fields: Any) -> Bend:
    """Other values for a file system of the image."""

    def bend(document: Metadata) -> None:
        next(fs for fs in document["images"] if fs["mountPoint"] == mount_point).update(fields)

    return bend


def sized(mount_point: str, size: int) -> Bend:
    def bend(document: Metadata) -> None:
        filesystem = next(fs for fs in document["images"] if fs["mountPoint"] == mount_point)
        filesystem["image"]["uncompressedSize"] = size

    return bend


def verified(mount_point: str, hashes: int = MIB) -> Bend:
    image = samples.image_document("hashes.zst", b"hashes", hashes)
    return with_fields(mount_point, verity={"image": image, "roothash": "ab" * 32})


def packages(*names: str) -> Bend:
    """Packages that the image has besides."""
    fields = {"version": "1", "release": "1", "arch": "noarch"}
    return lambda document: document["osPackages"].extend({"name": name, **fields} for name in names)


def grub(document: Metadata) -> None:
    document["bootloader"] = {"type": "grub"}


def top(**fields: Any) -> Bend:
    return lambda document: document.update(fields)


def found(text: str, image: CosiMetadata, **known: Any) -> tuple[Problem, ...]:
    """What the cross-check says of a configuration, placed in its text; without what its own rules say."""

    def beside(configuration: HostConfiguration) -> list[Any]:
        return [found.to_remark(URL) for found in cross_check(Subject(configuration, image, **known))]

    verdict = judge_host_configuration(text, "host.yaml", beside=beside)
    alone = judge_host_configuration(text, "host.yaml")
    return tuple(problem for problem in verdict.problems if problem not in alone.problems)
