"""COSI metadata: what is read, what is refused, and that refusing is always one clear error."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pure.image.samples import ROOT_TYPE, document, encoded, old_document
from trident.errors import InvalidInput
from trident.image.cosi.document import to_document, to_json
from trident.image.cosi.metadata import CosiMetadata, ImageFile, ImageFilesystem
from trident.image.cosi.parse import parse_metadata
from trident.image.os_release import OsRelease


def refused(metadata: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_metadata(metadata if isinstance(metadata, bytes) else encoded(metadata))
    return caught.value


def test_metadata_is_made_in_one_line_for_tests_of_other_rooms() -> None:
    metadata = CosiMetadata(
        os_release=OsRelease("ID=debian\n"), filesystems=(ImageFilesystem(ImageFile("images/r")),)
    )

    assert metadata.os_release.id == "debian"
    assert metadata.filesystem_at("/") is metadata.filesystems[0]
    assert metadata.esp is None


def test_everything_of_a_1_2_document_is_read() -> None:
    metadata = parse_metadata(encoded(document()))

    assert metadata.version == (1, 2)
    assert metadata.arch == "x86_64"
    assert (metadata.os_release.image_id, metadata.os_release.image_version) == ("lab", "7")
    assert (metadata.os_release.id, metadata.os_release.version_id) == ("debian", "13")
    assert [fs.mount_point for fs in metadata.filesystems] == ["/boot/efi", "/"]
    assert metadata.esp is metadata.filesystem_at("/boot/efi/")
    assert metadata.disk is not None
    assert metadata.disk.primary_gpt is not None
    assert [region.number for region in metadata.disk.partitions] == [1, 2]
    assert metadata.bootloader is not None
    assert metadata.bootloader.entries[0].kernel == "6.12.1"
    assert metadata.os_packages is not None
    assert metadata.os_packages[0].release == "2"
    assert metadata.max_window_log == 23
    assert metadata.id == "0b1e7f0a-1111-4222-8333-444455556666"
    assert [image.path for image in metadata.image_files()] == [
        "images/gpt.zst",
        "images/esp.zst",
        "images/root.zst",
    ]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_older_revisions_need_less(version: str) -> None:
    metadata = parse_metadata(encoded(old_document(version)))

    assert str(metadata.version) == version
    assert metadata.disk is None
    assert metadata.max_window_log is None


def test_a_newer_minor_revision_is_read_and_unknown_fields_are_ignored() -> None:
    newer = document()
    newer["version"] = "1.7"
    newer["fromTheFuture"] = {"deep": [1, 2]}
    newer["images"][1]["colour"] = "blue"
    newer["disk"]["gptRegions"].append({"type": "backup-gpt", "image": "whatever"})

    assert parse_metadata(encoded(newer)).filesystems == parse_metadata(encoded(document())).filesystems


@pytest.mark.parametrize("version", ["2.0", "3.14"])
def test_a_newer_major_revision_is_refused_by_name(version: str) -> None:
    error = refused({"version": version, "everything": "else differs"})

    assert error.code == "unsupported-cosi-version"
    assert version in error.message
    assert error.hint


@pytest.mark.parametrize("name", ["amd64", "X64", "x86_64", "AMD64"])
def test_architectures_have_other_names(name: str) -> None:
    assert parse_metadata(encoded({**document(), "osArch": name})).arch == "x86_64"
    assert parse_metadata(encoded({**document(), "osArch": "AArch64"})).arch == "arm64"


def change(path: str, value: object) -> dict[str, Any]:
    """The valid document with the value at ``path`` (``images.1.fsType``) replaced, or removed by ``...``."""
    whole = document()
    at: Any = whole
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        at = at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return whole


BAD = {
    "not-an-object": [],
    "version-missing": change("version", ...),
    "version-number": change("version", 1.2),
    "version-words": change("version", "one.two"),
    "version-zero": change("version", "0.9"),
    "version-unicode-digits": change("version", "\u0661.\u0662"),
    "arch-unknown": change("osArch", "m68k"),
    "arch-null": change("osArch", None),
    "os-release-missing": change("osRelease", ...),
    "os-release-nul": change("osRelease", "ID=x\0"),
    "images-object": change("images", {}),
    "images-of-text": change("images", ["root"]),
    "image-size-negative": change("images.1.image.compressedSize", -1),
    "image-size-huge": change("images.1.image.uncompressedSize", 2**63),
    "image-size-astronomic": change("images.1.image.uncompressedSize", 10**400),
    "image-size-float": change("images.1.image.compressedSize", 10.5),
    "image-size-true": change("images.1.image.compressedSize", True),
    "image-size-text": change("images.1.image.compressedSize", "10"),
    "path-outside-images": change("images.1.image.path", "root.zst"),
    "path-climbs": change("images.1.image.path", "images/../../etc/shadow"),
    "path-absolute": change("images.1.image.path", "/images/root.zst"),
    "path-of-directory": change("images.1.image.path", "images/"),
    "path-doubled-slash": change("images.1.image.path", "images//root.zst"),
    "path-escape": change("images.1.image.path", "images/\u001b[2Jroot"),
    "path-long": change("images.1.image.path", "images/" + "x" * 5000),
    "path-surrogate": change("images.1.image.path", "images/\ud800"),
    "hash-short": change("images.1.image.sha384", "deadbeef"),
    "hash-missing": change("images.1.image.sha384", ...),
    "part-type-words": change("images.1.partType", "root"),
    "fs-type-empty": change("images.1.fsType", ""),
    "verity-text": change("images.1.verity", "yes"),
    "verity-without-hash": change("images.1.verity", {"image": document()["images"][1]["image"]}),
    "mount-point-twice": change("images.0.mountPoint", "/"),
    "image-twice": change("images.0.image", document()["images"][1]["image"]),
    "esp-twice": change("images.1.partType", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"),
    "disk-missing": change("disk", ...),
    "disk-mbr": change("disk.type", "mbr"),
    "disk-sectors": change("disk.lbaSize", 1024),
    "disk-odd-size": change("disk.size", 1000),
    "regions-missing": change("disk.gptRegions", ...),
    "regions-empty": change("disk.gptRegions", []),
    "regions-without-gpt": change("disk.gptRegions", document()["disk"]["gptRegions"][1:]),
    "regions-with-two-gpts": change("disk.gptRegions.1", {**document()["disk"]["gptRegions"][0]}),
    "partition-zero": change("disk.gptRegions.1.number", 0),
    "partition-missing": change("disk.gptRegions.1.number", ...),
    "partition-twice": change("disk.gptRegions.1.number", 2),
    "region-differs": change("disk.gptRegions.2.image.uncompressedSize", 4096),
    "image-without-region": change("disk.gptRegions", document()["disk"]["gptRegions"][:2]),
    "bootloader-missing": change("bootloader", ...),
    "bootloader-without-entries": change("bootloader.systemdBoot", None),
    "bootloader-with-no-entry": change("bootloader.systemdBoot.entries", []),
    "grub-with-entries": change("bootloader.type", "grub"),
    "packages-missing": change("osPackages", ...),
    "package-without-arch": change("osPackages.0.arch", ...),
    "package-without-name": change("osPackages.0.name", ""),
    "compression-missing": change("compression", ...),
    "window-absurd": change("compression.maxWindowLog", 32),
    "id-words": change("id", "mine"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_broken_rule_is_one_error_that_names_the_place(bad: object) -> None:
    error = refused(bad)

    assert error.code == "corrupt-os-image"
    assert error.hint
    assert error.message.isprintable()
    assert len(error.message) < 300


NO_JSON = {
    "empty": b"",
    "half": encoded(document())[:100],
    "not-utf-8": b'{"version": "\xff"}',
    "utf-16": encoded(document()).decode().encode("utf-16"),
    "binary": bytes(range(256)),
    "nested": b"[" * 200_000,
    "nested-objects": b'{"a":' * 200_000,
    "nan": b'{"version": NaN}',
    "number-of-many-digits": b'{"version": ' + b"9" * 10_000 + b"}",
    "field-twice": b'{"version": "1.2", "version": "1.0"}',
    "trailing-text": encoded(document()) + b"x",
}


@pytest.mark.parametrize("data", NO_JSON.values(), ids=NO_JSON.keys())
def test_what_is_no_json_is_one_error(data: bytes) -> None:
    assert refused(data).code == "corrupt-os-image"


def test_two_file_systems_with_one_uuid_are_refused_under_upstreams_name() -> None:
    error = refused(change("images.0.fsUuid", document()["images"][1]["fsUuid"].upper()))

    assert error.code == "duplicate-fs-uuid"


def test_the_error_says_which_of_many_fields_is_wrong() -> None:
    error = refused(change("disk.gptRegions.2.image.sha384", "abc"))

    assert "disk.gptRegions[2].image.sha384" in error.message


def test_a_verity_image_is_one_of_the_images() -> None:
    whole = document()
    tree = {**whole["images"][1]["image"], "path": "images/hash.zst"}
    whole["images"][1]["verity"] = {"image": tree, "roothash": "ab" * 32}
    whole["disk"]["gptRegions"].append({"image": copy.deepcopy(tree), "type": "partition", "number": 3})

    metadata = parse_metadata(encoded(whole))

    assert metadata.filesystems[1].verity is not None
    assert metadata.filesystems[1].verity.image in set(metadata.image_files())


def test_what_is_written_reads_back_the_same() -> None:
    metadata = parse_metadata(encoded(document()))

    assert parse_metadata(to_json(metadata)) == metadata
    assert to_json(metadata) == to_json(parse_metadata(to_json(metadata)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*found, *(place for key, inner in inside for place in places(inner, (*path, key)))]


@settings(max_examples=400)
@given(st.data())
def test_any_value_at_any_place_is_read_or_refused_but_never_a_traceback(data: st.DataObject) -> None:
    whole = document()
    place = data.draw(st.sampled_from(places(whole)))
    at: Any = whole
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = data.draw(JSON)

    try:
        metadata = parse_metadata(encoded(whole))
    except InvalidInput as error:
        assert error.message.isprintable()
    else:
        assert parse_metadata(encoded(to_document(metadata))) == metadata


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    assert refused(data).code in ("corrupt-os-image", "unsupported-cosi-version")


@given(st.data())
def test_any_flipped_byte_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(encoded(document()))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidInput):
        parse_metadata(bytes(whole))


@pytest.mark.parametrize(
    ("text", "read", "expected"),
    [
        ('NAME="A \\"quoted\\" name"\n', lambda release: release.pretty_name, 'A "quoted" name'),
        ("# comment\n\nID=debian\n", lambda release: release.id, "debian"),
        ("ID='single'\n", lambda release: release.id, "single"),
        ("ID=first\nID=second\n", lambda release: release.id, "second"),
        ("ID=un'closed\n", lambda release: release.id, "un'closed"),
        ("no assignment\n", lambda release: release.id, None),
    ],
)
def test_os_release_is_read_as_the_shell_would(
    text: str, read: Callable[[OsRelease], str | None], expected: str | None
) -> None:
    assert read(OsRelease(text)) == expected


def test_the_part_type_is_compared_in_lower_case() -> None:
    upper = change("images.1.partType", ROOT_TYPE.upper())

    assert parse_metadata(json.dumps(upper).encode()).filesystems[1].part_type == ROOT_TYPE
