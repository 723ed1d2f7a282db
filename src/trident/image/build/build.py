"""From a root tree and a layout to a COSI: the same input gives the same bytes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid5

from trident.errors import InvalidInput
from trident.host.tools import require
from trident.image.build.disk import DiskPlan, plan_disk
from trident.image.build.esp import make_esp
from trident.image.build.ext4 import Identity, make_ext4
from trident.image.build.layout import Layout
from trident.image.build.packages import installed_packages
from trident.image.build.read_tree import read_tree
from trident.image.build.scratch import scratch_directory
from trident.image.build.tree import Tree
from trident.image.build.uki import Uki, boot_loader, fallback_name, loader_name, make_uki
from trident.image.cosi.metadata import (
    ESP_PARTITION_TYPE,
    BootEntry,
    Bootloader,
    CosiMetadata,
    Disk,
    GptRegion,
    ImageFile,
    ImageFilesystem,
    OsPackage,
)
from trident.image.cosi.writer import Compression, compress, replacing, write_cosi
from trident.image.os_release import OsRelease
from trident.progress import BytesMoved, Progress, StepBegun, StepEnded, silent

TOOLS = ("mkfs.ext4", "debugfs", "e2fsck", "resize2fs", "tune2fs", "mkfs.vfat", "mmd", "mcopy")
ESP_MOUNT_POINT = "/boot/efi"
_ESP_UUID_OFFSET = 4
# Namespace of every identifier that is derived from the content of an image (a random UUID).
_NAMESPACE = UUID("8c0b7a8e-6f6f-4c39-9f0e-3a3a5d9f6b0e")
_STEPS = 5


@dataclass(frozen=True)
class BuildReport:
    """What was built.

    Attributes:
        output: the COSI.
        size: its bytes.
        metadata: what it says of itself.
        metadata_sha384: what a Host Configuration gives as ``image.sha384``.
        seconds: how long each step took.
    """

    output: Path
    size: int
    metadata: CosiMetadata
    metadata_sha384: str
    seconds: dict[str, float] = field(default_factory=dict)


def build_image(tree: Path, layout: Layout, output: Path, progress: Progress = silent) -> BuildReport:
    """Build a COSI from a root tree. Needs no privileges and changes nothing of the tree.

    Args:
        tree: a directory or a tar archive.
        layout: how.
        output: the COSI; it appears under this name only when it is complete. Its directory needs room for
            the uncompressed image.
        progress: where steps and bytes are reported.

    Raises:
        InvalidInput: ``invalid-root-tree`` or ``invalid-image-layout`` if the two do not make an image.
        ExecutionEnvironment: ``missing-binary`` if a tool is not installed.
        Servicing: ``command-failed`` or ``image-build`` if a tool or the disk fails.
    """
    require(TOOLS)
    _check_output(tree, output)
    steps = _Steps(progress)
    with replacing(output) as cosi, scratch_directory(output.parent) as scratch:
        with steps.step("read-tree", f"Read the root tree {tree} and make the UKI"):
            parts = _read(tree, layout, scratch)
        with steps.step("root", "Make the root file system"):
            root_size = make_ext4(parts.tree, scratch / "root.raw", parts.identity)
        with steps.step("esp", "Make the EFI system partition"):
            esp_size = _make_esp(parts, layout, scratch)
        with steps.step("compress", "Compress the images"):
            plan = plan_disk(layout, esp_size, root_size, parts.derived)
            (scratch / "gpt.raw").write_bytes(plan.gpt.region)
            images = _compress(layout, scratch, esp_size + root_size, steps)
        with steps.step("write", f"Write {output}"):
            metadata = _metadata(parts, layout, plan, images)
            files = {image.path: scratch / f"{key}.zst" for key, image in images.items()}
            sha384 = write_cosi(cosi, metadata, files)
            size = os.fstat(cosi.fileno()).st_size
    return BuildReport(output, size, metadata, sha384, steps.seconds)


def _check_output(tree: Path, output: Path) -> None:
    """Refuse a place where the image would harm something, or become part of itself."""
    if not output.parent.is_dir():
        raise InvalidInput(
            "image-build", f"The directory '{output.parent}' does not exist.", hint="Create it first."
        )
    if output.exists() and not output.is_file():
        raise InvalidInput(
            "image-build",
            f"'{output}' is no regular file, so an image cannot take its place.",
            hint="Give the name of a file; 'trident image write' writes an image to a disk.",
        )
    inside = tree.is_dir() and output.parent.resolve().is_relative_to(tree.resolve())
    if inside or (output.exists() and tree.exists() and output.samefile(tree)):
        raise InvalidInput(
            "image-build",
            f"'{output}' lies in the root tree '{tree}', which is only read.",
            hint="Write the image to another directory.",
        )


@dataclass
class _Parts:
    """What the tree gives, before it becomes file systems."""

    tree: Tree
    identity: Identity
    digest: str
    os_release: OsRelease
    packages: tuple[OsPackage, ...]
    uki: Uki
    esp_files: dict[str, Path]

    def derived(self, name: str) -> str:
        """A UUID that depends on everything in the image and on ``name``."""
        return str(uuid5(_NAMESPACE, f"{self.digest}/{name}"))

    @property
    def esp_serial(self) -> str:
        """The FAT volume serial, as eight hexadecimal digits."""
        return self.derived("esp-filesystem").replace("-", "")[:8].upper()


def _read(source: Path, layout: Layout, scratch: Path) -> _Parts:
    staging = scratch / "tree"
    staging.mkdir()
    tree = read_tree(source, staging)
    epoch = _epoch(tree, layout)
    os_release = _name_image(tree, layout, epoch)
    tree.clamp(epoch)
    packages = installed_packages(tree)
    # What goes onto the ESP may be excluded from the root file system, so it is put aside first.
    boot = scratch / "boot"
    boot.mkdir()
    digest = uuid5(_NAMESPACE, tree.digest() + repr(layout)).hex
    root_uuid = str(uuid5(_NAMESPACE, f"{digest}/root-filesystem"))
    uki = make_uki(tree, layout, root_uuid, boot)
    files = {"uki.efi": uki.file, "boot.efi": boot_loader(tree, layout)}
    for name, file in files.items():
        if file.parent != boot:
            (boot / name).write_bytes(file.read_bytes())
    (boot / "loader.conf").write_text("timeout 0\neditor no\n")
    tree.remove(layout.excludes)
    identity = Identity(root_uuid, str(uuid5(_NAMESPACE, layout.id)), epoch)
    esp_files = {
        f"EFI/Linux/{layout.id}-{layout.version}.efi": boot / "uki.efi",
        f"EFI/BOOT/{fallback_name(layout)}": boot / "boot.efi",
        f"EFI/systemd/{loader_name(layout)}": boot / "boot.efi",
        "loader/loader.conf": boot / "loader.conf",
    }
    return _Parts(tree, identity, digest, os_release, packages, uki, esp_files)


def _epoch(tree: Tree, layout: Layout) -> int:
    """The latest time stamp of the image: the layout's, else the environment's, else the tree's newest."""
    if layout.source_date_epoch is not None:
        return layout.source_date_epoch
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    if stated.isascii() and stated.isdigit():
        return int(stated)
    return tree.newest()


def _name_image(tree: Tree, layout: Layout, epoch: int) -> OsRelease:
    """Put ``IMAGE_ID`` and ``IMAGE_VERSION`` into the tree's os-release."""
    file = tree.file("etc/os-release")
    path = "etc/os-release" if file is not None else "usr/lib/os-release"
    file = file or tree.file(path)
    if file is None:
        raise InvalidInput(
            "invalid-root-tree",
            "The root tree holds no etc/os-release.",
            hint="Give the tree of a whole Linux system.",
        )
    lines = file.read_text("utf-8", "replace").splitlines()
    lines = [line for line in lines if not line.startswith(("IMAGE_ID=", "IMAGE_VERSION="))]
    lines += [f'IMAGE_ID="{layout.id}"', f'IMAGE_VERSION="{layout.version}"']
    text = "\n".join(lines) + "\n"
    tree.replace_content(path, text.encode(), mtime=epoch)
    return OsRelease(text)


def _make_esp(parts: _Parts, layout: Layout, scratch: Path) -> int:
    return make_esp(
        parts.esp_files,
        scratch / "esp.raw",
        serial=parts.esp_serial,
        epoch=parts.identity.epoch,
        size=layout.esp.size,
    )


def _compress(layout: Layout, scratch: Path, total: int, steps: _Steps) -> dict[str, ImageFile]:
    parameters = Compression(layout.compression.level, layout.compression.window_log)
    images: dict[str, ImageFile] = {}
    before = 0
    for key, name in (("gpt", "primary-gpt"), ("esp", "esp"), ("root", "root")):
        raw = scratch / f"{key}.raw"
        with raw.open("rb") as source, (scratch / f"{key}.zst").open("xb") as destination:
            path = f"images/{name}.raw.zst"
            images[key] = compress(source, destination, path, parameters, steps.moved(before, total))
        before += images[key].uncompressed_size if key != "gpt" else 0
        raw.unlink()
    return images


def _metadata(parts: _Parts, layout: Layout, plan: DiskPlan, images: dict[str, ImageFile]) -> CosiMetadata:
    serial = parts.esp_serial
    uki_path = f"{ESP_MOUNT_POINT}/EFI/Linux/{layout.id}-{layout.version}.efi"
    return CosiMetadata(
        arch=layout.architecture.value,
        os_release=parts.os_release,
        filesystems=(
            ImageFilesystem(
                images["esp"],
                ESP_MOUNT_POINT,
                "vfat",
                f"{serial[:_ESP_UUID_OFFSET]}-{serial[_ESP_UUID_OFFSET:]}",
                ESP_PARTITION_TYPE,
            ),
            ImageFilesystem(images["root"], "/", "ext4", parts.identity.uuid, plan.root_type),
        ),
        disk=Disk(
            plan.size,
            plan.gpt.lba_size,
            (GptRegion(images["gpt"]), GptRegion(images["esp"], 1), GptRegion(images["root"], 2)),
        ),
        bootloader=Bootloader(
            "systemd-boot", (BootEntry("uki-standalone", uki_path, parts.uki.cmdline, parts.uki.kernel),)
        ),
        os_packages=parts.packages,
        max_window_log=layout.compression.window_log,
        id=parts.derived("cosi"),
    )


class _Steps:
    """Reports the steps of a build and times them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._current = ""
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def step(self, name: str, title: str) -> Iterator[None]:
        self._current = name
        self._progress(StepBegun(name, title, len(self.seconds) + 1, _STEPS))
        begun = time.monotonic()
        try:
            yield
        except BaseException as error:
            seconds = time.monotonic() - begun
            interrupted = isinstance(error, KeyboardInterrupt)
            self._progress(StepEnded(name, "interrupted" if interrupted else "failed", seconds))
            raise
        self.seconds[name] = time.monotonic() - begun
        self._progress(StepEnded(name, "done", self.seconds[name]))

    def moved(self, before: int, total: int) -> _Report:
        return _Report(self._progress, self._current, before, total)


@dataclass(frozen=True)
class _Report:
    progress: Progress
    step: str
    before: int
    total: int

    def __call__(self, done: int) -> None:
        self.progress(BytesMoved(self.step, min(self.before + done, self.total), self.total))
