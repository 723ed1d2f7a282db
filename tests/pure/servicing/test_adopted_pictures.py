"""Pictures of a disk of which something is kept: what stays, what goes, and where new partitions go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pure.subsystems.situations import MIB
from tests.pure.subsystems.test_adopt import BESIDE, ESP, OLD, TABLE, beside
from trident.host.partitioning import PartitionTable
from trident.plan.picture import DiskPicture, Fate
from trident.plan.situation import PartitionFacts
from trident.servicing.compile import compile_plan
from trident.servicing.picture import disk_pictures

PRESENT = tuple(
    PartitionFacts(
        f"/dev/vda{entry.number}", entry.number, entry.start_sector * 512, entry.sectors * 512, entry.label
    )
    for entry in TABLE.entries
)


def picture(text: str = BESIDE, table: PartitionTable | None = TABLE) -> DiskPicture:
    situation = beside(text, partitions=PRESENT, table=table)
    (drawn,) = disk_pictures(situation, compile_plan(situation))
    return drawn


def fates(drawn: DiskPicture) -> list[tuple[int | None, str | None, Fate]]:
    assert drawn.before is not None
    return [(part.number, part.id, part.fate) for part in drawn.before]


def test_what_is_adopted_by_label_or_uuid_stays_and_the_others_go() -> None:
    assert fates(picture()) == [
        (1, "esp", Fate.ADOPTED),
        (2, "windows", Fate.ADOPTED),
        (4, None, Fate.ERASED),
    ]


def test_new_partitions_stand_between_and_behind_the_kept_ones() -> None:
    after = picture().after
    assert after is not None
    assert [(part.number, part.id, part.start // MIB) for part in after] == [
        (1, "esp", 1),
        (2, "windows", 300),
        (3, "root-a", 1300),
        (4, "root-b", 3348),
        (5, "state", 5396),
        (6, "home", 5652),
    ]
    assert [part.fate for part in after if part.id == "windows"] == [Fate.ADOPTED]


@pytest.mark.parametrize(
    "table",
    [
        None,
        replace(TABLE, entries=TABLE.entries[:1]),
        replace(TABLE, entries=(*TABLE.entries, replace(TABLE.entries[0], number=5))),
    ],
    ids=["no table", "not found", "ambiguous"],
)
def test_where_something_is_not_found_nothing_is_shown_as_erased(table: PartitionTable | None) -> None:
    drawn = picture(table=table)
    assert Fate.ERASED not in [fate for _, _, fate in fates(drawn)]
    assert drawn.after is None


def test_two_that_adopt_the_same_partition_cannot_be_drawn() -> None:
    more = BESIDE.replace(
        "- {id: windows,", f"- {{id: again, matchUuid: {OLD}}}\n        - {{id: windows,", 1
    )
    assert picture(more).after is not None
    assert picture(more.replace(OLD, ESP)).after is None


def test_without_room_it_is_not_known_where_the_new_ones_go() -> None:
    assert picture(BESIDE.replace("size: 256M", "size: 3G")).after is None
