"""Firmware variables in a directory of the shape of efivarfs."""

from __future__ import annotations

import errno
import os
import resource
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trident.errors import Servicing
from trident.host.efi import GLOBAL_GUID, EfiVariables
from trident.host.loadoption import HardDrive, LoadOption

ESP = HardDrive(1, 2048, 1048576, "11223344-5566-7788-99aa-bbccddeeff00")


def option(label: str) -> LoadOption:
    return LoadOption(label, ESP, rf"\EFI\Linux\{label}.efi")


@pytest.fixture
def variables(tmp_path: Path) -> EfiVariables:
    """What OVMF has after its first start: two entries of its own."""
    firmware = EfiVariables(tmp_path)
    firmware.write("Boot0000", option("UiApp").encode())
    firmware.write("Boot0001", option("UEFI Misc Device").encode())
    firmware.move_first(1)
    firmware.move_first(0)
    return firmware


def test_a_variable_is_attributes_then_content(variables: EfiVariables) -> None:
    variables.write("BootNext", b"\x03\x00")
    path = variables.directory / f"BootNext-{GLOBAL_GUID}"
    assert path.read_bytes() == b"\x07\0\0\0\x03\0"
    assert variables.boot_next() == 3


@pytest.mark.parametrize(("content", "on"), [(b"\x01", True), (b"\x00", False)])
def test_secure_boot_is_on_or_off(variables: EfiVariables, content: bytes, on: bool) -> None:
    assert not variables.secure_boot()
    variables.write("SecureBoot", content)
    assert variables.secure_boot() is on


def test_a_shorter_value_replaces_a_longer_one(variables: EfiVariables) -> None:
    variables.write("Example", b"0123456789")
    variables.write("Example", b"ab")
    assert variables.read("Example") == b"ab"


def test_what_is_already_there_is_not_written_again(variables: EfiVariables) -> None:
    path = variables.directory / f"BootOrder-{GLOBAL_GUID}"
    before = path.stat().st_mtime_ns, path.stat().st_ino
    variables.move_first(0)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_without_variables_there_is_no_order_and_nothing_next(tmp_path: Path) -> None:
    firmware = EfiVariables(tmp_path)
    assert firmware.boot_order() == ()
    assert firmware.boot_next() is None
    assert firmware.boot_current() is None
    assert firmware.entries() == ()
    firmware.clear_boot_next()


def test_a_new_entry_takes_the_lowest_number_that_nothing_uses(variables: EfiVariables) -> None:
    variables.move_last(2)  # An order may name an entry that is gone; its number is not reused.
    assert variables.put_entry(option("trident-a")) == 3
    assert variables.boot_order() == (0, 1, 2)


def test_an_entry_is_found_again_by_its_label_and_replaced(variables: EfiVariables) -> None:
    first = variables.put_entry(option("trident-a"))
    changed = LoadOption("trident-a", HardDrive(2, 4096, 10, ESP.uuid), r"\EFI\Linux\trident-a.efi")
    assert variables.put_entry(changed) == first
    assert [entry.option for entry in variables.entries() if entry.label == "trident-a"] == [changed]


def test_of_several_entries_with_one_label_one_stays(variables: EfiVariables) -> None:
    for number in (0x000A, 0x0005):
        variables.write(f"Boot{number:04X}", option("trident-a").encode())
        variables.move_last(number)
    assert variables.put_entry(option("trident-a")) == 5
    assert variables.numbers_of("trident-a") == (5,)
    assert variables.boot_order() == (0, 1, 5)


def test_removing_takes_an_entry_out_of_the_order_too(variables: EfiVariables) -> None:
    variables.move_first(variables.put_entry(option("trident-b")))
    variables.remove_entries("trident-b")
    variables.remove_entries("trident-b")
    assert variables.numbers_of("trident-b") == ()
    assert variables.boot_order() == (0, 1)


def test_moving_keeps_all_others_in_their_order(variables: EfiVariables) -> None:
    for number in (5, 4):
        variables.move_last(number)
    variables.move_first(4)
    assert variables.boot_order() == (4, 0, 1, 5)
    variables.move_last(0)
    assert variables.boot_order() == (4, 1, 5, 0)


def test_hexadecimal_names_and_unreadable_entries(variables: EfiVariables) -> None:
    variables.write("Boot00AB", option("vendor").encode())
    variables.write("Boot0002", b"\1\0")
    (variables.directory / f"BootOrderDefault-{GLOBAL_GUID}").write_bytes(b"\7\0\0\0\1\0")
    (variables.directory / "Boot0009-aaaaaaaa-93ca-11d2-aa0d-00e098032b8c").write_bytes(b"\7\0\0\0x")
    assert [(entry.number, entry.label) for entry in variables.entries()] == [
        (0, "UiApp"),
        (1, "UEFI Misc Device"),
        (0xAB, "vendor"),
    ]


def test_an_entry_that_is_missing_is_a_named_error(variables: EfiVariables) -> None:
    with pytest.raises(Servicing) as caught:
        variables.number_of("trident-a")
    assert caught.value.code == "boot-entry-check"


def test_firmware_that_refuses_a_write_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(Servicing) as caught:
        EfiVariables(tmp_path / "absent").set_boot_next(1)
    assert caught.value.code == "set-efi-variable"


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.ENOSPC, "remove boot entries"), (errno.EROFS, "mount -o remount,rw /sys")]
)
def test_an_error_that_has_a_remedy_tells_it(
    variables: EfiVariables, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("trident.host.efi._write_at_once", refuse)
    with pytest.raises(Servicing) as caught:
        variables.set_boot_next(1)
    assert hint in str(caught.value.hint)


@pytest.fixture
def no_room(variables: EfiVariables) -> Iterator[None]:
    """Every write to a file fails, as on firmware whose store is full; making an empty file does not."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("no_room")
def test_a_variable_that_found_no_room_leaves_no_empty_file(variables: EfiVariables) -> None:
    before = sorted(variables.directory.iterdir())
    order = variables.boot_order()

    writes: tuple[Callable[[], object], ...] = (
        lambda: variables.put_entry(option("trident-b")),
        lambda: variables.move_first(1),
    )
    for write in writes:
        with pytest.raises(Servicing) as caught:
            write()
        assert caught.value.code == "set-efi-variable"

    assert sorted(variables.directory.iterdir()) == before
    assert variables.boot_order() == order, "what could not be replaced is as it was"


def test_an_odd_order_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / f"BootOrder-{GLOBAL_GUID}").write_bytes(struct.pack("<IHHB", 7, 1, 2, 9))
    assert EfiVariables(tmp_path).boot_order() == (1, 2)


def test_an_order_without_entries_is_no_variable(variables: EfiVariables) -> None:
    for number in variables.boot_order():
        variables.take_out(number)
    assert variables.read("BootOrder") is None
    assert [entry.number for entry in variables.entries()] == [0, 1], "the entries themselves stay"


@pytest.mark.parametrize("name", ["BootNext", "BootOrder"])
def test_firmware_that_keeps_its_own_choice_is_found_out(
    variables: EfiVariables, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("trident.host.efi._write_at_once", lambda _path, _content: None)
    with pytest.raises(Servicing, match=f"{name}, but did not keep it"):
        variables.set_boot_next(1) if name == "BootNext" else variables.move_first(1)
