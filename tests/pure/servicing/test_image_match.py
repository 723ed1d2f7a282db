"""An image that does not fit the configuration or the machine: what each verb makes of it."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from tests.pure.subsystems.situations import (
    MIB,
    SAMPLE,
    configuration,
    image_file,
    image_for,
    install,
    update,
)
from trident.errors import TridentError
from trident.image.cosi.metadata import CosiMetadata, ImageFilesystem, OsPackage
from trident.plan.situation import Situation
from trident.servicing.compile import compile_plan, refuse
from trident.servicing.image_match import refuse_mismatches
from trident.state.status import ServicingType

WITH_SHARED_IMAGE = SAMPLE.replace(
    "{deviceId: home, source: new, mountPoint: {path: /home", "{deviceId: home, mountPoint: {path: /home"
)


def refused(situation: Situation) -> TridentError:
    (error,) = refuse_mismatches(situation)
    return error


def of(situation: Situation, **fields: object) -> Situation:
    """The situation with another image."""
    assert situation.image is not None
    return replace(situation, image=replace(situation.image, **fields))  # type: ignore[arg-type]


def test_an_image_that_fits_is_accepted() -> None:
    for situation in (install(), update()):
        refuse(situation, compile_plan(situation))


def test_an_image_for_another_architecture_is_refused() -> None:
    error = refused(install(architecture="arm64"))
    assert error.code == "mismatched-architecture"
    assert error.details == {"expected": "arm64", "actual": "x86_64"}


def test_a_file_system_that_the_image_lacks_is_refused() -> None:
    only_esp = tuple(entry for entry in image_for(configuration()).filesystems if entry.is_esp)
    error = refused(of(install(), filesystems=only_esp))
    assert (error.code, error.details) == ("missing-os-image-filesystem", {"mount_point": "/"})


def test_a_file_system_that_nobody_wants_is_refused() -> None:
    extra = ImageFilesystem(image_file("extra", 4096, 9), "/opt", fs_uuid="extra")
    error = refused(of(install(), filesystems=(*image_for(configuration()).filesystems, extra)))
    assert (error.code, error.details) == ("unused-os-image-filesystem", {"mount_point": "/opt"})


def test_an_update_does_not_need_what_it_does_not_write() -> None:
    """An image may stop bringing /home; the host keeps the one it has. A new host would have none."""
    config = configuration(WITH_SHARED_IMAGE)
    kept = tuple(entry for entry in image_for(config).filesystems if entry.mount_point != "/home")
    assert list(refuse_mismatches(of(update(config), filesystems=kept))) == []
    assert refused(of(install(config), filesystems=kept)).code == "missing-os-image-filesystem"


def test_an_esp_at_another_place_is_refused() -> None:
    moved = tuple(
        replace(entry, mount_point="/efi") if entry.is_esp else entry
        for entry in image_for(configuration()).filesystems
    )
    error = refused(of(install(), filesystems=moved))
    assert error.code == "esp-mount-point-mismatch"
    assert error.details == {"os_image_esp_mount_point": "/efi", "host_config_esp_mount_point": "/boot/efi"}


def test_an_image_without_an_esp_is_refused() -> None:
    without = tuple(entry for entry in image_for(configuration()).filesystems if not entry.is_esp)
    for situation in (install(), update()):
        error = refused(of(situation, filesystems=without))
        assert (error.code, error.details) == ("missing-os-image-filesystem", {"mount_point": "/boot/efi"})


def test_an_image_larger_than_its_partition_is_refused() -> None:
    config = configuration()
    errors = list(refuse_mismatches(replace(update(config), image=image_for(config, size=2048 * MIB + 4096))))
    assert {error.code for error in errors} == {"filesystem-size-exceeds-block-device"}
    # The ESP's image is measured against the volume that it borrows, not against the ESP.
    assert [(error.details["mount_point"], error.details["device_id"]) for error in errors] == [
        ("/boot/efi", "root-b"),
        ("/", "root-b"),
    ]
    assert errors[1].details["device_size"] == 2048 * MIB


def test_an_image_as_large_as_its_partition_fits() -> None:
    config = configuration()
    assert list(refuse_mismatches(replace(install(config), image=image_for(config, size=2048 * MIB)))) == []


def test_a_partition_that_grows_is_measured_on_the_disk_that_is_there() -> None:
    """8 GiB less what the other partitions take leaves 3327 MiB and the space that GPT needs."""
    config = configuration(WITH_SHARED_IMAGE)

    def with_home(size: int) -> Situation:
        entries = image_for(config).filesystems
        home = tuple(
            replace(entry, image=replace(entry.image, uncompressed_size=size))
            if entry.mount_point == "/home"
            else entry
            for entry in entries
        )
        return of(install(config), filesystems=home)

    assert list(refuse_mismatches(with_home(3326 * MIB))) == []
    error = refused(with_home(3330 * MIB))
    assert error.code == "filesystem-size-exceeds-block-device"
    assert error.details["device_id"] == "home"


def test_every_mismatch_is_told_at_once() -> None:
    situation = of(install(architecture="arm64"), filesystems=())
    with pytest.raises(TridentError) as caught:
        refuse(situation, compile_plan(situation))
    for words in ("for x86_64", "no file system for /", "no EFI system partition"):
        assert words in caught.value.message


def test_a_rule_that_upstream_calls_dynamic_keeps_its_place_in_the_document() -> None:
    text = SAMPLE.replace(
        "  abUpdate:",
        "  encryption: {volumes: [{id: h, deviceName: h, deviceId: home}], pcrs: [4, 11]}\n  abUpdate:",
    )
    from trident.config.load import judge_host_configuration

    found: list[TridentError] = []
    judge_host_configuration(
        text,
        "host.yaml",
        beside=lambda config: found.extend(refuse_mismatches(install(config))) or (),  # type: ignore[func-returns-value]
    )
    assert [error.code for error in found] == ["invalid-host-configuration-dynamic"] * 2
    assert found[0].details == {"inner": {"invalid-encryption-pcrs-for-grub-image": {"pcrs": "4, 11"}}}


def test_what_is_only_odd_is_logged_and_not_refused(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests run the command, and tools, which both set up logging for their process.
    monkeypatch.setattr(logging.getLogger("trident"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("trident.servicing.compile"), "disabled", False)
    config = configuration(SAMPLE + "  netplan: {version: 2}\n")
    caplog.set_level(logging.WARNING)
    situation = of(install(config), os_packages=(OsPackage("bash", "5"),))
    refuse(situation, compile_plan(situation))
    assert "needs netplan" in caplog.text


def test_a_runtime_update_does_not_look_at_the_image() -> None:
    situation = replace(update(architecture="arm64"), servicing_type=ServicingType.RUNTIME_UPDATE)
    assert list(refuse_mismatches(situation)) == []


def test_metadata_without_anything_does_not_crash_the_check() -> None:
    for situation in (install(), update()):
        assert list(refuse_mismatches(replace(situation, image=CosiMetadata()))) != []
