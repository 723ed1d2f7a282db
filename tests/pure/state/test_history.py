"""The history: each servicing is an entry, advanced as it goes on; its first end stands."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import trident
from trident.errors import ErrorKind, Servicing, TridentError
from trident.state.datastore import Datastore
from trident.state.history import EntryState, ImageName, NewServicing
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

V1 = {"image": {"url": "http://images/v1.cosi", "sha384": "a" * 96}, "os": {"hostname": "host"}}
V2 = {"image": {"url": "http://images/v2.cosi", "sha384": "b" * 96}, "os": {"hostname": "host"}}
INSTALL = NewServicing(ServicingType.CLEAN_INSTALL, {}, V1, None, AbVolume.A, to_version="13.1")
UPDATE = NewServicing(ServicingType.AB_UPDATE, V1, V2, AbVolume.A, AbVolume.B, to_version="13.2")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Datastore]:
    with Datastore.create(tmp_path / "datastore.sqlite") as datastore:
        yield datastore


def states(store: Datastore) -> list[EntryState]:
    return [entry.state for entry in reversed(store.history.entries())]


def test_a_servicing_is_told_from_its_begin_to_its_end(store: Datastore) -> None:
    history = store.history
    entry = history.begin(UPDATE)
    history.advance(entry, EntryState.STAGED, seconds={"stage": 12.5}, bytes_fetched=100, bytes_written=300)
    history.save_seals(entry, {"root-b": "sha256:00"})
    history.advance(entry, EntryState.FINALIZING)
    history.advance(entry, EntryState.FINALIZED, seconds={"finalize": 1.0})
    history.advance(entry, EntryState.SUCCEEDED, seconds={"commit": 0.5})
    told = history.entry(entry)
    assert (told.servicing_type, told.state) == (ServicingType.AB_UPDATE, EntryState.SUCCEEDED)
    assert told.seconds == {"stage": 12.5, "finalize": 1.0, "commit": 0.5}
    assert (told.bytes_fetched, told.bytes_written) == (100, 300)
    assert (told.from_volume, told.to_volume) == (AbVolume.A, AbVolume.B)
    assert "v1.cosi" in told.from_configuration
    assert "v2.cosi" in told.to_configuration
    assert told.seals == {"root-b": "sha256:00"}
    assert told.trident_version == trident.__version__
    assert told.begun_at is not None
    assert told.ended_at is not None
    assert told.begun_at[-1] == told.ended_at[-1] == "Z"


def test_finalizing_twice_adds_up(store: Datastore) -> None:
    entry = store.history.begin(UPDATE)
    store.history.advance(entry, EntryState.STAGED, seconds={"finalize": 2.0}, bytes_written=1)
    store.history.advance(entry, EntryState.FINALIZED, seconds={"finalize": 3.0}, bytes_written=2)
    assert store.history.entry(entry).seconds == {"finalize": 5.0}
    assert store.history.entry(entry).bytes_written == 3


def test_the_first_end_stands(store: Datastore) -> None:
    entry = store.history.begin(UPDATE)
    error = Servicing("boom", "It broke.").to_document()
    store.history.advance(entry, EntryState.FAILED, error=error)
    store.history.advance(entry, EntryState.SUCCEEDED)
    assert store.history.entry(entry).state is EntryState.FAILED
    assert store.history.entry(entry).error == error


@pytest.mark.parametrize(
    ("reached", "ends_as"),
    [
        (EntryState.STAGING, EntryState.INTERRUPTED),
        (EntryState.STAGED, EntryState.WITHDRAWN),
        (EntryState.FINALIZING, EntryState.INTERRUPTED),
        (EntryState.FINALIZED, EntryState.WITHDRAWN),
        (EntryState.SUCCEEDED, EntryState.SUCCEEDED),
    ],
)
def test_what_was_under_way_ends_when_another_begins(
    store: Datastore, reached: EntryState, ends_as: EntryState
) -> None:
    store.history.advance(store.history.begin(UPDATE), reached)
    store.history.begin(UPDATE)
    assert states(store) == [ends_as, EntryState.STAGING]


def test_only_the_newest_can_be_under_way(store: Datastore) -> None:
    assert store.history.current() is None
    entry = store.history.begin(INSTALL)
    current = store.history.current()
    assert current is not None
    assert current.id == entry
    store.history.advance(entry, EntryState.SUCCEEDED)
    assert store.history.current() is None
    latest = store.history.latest()
    assert latest is not None
    assert latest.id == entry


def test_the_version_of_an_image_is_remembered(store: Datastore) -> None:
    store.history.advance(store.history.begin(INSTALL), EntryState.SUCCEEDED)
    entry = store.history.entry(store.history.begin(UPDATE))
    assert entry.from_image == ImageName("http://images/v1.cosi", "a" * 96, "13.1")
    assert entry.to_image == ImageName("http://images/v2.cosi", "b" * 96, "13.2")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ops:secret@images/v1.cosi?sig=secret#x", "https://images/v1.cosi"),
        ("https://images?sig=secret", "https://images"),
        ("file:///srv/a?b@c.cosi", "file:///srv/a?b@c.cosi"),
        ("oci://registry/repo@sha256:00", "oci://registry/repo@sha256:00"),
    ],
)
def test_an_image_is_named_without_secrets(store: Datastore, url: str, shown: str) -> None:
    new = NewServicing(ServicingType.CLEAN_INSTALL, {}, {"image": {"url": url, "sha384": "ignored"}})
    entry = store.history.entry(store.history.begin(new))
    assert entry.to_image == ImageName(shown, "ignored")


def test_the_newest_come_first_and_can_be_limited(store: Datastore) -> None:
    ids = [store.history.begin(UPDATE) for _count in range(5)]
    assert [entry.id for entry in store.history.entries(2)] == [ids[4], ids[3]]
    assert [entry.id for entry in store.history.entries()] == ids[::-1]


def test_an_update_counts_as_written_unless_its_verb_says_when_it_begins_to_write(store: Datastore) -> None:
    assert store.history.entry(store.history.begin(UPDATE)).target_written
    careful = store.history.begin(
        NewServicing(ServicingType.AB_UPDATE, V1, V2, AbVolume.A, AbVolume.B, target_written=False)
    )
    assert not store.history.entry(careful).target_written
    store.history.advance(careful, target_written=True)
    store.history.advance(careful, EntryState.STAGED)
    assert store.history.entry(careful).target_written


def test_an_entry_that_is_not_there_is_a_defect(store: Datastore) -> None:
    for call in (
        lambda: store.history.advance(7, EntryState.STAGED),
        lambda: store.history.save_seals(7, {}),
        lambda: store.history.entry(7),
    ):
        with pytest.raises(TridentError) as caught:
            call()
        assert caught.value.kind is ErrorKind.INTERNAL


def test_odd_text_is_kept(store: Datastore) -> None:
    odd = "/a/\udcff\x00\x1b[31m\U0001f409"
    entry = store.history.begin(
        NewServicing(ServicingType.AB_UPDATE, {"image": {"url": odd}}, {"scripts": odd}, AbVolume.A)
    )
    store.history.save_seals(entry, {odd: odd})
    store.history.advance(entry, EntryState.FAILED, error={"message": odd})
    told = store.history.entry(entry)
    assert told.error == {"message": odd}
    assert told.seals == {odd: odd}


def test_status_journal_and_history_are_written_together_or_not_at_all(store: Datastore) -> None:
    store.record(HostStatus(servicing_state=ServicingState.PROVISIONED))
    with pytest.raises(KeyboardInterrupt), store.together():
        store.record(HostStatus(servicing_state=ServicingState.AB_UPDATE_STAGED))
        store.note("stage", "step", "done")
        store.history.begin(UPDATE)
        raise KeyboardInterrupt
    assert store.status().servicing_state is ServicingState.PROVISIONED
    assert store.last_journal_event("stage", "step") is None
    assert store.history.entries() == ()


def test_a_change_within_a_change_is_part_of_it(store: Datastore, tmp_path: Path) -> None:
    with store.together():
        store.record(HostStatus(servicing_state=ServicingState.PROVISIONED))
        with pytest.raises(ZeroDivisionError), store.together():
            store.note("stage", "inner", "begin")
            raise ZeroDivisionError
        with store.together():
            store.note("stage", "other", "begin")
        with Datastore.open(tmp_path / "datastore.sqlite", read_only=True) as reader:
            assert reader.contents() is None, "nothing can be seen before all of it is written"
    assert store.last_journal_event("stage", "inner") is None
    assert store.last_journal_event("stage", "other") == "begin"
    assert store.status().servicing_state is ServicingState.PROVISIONED


def test_a_copy_goes_on_with_the_history(store: Datastore, tmp_path: Path) -> None:
    entry = store.history.begin(INSTALL)
    with store.copy_to(tmp_path / "target.sqlite") as copy:
        copy.history.advance(entry, EntryState.SUCCEEDED)
        assert copy.history.entry(entry).state is EntryState.SUCCEEDED
    assert store.history.entry(entry).state is EntryState.STAGING


def test_a_configuration_is_kept_once(store: Datastore) -> None:
    for _time in range(10):
        store.history.begin(UPDATE)
    assert store._connection.rows("SELECT count(*) FROM configurations") == [(2,)]


def test_what_is_reported_as_written_survives_a_power_cut(tmp_path: Path) -> None:
    """SQLite's ``PRAGMA synchronous``: 3 is EXTRA, which also syncs the directory after a transaction."""
    path = tmp_path / "datastore.sqlite"
    for opened in (Datastore.create(path), Datastore.open(path)):
        with opened as store:
            assert store._connection.rows("PRAGMA synchronous") == [(3,)]


def test_a_kill_at_any_statement_leaves_all_of_a_change_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "datastore.sqlite"
    with Datastore.create(path) as store:
        store.record(HostStatus(servicing_state=ServicingState.PROVISIONED))
        entry = store.history.begin(UPDATE)
    for statement in itertools.count(1):
        if (agent := os.fork()) == 0:
            left = statement

            def count(_sql: str) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os._exit(9)

            with Datastore.open(path) as store:
                # Without room in memory the file itself is changed long before the transaction ends.
                store._connection.raw.execute("PRAGMA cache_size = 1")
                store._connection.raw.set_trace_callback(count)
                with store.together():
                    store.note("stage", "step", "x" * 20_000)
                    store.history.advance(entry, EntryState.STAGED)
                    store.record(HostStatus(servicing_state=ServicingState.AB_UPDATE_STAGED))
            os._exit(0)
        was_killed = os.waitpid(agent, 0)[1] != 0
        with Datastore.open(path, read_only=True) as store:
            whole = store.status().servicing_state is ServicingState.AB_UPDATE_STAGED
            assert (store.history.entry(entry).state is EntryState.STAGED) == whole
            assert (store.last_journal_event("stage", "step") is not None) == whole
            assert whole or was_killed
        if not was_killed:
            break
    assert statement > 10, "it was killed at more than ten places"
