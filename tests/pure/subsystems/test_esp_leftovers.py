"""The ESP after many servicings, also ones that were killed: only what boots, and what others keep there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pure.subsystems.test_boot import content
from trident.state.status import AbVolume
from trident.subsystems.boot.addon import NAME, write_addon
from trident.subsystems.boot.copy import copy_boot_files
from trident.subsystems.boot.fallback import set_fallback
from trident.subsystems.boot.names import Slot

A, B = Slot(0, AbVolume.A), Slot(0, AbVolume.B)
STUB = b"#### LoaderInfo: systemd-stub 257 ####"
FOREIGN = (
    "EFI/Microsoft/Boot/bootmgfw.efi",
    "EFI/Linux/other.efi",
    "EFI/Linux/.hidden.new",
    "loader/random-seed",
)


def image(root: Path, version: int, *addons: str) -> Path:
    """The ESP of version ``version`` of an image."""
    for directory in ("EFI/Linux", "EFI/systemd"):
        (root / directory).mkdir(parents=True)
    kernel = root / f"EFI/Linux/debian-{version}.efi"
    kernel.write_bytes(STUB + b"kernel %d" % version * 1000)
    (root / "EFI/systemd/systemd-bootx64.efi").write_bytes(b"loader %d" % version)
    for name in addons:
        kernel.with_name(f"{kernel.name}.extra.d").mkdir(exist_ok=True)
        (kernel.with_name(f"{kernel.name}.extra.d") / name).write_bytes(b"add-on %d" % version)
    return root


@pytest.fixture
def esp(tmp_path: Path) -> Path:
    """An ESP on which others keep files, too."""
    root = tmp_path / "esp"
    for name in FOREIGN:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"foreign")
    return root


def stage(image: Path, esp: Path, slot: Slot, *options: str) -> None:
    copy_boot_files(image, esp, slot, "x86_64")
    if options:
        write_addon(esp, slot, options, "x86_64")


def files_of(slot: Slot, *addons: str) -> set[str]:
    return {
        slot.uki,
        f"{slot.directory}/systemd-bootx64.efi",
        *(f"{slot.uki}.extra.d/{name}" for name in addons),
    }


SHARED = {"EFI/BOOT/BOOTX64.EFI", "loader/loader.conf", "loader/entries.srel", *FOREIGN}


def directories(esp: Path) -> set[str]:
    return {str(path.relative_to(esp)) for path in esp.rglob("*") if path.is_dir()}


def test_after_ten_updates_only_the_files_of_two_slots_are_there(esp: Path, tmp_path: Path) -> None:
    """Images with add-ons of ever other names, every third one with configured options."""
    for version in range(11):
        slot = A if version % 2 == 0 else B
        options = ("quiet",) if version % 3 == 0 else ()
        addons = (f"verity-{version}.addon.efi",) if version < 9 else ()
        stage(image(tmp_path / f"v{version}", version, *addons), esp, slot, *options)
        set_fallback(esp, slot, "x86_64")
    assert set(content(esp)) == SHARED | files_of(A) | files_of(B, NAME)
    assert not (esp / f"{A.uki}.extra.d").exists()


def test_a_former_configuration_leaves_no_options_behind(esp: Path, tmp_path: Path) -> None:
    stage(image(tmp_path / "v1", 1), esp, B, "quiet")
    assert (esp / f"{B.uki}.extra.d" / NAME).exists()
    stage(image(tmp_path / "v2", 2), esp, B)
    assert not (esp / f"{B.uki}.extra.d").exists()


def test_an_install_beside_adopted_files_removes_those_of_the_slot_that_it_erased(
    esp: Path, tmp_path: Path
) -> None:
    for slot in (A, B):
        stage(image(tmp_path / slot.name, 1, "verity.addon.efi"), esp, slot)
    copy_boot_files(image(tmp_path / "new", 2), esp, A, "x86_64", alone=True)
    assert set(content(esp)) == {*FOREIGN, "loader/entries.srel"} | files_of(A)
    assert not {f"{B.uki}.extra.d", B.directory} & directories(esp)


def test_a_directory_where_an_add_on_is_to_be_goes(esp: Path, tmp_path: Path) -> None:
    (esp / f"{B.uki}.extra.d/odd.addon.efi/deep").mkdir(parents=True)
    stage(image(tmp_path / "v1", 1), esp, B)
    assert not (esp / f"{B.uki}.extra.d").exists()


def killed_at_rename(work: Callable[[], None], number: int) -> bool:
    """Do ``work`` in a process that is killed where a file would get its name; whether it was."""
    child = os.fork()
    if child == 0:
        left, rename = number, os.rename

        def renaming(*args: object, **kwargs: object) -> None:
            nonlocal left
            if left == 0:
                os._exit(9)
            left -= 1
            rename(*args, **kwargs)  # type: ignore[arg-type]

        os.rename = renaming
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_killed_anywhere_in_the_middle_the_next_stage_leaves_what_it_would_have_left_alone(
    esp: Path, tmp_path: Path
) -> None:
    """Each kill leaves a file half written. Another image is staged then, whose files have other names."""
    stage(image(tmp_path / "v1", 1, "one.addon.efi"), esp, A)
    set_fallback(esp, A, "x86_64")
    second, third = image(tmp_path / "v2", 2, "two.addon.efi"), image(tmp_path / "v3", 3)

    def update() -> None:
        stage(second, esp, B, "quiet")
        set_fallback(esp, B, "x86_64")

    kills = 0
    while killed_at_rename(update, kills):
        half_written = [name for name in content(esp) if name.endswith(".new") and name not in FOREIGN]
        assert len(half_written) == 1
        stage(third, esp, B)
        set_fallback(esp, A, "x86_64")
        assert set(content(esp)) == SHARED | files_of(A, "one.addon.efi") | files_of(B)
        kills += 1
    assert kills >= 6  # Add-on, loader, kernel, options, fallback loader, loader.conf.
