"""``trident image build|inspect|verify|write``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trident.cli.progress import drawn
from trident.cli.report import human_bytes, print_json
from trident.cli.streams import say
from trident.config.problems import escaped_lines
from trident.errors import ExitCode
from trident.progress import BytesMoved, StepBegun, StepEnded

if TYPE_CHECKING:
    from trident.image.check import Inspection


def run(options: argparse.Namespace) -> int:
    """Do what the action says."""
    actions = {"build": _build, "inspect": _inspect, "verify": _verify, "write": _write}
    document, text = actions[options.action](options)
    if options.output == "json":
        print_json(document)
    else:
        say(escaped_lines(text))  # an image may be anybody's
    return ExitCode.SUCCESS


Answer = tuple[dict[str, Any], str]


def _build(options: argparse.Namespace) -> Answer:
    from trident.image.build import build_image, load_layout

    layout = load_layout(options.layout)
    with drawn() as progress:
        report = build_image(Path(options.tree), layout, Path(options.outfile), progress)
    document = {
        "image": str(report.output),
        "size": report.size,
        "sha384": report.metadata_sha384,
        "seconds": report.seconds,
    }
    return document, (
        f"{report.output}: {human_bytes(report.size)}\n"
        f"sha384 of its metadata, for the Host Configuration:\n{report.metadata_sha384}\n"
    )


def _inspect(options: argparse.Namespace) -> Answer:
    from trident.image.check import inspect_cosi
    from trident.image.cosi.reader import open_cosi

    with open_cosi(options.image, options.sha384) as cosi:
        inspection = inspect_cosi(cosi)
    return _inspection_document(inspection), _inspection_text(inspection)


def _verify(options: argparse.Namespace) -> Answer:
    from trident.image.check import verify_cosi
    from trident.image.cosi.reader import open_cosi

    with (
        open_cosi(options.image, options.sha384) as cosi,
        _one_step("verify", f"Verify {options.image}") as moved,
    ):
        verification = verify_cosi(cosi, moved)
        sha384 = cosi.metadata_sha384
    document = {
        "verified": True,
        "sha384": sha384,
        "images": [
            {"path": path, "compressedSize": one.fetched, "uncompressedSize": one.written}
            for path, one in verification.images
        ],
    }
    count = len(verification.images)
    return document, (
        f"{options.image}: {count} images, {human_bytes(verification.fetched)} compressed, "
        f"{human_bytes(verification.written)} raw, every byte as the metadata says.\n"
    )


def _write(options: argparse.Namespace) -> Answer:
    from trident.image.cosi.reader import open_cosi
    from trident.image.write_disk import write_disk

    with (
        open_cosi(options.image, options.sha384) as cosi,
        _one_step("write", f"Write {options.image} to {options.target}") as moved,
    ):
        written = write_disk(cosi, options.target, moved)
    document = {"target": options.target, "fetched": written.fetched, "written": written.written}
    return document, f"{options.target}: {human_bytes(written.written)} written and verified.\n"


@contextmanager
def _one_step(name: str, title: str) -> Iterator[Callable[[int, int], None]]:
    """Show work that is one step as such a step."""
    started = time.monotonic()
    with drawn() as progress:
        progress(StepBegun(name, title, 1, 1))
        yield lambda done, total: progress(BytesMoved(name, done, total))
        progress(StepEnded(name, "done", time.monotonic() - started))


def _inspection_document(inspection: Inspection) -> dict[str, Any]:
    metadata = inspection.metadata
    return {
        "url": inspection.url,
        "size": inspection.size,
        "sha384": inspection.metadata_sha384,
        "version": str(metadata.version),
        "osArch": metadata.arch,
        "osRelease": dict(metadata.os_release.fields),
        "bootloader": metadata.bootloader.type if metadata.bootloader else None,
        "packages": len(metadata.os_packages) if metadata.os_packages is not None else None,
        "maxWindowLog": metadata.max_window_log,
        "filesystems": [
            {
                "mountPoint": fs.mount_point,
                "fsType": fs.fs_type,
                "fsUuid": fs.fs_uuid,
                "partType": fs.part_type,
                "path": fs.image.path,
                "compressedSize": fs.image.compressed_size,
                "uncompressedSize": fs.image.uncompressed_size,
                "sha384": fs.image.sha384,
            }
            for fs in metadata.filesystems
        ],
        "partitions": [
            {
                "number": view.entry.number,
                "offset": view.offset,
                "size": view.size,
                "mountPoint": view.mount_point,
                "path": view.image.path if view.image else None,
            }
            for view in inspection.partitions
        ],
    }


def _inspection_text(inspection: Inspection) -> str:
    metadata = inspection.metadata
    release = metadata.os_release.fields
    name = release.get("PRETTY_NAME", release.get("ID", "unknown"))
    image = " ".join(filter(None, (release.get("IMAGE_ID"), release.get("IMAGE_VERSION"))))
    lines = [
        f"{inspection.url}",
        f"  COSI {metadata.version}, {human_bytes(inspection.size)}, {metadata.arch}",
        f"  OS          {name}",
        f"  image       {image or 'unnamed'}",
        f"  boot loader {metadata.bootloader.type if metadata.bootloader else 'unknown'}",
        f"  packages    {len(metadata.os_packages or ())}",
        f"  sha384      {inspection.metadata_sha384}",
        "",
        f"  {'mount point':<14}{'type':<7}{'compressed':>11}{'raw':>10}  UUID",
    ]
    lines += [
        f"  {fs.mount_point:<14}{fs.fs_type:<7}{human_bytes(fs.image.compressed_size):>11}"
        f"{human_bytes(fs.image.uncompressed_size):>10}  {fs.fs_uuid}"
        for fs in metadata.filesystems
    ]
    return "\n".join(lines) + "\n"
