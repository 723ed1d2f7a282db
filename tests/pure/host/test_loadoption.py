"""EFI load options: the same bytes as virt-firmware, an implementation that is not ours."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virt.firmware.efi import bootentry, devpath, ucs16

from trident.host.loadoption import HardDrive, LoadOption

ESP = HardDrive(1, 2048, 1048576, "11223344-5566-7788-99aa-bbccddeeff00")

texts = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFFFD, exclude_categories=["Cs", "Cn"]), max_size=40
)
drives = st.builds(
    HardDrive,
    number=st.integers(1, 128),
    start_sector=st.integers(0, 2**64 - 1),
    sectors=st.integers(0, 2**64 - 1),
    uuid=st.uuids().map(str),
)


def test_virt_firmware_reads_what_is_encoded() -> None:
    encoded = LoadOption("trident-a", ESP, r"\EFI\Linux\trident-a.efi").encode()
    entry = bootentry.BootEntry(data=encoded)
    assert str(entry.title) == "trident-a"
    assert entry.attr == 1
    drive, file = entry.devicepath
    assert str(drive.get_partuuid()) == ESP.uuid
    assert str(file.get_filepath()) == r"\EFI\Linux\trident-a.efi"


def test_the_bytes_are_those_of_virt_firmware() -> None:
    drive = devpath.DevicePathElem()
    drive.set_gpt(1, 2048, 1048576, "11223344-5566-7788-99aa-bbccddeeff00")
    file = devpath.DevicePathElem()
    file.set_filepath(r"\EFI\Linux\trident-b.efi")
    path = devpath.DevicePath()
    path.extend([drive, file])
    theirs = bootentry.BootEntry(title=ucs16.from_string("trident-b"), attr=1, devicepath=path)
    assert LoadOption("trident-b", ESP, r"\EFI\Linux\trident-b.efi").encode() == bytes(theirs)


@given(
    st.builds(
        LoadOption,
        label=texts,
        drive=st.none() | drives,
        file=st.none() | texts,
        active=st.booleans(),
        data=st.binary(max_size=40),
    )
)
def test_decoding_gives_back_what_was_encoded(option: LoadOption) -> None:
    assert LoadOption.decode(option.encode()) == option


def test_paths_through_other_hardware_are_read_past() -> None:
    """An entry as OVMF writes it for a PXE boot: no partition, no file."""
    path = devpath.DevicePath()
    elem = devpath.DevicePathElem()
    elem.devtype, elem.subtype, elem.data = 0x02, 0x01, UUID(int=7).bytes[:8]
    path.append(elem)
    theirs = bootentry.BootEntry(title=ucs16.from_string("UEFI PXEv4"), attr=9, devicepath=path)
    assert LoadOption.decode(bytes(theirs)) == LoadOption("UEFI PXEv4", None, None)


@given(st.binary(max_size=80))
def test_anything_else_is_a_value_error_or_a_load_option(content: bytes) -> None:
    try:
        LoadOption.decode(content)
    except ValueError:
        return


@pytest.mark.parametrize("content", [b"", b"\1\0\0\0\4", b"\1\0\0\0\xff\0a\0\0\0", b"\1\0\0\0\4\0a\0"])
def test_a_cut_load_option_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"device path|short|no end"):
        LoadOption.decode(content)
