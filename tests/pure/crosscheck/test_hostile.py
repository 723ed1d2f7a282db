"""Configurations and images that break their own rules: the cross-check says what it can and never fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pure.config.sample import edited
from tests.pure.crosscheck.sample import VERITY, also, found, metadata, verified, with_fields
from trident.config.load import judge_host_configuration
from trident.config.model import HostConfiguration
from trident.crosscheck import Purpose, Subject, cross_check
from trident.image.cosi.metadata import (
    ESP_PARTITION_TYPE,
    Bootloader,
    CosiMetadata,
    ImageFile,
    ImageFilesystem,
    OsPackage,
    Verity,
)

ROOT = "{deviceId: root, mountPoint: /}"
PAIR = "{id: root, volumeAId: root-a, volumeBId: root-b}"
VOLUME = "{id: v, deviceName: v, deviceId: v}"
ARRAY = "  raid: {software: [{id: md, name: md, level: raid6, devices: DEVICES}]}\n  abUpdate:"

BROKEN = {
    "a pair of itself": edited((PAIR, "{id: root, volumeAId: root, volumeBId: root}")),
    "a device that nobody defines": edited((ROOT, "{deviceId: nothing, mountPoint: /}")),
    "no device at all": edited((ROOT, "{mountPoint: /}")),
    "verity on itself": VERITY.replace("dataDeviceId: data-root", "dataDeviceId: root"),
    "the datastore on verity on itself": VERITY.replace(
        "dataDeviceId: data-root", "dataDeviceId: root"
    ).replace("mountPoint: /var/lib/trident", "mountPoint: /srv"),
    "hashes on the data": VERITY.replace("hashDeviceId: hash-root", "hashDeviceId: root"),
    "an array of nothing": edited(
        ("  abUpdate:", ARRAY.replace("DEVICES", "[]")), ("deviceId: root,", "deviceId: md,")
    ),
    "an array of itself": edited(
        ("  abUpdate:", ARRAY.replace("DEVICES", "[md]")), ("deviceId: root,", "deviceId: md,")
    ),
    "an array of one": edited(
        ("  abUpdate:", ARRAY.replace("DEVICES", "[root-a]")), ("deviceId: root,", "deviceId: md,")
    ),
    "a volume in itself": edited(
        ("  abUpdate:", f"  encryption: {{volumes: [{VOLUME}], pcrs: []}}\n  abUpdate:"),
        ("deviceId: root,", "deviceId: v,"),
    ),
    "two roots": edited(("mountPoint: {path: /data", "mountPoint: {path: /")),
    "two ESPs": edited(
        ("deviceId: root, mountPoint: /", "deviceId: root, mountPoint: /, overrideEspMount: override")
    ),
    "no storage": "os: {hostname: h}",
    "an empty mount path": edited((ROOT, "{deviceId: root, mountPoint: ''}")),
    "a mount path that climbs": edited((ROOT, "{deviceId: root, mountPoint: ../..}")),
    "an ESP without a mount point": edited(
        ("{deviceId: esp, mountPoint: /boot/efi}", "{deviceId: esp, overrideEspMount: override}")
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_configuration_that_breaks_its_rules_is_compared_all_the_same(name: str) -> None:
    for image in (metadata(), metadata(verified("/")), metadata(also("/data"))):
        for purpose in Purpose:
            found(BROKEN[name], image, purpose=purpose)


def test_what_the_image_calls_things_is_shown_harmlessly() -> None:
    (problem, *_) = found(edited((ROOT, ROOT)), metadata(with_fields("/", fsType="ext4\x1b[2J")))
    assert "\x1b" not in problem.message


def test_a_text_that_cannot_be_read_is_not_compared() -> None:
    asked = []
    judge_host_configuration("storage: 1", "host.yaml", beside=lambda config: asked.append(config) or ())  # type: ignore[func-returns-value]
    assert asked == []


_PATHS = st.sampled_from(
    ["/", "/boot", "/boot/efi", "/efi", "/usr", "/data", "", "//", "/a/../b", "relative"]
)
_FILES = st.builds(ImageFile, st.just("images/x"), st.integers(0), st.integers(0, 2**64))
_FILESYSTEMS = st.builds(
    ImageFilesystem,
    _FILES,
    _PATHS,
    st.sampled_from(["ext4", "vfat", "btrfs", ""]),
    st.text(max_size=3),
    st.sampled_from([ESP_PARTITION_TYPE, "0fc63daf-8483-4772-8e79-3d69d8477de4", "x"]),
    st.none() | st.builds(Verity, _FILES, st.text(max_size=3)),
)
_IMAGES = st.builds(
    CosiMetadata,
    arch=st.sampled_from(["x86_64", "arm64"]),
    filesystems=st.lists(_FILESYSTEMS, max_size=5).map(tuple),
    bootloader=st.none() | st.builds(Bootloader, st.sampled_from(["grub", "systemd-boot"])),
    os_packages=st.none() | st.just((OsPackage("mdadm", "4"),)),
)


@given(_IMAGES, st.sampled_from([VERITY, *BROKEN.values()]), st.sampled_from(Purpose))
def test_no_image_makes_the_check_fail(image: CosiMetadata, text: str, purpose: Purpose) -> None:
    def beside(configuration: HostConfiguration) -> list[object]:
        subject = Subject(
            configuration, image, image_sha384="ab" * 48, architecture="x86_64", purpose=purpose
        )
        for mismatch in cross_check(subject):
            mismatch.to_error()
        return []

    judge_host_configuration(text, "host.yaml", beside=beside)  # type: ignore[arg-type]
