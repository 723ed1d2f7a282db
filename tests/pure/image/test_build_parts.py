"""Parts of the image builder that need no tools: trees, kernels, packages, PE files."""

from __future__ import annotations

import io
import os
import struct
import tarfile
from pathlib import Path
from typing import Any

import pytest

from trident.errors import InvalidInput
from trident.image.build.packages import parse_dpkg_status, parse_rpm
from trident.image.build.read_tree import read_tree
from trident.image.build.tree import Kind, Tree
from trident.image.build.uki import find_kernel, pe_sections
from trident.image.cosi.metadata import OsPackage

Entry = tuple[str, dict[str, Any], bytes]


def archive(path: Path, entries: list[Entry]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, fields, data in entries:
            info = tarfile.TarInfo(name)
            for field, value in fields.items():
                setattr(info, field, value)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def tree_of(tmp_path: Path, entries: list[Entry]) -> Tree:
    staging = tmp_path / "staging"
    staging.mkdir()
    return read_tree(archive(tmp_path / "tree.tar", entries), staging)


DIRECTORY: dict[str, Any] = {"type": tarfile.DIRTYPE, "mode": 0o755}


def link(target: str) -> dict[str, Any]:
    return {"type": tarfile.SYMTYPE, "linkname": target}


def test_owners_modes_and_devices_come_from_the_archive(tmp_path: Path) -> None:
    capability = "\x01\x00\x00\x02"
    tree = tree_of(
        tmp_path,
        [
            ("./", {**DIRECTORY, "uid": 0, "mode": 0o755}, b""),
            ("./bin/su", {"uid": 12, "gid": 34, "mode": 0o4755, "mtime": 77}, b"su"),
            ("./dev/null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3, "mode": 0o666}, b""),
            ("./bin/ping", {"pax_headers": {"SCHILY.xattr.security.capability": capability}}, b"ping"),
        ],
    )

    su = tree.nodes["bin/su"]
    assert (su.uid, su.gid, su.mode, su.mtime, su.size) == (12, 34, 0o4755, 77, 2)
    assert (tree.nodes["dev/null"].kind, tree.nodes["dev/null"].device) == (Kind.CHARACTER, (1, 3))
    assert tree.nodes["bin/ping"].xattrs == (("security.capability", capability.encode()),)
    assert tree.nodes["dev"].kind is Kind.DIRECTORY  # not in the archive, but needed


def test_a_directory_is_read_without_being_touched(tmp_path: Path) -> None:
    source, staging = tmp_path / "source", tmp_path / "staging"
    (source / "etc").mkdir(parents=True)
    (source / "etc" / "hostname").write_text("lab")
    (source / "etc" / "mtab").symlink_to("/proc/mounts")
    os.link(source / "etc" / "hostname", source / "name")
    staging.mkdir()

    tree = read_tree(source, staging)
    tree.replace_content("etc/hostname", b"other", mtime=5)
    tree.remove(lambda path: path == "name")

    assert (source / "etc" / "hostname").read_text() == "lab"
    assert (source / "name").exists()
    assert tree.file("etc/hostname").read_bytes() == b"other"  # type: ignore[union-attr]
    assert tree.nodes["etc/mtab"].target == "/proc/mounts"
    assert not (staging / "name").exists()


def test_both_names_of_a_file_lead_to_one_content(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, [("a", {}, b"data"), ("b", {"type": tarfile.LNKTYPE, "linkname": "a"}, b"")])

    assert tree.staged("a").stat().st_ino == tree.staged("b").stat().st_ino
    assert tree.nodes["b"].link == "a"


def test_os_release_is_found_through_its_link(tmp_path: Path) -> None:
    entries: list[Entry] = [
        ("etc/os-release", link("../usr/lib/os-release"), b""),
        ("usr/lib/os-release", {}, b"ID=x\n"),
    ]

    tree = tree_of(tmp_path, entries)

    assert tree.resolve("etc/os-release") == "usr/lib/os-release"
    assert tree.resolve("etc/../../../etc/os-release") == "usr/lib/os-release"


@pytest.mark.parametrize("target", ["/etc/shadow", "../../../../etc/shadow", "loop"])
def test_a_link_never_leads_out_of_the_tree(tmp_path: Path, target: str) -> None:
    tree = tree_of(tmp_path, [("etc/os-release", link(target), b""), ("etc/loop", link("os-release"), b"")])

    assert tree.file("etc/os-release") is None


@pytest.mark.parametrize(
    "entries",
    [
        [("../outside", {}, b"x")],
        [("a/../../outside", {}, b"x")],
        [("etc", link("/tmp"), b""), ("etc/passwd", {}, b"x")],
        [("file", {}, b"x"), ("file/below", {}, b"x")],
        [("b", {"type": tarfile.LNKTYPE, "linkname": "../../etc/shadow"}, b"")],
        [("b", {"type": tarfile.LNKTYPE, "linkname": "absent"}, b"")],
        [("d", DIRECTORY, b""), ("d", {}, b"x")],
    ],
)
def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path, entries: list[Entry]) -> None:
    with pytest.raises(InvalidInput) as caught:
        tree_of(tmp_path, entries)
    assert caught.value.code == "invalid-root-tree"


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x1f\x8bbroken", b"\x28\xb5\x2f\xfdbroken"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "tree.tar").write_bytes(data)
    with pytest.raises(InvalidInput):
        read_tree(tmp_path / "tree.tar", tmp_path)


def test_the_digest_sees_every_attribute_but_not_the_order(tmp_path: Path) -> None:
    base: list[Entry] = [("a", {"mode": 0o644}, b"1"), ("b", {}, b"2")]
    digests = set()
    for number, entries in enumerate(
        [base, base[::-1], [("a", {"mode": 0o600}, b"1"), base[1]], [("a", {"mode": 0o644}, b"3"), base[1]]]
    ):
        (tmp_path / str(number)).mkdir()
        digests.add(tree_of(tmp_path / str(number), entries).digest())

    assert len(digests) == 3


def test_time_stamps_are_clamped(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, [("old", {"mtime": 10}, b""), ("new", {"mtime": 99}, b"")])
    assert tree.newest() == 99

    tree.clamp(50)

    assert (tree.nodes["old"].mtime, tree.nodes["new"].mtime) == (10, 50)


KERNELS: list[Entry] = [("boot/vmlinuz-6.9.1", {}, b"k9"), ("boot/vmlinuz-6.12.1", {}, b"k12")]
INITRDS: list[Entry] = [("boot/initrd.img-6.9.1", {}, b"i9"), ("boot/initrd.img-6.12.1", {}, b"i12")]


def test_the_newest_kernel_is_taken_by_number(tmp_path: Path) -> None:
    kernel = find_kernel(tree_of(tmp_path, [*KERNELS, *INITRDS]), None)

    assert (kernel.release, kernel.image.read_bytes(), kernel.initrd.read_bytes()) == (
        "6.12.1",
        b"k12",
        b"i12",
    )


def test_the_layout_may_choose_a_kernel(tmp_path: Path) -> None:
    tree = tree_of(tmp_path, [*KERNELS, *INITRDS])

    assert find_kernel(tree, "6.9.1").image.read_bytes() == b"k9"
    with pytest.raises(InvalidInput, match=r"vmlinuz-5\.0"):
        find_kernel(tree, "5.0")


def test_a_kernel_without_initrd_is_said_to_lack_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"initrd\.img-6\.12\.1"):
        find_kernel(tree_of(tmp_path, KERNELS), None)


def test_a_kernel_beneath_usr_lib_modules_is_found(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path, [("usr/lib/modules/6.1/vmlinuz", {}, b"k"), ("usr/lib/modules/6.1/initrd", {}, b"i")]
    )

    assert find_kernel(tree, None).release == "6.1"


def test_dpkg_versions_are_split_at_the_last_hyphen() -> None:
    status = """Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.37-2+b5
Description: shell
 Package: not a field

Package: base-files
Status: install ok installed
Architecture: all
Version: 1:13.8+deb13u7

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1-1
"""
    assert list(parse_dpkg_status(status)) == [
        OsPackage("bash", "5.2.37", "2+b5", "x86_64"),
        OsPackage("base-files", "1:13.8+deb13u7", "", "noarch"),
    ]


def test_rpm_output_is_read() -> None:
    assert list(parse_rpm("bash\t5.2\t1.azl3\tx86_64\nnonsense\n")) == [
        OsPackage("bash", "5.2", "1.azl3", "x86_64")
    ]


def pe_file(sections: dict[str, bytes]) -> bytes:
    """A PE file with nothing in it but sections."""
    head = b"MZ" + bytes(0x3A) + struct.pack("<I", 0x40)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 0, 0)
    at = len(head) + len(coff) + 40 * len(sections)
    table, body = b"", b""
    for name, data in sections.items():
        table += struct.pack(
            "<8sIIIIIIHHI", name.encode(), len(data), 0, len(data), at + len(body), 0, 0, 0, 0, 0
        )
        body += data
    return head + coff + table + body


def test_sections_of_a_pe_file_are_found(tmp_path: Path) -> None:
    file = tmp_path / "uki.efi"
    data = pe_file({".linux": b"kernel", ".cmdline": b"root=/dev/sda"})
    file.write_bytes(data)

    offset, size = pe_sections(file)[".cmdline"]

    assert data[offset : offset + size] == b"root=/dev/sda"


@pytest.mark.parametrize(
    "data", [b"", b"MZ", b"MZ" + bytes(100), b"\x7fELF" + bytes(100), pe_file({"a": b""})[:70]]
)
def test_what_is_no_pe_file_has_no_sections(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)

    assert pe_sections(tmp_path / "x") == {}
