"""Older datastores are read as they are, and migrated as a whole or not at all; newer ones are refused."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from tests.pure.state.old_files import FAILED, REFUSED, UPSTREAM, VERSION_1, row, write_old
from trident.errors import ErrorKind, TridentError
from trident.state import rebuild
from trident.state.connection import Connection
from trident.state.datastore import Datastore
from trident.state.history import EntryState, HistoryEntry
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

S = ServicingState
A, B = AbVolume.A, AbVolume.B
INSTALLED = [
    row(S.NOT_PROVISIONED, 0),
    row(S.CLEAN_INSTALL_STAGED, 1),
    row(S.CLEAN_INSTALL_FINALIZED, 1),
    row(S.PROVISIONED, 1, active=A),
]
STAGED = row(S.AB_UPDATE_STAGED, 2, old=1, active=A)
FINALIZED = row(S.AB_UPDATE_FINALIZED, 2, old=1, active=A)
UPDATED = [*INSTALLED, STAGED, FINALIZED, row(S.PROVISIONED, 2, active=B)]


def told(entry: HistoryEntry) -> tuple[str, str]:
    return entry.servicing_type, entry.state


def history_of(path: Path, *, read_only: bool = False) -> list[HistoryEntry]:
    with Datastore.open(path, read_only=read_only) as store:
        return list(reversed(store.history.entries()))


@pytest.mark.parametrize("tables", [UPSTREAM, VERSION_1], ids=["upstream's", "version 1"])
def test_the_servicings_of_an_older_file_are_found_in_its_rows(tmp_path: Path, tables: str) -> None:
    path = tmp_path / "datastore.sqlite"
    write_old(path, tables, UPDATED)
    installed, updated = history_of(path)
    assert told(installed) == (ServicingType.CLEAN_INSTALL, EntryState.SUCCEEDED)
    assert told(updated) == (ServicingType.AB_UPDATE, EntryState.SUCCEEDED)
    assert (updated.from_volume, updated.to_volume) == (A, B)
    assert updated.from_configuration == installed.to_configuration
    assert "v2.cosi" in updated.to_configuration
    assert updated.begun_at == (None if tables == UPSTREAM else "2025-11-21T16:00:04Z")


PROVISIONED = row(S.PROVISIONED, 1, active=A)
AB, RUNTIME = ServicingType.AB_UPDATE, ServicingType.RUNTIME_UPDATE


@pytest.mark.parametrize(
    ("rows", "ends"),
    [
        ([STAGED], [(AB, EntryState.STAGED)]),
        ([STAGED, FINALIZED], [(AB, EntryState.FINALIZED)]),
        ([STAGED, FINALIZED, STAGED], [(AB, EntryState.STAGED)]),
        ([STAGED, PROVISIONED], [(AB, EntryState.WITHDRAWN)]),
        (
            [STAGED, FINALIZED, PROVISIONED, row(S.PROVISIONED, 1, active=A, error=FAILED)],
            [(AB, EntryState.FAILED)],
        ),
        (
            [STAGED, FINALIZED, row(S.AB_UPDATE_HEALTH_CHECK_FAILED, 2, 1, A, FAILED), PROVISIONED],
            [(AB, EntryState.ROLLED_BACK)],
        ),
        ([row(S.PROVISIONED, 1, active=A, error=FAILED)], [(AB, EntryState.FAILED)]),
        ([row(S.PROVISIONED, 1, active=A, error=REFUSED)], []),
        (
            [STAGED, PROVISIONED, row(S.AB_UPDATE_STAGED, 3, old=1, active=A)],
            [(AB, EntryState.WITHDRAWN), (AB, EntryState.STAGED)],
        ),
        (
            [row(S.RUNTIME_UPDATE_STAGED, 2, old=1, active=A), row(S.PROVISIONED, 2, active=A)],
            [(RUNTIME, EntryState.SUCCEEDED)],
        ),
        ([row(S.RUNTIME_UPDATE_STAGED, 2, old=1, active=A), PROVISIONED], [(RUNTIME, EntryState.WITHDRAWN)]),
        (
            [row(S.MANUAL_ROLLBACK_AB_STAGED, 2, old=1, active=A),
             row(S.MANUAL_ROLLBACK_AB_FINALIZED, 2, old=1, active=A), row(S.PROVISIONED, 2, active=B)],
            [(ServicingType.MANUAL_ROLLBACK_AB, EntryState.SUCCEEDED)],
        ),
        (["no: [yaml", STAGED], [(AB, EntryState.STAGED)]),
    ],
)  # fmt: skip
def test_how_a_servicing_of_an_older_file_ended(
    tmp_path: Path, rows: list[str], ends: list[tuple[ServicingType, EntryState]]
) -> None:
    path = tmp_path / "datastore.sqlite"
    write_old(path, VERSION_1, [*INSTALLED, *rows])
    assert [told(entry) for entry in history_of(path)[1:]] == ends


def test_staging_that_was_cut_off_counts_as_written(tmp_path: Path) -> None:
    """No row tells of it, only the journal; the inactive volume may be gone all the same."""
    path = tmp_path / "datastore.sqlite"
    write_old(path, VERSION_1, UPDATED, steps=[(1, "write-image:root-a"), (4, "write-image:root-b"),
                                               (8, "write-image:root-a")])  # fmt: skip
    *_before, last = history_of(path)
    assert told(last) == (ServicingType.AB_UPDATE, EntryState.INTERRUPTED)
    assert last.target_written
    assert (last.from_volume, last.to_volume) == (B, A)


@pytest.mark.parametrize("tables", [UPSTREAM, VERSION_1], ids=["upstream's", "version 1"])
def test_reading_changes_no_byte_and_tells_the_same(tmp_path: Path, tables: str) -> None:
    path = tmp_path / "datastore.sqlite"
    write_old(path, tables, UPDATED)
    before = path.read_bytes()
    with Datastore.open(path, read_only=True) as store:
        assert store.last_journal_event("finalize", "finalize-runtime") is None
    seen = history_of(path, read_only=True)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["datastore.sqlite"]
    assert seen == history_of(path)


@pytest.mark.parametrize("tables", [UPSTREAM, VERSION_1], ids=["upstream's", "version 1"])
def test_an_older_file_is_written_on(tmp_path: Path, tables: str) -> None:
    path = tmp_path / "datastore.sqlite"
    write_old(path, tables, UPDATED)
    path.chmod(0o644)
    with Datastore.open(path) as store:
        store.record(HostStatus(servicing_state=S.PROVISIONED))
        store.note("stage", "step", "begin")
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (2,)
    assert raw.execute("SELECT count(*) FROM hoststatus").fetchone() == (len(UPDATED) + 1,)
    assert raw.execute("SELECT timestamp FROM hoststatus ORDER BY id DESC").fetchone()[0] is not None
    assert path.stat().st_mode & 0o777 == 0o600, "upstream leaves its file readable for everybody"


def test_a_kill_while_migrating_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "datastore.sqlite"
    write_old(path, VERSION_1, UPDATED)
    if (agent := os.fork()) == 0:

        def killed(connection: Connection, _entry: HistoryEntry) -> None:
            # A small cache makes SQLite write to the file before the transaction ends.
            connection.raw.execute("PRAGMA cache_size = 1")
            many = "INSERT INTO journal (operation, step, event) VALUES ('', zeroblob(99999), '')"
            connection.raw.execute(many)
            os._exit(0)

        monkeypatch.setattr(rebuild, "add_entry", killed)
        Datastore.open(path)
        os._exit(1)
    assert os.waitpid(agent, 0)[1] == 0
    assert path.with_name("datastore.sqlite-journal").exists(), "it was killed in the middle"
    with Datastore.open(path, read_only=True) as store:
        assert store.status().servicing_state is S.PROVISIONED
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA user_version").fetchone() == (0,)
    assert {name for (name,) in raw.execute("SELECT name FROM sqlite_master")} >= {"hoststatus", "journal"}
    assert len(history_of(path)) == 2, "and the next one migrates it"


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_file_is_refused_by_the_name_of_its_writer(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "datastore.sqlite"
    with Datastore.create(path) as store:
        store.record(HostStatus())
        store._connection.raw.execute("UPDATE hoststatus SET contents = 'tridentVersion: 7.0.1\n'")
        store._connection.raw.execute("PRAGMA user_version = 3")
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(TridentError, match=r"Trident 7\.0\.1") as caught:
            Datastore.create(path) if create else Datastore.open(path, read_only=read_only)
        assert (caught.value.kind, caught.value.code) == (ErrorKind.INITIALIZATION, "datastore-newer")
    assert path.read_bytes() == before


def test_a_newer_file_without_anything_that_is_known_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "datastore.sqlite"
    raw = sqlite3.connect(path)
    raw.executescript("CREATE TABLE moon (phase TEXT); PRAGMA user_version = 99;")
    raw.close()
    with pytest.raises(TridentError, match="a newer Trident") as caught:
        Datastore.open(path, read_only=True)
    assert caught.value.code == "datastore-newer"
