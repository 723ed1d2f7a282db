"""The table of the history fits the terminal, whatever is in it."""

from __future__ import annotations

import pytest

from trident.cli.chronicle import describe, human_seconds
from trident.state.entry import EntryState, HistoryEntry, ImageName
from trident.state.status import AbVolume, ServicingType

LONG = HistoryEntry(
    1,
    ServicingType.MANUAL_ROLLBACK_RUNTIME,
    EntryState.ROLLED_BACK,
    begun_at="2025-11-21T16:00:20Z",
    seconds={"stage": 4000},
    bytes_fetched=1 << 40,
    from_volume=AbVolume.A,
    to_volume=AbVolume.B,
    from_image=ImageName("https://images.example/" + "a-long-name" * 9 + ".cosi"),
    to_image=ImageName("https://images.example/v2.cosi", version="13.2 " * 20),
    error={
        "category": "servicing",
        "error": {"a-code": {"at": 1}},
        "message": "It broke. " * 30,
        "hint": "x",
    },
)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 400])
def test_the_table_fits(width: int) -> None:
    for line in describe(
        [LONG, HistoryEntry(2, ServicingType.AB_UPDATE, EntryState.STAGING)], width=width
    ).splitlines():
        assert len(line) <= max(width, 62), "the narrowest table has when, what, volumes and outcome"


def test_what_a_usual_terminal_shows_of_a_usual_entry() -> None:
    usual = HistoryEntry(
        1,
        ServicingType.AB_UPDATE,
        EntryState.SUCCEEDED,
        begun_at="2025-11-21T16:00:20Z",
        seconds={"stage": 70, "finalize": 0.4},
        bytes_fetched=101_184_675,
        from_volume=AbVolume.A,
        to_volume=AbVolume.B,
        from_image=ImageName("https://images.example/v1.cosi"),
        to_image=ImageName("https://images.example/v2.cosi", version="13.2"),
    )
    assert describe([usual], width=80, unicode=False) == (
        "when (UTC)        what        from, to          took   fetched  outcome\n"
        "2025-11-21 16:00  A/B update  A v1 -> B 13.2  1m 10s  96.5 MiB  succeeded\n"
    )


def test_a_terminal_obeys_nothing_that_comes_from_a_file() -> None:
    odd = "\x1b[31m\n"
    entry = HistoryEntry(
        1, ServicingType.AB_UPDATE, EntryState.FAILED, begun_at=odd, to_image=ImageName(f"http://x/{odd}"),
        error={"category": odd, "error": odd, "message": odd, "hint": odd},
    )  # fmt: skip
    assert "\x1b" not in describe([entry], width=400)


@pytest.mark.parametrize(
    "error", [{}, {"message": None}, {"error": []}, {"error": {}}, {"category": 7, "hint": 7}]
)
def test_an_error_of_another_shape_is_told_as_far_as_it_goes(error: dict[str, object]) -> None:
    assert "failed" in describe([HistoryEntry(1, ServicingType.AB_UPDATE, EntryState.FAILED, error=error)])


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0.0s"), (9.94, "9.9s"), (59.4, "59s"), (59.6, "1m 00s"), (3599, "59m 59s"), (3660, "1h 01m")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert human_seconds(seconds) == shown
