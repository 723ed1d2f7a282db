"""A datastore does not grow for ever, and never forgets what can still be undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pure.repository.project import ROOT
from trident.errors import Servicing
from trident.servicing.record import failed
from trident.state.chain import half_way, needed, rollback_chain
from trident.state.datastore import Datastore
from trident.state.history import EntryState, HistoryEntry, NewServicing
from trident.state.prune import EVERY, KEPT_LINES, KEPT_SERVICINGS, KEPT_STATUSES
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType
from trident.state.text import parse_mapping

MIB = 1 << 20
SAMPLE = parse_mapping((ROOT / "docs/samples/ab-vm.yaml").read_text())


def configuration(number: int) -> dict[str, Any]:
    """A Host Configuration of usual size; each is another one."""
    return SAMPLE | {"image": {"url": f"http://images/v{number}.cosi", "sha384": "ignored"}}


def serviced(store: Datastore, kind: ServicingType, number: int, status: HostStatus) -> HostStatus:
    """One update as the verbs record it: an entry, journal lines, rows of Host Status."""
    volume = status.ab_active_volume
    assert volume is not None
    after = volume.other if kind is ServicingType.AB_UPDATE else volume
    wanted, states = configuration(number), ServicingState
    with store.together():
        entry = store.history.begin(NewServicing(kind, status.spec, wanted, volume, after))
        for step in range(25):
            store.note("stage", f"a-step-of-usual-length-{step}", "begin")
            store.note("stage", f"a-step-of-usual-length-{step}", "done")
        for state in (states.AB_UPDATE_STAGED, states.AB_UPDATE_FINALIZED):
            store.record(status.evolve(spec=wanted, spec_old=status.spec, servicing_state=state))
        store.history.advance(entry, EntryState.SUCCEEDED, seconds={"stage": 60.0, "commit": 1.0})
        return store.record(status.evolve(spec=wanted, ab_active_volume=after))


def rows(store: Datastore, table: str) -> int:
    return int(store._connection.rows(f"SELECT count(*) FROM {table}")[0][0])


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "count"), [(ServicingType.AB_UPDATE, 1000), (ServicingType.RUNTIME_UPDATE, 600)]
)
def test_a_thousand_updates_take_a_few_megabytes(tmp_path: Path, kind: ServicingType, count: int) -> None:
    path = tmp_path / "datastore.sqlite"
    status = HostStatus(
        spec=configuration(0), servicing_state=ServicingState.PROVISIONED, ab_active_volume=AbVolume.A
    )
    with Datastore.create(path) as store:
        store._connection.raw.execute("PRAGMA synchronous = OFF")  # The disk of this test keeps its power.
        for number in range(1, count + 1):
            status = serviced(store, kind, number, status)
        undone_by_one = 1 if kind is ServicingType.AB_UPDATE else count
        chain = rollback_chain(status, store.history.entries())
        assert len(chain) == undone_by_one
        assert chain[0].spec == configuration(count - 1)
        assert chain[-1].spec == configuration(count - undone_by_one)
        assert rows(store, "history") <= max(KEPT_SERVICINGS + EVERY, undone_by_one)
        assert rows(store, "history") >= KEPT_SERVICINGS
        assert rows(store, "configurations") <= rows(store, "history") + 1
        assert KEPT_STATUSES <= rows(store, "hoststatus") < KEPT_STATUSES + EVERY
        assert KEPT_LINES <= rows(store, "journal") < KEPT_LINES + EVERY
        assert store.last_journal_event("stage", "a-step-of-usual-length-24") == "done"
    assert path.stat().st_size < 6 * MIB
    with Datastore.open(path, read_only=True) as store:
        assert store.status() == status


def test_commands_that_fail_for_years_take_no_more(tmp_path: Path) -> None:
    """Each adds a row and begins no servicing: a server that is away, asked every few minutes."""
    path = tmp_path / "datastore.sqlite"
    status = HostStatus(spec=configuration(0), servicing_state=ServicingState.PROVISIONED)
    with Datastore.create(path) as store:
        store._connection.raw.execute("PRAGMA synchronous = OFF")
        store.record(status)
        sizes = []
        for attempt in range(20 * EVERY):
            failed(store, Servicing("load-cosi", f"The server was away, attempt {attempt}."))
            sizes.append(path.stat().st_size)
        assert store.history.latest() is None
        assert rows(store, "hoststatus") < KEPT_STATUSES + EVERY
        assert store.status().spec == status.spec
        assert store.status().last_error["message"].endswith(f"attempt {20 * EVERY - 1}.")  # type: ignore[index]
    assert sizes[-1] == sizes[KEPT_STATUSES + 2 * EVERY]


def test_a_file_that_has_grown_becomes_small_again_bit_by_bit(tmp_path: Path) -> None:
    """Upstream's never forget a row, and a disk that is nearly full bears no large change."""
    path = tmp_path / "datastore.sqlite"
    with Datastore.create(path) as store:
        store._connection.raw.execute("PRAGMA synchronous = OFF")
        with store.together():
            for number in range(30 * EVERY):
                store._connection.raw.execute(
                    "INSERT INTO hoststatus (contents) VALUES (?)", (f"a: {number}",)
                )
        seen = []
        for _time in range(5 * EVERY):
            before = rows(store, "hoststatus")
            store.record(HostStatus())
            seen.append(before + 1 - rows(store, "hoststatus"))
        assert max(seen) == 10 * EVERY
        assert rows(store, "hoststatus") == KEPT_STATUSES
        assert store.status() == HostStatus(trident_version=store.status().trident_version)


@pytest.mark.parametrize("event", ["begin", "failed", "interrupted"])
def test_the_journal_never_forgets_that_a_step_did_not_end_well(tmp_path: Path, event: str) -> None:
    """A finalize that was cut off is told by that line alone, however often the host was started since."""
    with Datastore.create(tmp_path / "datastore.sqlite") as store:
        store._connection.raw.execute("PRAGMA synchronous = OFF")
        store.note("finalize", "finalize-runtime", "begin")
        store.note("finalize", "finalize-runtime", event)

        def boots(count: int) -> None:
            for _time in range(count):
                store.note("finalize", "apply-netplan", "begin")
                store.note("finalize", "apply-netplan", "done")

        boots(KEPT_LINES)
        assert store.last_journal_event("finalize", "finalize-runtime") == event
        assert rows(store, "journal") < KEPT_LINES + EVERY + 1
        store.note("finalize", "finalize-runtime", "undone")
        boots(KEPT_LINES)
        assert store.last_journal_event("finalize", "finalize-runtime") is None
        assert store.last_journal_event("finalize", "apply-netplan") == "done"


def test_who_wrote_a_volume_is_remembered_as_long_as_it_holds_that(tmp_path: Path) -> None:
    """A rollback compares the other volume with the seals of the servicing that wrote it."""
    a, b = AbVolume.A, AbVolume.B
    one, other = configuration(1), configuration(2)
    with Datastore.create(tmp_path / "datastore.sqlite") as store:
        store._connection.raw.execute("PRAGMA synchronous = OFF")
        for new in (
            NewServicing(ServicingType.CLEAN_INSTALL, {}, one, None, a),
            NewServicing(ServicingType.AB_UPDATE, one, other, a, b),
        ):
            entry = store.history.begin(new)
            store.history.save_seals(entry, {"root": str(new.to_volume)})
            store.history.advance(entry, EntryState.SUCCEEDED)
        for _time in range(2 * KEPT_SERVICINGS):
            new = NewServicing(ServicingType.AB_UPDATE, other, one, b, a, target_written=False)
            store.history.advance(store.history.begin(new), EntryState.FAILED)
        entries = store.history.entries()
        assert len(entries) < KEPT_SERVICINGS + EVERY + 2
        assert [entry.seals["root"] for entry in entries if entry.seals] == ["volume-b", "volume-a"]


def test_what_is_half_way_is_remembered_until_it_is_settled(tmp_path: Path) -> None:
    """A later servicing must know what it may find; that it is old makes no difference."""
    a = AbVolume.A
    one, other = configuration(1), configuration(2)
    with Datastore.create(tmp_path / "datastore.sqlite") as store:
        store._connection.raw.execute("PRAGMA synchronous = OFF")

        def updates(count: int) -> None:
            for _time in range(count):
                new = NewServicing(ServicingType.AB_UPDATE, one, other, a, a.other, target_written=False)
                store.history.advance(store.history.begin(new), EntryState.FAILED)

        left = store.history.begin(NewServicing(ServicingType.RUNTIME_UPDATE, one, configuration(3), a, a))
        store.history.advance(left, EntryState.HALF_WAY)
        updates(KEPT_SERVICINGS + 2 * EVERY)
        assert len(store.history.entries()) < KEPT_SERVICINGS + EVERY + 2
        (entry,) = half_way(store.history.entries(), a)
        assert (entry.id, parse_mapping(entry.to_configuration)) == (left, configuration(3))
        assert half_way(store.history.entries(), a.other) == ()

        store.history.settle(left)
        updates(EVERY)
        assert left not in [entry.id for entry in store.history.entries()]


@pytest.mark.parametrize("is_written", [True, False])
def test_what_is_half_way_on_a_volume_that_was_written_anew_is_forgotten(is_written: bool) -> None:
    a, b = AbVolume.A, AbVolume.B
    left = HistoryEntry(1, ServicingType.RUNTIME_UPDATE, EntryState.HALF_WAY, from_volume=b, to_volume=b)
    update = HistoryEntry(
        2,
        ServicingType.AB_UPDATE,
        EntryState.FAILED,
        from_volume=a,
        to_volume=b,
        target_written=is_written,
    )
    others = [
        HistoryEntry(number, ServicingType.RUNTIME_UPDATE, EntryState.FAILED, from_volume=a, to_volume=a)
        for number in (5, 4, 3)
    ]
    entries = [*others, update, left]
    assert (half_way(entries, b) == ()) is is_written
    assert (left.id in needed(entries, 1)) is not is_written
