"""The rollback chain: what can be undone, newest first, and nothing that leads to a volume that is gone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trident.state.chain import RollbackItem, needed, rollback_chain
from trident.state.history import EntryState, HistoryEntry
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType
from trident.state.text import dump_yaml

T, E = ServicingType, EntryState
A, B = AbVolume.A, AbVolume.B


def spec(number: int) -> dict[str, Any]:
    return {"os": {"hostname": f"v{number}"}}


@dataclass
class Told:
    """A history that is told servicing by servicing, and the status that it leads to."""

    entries: list[HistoryEntry] = field(default_factory=list)
    status: HostStatus = field(default_factory=HostStatus)

    def and_then(
        self, kind: ServicingType, to: int, how: EntryState = E.SUCCEEDED, *, written: bool = True
    ) -> Told:
        """The history with one servicing more."""
        running = self.status
        volume = A if kind is T.CLEAN_INSTALL else running.ab_active_volume
        if kind in (T.AB_UPDATE, T.MANUAL_ROLLBACK_AB):
            assert volume is not None
            volume = volume.other
        entry = HistoryEntry(
            self.entries[-1].id + 1 if self.entries else 1,
            kind,
            how,
            from_configuration=dump_yaml(dict(running.spec)),
            to_configuration=dump_yaml(spec(to)),
            from_volume=running.ab_active_volume,
            to_volume=volume,
            target_written=written and kind in (T.CLEAN_INSTALL, T.AB_UPDATE),
        )
        if how is E.SUCCEEDED:
            running = running.evolve(
                spec=spec(to), ab_active_volume=volume, servicing_state=ServicingState.PROVISIONED
            )
        return Told([*self.entries, entry], running)

    @property
    def chain(self) -> tuple[RollbackItem, ...]:
        return rollback_chain(self.status, self.entries[::-1])

    @property
    def short(self) -> list[tuple[str, str, AbVolume | None]]:
        return [(item.kind, item.spec["os"]["hostname"], item.ab_active_volume) for item in self.chain]


INSTALLED = Told().and_then(T.CLEAN_INSTALL, 1)
UPDATED = INSTALLED.and_then(T.AB_UPDATE, 2)


def test_an_install_cannot_be_undone() -> None:
    assert INSTALLED.short == []


def test_an_ab_update_leads_back_to_the_other_volume() -> None:
    assert UPDATED.short == [("ab", "v1", A)]
    assert UPDATED.chain[0].to_document() == {
        "kind": "ab",
        "spec": spec(1),
        "abActiveVolume": "volume-a",
        "installIndex": 0,
    }
    assert UPDATED.chain[0].undoes == 2


def test_runtime_updates_come_before_the_ab_update_and_then_those_of_the_other_volume() -> None:
    told = (
        INSTALLED.and_then(T.RUNTIME_UPDATE, 2)
        .and_then(T.RUNTIME_UPDATE, 3)
        .and_then(T.AB_UPDATE, 4)
        .and_then(T.RUNTIME_UPDATE, 5)
        .and_then(T.RUNTIME_UPDATE, 6)
    )
    assert told.short == [
        ("runtime", "v5", B),
        ("runtime", "v4", B),
        ("ab", "v3", A),
        ("runtime", "v2", A),
        ("runtime", "v1", A),
    ]


def test_a_second_ab_update_overwrites_the_volume_below_the_first() -> None:
    told = INSTALLED.and_then(T.RUNTIME_UPDATE, 2).and_then(T.AB_UPDATE, 3).and_then(T.RUNTIME_UPDATE, 4)
    assert told.and_then(T.AB_UPDATE, 5).short == [("ab", "v4", B), ("runtime", "v3", B)]


@pytest.mark.parametrize("how", [state for state in E if state is not E.SUCCEEDED])
def test_an_ab_update_that_wrote_the_inactive_volume_ends_the_way_to_it(how: EntryState) -> None:
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3).and_then(T.AB_UPDATE, 4, how)
    assert told.short == [("runtime", "v2", B)]


@pytest.mark.parametrize("how", [E.FAILED, E.INTERRUPTED, E.STAGING])
def test_one_that_ended_before_it_wrote_takes_nothing_away(how: EntryState) -> None:
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3).and_then(T.AB_UPDATE, 4, how, written=False)
    assert told.short == [("runtime", "v2", B), ("ab", "v1", A)]


@pytest.mark.parametrize("how", [E.FAILED, E.ROLLED_BACK, E.WITHDRAWN, E.INTERRUPTED])
@pytest.mark.parametrize("kind", [T.RUNTIME_UPDATE, T.MANUAL_ROLLBACK_RUNTIME, T.MANUAL_ROLLBACK_AB])
def test_what_failed_and_wrote_no_volume_changes_nothing(kind: ServicingType, how: EntryState) -> None:
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3)
    assert told.and_then(kind, 2, how).short == told.short


def test_a_rollback_takes_away_what_it_undid() -> None:
    told = INSTALLED.and_then(T.RUNTIME_UPDATE, 2).and_then(T.AB_UPDATE, 3).and_then(T.RUNTIME_UPDATE, 4)
    told = told.and_then(T.MANUAL_ROLLBACK_RUNTIME, 3)
    assert told.short == [("ab", "v2", A), ("runtime", "v1", A)]
    told = told.and_then(T.MANUAL_ROLLBACK_AB, 2)
    assert told.short == [("runtime", "v1", A)]
    assert told.and_then(T.MANUAL_ROLLBACK_RUNTIME, 1).short == []


def test_going_to_the_other_volume_undoes_the_runtime_updates_since_with_it() -> None:
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3).and_then(T.RUNTIME_UPDATE, 4)
    assert told.and_then(T.MANUAL_ROLLBACK_AB, 1).short == []


def test_an_install_ends_the_chain() -> None:
    assert UPDATED.and_then(T.CLEAN_INSTALL, 3).short == []


@pytest.mark.parametrize("state", [state for state in ServicingState if state != "provisioned"])
def test_a_host_with_something_pending_has_no_chain(state: ServicingState) -> None:
    assert replace(UPDATED, status=UPDATED.status.evolve(servicing_state=state)).short == []


def test_an_error_that_left_the_running_system_intact_forbids_nothing() -> None:
    error = {"category": "invalid-input", "error": "unknown-value", "message": "No."}
    assert replace(UPDATED, status=UPDATED.status.evolve(last_error=error)).short == UPDATED.short


@pytest.mark.parametrize(
    "changes",
    [{"spec": spec(9)}, {"spec": {}}, {"ab_active_volume": A}, {"ab_active_volume": None}],
    ids=str,
)
def test_a_history_that_does_not_lead_to_what_the_host_is_gives_no_chain(changes: dict[str, Any]) -> None:
    assert replace(UPDATED, status=UPDATED.status.evolve(**changes)).short == []


def test_a_gap_in_the_history_ends_the_chain() -> None:
    """Another agent serviced the host in between, and left no entry."""
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3)
    del told.entries[-1]
    assert told.short == []
    assert told.and_then(T.RUNTIME_UPDATE, 4).short == [("runtime", "v3", B)]


def test_a_rollback_that_the_history_does_not_explain_ends_the_chain() -> None:
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3).and_then(T.MANUAL_ROLLBACK_RUNTIME, 7)
    assert told.short == []
    assert UPDATED.and_then(T.MANUAL_ROLLBACK_RUNTIME, 1).short == []
    assert INSTALLED.and_then(T.MANUAL_ROLLBACK_AB, 1).short == []


def test_an_update_that_was_rolled_back_does_not_hide_what_was_done_before_it() -> None:
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3)
    for _time in range(3):
        told = told.and_then(T.AB_UPDATE, 4).and_then(T.MANUAL_ROLLBACK_AB, 3)
    assert told.short == [("runtime", "v2", B)]


def test_without_history_there_is_no_chain() -> None:
    assert Told(status=UPDATED.status).short == []


def test_a_history_whose_oldest_entries_are_gone_still_has_its_newest() -> None:
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3)
    assert replace(told, entries=told.entries[1:]).short == told.short


def test_the_same_configuration_in_another_order_is_the_same() -> None:
    told = INSTALLED.and_then(T.RUNTIME_UPDATE, 2)
    odd = replace(told.entries[-1], from_configuration="{os: {hostname: v1}}")
    assert replace(told, entries=[told.entries[0], odd]).short == told.short


@dataclass
class Volume:
    """A volume of the reference model: the configurations that its system had, the present one last."""

    had: list[int] = field(default_factory=list)


@dataclass
class Machine:
    """The reference model: two volumes with what really is on them."""

    volumes: dict[AbVolume, Volume]
    active: AbVolume = A
    leads_back: bool = False  # the inactive volume holds the system that ran before this one

    def possible(self) -> list[tuple[str, str, AbVolume | None]]:
        """What a person with the two volumes before them could undo."""
        found = [("runtime", f"v{had}", self.active) for had in self.volumes[self.active].had[-2::-1]]
        if self.leads_back:
            other = self.volumes[self.active.other].had
            found.append(("ab", f"v{other[-1]}", self.active.other))
            found += [("runtime", f"v{had}", self.active.other) for had in other[-2::-1]]
        return found  # type: ignore[return-value]


ENDS = st.sampled_from([E.SUCCEEDED] * 6 + [E.FAILED, E.INTERRUPTED, E.WITHDRAWN, E.ROLLED_BACK, E.HALF_WAY])
KINDS = [T.AB_UPDATE, T.RUNTIME_UPDATE, T.MANUAL_ROLLBACK_AB, T.MANUAL_ROLLBACK_RUNTIME]
SERVICINGS = st.tuples(
    st.sampled_from(KINDS * 4 + [T.CLEAN_INSTALL]),
    st.integers(1, 4),
    ENDS,
    st.booleans(),
)


@settings(max_examples=500)
@given(st.lists(SERVICINGS, max_size=25))
def test_the_chain_is_what_the_two_volumes_really_hold(
    servicings: list[tuple[ServicingType, int, EntryState, bool]],
) -> None:
    told, machine = INSTALLED, Machine({A: Volume([1]), B: Volume()})
    for kind, wanted, how, wrote in servicings:
        possible = machine.possible()
        succeeded, to, written = how is E.SUCCEEDED, wanted, wrote or how is E.SUCCEEDED
        running, other = machine.volumes[machine.active], machine.volumes[machine.active.other]
        if kind is T.CLEAN_INSTALL:
            if not succeeded:
                continue  # It happens in a servicing OS, with a datastore of its own.
            machine = Machine({A: Volume([to]), B: Volume()})
        elif kind is T.AB_UPDATE:
            if written:
                other.had, machine.leads_back = [to], False
            if succeeded:
                machine.active, machine.leads_back = machine.active.other, True
        elif kind is T.RUNTIME_UPDATE:
            # From a configuration to itself is what mends a half-way host; nobody undoes that.
            running.had += [to] if succeeded and to != running.had[-1] else []
        elif kind is T.MANUAL_ROLLBACK_RUNTIME:
            if len(running.had) < 2:
                continue
            to = running.had[-2]
            running.had = running.had[:-1] if succeeded else running.had
        else:
            if not machine.leads_back:
                continue
            to = other.had[-1]
            if succeeded:
                machine.active, machine.leads_back = machine.active.other, False
        told = told.and_then(kind, to, how, written=written)
        if not succeeded and kind is not T.AB_UPDATE:
            assert told.short == possible
        assert told.short == machine.possible()
        # Forgetting goes on beside it, and must never make a difference.
        kept = needed(told.entries[::-1], 3)
        told = replace(told, entries=[entry for entry in told.entries if entry.id in kept])
        assert told.short == machine.possible()


@pytest.mark.parametrize(
    "again",
    [
        [(T.AB_UPDATE, 3, E.FAILED, False)],
        [(T.AB_UPDATE, 3, E.FAILED, True)],
        [(T.AB_UPDATE, 3, E.SUCCEEDED, True), (T.AB_UPDATE, 4, E.SUCCEEDED, True)],
        [(T.RUNTIME_UPDATE, 3, E.SUCCEEDED, True), (T.MANUAL_ROLLBACK_RUNTIME, 2, E.SUCCEEDED, True)],
        [(T.AB_UPDATE, 3, E.SUCCEEDED, True), (T.MANUAL_ROLLBACK_AB, 2, E.SUCCEEDED, True)],
        [
            (T.RUNTIME_UPDATE, 3, E.SUCCEEDED, True),
            (T.AB_UPDATE, 4, E.ROLLED_BACK, True),
            (T.MANUAL_ROLLBACK_RUNTIME, 2, E.SUCCEEDED, True),
        ],
    ],
    ids=["refused", "failed", "updated", "runtime and back", "A/B and back", "all of it"],
)
def test_whatever_a_host_does_over_and_over_its_history_stays_short(
    again: list[tuple[ServicingType, int, EntryState, bool]],
) -> None:
    told = INSTALLED.and_then(T.RUNTIME_UPDATE, 5).and_then(T.AB_UPDATE, 2)
    for _time in range(100):
        for kind, to, how, written in again:
            told = told.and_then(kind, to, how, written=written)
        kept = needed(told.entries[::-1], 10)
        told = replace(told, entries=[entry for entry in told.entries if entry.id in kept])
        assert len(told.entries) <= 16
        assert [entry.id for entry in told.entries[-10:]] == sorted(kept)[-10:]


def test_beside_a_gap_nothing_is_forgotten_that_could_make_a_difference() -> None:
    told = UPDATED.and_then(T.RUNTIME_UPDATE, 3)
    del told.entries[-1]
    for _time in range(20):
        told = told.and_then(T.RUNTIME_UPDATE, 4).and_then(T.MANUAL_ROLLBACK_RUNTIME, 3)
        kept = needed(told.entries[::-1], 4)
        assert (
            replace(told, entries=[entry for entry in told.entries if entry.id in kept]).chain == told.chain
        )
