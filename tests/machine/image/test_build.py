"""Images from root trees: right, the same each time, and without privileges."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import trident
from tests.pure.image.test_build_parts import pe_file
from trident.errors import ExecutionEnvironment, InvalidInput
from trident.image.build import BuildReport, build_image, parse_layout
from trident.image.check import inspect_cosi, verify_cosi
from trident.image.cosi.reader import open_cosi
from trident.image.stream import write_image
from trident.image.write_disk import write_disk
from trident.progress import BytesMoved, Event, StepBegun, StepEnded

pytestmark = pytest.mark.machine

UKI = pe_file(
    {".osrel": b"ID=lab", ".cmdline": b"root=/dev/vda2 quiet", ".uname": b"6.12.1", ".linux": b"k" * 5000}
)
LOADER = pe_file({".text": b"systemd-boot"})
# Stands for ukify where none is installed: takes the same arguments, and lays down what it was given.
UKIFY = b"""import sys
arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
assert sys.argv[1] == "build" and open(arguments["--os-release"][1:]).read()
with open(arguments["--output"], "wb") as output:
    for name in ("--linux", "--initrd", "--stub"):
        output.write(open(arguments[name], "rb").read())
    output.write(arguments["--cmdline"].encode() + arguments["--uname"].encode())
"""
SOURCE = str(Path(trident.__file__).parents[1])
EFI = "usr/lib/systemd/boot/efi"
DPKG = b"Package: bash\nStatus: install ok installed\nVersion: 5.2.37-2\nArchitecture: amd64\n"

Entry = tuple[str, dict[str, Any], bytes]
FILES: list[Entry] = [
    ("usr/lib/os-release", {}, b'ID=debian\nVERSION_ID="13"\nIMAGE_ID=old\n'),
    ("etc/os-release", {"type": tarfile.SYMTYPE, "linkname": "../usr/lib/os-release"}, b""),
    ("etc/shadow", {"mode": 0o640, "gid": 42}, b"root:*:\n"),
    ("usr/bin/su", {"mode": 0o4755}, os.urandom(100_000)),
    ("usr/bin/same", {"type": tarfile.LNKTYPE, "linkname": "usr/bin/su"}, b""),
    ("usr/bin/ping", {"pax_headers": {"SCHILY.xattr.user.note": "kept"}}, b"ping"),
    ("home/ann", {"type": tarfile.DIRTYPE, "mode": 0o700, "uid": 1000, "gid": 1000}, b""),
    ('home/ann/a file with "quotes" and spaces', {"uid": 1000, "gid": 1000}, b"hers"),
    ("dev/null", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3, "mode": 0o666}, b""),
    ("run/initctl", {"type": tarfile.FIFOTYPE, "mode": 0o600}, b""),
    ("var/cache/apt/archives/big.deb", {}, b"x" * 50_000),
    ("var/lib/dpkg/status", {}, DPKG),
    (f"{EFI}/systemd-bootx64.efi", {}, LOADER),
    (f"{EFI}/linuxx64.efi.stub", {}, b"stub"),
    ("boot/vmlinuz-6.12.1", {}, b"kernel"),
    ("boot/initrd.img-6.12.1", {}, b"initrd"),
    ("boot/ready.efi", {}, UKI),
    ("usr/bin/ukify", {"mode": 0o755}, UKIFY),
]
LAYOUT = "id: lab\nversion: '7'\nexclude: [var/cache/apt, boot]\ncompression: {level: 3, windowLog: 20}\n"
READY = "kernel: {uki: boot/ready.efi}\n"


def archive(path: Path, files: list[Entry] = FILES, mode: str = "w") -> Path:
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for name, fields, data in files:
            info = tarfile.TarInfo(name)
            info.mtime = 1_700_000_000
            for field, value in fields.items():
                setattr(info, field, value)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def built(tree: Path, output: Path, layout: str = LAYOUT + READY) -> BuildReport:
    return build_image(tree, parse_layout(layout), output)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def mounted_root(report: BuildReport, tmp_path: Path) -> Iterator[Path]:
    raw, place = tmp_path / "root.raw", tmp_path / "mounted"
    with open_cosi(str(report.output), report.metadata_sha384) as cosi:
        root = cosi.metadata.filesystem_at("/")
        assert root is not None
        write_image(cosi, root.image, raw)
    subprocess.run(["e2fsck", "-f", "-n", raw], check=True, capture_output=True)
    place.mkdir()
    subprocess.run(["mount", "-o", "loop,ro", raw, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_the_root_file_system_is_the_tree(tmp_path: Path) -> None:
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi")

    with mounted_root(report, tmp_path) as root:
        release = (root / "etc/os-release").read_text()
        assert release.endswith('IMAGE_ID="lab"\nIMAGE_VERSION="7"\n')
        assert "old" not in release
        shadow, su, hers = (root / name for name in ("etc/shadow", "usr/bin/su", "home/ann"))
        assert (shadow.stat().st_gid, shadow.stat().st_mode & 0o7777) == (42, 0o640)
        assert su.stat().st_mode & 0o7777 == 0o4755
        assert su.stat().st_ino == (root / "usr/bin/same").stat().st_ino
        assert su.read_bytes() == FILES[3][2]
        assert os.getxattr(root / "usr/bin/ping", "user.note") == b"kept"
        assert (hers.stat().st_uid, hers.stat().st_mode & 0o7777) == (1000, 0o700)
        assert (hers / 'a file with "quotes" and spaces').read_text() == "hers"
        assert (root / "dev/null").is_char_device()
        assert (root / "dev/null").stat().st_rdev == os.makedev(1, 3)
        assert (root / "run/initctl").is_fifo()
        assert not (root / "var/cache/apt").exists()
        assert not (root / "boot").exists()
        assert {path.lstat().st_mtime for path in root.rglob("*") if path.is_file()} == {1_700_000_000}


def test_the_metadata_says_what_is_in_it(tmp_path: Path) -> None:
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi")

    metadata = report.metadata
    assert (metadata.os_release.image_id, metadata.os_release.image_version) == ("lab", "7")
    assert metadata.bootloader is not None
    (entry,) = metadata.bootloader.entries
    assert (entry.type, entry.path) == ("uki-standalone", "/boot/efi/EFI/Linux/lab-7.efi")
    assert (entry.cmdline, entry.kernel) == ("root=/dev/vda2 quiet", "6.12.1")
    assert metadata.os_packages is not None
    assert [package.name for package in metadata.os_packages] == ["bash"]
    with open_cosi(str(report.output)) as cosi:
        assert cosi.metadata == metadata
        assert cosi.metadata_sha384 == report.metadata_sha384
        verify_cosi(cosi)
        esp, root = inspect_cosi(cosi).partitions
    assert (esp.mount_point, root.mount_point, root.shrunk) == ("/boot/efi", "/", True)


def test_the_first_bytes_are_the_marker_and_tar_reads_the_rest(tmp_path: Path) -> None:
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi")

    assert report.output.read_bytes().startswith(b"cosi-marker")
    listed = subprocess.run(["tar", "-tf", report.output], check=True, capture_output=True, text=True)
    names = ["cosi-marker", "metadata.json", *(f"images/{n}.raw.zst" for n in ("primary-gpt", "esp", "root"))]
    assert listed.stdout.split() == names
    with tarfile.open(report.output) as tar:
        for name in names[2:]:
            stream = tar.extractfile(name)
            assert stream is not None
            subprocess.run(["zstd", "-tq"], input=stream.read(), check=True)


def test_the_esp_holds_uki_and_boot_loader(tmp_path: Path) -> None:
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi")
    with open_cosi(str(report.output)) as cosi:
        assert cosi.metadata.esp is not None
        write_image(cosi, cosi.metadata.esp.image, tmp_path / "esp.raw")

    subprocess.run(["fsck.vfat", "-n", tmp_path / "esp.raw"], check=True, capture_output=True)
    out = tmp_path / "esp"
    out.mkdir()
    subprocess.run(["mcopy", "-s", "-i", tmp_path / "esp.raw", "::*", out], check=True)
    assert (out / "EFI/Linux/lab-7.efi").read_bytes() == UKI
    assert (out / "EFI/BOOT/BOOTX64.EFI").read_bytes() == LOADER
    assert (out / "EFI/systemd/systemd-bootx64.efi").read_bytes() == LOADER
    assert "timeout" in (out / "loader/loader.conf").read_text()
    blkid = subprocess.run(
        ["blkid", "-p", "-o", "export", tmp_path / "esp.raw"], check=True, capture_output=True, text=True
    )
    assert f"UUID={report.metadata.esp.fs_uuid}\n" in blkid.stdout  # type: ignore[union-attr]
    assert "VERSION=FAT32" in blkid.stdout


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first = archive(tmp_path / "a.tar")
    shuffled = [*FILES[:3], *FILES[5:], *FILES[3:5]]
    second = archive(tmp_path / "b.tar.gz", shuffled, "w:gz")
    xz = archive(tmp_path / "c.tar.xz", FILES, "w:xz")
    subprocess.run(["zstd", "-q", first, "-o", tmp_path / "d.tar.zst"], check=True)

    sums = set()
    for number, tree in enumerate((first, first, second, xz, tmp_path / "d.tar.zst")):
        directory = tmp_path / str(number)
        directory.mkdir()
        time.sleep(0.5)  # time stamps of now would show within the two seconds that FAT counts in
        sums.add(sha256(built(tree, directory / f"{number}.cosi").output))

    assert len(sums) == 1


def test_a_directory_gives_the_same_bytes_as_its_archive_and_stays_untouched(tmp_path: Path) -> None:
    tree = archive(tmp_path / "tree.tar")
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    command: list[str | Path] = [
        "tar",
        "--xattrs",
        "--xattrs-include=*",
        "--numeric-owner",
        "-xpf",
        tree,
        "-C",
        unpacked,
    ]
    subprocess.run(command, check=True)
    for path in sorted(unpacked.rglob("*"), reverse=True):
        os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    # Directories that the archive does not name have the time of unpacking; name the time instead.
    layout = LAYOUT + READY + "sourceDateEpoch: 1600000000\n"
    before = subprocess.run(["find", unpacked, "-ls"], check=True, capture_output=True).stdout

    from_directory = built(unpacked, tmp_path / "directory.cosi", layout)
    with mounted_root(from_directory, tmp_path) as root:
        assert (root / "etc/shadow").stat().st_gid == 42
        assert os.getxattr(root / "usr/bin/ping", "user.note") == b"kept"

    again = built(unpacked, tmp_path / "again.cosi", layout)
    assert sha256(from_directory.output) == sha256(again.output)
    assert subprocess.run(["find", unpacked, "-ls"], check=True, capture_output=True).stdout == before


def test_without_privileges_the_bytes_are_the_same(tmp_path: Path) -> None:
    tree = archive(tmp_path / "tree.tar")
    as_root = built(tree, tmp_path / "root.cosi")
    layout = tmp_path / "layout.yaml"
    layout.write_text(LAYOUT + READY)
    build = (
        "import sys; from pathlib import Path; from trident.image.build import build_image, load_layout;"
        "build_image(Path(sys.argv[1]), load_layout(sys.argv[2]), Path(sys.argv[3]))"
    )
    # Still uid 0, which can read the project wherever it lies, but may not chown, mknod or mount.
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    command: list[str | Path] = [
        *powerless,
        sys.executable,
        "-c",
        build,
        tree,
        layout,
        tmp_path / "plain.cosi",
    ]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": SOURCE})

    refused = subprocess.run(
        [*powerless, "mknod", tmp_path / "null", "c", "1", "3"], capture_output=True, check=False
    )
    assert refused.returncode != 0
    assert sha256(tmp_path / "plain.cosi") == sha256(as_root.output)


def test_another_version_has_other_identities(tmp_path: Path) -> None:
    tree = archive(tmp_path / "tree.tar")
    seven = built(tree, tmp_path / "7.cosi").metadata
    eight = built(tree, tmp_path / "8.cosi", (LAYOUT + READY).replace("'7'", "'8'")).metadata

    assert seven.id != eight.id
    for path in ("/", "/boot/efi"):
        assert seven.filesystem_at(path).fs_uuid != eight.filesystem_at(path).fs_uuid  # type: ignore[union-attr]


def test_what_does_not_change_keeps_its_bytes_from_one_version_to_the_next(tmp_path: Path) -> None:
    more: list[Entry] = [("usr/zz-last", {}, b"new in 8")]
    blocks = []
    for version, files in (("7", FILES), ("8", FILES + more)):
        directory = tmp_path / version
        directory.mkdir()
        tree = archive(directory / "tree.tar", files)
        report = built(tree, directory / "x.cosi", (LAYOUT + READY).replace("'7'", f"'{version}'"))
        with open_cosi(str(report.output)) as cosi:
            write_image(cosi, cosi.metadata.filesystem_at("/").image, directory / "raw")  # type: ignore[union-attr]
        raw = (directory / "raw").read_bytes()
        blocks.append({raw[at : at + 4096] for at in range(0, len(raw), 4096)})

    assert len(blocks[1] - blocks[0]) < 20


def test_the_uki_is_made_of_the_trees_kernel_and_names_the_images_root(tmp_path: Path) -> None:
    layout = LAYOUT + "kernel: {commandLine: console=ttyS0}\n"
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi", layout)

    root = report.metadata.filesystem_at("/")
    assert root is not None
    assert report.metadata.bootloader is not None
    entry = report.metadata.bootloader.entries[0]
    assert entry.cmdline == f"root=UUID={root.fs_uuid} ro console=ttyS0"
    assert entry.kernel == "6.12.1"


def test_the_layout_may_name_another_root(tmp_path: Path) -> None:
    layout = LAYOUT + "kernel: {commandLine: root=PARTLABEL=elsewhere, root: false}\n"
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi", layout)

    assert report.metadata.bootloader is not None
    assert report.metadata.bootloader.entries[0].cmdline == "root=PARTLABEL=elsewhere"


def test_sizes_of_the_layout_are_kept(tmp_path: Path) -> None:
    layout = LAYOUT + READY + "esp: {size: 40M}\nroot: {size: 300M}\n"
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi", layout)

    with open_cosi(str(report.output)) as cosi:
        write_disk(cosi, tmp_path / "disk.raw")
    done = subprocess.run(
        ["sfdisk", "--json", tmp_path / "disk.raw"], check=True, capture_output=True, text=True
    )
    sizes = [part["size"] * 512 for part in json.loads(done.stdout)["partitiontable"]["partitions"]]
    assert sizes == [40 * 1024**2, 300 * 1024**2]


def test_the_file_system_can_be_grown(tmp_path: Path) -> None:
    report = built(archive(tmp_path / "tree.tar"), tmp_path / "lab.cosi")
    raw = tmp_path / "root.raw"
    with open_cosi(str(report.output)) as cosi:
        write_image(cosi, cosi.metadata.filesystem_at("/").image, raw)  # type: ignore[union-attr]
    os.truncate(raw, 2 * 1024**3)

    subprocess.run(["e2fsck", "-f", "-p", raw], check=True, capture_output=True)
    subprocess.run(["resize2fs", raw], check=True, capture_output=True)
    subprocess.run(["e2fsck", "-f", "-n", raw], check=True, capture_output=True)


def test_progress_tells_every_step(tmp_path: Path) -> None:
    events: list[Event] = []
    build_image(
        archive(tmp_path / "tree.tar"), parse_layout(LAYOUT + READY), tmp_path / "lab.cosi", events.append
    )

    begun = [event for event in events if isinstance(event, StepBegun)]
    assert [(event.index, event.total) for event in begun] == [(n + 1, len(begun)) for n in range(len(begun))]
    assert [event.outcome for event in events if isinstance(event, StepEnded)] == ["done"] * len(begun)
    last = [event for event in events if isinstance(event, BytesMoved)][-1]
    assert last.done == last.total


def without(*names: str) -> list[Entry]:
    return [entry for entry in FILES if entry[0] not in names]


@pytest.mark.parametrize(
    ("files", "layout", "says"),
    [
        (without("usr/lib/os-release"), READY, "etc/os-release"),
        (without(f"{EFI}/systemd-bootx64.efi"), READY, "systemd-bootx64.efi"),
        (without(f"{EFI}/linuxx64.efi.stub"), "", "linuxx64.efi.stub"),
        (without("boot/vmlinuz-6.12.1"), "", "vmlinuz"),
        (without("boot/initrd.img-6.12.1"), "", "initrd.img-6.12.1"),
        (FILES, "kernel: {release: 5.10}\n", "vmlinuz-5.10"),
        (FILES, "kernel: {uki: boot/absent.efi}\n", "boot/absent.efi"),
        (FILES, "kernel: {uki: boot/vmlinuz-6.12.1}\n", "no unified kernel image"),
        (FILES, READY + "esp: {size: 34M}\n", "ESP needs"),
        (FILES, READY + "root: {size: 1M}\n", "root file system needs"),
        (FILES, READY + "architecture: arm64\n", "systemd-bootaa64.efi"),
        ([*FILES, ("odd\nname", {}, b"")], READY, "line break"),
        ([*FILES, ("/".join("d" * 1500), {}, b"")], READY, "nested too deeply"),
    ],
)
def test_what_makes_no_image_is_said_and_leaves_nothing_behind(
    tmp_path: Path, files: list[Entry], layout: str, says: str
) -> None:
    tree = archive(tmp_path / "tree.tar", files)
    output = tmp_path / "out"
    output.mkdir()

    with pytest.raises(InvalidInput, match=says.replace(".", r"\.")) as caught:
        built(tree, output / "lab.cosi", LAYOUT + layout)

    assert caught.value.hint
    assert list(output.iterdir()) == []


def test_no_ukify_anywhere(tmp_path: Path) -> None:
    if shutil.which("ukify"):
        pytest.skip("this host has a ukify of its own")
    with pytest.raises(ExecutionEnvironment) as caught:
        built(archive(tmp_path / "tree.tar", without("usr/bin/ukify")), tmp_path / "lab.cosi", LAYOUT)
    assert caught.value.code == "missing-binary"


def test_an_old_image_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    output = tmp_path / "lab.cosi"
    output.write_text("the old one")
    with pytest.raises(InvalidInput):
        built(archive(tmp_path / "tree.tar", without("usr/lib/os-release")), output)

    assert output.read_text() == "the old one"


@pytest.mark.parametrize("name", ["tree/lab.cosi", "tree/etc/lab.cosi", "pipe", "folder", "missing/lab.cosi"])
def test_an_image_is_not_put_where_it_would_do_harm(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "tree").mkdir()
    subprocess.run(
        ["tar", "-xf", archive(tmp_path / "tree.tar"), "--exclude=dev", "-C", tmp_path / "tree"], check=True
    )
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InvalidInput) as caught:
        built(tmp_path / "tree", tmp_path / name)
    assert caught.value.code == "image-build"
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "pipe").is_fifo()


def test_an_image_does_not_replace_the_archive_that_it_is_made_of(tmp_path: Path) -> None:
    tree = archive(tmp_path / "tree.tar")
    content = tree.read_bytes()
    with pytest.raises(InvalidInput, match="lies in the root tree"):
        built(tree, tree)
    assert tree.read_bytes() == content
