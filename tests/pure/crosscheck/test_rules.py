"""Every mismatch: the configuration and the image that show it, and their nearest neighbours that do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.pure.config.sample import VALID, edited
from tests.pure.crosscheck.sample import (
    GIB,
    MIB,
    URL,
    VERITY,
    Bend,
    also,
    found,
    grub,
    metadata,
    packages,
    sized,
    top,
    verified,
    with_fields,
    without,
)
from tests.pure.image.samples import ESP_TYPE, ROOT_TYPE
from trident.crosscheck import Purpose, all_rules

ROOT_ON_ARM64 = "b921b045-1df0-41c3-af44-4c6f280d3fae"
USR_TYPE = "8484680c-9521-48c6-9c11-b0720656f69e"
GENERIC = "0fc63daf-8483-4772-8e79-3d69d8477de4"
SHA = "ab" * 48
SHARED = "{deviceId: data, source: new, type: ext4, mountPoint: {path: /data, options: noatime}}"
OF_IMAGE = edited((SHARED, "{deviceId: data, mountPoint: {path: /data}}"))
OPT = edited((SHARED, "{deviceId: data, mountPoint: /opt}"))
BOOT = edited((SHARED, "{deviceId: data, mountPoint: /boot}"))
ROOT = "{deviceId: root, mountPoint: /}"
PAIRS = "  abUpdate:\n    volumePairs:\n      - {id: root, volumeAId: root-a, volumeBId: root-b}\n"
NO_PAIRS = edited((PAIRS, ""), (ROOT, "{deviceId: root-a, mountPoint: /}"), text=OF_IMAGE)
UNUSED_ALLOWED = f"{VALID}internalParams: {{allowUnusedFilesystems: true}}\n"
ESP = "{deviceId: esp, mountPoint: /boot/efi}"
ESP_AT_EFI = edited((ESP, "{deviceId: esp, mountPoint: /efi, overrideEspMount: override}"))
LARGE_ESP = edited(("{id: esp, type: esp, size: 64M}", "{id: esp, type: esp, size: 4G}"))
NO_NETPLAN = edited(("  netplan: {version: 2, ethernets: {lan: {dhcp4: true}}}\n", ""))
SEALED = edited(
    (
        "  abUpdate:",
        "  encryption:\n    volumes: [{id: d, deviceName: d, deviceId: data}]\n    pcrs: [4, 7]\n  abUpdate:",
    )
)
MEMBERS = "\n        - {id: r1, size: 64M}\n        - {id: r2, size: 64M}"
RAID = edited(
    ("{id: state, size: 128M}", "{id: state, size: 128M}" + MEMBERS),
    ("  abUpdate:", "  raid: {software: [{id: md, name: md, level: raid1, devices: [r1, r2]}]}\n  abUpdate:"),
    (SHARED, "{deviceId: md, mountPoint: /data}"),
)
PERMISSIVE = VALID.replace("scripts:", "  selinux: {mode: permissive}\nscripts:")
ENFORCING = VERITY.replace("scripts:", "  selinux: {mode: enforcing}\nscripts:")
NAMED = VERITY.replace("os:\n", "os:\n  hostname: h\n")
USR_DEVICE = "{id: usr, name: usr, dataDeviceId: data, hashDeviceId: usr-hash}"
USR = edited(
    ("{id: data, size: grow}", "{id: data, size: 1G}\n        - {id: usr-hash, size: 64M}"),
    ("  filesystems:", f"  verity:\n    - {USR_DEVICE}\n  filesystems:"),
    (SHARED, "{deviceId: usr, mountPoint: /usr}"),
)


@dataclass
class Case:
    """A mismatch, and below it the same in order."""

    code: str
    path: str
    text: str
    bends: tuple[Bend, ...] = ()
    known: dict[str, Any] = field(default_factory=dict)
    severity: str = "error"
    place: str = "host.yaml"
    fitting: tuple[str, tuple[Bend, ...], dict[str, Any]] = (VALID, (), {})


CASES = {
    "another hash": Case(
        "image-sha384-mismatch",
        "image.sha384",
        VALID.replace("sha384: ignored", f"sha384: {SHA}"),
        known={"image_sha384": "cd" * 48},
        fitting=(VALID.replace("sha384: ignored", f"sha384: {SHA.upper()}"), (), {"image_sha384": SHA}),
    ),
    "an image for another machine": Case(
        "mismatched-architecture",
        "",
        VALID,
        known={"architecture": "arm64"},
        place=URL,
        fitting=(VALID, (top(osArch="aarch64"),), {"architecture": "arm64"}),
    ),
    "netplan settings and no netplan": Case(
        "missing-os-package",
        "os.netplan",
        VALID,
        (top(osPackages=[]),),
        severity="warning",
        fitting=(NO_NETPLAN, (top(osPackages=[]),), {}),
    ),
    "an array and no mdadm": Case(
        "missing-os-package",
        "storage.raid.software",
        RAID,
        (also("/data"),),
        severity="warning",
        fitting=(RAID, (also("/data"), packages("mdadm")), {}),
    ),
    "SELinux and no policycoreutils": Case(
        "missing-os-package",
        "os.selinux.mode",
        PERMISSIVE,
        severity="warning",
        fitting=(PERMISSIVE.replace("permissive", "disabled"), (), {}),
    ),
    "a file system that the image lacks": Case(
        "missing-os-image-filesystem",
        "storage.filesystems[3].mountPoint.path",
        NO_PAIRS,
        fitting=(NO_PAIRS, (also("/data"),), {}),
    ),
    "a file system that an install would lack": Case(
        "missing-os-image-filesystem",
        "storage.filesystems[3].mountPoint.path",
        OF_IMAGE,
        severity="warning",
        fitting=(OF_IMAGE, (), {"purpose": Purpose.UPDATE}),
    ),
    "a file system that an install lacks": Case(
        "missing-os-image-filesystem",
        "storage.filesystems[3].mountPoint.path",
        OF_IMAGE,
        known={"purpose": Purpose.INSTALL},
        fitting=(OF_IMAGE, (also("/data/"),), {"purpose": Purpose.INSTALL}),
    ),
    "an image without root": Case(
        "missing-os-image-filesystem",
        "storage.filesystems[1].mountPoint.path",
        VALID,
        (without("/"),),
        known={"purpose": Purpose.UPDATE},
    ),
    "an image without an ESP": Case(
        "missing-os-image-filesystem",
        "storage.filesystems[0].mountPoint.path",
        VALID,
        (without("/boot/efi"),),
        known={"purpose": Purpose.UPDATE},
    ),
    "a file system that is forgotten": Case(
        "unused-os-image-filesystem",
        "storage.filesystems",
        VALID,
        (also("/opt"),),
        fitting=(OPT, (also("/opt"),), {}),
    ),
    "a new file system over one of the image": Case(
        "unused-os-image-filesystem",
        "storage.filesystems[3].source",
        VALID,
        (also("/data"),),
        fitting=(OF_IMAGE, (also("/data"),), {}),
    ),
    "a file system that may be forgotten": Case(
        "unused-os-image-filesystem",
        "storage.filesystems",
        UNUSED_ALLOWED,
        (also("/opt"),),
        severity="warning",
        fitting=(UNUSED_ALLOWED, (), {}),
    ),
    "root on a partition for arm64": Case(
        "mismatched-partition-type",
        "storage.disks[0].partitions[1].type",
        VALID.replace("type: root,", f"type: {ROOT_ON_ARM64},"),
        severity="warning",
        fitting=(VALID.replace("type: root,", f"type: {ROOT_TYPE.upper()},"), (), {}),
    ),
    "root where the image had usr": Case(
        "mismatched-partition-type",
        "storage.disks[0].partitions[1].type",
        VALID,
        (with_fields("/", partType=USR_TYPE),),
        severity="warning",
        fitting=(VALID, (with_fields("/", partType=GENERIC),), {}),
    ),
    "an ESP at another place": Case(
        "esp-mount-point-mismatch",
        "storage.filesystems[0].mountPoint.path",
        VALID,
        (with_fields("/boot/efi", mountPoint="/efi"),),
        fitting=(ESP_AT_EFI, (with_fields("/boot/efi", mountPoint="/efi"),), {}),
    ),
    "an override that the image does not follow": Case(
        "esp-mount-point-mismatch",
        "storage.filesystems[0].mountPoint.path",
        ESP_AT_EFI,
        fitting=(VALID, (with_fields("/boot/efi", mountPoint="/boot/efi/"),), {}),
    ),
    "an ESP by mount point only": Case(
        "unexpected-esp-partition-type",
        "",
        VALID,
        (with_fields("/boot/efi", partType=GENERIC),),
        place=URL,
        fitting=(VALID, (with_fields("/boot/efi", partType=ESP_TYPE.upper()),), {}),
    ),
    "an ESP that firmware cannot read": Case(
        "unexpected-esp-filesystem-type",
        "",
        VALID,
        (with_fields("/boot/efi", fsType="ext4"),),
        place=URL,
        fitting=(VALID, (with_fields("/boot/efi", fsType="msdos"),), {}),
    ),
    "a verified ESP": Case("unexpected-verity-on-esp", "", VALID, (verified("/boot/efi"),), place=URL),
    "a root image larger than its volumes": Case(
        "filesystem-size-exceeds-block-device",
        "storage.disks[0].partitions[1].size",
        VALID,
        (sized("/", 2 * GIB + 1),),
        fitting=(VALID, (sized("/", 2 * GIB),), {}),
    ),
    "a root image larger than the volume on the side that is written": Case(
        "filesystem-size-exceeds-block-device",
        "storage.disks[0].partitions[2].size",
        VALID,
        (sized("/", GIB + 1),),
        known={"side": "volume-b", "sizes": {"root-a": 2 * GIB, "root-b": GIB}},
        fitting=(VALID, (sized("/", GIB + 1),), {"sizes": {"root-a": 2 * GIB, "root-b": GIB}}),
    ),
    "an image larger than what is left of the disk": Case(
        "filesystem-size-exceeds-block-device",
        "storage.disks[0].partitions[4].size",
        OF_IMAGE,
        (also("/data"),),
        known={"sizes": {"data": MIB - 1}},
        fitting=(OF_IMAGE, (also("/data"), sized("/data", 9 * GIB)), {}),
    ),
    "an image larger than its array": Case(
        "filesystem-size-exceeds-block-device",
        "storage.disks[0].partitions[4].size",
        RAID,
        (also("/data"), sized("/data", 64 * MIB + 1), packages("mdadm")),
        fitting=(
            RAID.replace("raid1", "raid0"),
            (also("/data"), sized("/data", 128 * MIB), packages("mdadm")),
            {},
        ),
    ),
    "hashes larger than their volumes": Case(
        "filesystem-size-exceeds-block-device",
        "storage.disks[0].partitions[2].size",
        VERITY,
        (verified("/", 64 * MIB + 1),),
        fitting=(VERITY, (verified("/", 64 * MIB),), {}),
    ),
    "an ESP that cannot be unpacked": Case(
        "filesystem-size-exceeds-block-device",
        "storage.disks[0].partitions[1].size",
        LARGE_ESP,
        (sized("/boot/efi", 2 * GIB + 1),),
        fitting=(LARGE_ESP, (sized("/boot/efi", 2 * GIB),), {}),
    ),
    "an ESP smaller than the image's": Case(
        "esp-smaller-than-image",
        "storage.disks[0].partitions[0].size",
        VALID,
        (sized("/boot/efi", 64 * MIB + 1),),
        severity="warning",
        fitting=(VALID, (sized("/boot/efi", 64 * MIB),), {}),
    ),
    "verity in the image only": Case(
        "verity-mismatch",
        "storage.filesystems[1].deviceId",
        VALID,
        (verified("/"),),
        fitting=(VERITY, (verified("/"),), {}),
    ),
    "verity in the configuration only": Case("verity-mismatch", "storage.verity[0]", VERITY),
    "a verified /usr and GRUB": Case(
        "usr-verity-without-uki",
        "storage.verity[0]",
        USR,
        (also("/usr"), verified("/usr"), grub),
        severity="warning",
        fitting=(USR, (also("/usr"), verified("/usr")), {}),
    ),
    "/boot on something else than ext4": Case(
        "unsupported-boot-file-system-type",
        "",
        VALID,
        (with_fields("/", fsType="btrfs"),),
        place=URL,
        fitting=(BOOT, (also("/boot"), with_fields("/", fsType="btrfs")), {}),
    ),
    "PCR 4 and GRUB": Case(
        "invalid-encryption-pcrs-for-grub-image",
        "storage.encryption.pcrs[0]",
        SEALED,
        (grub,),
        fitting=(SEALED.replace("[4, 7]", "[7]"), (grub,), {}),
    ),
    "PCR 11 and an image that does not say how it boots": Case(
        "invalid-encryption-pcrs-for-grub-image",
        "storage.encryption.pcrs[0]",
        SEALED.replace("[4, 7]", "[kernel-boot]"),
        (top(version="1.0"),),
        fitting=(SEALED.replace("[4, 7]", "[kernel-boot]"), (), {}),
    ),
    "enforcing on a verified root and GRUB": Case(
        "root-verity-and-selinux-unsupported",
        "os.selinux.mode",
        ENFORCING,
        (verified("/"), grub, top(osPackages=None, version="1.0")),
        fitting=(ENFORCING, (verified("/"), packages("policycoreutils")), {}),
    ),
    "permissive on a verified root and GRUB": Case(
        "root-verity-and-selinux-unsupported",
        "os.selinux.mode",
        ENFORCING.replace("enforcing", "permissive"),
        (verified("/"), grub, top(osPackages=None, version="1.0")),
        severity="warning",
        fitting=(ENFORCING.replace("enforcing", "disabled"), (verified("/"), grub), {}),
    ),
    "a host name on a verified root and a UKI": Case(
        "os-configuration-on-verified-uki",
        "os.hostname",
        NAMED,
        (verified("/"),),
        severity="warning",
        fitting=(NAMED, (verified("/"), grub), {}),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_mismatch_is_told_alone_and_where_it_is(name: str) -> None:
    case = CASES[name]
    (problem,) = found(case.text, metadata(*case.bends), **case.known)
    assert (problem.code, problem.path, str(problem.severity)) == (case.code, case.path, case.severity)
    assert problem.file == case.place
    assert bool(problem.line) == bool(case.path)
    assert problem.message.endswith(".")
    assert problem.suggestion


@pytest.mark.parametrize("name", CASES)
def test_its_nearest_neighbour_fits(name: str) -> None:
    text, bends, known = CASES[name].fitting
    assert found(text, metadata(*bends), **known) == ()


def test_every_rule_has_a_case_and_every_case_a_rule() -> None:
    assert {case.code for case in CASES.values()} == {rule.code for rule in all_rules()}


def test_every_rule_is_told_apart_by_its_code() -> None:
    codes = [rule.code for rule in all_rules()]
    assert len(set(codes)) == len(codes)


def test_all_mismatches_are_told_at_once() -> None:
    text = VALID.replace("sha384: ignored", f"sha384: {SHA}")
    image = metadata(sized("/", 3 * GIB), also("/opt"), verified("/"))
    codes = [problem.code for problem in found(text, image, image_sha384="cd" * 48, architecture="arm64")]
    assert codes == [
        "image-sha384-mismatch",
        "filesystem-size-exceeds-block-device",
        "unused-os-image-filesystem",
        "verity-mismatch",
        "mismatched-architecture",
    ]


def test_a_misspelt_mount_point_leads_to_the_right_one() -> None:
    missing, unused = found(OF_IMAGE, metadata(also("/date")), purpose=Purpose.INSTALL)[::-1]
    assert (missing.code, missing.suggestion) == ("missing-os-image-filesystem", "Did you mean '/date'?")
    assert unused.code == "unused-os-image-filesystem"


def test_the_esp_is_where_an_ordinary_file_system_was_meant() -> None:
    text = edited((SHARED, "{deviceId: data, mountPoint: /efi}"))
    (problem,) = found(text, metadata(with_fields("/boot/efi", mountPoint="/efi")))
    assert problem.code == "esp-mount-point-mismatch"
    assert problem.suggestion == (
        "Write 'overrideEspMount: override' for the file system at /efi, and 'overrideEspMount: block' here."
    )


def test_an_encrypted_volume_is_smaller_than_its_partition() -> None:
    text = SEALED.replace("pcrs: [4, 7]", "pcrs: [7]").replace("size: grow", "size: 64M")
    text = edited(("{deviceId: data, source: new, type: ext4,", "{deviceId: d,"), text=text)
    fits, too_large = (
        found(text, metadata(also("/data"), sized("/data", size))) for size in (48 * MIB, 48 * MIB + 1)
    )
    assert [problem.code for problem in fits] == []
    assert [problem.code for problem in too_large] == ["filesystem-size-exceeds-block-device"]


def test_an_image_of_revision_1_0_says_less_and_fits() -> None:
    assert found(VALID, metadata(top(version="1.0"))) == ()
