"""``metadata.json`` to :class:`CosiMetadata`, with every rule of the COSI specification that needs no bytes.

Unknown fields are ignored, as the specification demands. A newer minor revision is read as 1.2; a newer
major one is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from trident.errors import InvalidInput
from trident.image.cosi.fields import Field, corrupt, shown
from trident.image.cosi.metadata import (
    ESP_PARTITION_TYPE,
    BootEntry,
    Bootloader,
    CosiMetadata,
    CosiVersion,
    Disk,
    GptRegion,
    ImageFile,
    ImageFilesystem,
    OsPackage,
    Verity,
)
from trident.image.os_release import OsRelease

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "x64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
# zstd's own bound on 64-bit machines (ZSTD_WINDOWLOG_MAX).
LARGEST_WINDOW_LOG = 31
_LONGEST_PATH = 255
_MOST_PARTITIONS = 4096
# Upstream reads images of this OS without a package list.
_VARIANTS_WITHOUT_PACKAGES = ("azurecontainerlinux",)

_V1_1 = CosiVersion(1, 1)
_V1_2 = CosiVersion(1, 2)
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})", re.ASCII)


def parse_metadata(data: bytes) -> CosiMetadata:
    """Read and check the bytes of ``metadata.json``.

    Raises:
        InvalidInput: ``corrupt-os-image`` if they are not JSON or break a rule, naming the field;
            ``unsupported-cosi-version`` if the major version is newer than 1.
    """
    root = Field(_load(data), "")
    if not isinstance(root.value, dict):
        raise corrupt("The COSI metadata is not a JSON object.")
    version = _version(root.get("version"))
    metadata = CosiMetadata(
        version=version,
        arch=_architecture(root.get("osArch")),
        os_release=OsRelease(root.get("osRelease").text()),
        filesystems=tuple(_filesystem(item) for item in root.get("images").items()),
        disk=root.get("disk").optional(_disk) if version >= _V1_2 else None,
        bootloader=root.get("bootloader").optional(_bootloader) if version >= _V1_1 else None,
        os_packages=root.get("osPackages").optional(lambda field: _packages(field, version)),
        max_window_log=root.get("compression").optional(_window_log) if version >= _V1_2 else None,
        id=root.get("id").optional(Field.uuid),
    )
    _check_required(metadata)
    _check_filesystems(metadata)
    if metadata.disk is not None:
        _check_disk(metadata.disk, metadata.filesystems)
    return metadata


def _load(data: bytes) -> Any:
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_refuse_constant,
        )
    except RecursionError as error:
        raise corrupt("The COSI metadata is nested too deeply.") from error
    except UnicodeDecodeError as error:
        raise corrupt(f"The COSI metadata is not UTF-8 text (byte {error.start}).") from error
    except ValueError as error:
        raise corrupt(f"The COSI metadata is not valid JSON: {shown_error(error)}.") from error


def shown_error(error: ValueError) -> str:
    """The text of a parser's error without its trailing stop."""
    return str(error).rstrip(".").encode("ascii", "backslashreplace").decode()


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"the field {shown(name)} stands twice in one object")
            seen.add(name)
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _version(field: Field) -> CosiVersion:
    match = _VERSION.fullmatch(field.text())
    if match is None:
        raise field.wrong("must be a version such as 1.2")
    version = CosiVersion(int(match[1]), int(match[2]))
    if version.major > 1:
        raise InvalidInput(
            "unsupported-cosi-version",
            f"The image follows COSI {version}; this version of Trident reads COSI 1.",
            hint="Update Trident, or build the image as COSI 1.2.",
            details={"version": str(version)},
        )
    if version.major < 1:
        raise field.wrong("must be 1.0 or later")
    return version


def _architecture(field: Field) -> str:
    try:
        return ARCHITECTURES[field.text().lower()]
    except KeyError:
        raise field.wrong(f"must be one of {', '.join(ARCHITECTURES)}") from None


def _image_path(field: Field) -> str:
    path = field.text()
    inside = path.removeprefix("images/")
    if inside == path or any(part in ("", ".", "..") for part in inside.split("/")):
        raise field.wrong("must name a file under images/")
    if not path.isprintable() or "\\" in path or len(path.encode()) > _LONGEST_PATH:
        raise field.wrong(f"must be a plain file name of at most {_LONGEST_PATH} bytes")
    return path


def _image_file(field: Field) -> ImageFile:
    return ImageFile(
        path=_image_path(field.get("path")),
        compressed_size=field.get("compressedSize").number(),
        uncompressed_size=field.get("uncompressedSize").number(),
        # Revision 1.0 leaves the hash out at will; upstream and we do not deploy what cannot be verified.
        sha384=field.get("sha384").sha384(),
    )


def _verity(field: Field) -> Verity:
    return Verity(_image_file(field.get("image")), field.get("roothash").name())


def _filesystem(field: Field) -> ImageFilesystem:
    return ImageFilesystem(
        image=_image_file(field.get("image")),
        mount_point=field.get("mountPoint").text(),
        fs_type=field.get("fsType").name(),
        fs_uuid=field.get("fsUuid").name(),
        part_type=field.get("partType").uuid(),
        verity=field.get("verity").optional(_verity),
    )


def _region(field: Field) -> GptRegion | None:
    match field.get("type").name():
        case "primary-gpt":
            return GptRegion(_image_file(field.get("image")))
        case "partition":
            number = field.get("number").number(lowest=1, highest=_MOST_PARTITIONS)
            return GptRegion(_image_file(field.get("image")), number)
        case _:
            return None  # A later minor revision may know more kinds of region.


def _disk(field: Field) -> Disk:
    field.get("type").one_of("gpt")
    lba_size = field.get("lbaSize").number()
    if lba_size not in (512, 4096):
        raise field.get("lbaSize").wrong("must be 512 or 4096")
    size = field.get("size").number(lowest=1)
    if size % lba_size:
        raise field.get("size").wrong(f"must be a multiple of lbaSize ({lba_size})")
    regions = tuple(_region(item) for item in field.get("gptRegions").items())
    if not regions or regions[0] is None or regions[0].number is not None:
        raise corrupt("COSI metadata field 'disk.gptRegions' must begin with the region primary-gpt.")
    return Disk(size, lba_size, tuple(region for region in regions if region is not None))


def _boot_entry(field: Field) -> BootEntry:
    return BootEntry(
        type=field.get("type").name(),
        path=field.get("path").text(),
        cmdline=field.get("cmdline").text(),
        kernel=field.get("kernel").text(),
    )


def _bootloader(field: Field) -> Bootloader:
    kind = field.get("type").name()
    systemd_boot = field.get("systemdBoot")
    if kind != "systemd-boot":
        if kind == "grub" and systemd_boot.value is not None:
            raise systemd_boot.wrong("must be absent where the boot loader is grub")
        return Bootloader(kind)
    entries = tuple(_boot_entry(item) for item in systemd_boot.get("entries").items())
    if not entries:
        raise systemd_boot.get("entries").wrong("must hold at least one entry")
    return Bootloader(kind, entries)


def _packages(field: Field, version: CosiVersion) -> tuple[OsPackage, ...]:
    return tuple(_package(item, version) for item in field.items())


def _package(field: Field, version: CosiVersion) -> OsPackage:
    release, arch = field.get("release"), field.get("arch")
    required = version >= _V1_1
    return OsPackage(
        name=field.get("name").name(),
        version=field.get("version").text(),
        release=release.text() if required else release.optional(Field.text) or "",
        arch=arch.text() if required else arch.optional(Field.text) or "",
    )


def _window_log(field: Field) -> int:
    return field.get("maxWindowLog").number(highest=LARGEST_WINDOW_LOG)


def _check_required(metadata: CosiMetadata) -> None:
    packages_optional = metadata.os_release.variant_id in _VARIANTS_WITHOUT_PACKAGES
    required = [
        ("bootloader", metadata.bootloader, _V1_1),
        ("osPackages", () if packages_optional else metadata.os_packages, _V1_1),
        ("disk", metadata.disk, _V1_2),
        ("compression", metadata.max_window_log, _V1_2),
    ]
    for name, value, since in required:
        if metadata.version >= since and value is None:
            raise corrupt(f"COSI {metadata.version} metadata must have the field '{name}'.", field=name)


def _check_unique(values: Iterable[object], what: str) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise corrupt(f"The COSI metadata names the {what} {shown(value)} twice.")
        seen.add(value)


def _check_filesystems(metadata: CosiMetadata) -> None:
    filesystems = metadata.filesystems
    _check_unique((fs.mount_point for fs in filesystems), "mount point")
    images = [fs.image for fs in filesystems] + [fs.verity.image for fs in filesystems if fs.verity]
    _check_unique((image.path for image in images), "file system image")
    _check_unique((fs.part_type for fs in filesystems if fs.part_type == ESP_PARTITION_TYPE), "ESP type")
    uuids: set[str] = set()
    for filesystem in filesystems:
        uuid = filesystem.fs_uuid.lower()
        if uuid in uuids:
            raise InvalidInput(
                "duplicate-fs-uuid",
                f"Two file systems of the image have the same UUID {shown(filesystem.fs_uuid)}.",
                hint="Build the image again with a UUID of its own for each file system.",
                details={"uuid": filesystem.fs_uuid},
            )
        uuids.add(uuid)


def _check_disk(disk: Disk, filesystems: tuple[ImageFilesystem, ...]) -> None:
    regions = disk.gpt_regions
    if sum(region.number is None for region in regions) != 1:
        raise corrupt("COSI metadata field 'disk.gptRegions' must hold the region primary-gpt once.")
    _check_unique((region.number for region in regions), "partition number")
    _check_unique((region.image.path for region in regions), "disk region image")
    by_path = {region.image.path: region.image for region in disk.partitions}
    for filesystem in filesystems:
        for image in (filesystem.image, *((filesystem.verity.image,) if filesystem.verity else ())):
            if image.path not in by_path:
                raise corrupt(f"The image {shown(image.path)} belongs to no partition in 'disk.gptRegions'.")
            if by_path[image.path] != image:
                raise corrupt(
                    f"The image {shown(image.path)} has other sizes or another hash in 'images' than in "
                    "'disk.gptRegions'."
                )
