"""Boot: what the firmware is told, in an order that survives a power cut between any two writes."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pure.subsystems.situations import SAMPLE, configuration, image_for, install, update
from trident.errors import InvalidInput, Servicing
from trident.host.efi import GLOBAL_GUID, EfiVariables
from trident.host.loadoption import HardDrive, LoadOption
from trident.image.cosi.metadata import Bootloader
from trident.plan.step import Operation
from trident.state.status import AbVolume
from trident.subsystems.boot import BootSubsystem, entry_label, point_fallback_at_running
from trident.subsystems.boot.copy import copy_boot_files
from trident.subsystems.boot.entries import append, forget, keep_first, put_first
from trident.subsystems.boot.fallback import set_fallback
from trident.subsystems.boot.names import Slot

boot = BootSubsystem()
A, B = Slot(0, AbVolume.A), Slot(0, AbVolume.B)
ESP = HardDrive(1, 2048, 1048576, "11223344-5566-7788-99aa-bbccddeeff00")


def option(label: str) -> LoadOption:
    return LoadOption(label, ESP, rf"\EFI\Linux\{label}.efi")


class PowerCut(Exception):
    """The lights go out."""


class Firmware(EfiVariables):
    """Variables that can lose power after any number of changes."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.changes_left: int | None = None

    def _spend(self) -> None:
        if self.changes_left is not None:
            if self.changes_left == 0:
                raise PowerCut
            self.changes_left -= 1

    def write(self, name: str, content: bytes, guid: str = GLOBAL_GUID) -> None:
        if self.read(name, guid) != content:
            self._spend()
        super().write(name, content, guid)

    def delete(self, name: str, guid: str = GLOBAL_GUID) -> None:
        if self.read(name, guid) is not None:
            self._spend()
        super().delete(name, guid)

    def boots(self) -> list[str]:
        """Labels in the order in which the firmware would try them at the next start."""
        labels = {entry.number: entry.label for entry in self.entries()}
        pending = self.boot_next()
        numbers = ([pending] if pending is not None else []) + list(self.boot_order())
        return [labels[number] for number in numbers if number in labels]


def firmware(directory: Path, *labels: str) -> Firmware:
    """A machine with these entries, tried in this order."""
    directory.mkdir()
    variables = Firmware(directory)
    for label in labels:
        variables.move_last(variables.put_entry(option(label)))
    return variables


def finalize_update(variables: EfiVariables) -> None:
    append(variables, option(B.name), option(A.name))
    variables.set_boot_next(variables.number_of(B.name))


def test_an_install_puts_the_target_first(tmp_path: Path) -> None:
    variables = firmware(tmp_path / "efi", "UiApp", "disk", "net")
    put_first(variables, A, option(A.name))
    assert variables.boots() == ["trident-a", "UiApp", "disk", "net"]


def test_a_new_install_forgets_the_old_one(tmp_path: Path) -> None:
    variables = firmware(tmp_path / "efi", "trident-b", "UiApp", "trident-a")
    variables.set_boot_next(variables.number_of("trident-b"))
    put_first(variables, A, option(A.name))
    assert variables.boots() == ["trident-a", "UiApp"]


def test_a_new_install_boots_next_whatever_was_to_come(tmp_path: Path) -> None:
    variables = firmware(tmp_path / "efi", "net")
    variables.set_boot_next(variables.number_of("net"))
    put_first(variables, A, option(A.name))
    assert variables.boots() == ["trident-a", "net"]


def test_a_target_whose_old_entry_stands_first_is_never_tried_first_with_its_new_content(
    tmp_path: Path,
) -> None:
    old = LoadOption(B.name, HardDrive(9, 1, 1, ESP.uuid), r"\old.efi")
    for cuts in range(3):
        variables = firmware(tmp_path / f"cut-{cuts}", "trident-b", "trident-a")
        variables.put_entry(old)
        variables.changes_left = cuts
        with contextlib.suppress(PowerCut):
            append(variables, option(B.name), option(A.name))
        first = next(entry for entry in variables.entries() if entry.number == variables.boot_order()[0])
        assert first.label == "trident-a" or first.option == old


def test_an_update_is_tried_once_and_stands_last(tmp_path: Path) -> None:
    variables = firmware(tmp_path / "efi", "trident-a", "UiApp")
    finalize_update(variables)
    assert variables.boots() == ["trident-b", "trident-a", "UiApp", "trident-b"]
    variables.clear_boot_next()  # The firmware does this when it starts the target.
    assert variables.boots() == ["trident-a", "UiApp", "trident-b"]


def test_a_commit_puts_the_target_first_for_good(tmp_path: Path) -> None:
    variables = firmware(tmp_path / "efi", "trident-a", "UiApp")
    finalize_update(variables)
    variables.clear_boot_next()
    keep_first(variables, B, option(B.name))
    assert variables.boots() == ["trident-b", "trident-a", "UiApp"]


def test_a_commit_forgets_what_it_left_for_the_next_boot_but_not_what_others_did(tmp_path: Path) -> None:
    variables = firmware(tmp_path / "efi", "trident-a", "trident-b", "net")
    variables.set_boot_next(variables.number_of("trident-a"))
    keep_first(variables, B, option(B.name))
    assert variables.boot_next() is None
    variables.set_boot_next(variables.number_of("net"))
    keep_first(variables, B, option(B.name))
    assert variables.boot_next() == variables.number_of("net")


def test_after_the_firmware_lost_its_variables_the_servicing_os_still_stands_before_the_target(
    tmp_path: Path,
) -> None:
    variables = firmware(tmp_path / "efi")
    finalize_update(variables)
    variables.clear_boot_next()
    assert variables.boots() == ["trident-a", "trident-b"]


def test_a_commit_makes_an_entry_that_the_firmware_dropped(tmp_path: Path) -> None:
    variables = firmware(tmp_path / "efi", "disk")
    keep_first(variables, B, option(B.name))
    assert variables.boots() == ["trident-b", "disk"]


def test_an_entry_is_forgotten_once(tmp_path: Path) -> None:
    variables = firmware(tmp_path / "efi", "trident-a", "UiApp", "trident-b")
    assert forget(variables, B)
    assert variables.boots() == ["trident-a", "UiApp"]
    assert not forget(variables, B)


def test_an_entry_that_the_firmware_does_not_let_go_of_is_not_taken_for_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = firmware(tmp_path / "efi", "trident-a", "trident-b")
    monkeypatch.setattr(variables, "delete", lambda *_: None)
    with pytest.raises(Servicing) as caught:
        forget(variables, B)
    assert caught.value.code == "set-efi-variable"


CASES: dict[str, tuple[tuple[str, ...], Callable[[EfiVariables], None]]] = {
    "install on a fresh machine": (("UiApp", "disk"), lambda v: put_first(v, A, option(A.name))),
    "install over an old install": (
        ("trident-b", "UiApp", "trident-a"),
        lambda v: put_first(v, A, option(A.name)),
    ),
    "finalize the first update": (("trident-a", "UiApp"), finalize_update),
    "finalize a later update": (("trident-a", "trident-b", "UiApp"), finalize_update),
    "finalize with the target's old entry first": (("trident-b", "trident-a"), finalize_update),
    "finalize without any variables": ((), finalize_update),
    "commit": (("trident-a", "UiApp", "trident-b"), lambda v: keep_first(v, B, option(B.name))),
}


@pytest.mark.parametrize("name", CASES)
def test_power_lost_after_any_write_is_made_good_by_running_it_again(name: str, tmp_path: Path) -> None:
    labels, work = CASES[name]
    whole = firmware(tmp_path / "whole", *labels)
    work(whole)
    cuts = 0
    while True:
        variables = firmware(tmp_path / f"cut-{cuts}", *labels)
        variables.changes_left = cuts
        try:
            work(variables)
            break
        except PowerCut:
            pass
        if "finalize" in name and labels:
            # Half a finalize starts what started before; the target's turn comes with the last write.
            running = "trident-a"
            after = [label for label in variables.boots() if label in {"trident-a", "trident-b"}]
            if "old entry first" not in name:
                assert after[0] == running
        variables.changes_left = None
        work(variables)
        assert variables.boots() == whole.boots()
        cuts += 1
    assert cuts >= 1
    work(whole)  # Once more changes nothing.
    assert variables.boots() == whole.boots()


def test_names_of_slots() -> None:
    assert entry_label(0, AbVolume.A) == "trident-a"
    assert entry_label(1, AbVolume.B) == "trident2-b"
    assert A.uki == "EFI/Linux/trident-a.efi"
    assert Slot(1, AbVolume.A).other.directory == "EFI/trident/trident2-b"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The ESP of an image."""
    root = tmp_path / "image"
    (root / "EFI/Linux").mkdir(parents=True)
    (root / "EFI/systemd").mkdir()
    (root / "EFI/Linux/debian-6.12.efi").write_bytes(b"kernel 2" * 100_000)
    (root / "EFI/systemd/systemd-bootx64.efi").write_bytes(b"loader 2" * 1000)
    return root


@pytest.fixture
def esp(tmp_path: Path) -> Path:
    """The ESP of a host whose slot A runs."""
    root = tmp_path / "esp"
    (root / "EFI/Linux").mkdir(parents=True)
    (root / "EFI/trident/trident-a").mkdir(parents=True)
    (root / "EFI/Linux/trident-a.efi").write_bytes(b"kernel 1")
    (root / "EFI/trident/trident-a/systemd-bootx64.efi").write_bytes(b"loader 1")
    set_fallback(root, A, "x86_64")
    return root


def content(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_staging_touches_nothing_that_is_booted(image: Path, esp: Path) -> None:
    before = content(esp)
    copied = copy_boot_files(image, esp, B, "x86_64")
    after = content(esp)
    assert copied == ("EFI/trident/trident-b/systemd-bootx64.efi", "EFI/Linux/trident-b.efi")
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {*copied, "loader/entries.srel"}
    assert after["EFI/Linux/trident-b.efi"] == content(image)["EFI/Linux/debian-6.12.efi"]


def test_staging_twice_is_the_same_as_once(image: Path, esp: Path) -> None:
    copy_boot_files(image, esp, B, "x86_64")
    once = content(esp)
    copy_boot_files(image, esp, B, "x86_64")
    assert content(esp) == once


def test_add_ons_belong_to_the_kernel_that_brings_them(image: Path, esp: Path) -> None:
    add_ons = image / "EFI/Linux/debian-6.12.efi.extra.d"
    add_ons.mkdir()
    (add_ons / "verity.addon.efi").write_bytes(b"new")
    (add_ons / "README").touch()
    previous = esp / "EFI/Linux/trident-b.efi.extra.d"
    previous.mkdir()
    (previous / "old.addon.efi").touch()
    copy_boot_files(image, esp, B, "x86_64")
    assert [path.name for path in previous.iterdir()] == ["verity.addon.efi"]
    assert (previous / "verity.addon.efi").read_bytes() == b"new"


def test_a_loader_at_the_fallback_path_of_the_image_will_do(image: Path, esp: Path) -> None:
    (image / "EFI/BOOT").mkdir()
    (image / "EFI/systemd/systemd-bootx64.efi").rename(image / "EFI/BOOT/BOOTX64.EFI")
    copy_boot_files(image, esp, B, "x86_64")
    assert (esp / "EFI/trident/trident-b/systemd-bootx64.efi").exists()


@pytest.mark.parametrize("kernels", [(), ("one.efi", "two.efi")])
def test_an_image_has_exactly_one_kernel(image: Path, esp: Path, kernels: tuple[str, ...]) -> None:
    (image / "EFI/Linux/debian-6.12.efi").unlink()
    for name in kernels:
        (image / "EFI/Linux" / name).touch()
    before = content(esp)
    with pytest.raises(InvalidInput) as caught:
        copy_boot_files(image, esp, B, "x86_64")
    assert caught.value.code == "corrupt-os-image"
    assert content(esp) == before


def test_an_image_without_a_boot_loader_is_refused(image: Path, esp: Path) -> None:
    (image / "EFI/systemd/systemd-bootx64.efi").unlink()
    with pytest.raises(InvalidInput) as caught:
        copy_boot_files(image, esp, B, "x86_64")
    assert caught.value.code == "corrupt-os-image"
    assert "EFI/BOOT/BOOTX64.EFI" in caught.value.message


def test_the_fallback_path_starts_one_slot(esp: Path) -> None:
    assert (esp / "EFI/BOOT/BOOTX64.EFI").read_bytes() == b"loader 1"
    assert "default trident-a.efi\n" in (esp / "loader/loader.conf").read_text()


def test_a_slot_that_was_never_staged_cannot_be_the_fallback(esp: Path) -> None:
    before = content(esp)
    with pytest.raises(Servicing) as caught:
        set_fallback(esp, B, "x86_64")
    assert caught.value.code == "set-up-uefi-fallback"
    assert content(esp) == before


def test_the_fallback_is_not_written_again_when_it_is_right(esp: Path) -> None:
    files = [esp / "EFI/BOOT/BOOTX64.EFI", esp / "loader/loader.conf"]
    before = [file.stat().st_ino for file in files]
    set_fallback(esp, A, "x86_64")
    assert [file.stat().st_ino for file in files] == before


def fallbacks(mode: str, *, updating: bool) -> list[tuple[Operation, str]]:
    config = configuration(SAMPLE + f"  uefiFallback: {mode}\n")
    situation = update(config) if updating else install(config)
    steps = boot.steps(situation)
    return [(step.operation, step.slot.name) for step in steps if step.id.startswith("set-uefi-fallback")]  # type: ignore[attr-defined]


def test_the_fallback_modes() -> None:
    """The tables of upstream's UEFI-Fallback.md."""
    finalize, commit = Operation.FINALIZE, Operation.COMMIT
    assert fallbacks("conservative", updating=False) == [(finalize, "trident-a")]
    assert fallbacks("optimistic", updating=False) == [(finalize, "trident-a")]
    assert fallbacks("disabled", updating=False) == []
    assert fallbacks("conservative", updating=True) == [(finalize, "trident-a"), (commit, "trident-b")]
    assert fallbacks("optimistic", updating=True) == [(finalize, "trident-b")]
    assert fallbacks("disabled", updating=True) == []


@pytest.mark.parametrize("active", AbVolume)
@pytest.mark.parametrize("mode", ["conservative", "optimistic", "disabled"])
def test_after_a_failed_update_the_fallback_path_is_that_of_the_running_slot(
    mode: str, active: AbVolume
) -> None:
    """Finalize may have pointed it at the target; where it left the path alone, nothing is written."""
    situation = update(configuration(SAMPLE + f"  uefiFallback: {mode}\n"), active=active)
    back = point_fallback_at_running(situation)
    finalized = [step for step in boot.steps(situation) if step.id.startswith("set-uefi-fallback")]
    assert [step.slot for step in back] == ([Slot(0, active)] if finalized else [])
    assert all(step.operation is Operation.COMMIT and step.touches == ("esp",) for step in back)


def test_an_install_that_failed_has_no_other_slot_to_fall_back_to() -> None:
    assert point_fallback_at_running(install()) == ()


def test_the_fallback_path_follows_an_update_there_and_back(image: Path, esp: Path) -> None:
    """Loader and default entry are both those of the slot that runs again."""
    before = content(esp)
    copy_boot_files(image, esp, B, "x86_64")
    set_fallback(esp, B, "x86_64")
    assert "default trident-b.efi\n" in (esp / "loader/loader.conf").read_text()
    set_fallback(esp, A, "x86_64")
    after = content(esp)
    assert {name: after[name] for name in before} == before


def test_machines_without_uefi_and_images_with_another_loader_are_refused() -> None:
    from dataclasses import replace

    assert [error.code for error in boot.check(install(uefi=False))] == ["no-uefi"]
    config = configuration()
    grub = replace(image_for(config), bootloader=Bootloader("grub"))
    assert [error.code for error in boot.check(replace(install(config), image=grub))] == [
        "unsupported-bootloader"
    ]
    old = replace(image_for(config), bootloader=None)
    assert list(boot.check(replace(install(config), image=old))) == []


def test_the_esp_image_counts_as_fetched() -> None:
    stage, seal = (step for step in boot.steps(update()) if step.operation is Operation.STAGE)
    assert seal.cost == 0
    esp = image_for(configuration()).esp
    assert esp is not None
    assert stage.cost == esp.image.compressed_size
    assert stage.touches == ("root-b", "esp")
