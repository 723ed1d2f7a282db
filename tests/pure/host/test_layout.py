"""Placing partitions: aligned, in order, inside the usable space, or a refusal that says what is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trident.errors import InvalidInput, UnsupportedConfiguration
from trident.host.layout import ALIGNMENT, PartitionRequest, plan_partitions

MIB = 1024 * 1024
GENERIC = "0fc63daf-8483-4772-8e79-3d69d8477de4"


def request(name: str, size: int | None, label: str | None = None) -> PartitionRequest:
    return PartitionRequest(name, size, GENERIC, label if label is not None else name)


def test_partitions_follow_each_other_on_whole_mebibytes() -> None:
    placed = plan_partitions(100 * MIB, 512, [request("esp", 10 * MIB), request("root", 20 * MIB)])
    assert [(p.id, p.number, p.start, p.size) for p in placed] == [
        ("esp", 1, 1 * MIB, 10 * MIB),
        ("root", 2, 11 * MIB, 20 * MIB),
    ]


def test_a_growing_partition_leaves_room_for_those_after_it() -> None:
    placed = plan_partitions(100 * MIB, 512, [request("grow", None), request("last", 10 * MIB)])
    assert (placed[0].start, placed[0].size) == (1 * MIB, 88 * MIB)
    assert placed[1].start == 89 * MIB


def test_the_last_partition_may_end_where_the_usable_space_ends() -> None:
    usable = 100 * MIB - 33 * 512  # one header sector and 32 sectors of entries
    size = usable - 1 * MIB - (usable % 4096)
    placed = plan_partitions(100 * MIB, 512, [request("all", size)])
    assert placed[0].start + placed[0].size <= usable


def test_a_disk_that_is_too_small_says_how_many_bytes_are_missing() -> None:
    with pytest.raises(UnsupportedConfiguration) as caught:
        plan_partitions(100 * MIB, 512, [request("big", 99 * MIB)], disk="disk 'os' (/dev/vda)")
    assert caught.value.code == "disk-too-small"
    assert caught.value.details["missing"] == 33 * 512
    assert "disk 'os' (/dev/vda)" in caught.value.message


def test_no_space_left_to_grow_into_is_too_small() -> None:
    with pytest.raises(UnsupportedConfiguration) as caught:
        plan_partitions(100 * MIB, 512, [request("fixed", 98 * MIB), request("grow", None)])
    assert caught.value.details["missing"] == 33 * 512


def test_several_growing_partitions_share_what_is_left_equally() -> None:
    """In whole mebibytes, so that they can be an A/B pair: of 88 MiB each gets 29, and one stays unused."""
    placed = plan_partitions(
        100 * MIB,
        512,
        [request("a", None), request("b", None), request("fixed", 10 * MIB), request("c", None)],
    )
    assert [(p.start // MIB, p.size // MIB) for p in placed] == [(1, 29), (30, 29), (59, 10), (69, 29)]


def test_each_growing_partition_needs_some_room() -> None:
    with pytest.raises(UnsupportedConfiguration) as caught:
        plan_partitions(100 * MIB, 512, [request("fixed", 98 * MIB), request("a", None), request("b", None)])
    assert caught.value.details["missing"] == 1 * MIB + 33 * 512


@pytest.mark.parametrize("label", ["x" * 37, 'quo"te', "back\\slash", "line\nbreak", "\U0001f600" * 19])
def test_a_label_that_a_table_cannot_hold_is_refused(label: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        plan_partitions(100 * MIB, 512, [request("p", MIB, label)])
    assert caught.value.code == "partition-label"


sizes = st.lists(
    st.one_of(st.integers(min_value=1, max_value=5000).map(lambda pages: pages * 4096), st.just(0)),
    min_size=1,
    max_size=12,
)


@given(
    sizes=sizes, disk_pages=st.integers(min_value=1, max_value=40_000), sector=st.sampled_from([512, 4096])
)
def test_what_is_placed_fits_and_never_overlaps(sizes: list[int], disk_pages: int, sector: int) -> None:
    # A zero stands for a growing partition.
    requests = [request(str(index), size or None) for index, size in enumerate(sizes)]
    disk_size = disk_pages * 4096
    usable_end = disk_size - sector - max(128 * 128, sector)
    try:
        placed = plan_partitions(disk_size, sector, requests)
    except UnsupportedConfiguration as error:
        # With exactly what is said to be missing, rounded up to a sector, it fits.
        missing = error.details["missing"]
        assert isinstance(missing, int)
        assert missing > 0
        assert plan_partitions(disk_size + -(-missing // sector) * sector, sector, requests)
        return
    end = 0
    for partition, wanted in zip(placed, requests, strict=True):
        assert partition.start % ALIGNMENT == 0
        assert partition.start >= max(end, ALIGNMENT)
        assert partition.size == wanted.size or (wanted.size is None and partition.size >= ALIGNMENT)
        assert partition.size % sector == 0
        end = partition.start + partition.size
    assert end <= usable_end
    assert len({partition.size for partition, size in zip(placed, sizes, strict=True) if not size}) <= 1
