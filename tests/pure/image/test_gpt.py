"""The partition table as bytes."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pure.image.samples import DISK_GUID, ESP_TYPE, MIB, ROOT_TYPE
from trident.errors import InvalidInput
from trident.image.gpt import Gpt, GptPartition, make_gpt, parse_gpt

SIZE = 64 * MIB
ESP = GptPartition(1, ESP_TYPE, "11111111-2222-4333-8444-555555555555", 2048, 4095, "esp")
ROOT = GptPartition(2, ROOT_TYPE, "11111111-2222-4333-8444-666666666666", 4096, 65535, "root")


def table(*partitions: GptPartition) -> Gpt:
    return make_gpt(DISK_GUID, SIZE, partitions or (ESP, ROOT))


def test_what_is_made_is_read_back() -> None:
    gpt = parse_gpt(table().region, 512, SIZE)

    assert gpt.disk_guid == DISK_GUID
    assert gpt.partitions == (ESP, ROOT)
    assert len(gpt.region) == 34 * 512
    assert gpt.partition(2) == ROOT
    assert gpt.partition(3) is None


def test_sectors_of_4096_bytes() -> None:
    gpt = make_gpt(DISK_GUID, SIZE, (GptPartition(1, ROOT_TYPE, DISK_GUID, 256, 1000),), 4096)

    assert parse_gpt(gpt.region, 4096, SIZE).partitions[0].blocks == 745
    assert len(gpt.region) == 8192 + 128 * 128


@given(st.integers(512, 34 * 512 - 1), st.integers(1, 255))
def test_a_changed_byte_is_found(place: int, change: int) -> None:
    region = bytearray(table().region)
    if 512 + 92 <= place < 1024:
        place = 512 + place % 92  # what follows the header in its block is not part of it
    region[place] ^= change

    with pytest.raises(InvalidInput):
        parse_gpt(bytes(region), 512, SIZE)


@given(st.binary(max_size=2000))
def test_any_bytes_are_an_error(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_gpt(data, 512, SIZE)


@pytest.mark.parametrize("cut", [0, 511, 600, 1024, 34 * 512 - 1])
def test_a_cut_table_is_an_error(cut: int) -> None:
    with pytest.raises(InvalidInput):
        parse_gpt(table().region[:cut], 512, SIZE)


def test_partitions_that_overlap_are_refused() -> None:
    with pytest.raises(InvalidInput, match="overlap"):
        table(ESP, GptPartition(2, ROOT_TYPE, DISK_GUID, 4095, 5000))


@pytest.mark.parametrize(("first", "last"), [(1, 100), (40, 200_000), (5000, 4000)])
def test_partitions_outside_of_the_disk_are_refused(first: int, last: int) -> None:
    with pytest.raises(InvalidInput, match="outside"):
        table(GptPartition(1, ROOT_TYPE, DISK_GUID, first, last))


def test_a_disk_that_is_smaller_than_the_table_says_is_refused() -> None:
    with pytest.raises(InvalidInput, match="beyond the end"):
        parse_gpt(table().region, 512, SIZE // 4)


def test_a_header_that_claims_millions_of_entries_is_refused() -> None:
    region = bytearray(table().region)
    struct.pack_into("<I", region, 512 + 80, 2**31)
    region[512 + 16 : 512 + 20] = bytes(4)
    struct.pack_into("<I", region, 512 + 16, zlib.crc32(region[512 : 512 + 92]))

    with pytest.raises(InvalidInput, match="not valid"):
        parse_gpt(bytes(region), 512, SIZE)


def test_on_a_disk_of_its_own_size_the_table_stays_as_it_is() -> None:
    gpt = table()

    primary, backup, offset = gpt.resized(SIZE)

    assert primary == gpt.region
    assert offset + len(backup) == SIZE
    assert backup[:-512] == gpt.region[1024:]


def test_on_a_larger_disk_the_backup_moves_to_its_end() -> None:
    primary, backup, offset = table().resized(2 * SIZE)

    moved = parse_gpt(primary, 512, 2 * SIZE)
    assert moved.partitions == (ESP, ROOT)
    assert offset + len(backup) == 2 * SIZE
    header = backup[-512:]
    my_lba, alternate, _, last_usable = struct.unpack_from("<QQQQ", header, 24)
    assert (my_lba, alternate) == (2 * SIZE // 512 - 1, 1)
    assert last_usable == offset // 512 - 1
