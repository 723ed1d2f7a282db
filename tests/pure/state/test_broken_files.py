"""A datastore that is not as it should be gives one clear error, and never an empty state."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from trident.errors import ErrorKind, TridentError
from trident.state import connection
from trident.state.datastore import Datastore
from trident.state.history import EntryState, NewServicing
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

INSTALLED = HostStatus(
    spec={"os": {"hostname": "host"}},
    servicing_state=ServicingState.PROVISIONED,
    ab_active_volume=AbVolume.A,
)
NEW = NewServicing(
    ServicingType.AB_UPDATE, INSTALLED.spec, {"os": {"hostname": "new"}}, AbVolume.A, AbVolume.B
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A datastore of a host that runs, of several pages."""
    path = tmp_path / "datastore.sqlite"
    with Datastore.create(path) as store:
        store.history.advance(store.history.begin(NEW), EntryState.FAILED)
        for _row in range(12):
            store.record(INSTALLED.evolve(last_error={"message": "x" * 900}))
            store.note("stage", "step", "begin")
        store.record(INSTALLED)
    return path


def refusal(path: Path, *, read_only: bool) -> TridentError:
    """The error of a command that opens and reads the datastore."""
    with pytest.raises(TridentError) as caught, Datastore.open(path, read_only=read_only) as store:
        store.status()
    assert caught.value.hint
    assert str(path) in caught.value.message
    return caught.value


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 8192,
        b"not a database, but long enough to look like one" * 40,
        b"SQLite format 3\0",
        b"SQLite format 3\0" + b"\xff" * 2000,
        b"servicingState: provisioned\n",
    ],
    ids=["empty", "zeros", "text", "16 bytes", "broken header", "a status"],
)
def test_a_file_that_is_no_datastore_is_refused_and_left_alone(
    path: Path, content: bytes, read_only: bool
) -> None:
    path.write_bytes(content)
    error = refusal(path, read_only=read_only)
    assert (error.kind, error.code) == (ErrorKind.INITIALIZATION, "load-host-status")
    assert path.read_bytes() == content


@pytest.mark.parametrize("read_only", [True, False])
def test_another_database_is_no_datastore(path: Path, read_only: bool) -> None:
    path.unlink()
    raw = sqlite3.connect(path)
    raw.executescript("CREATE TABLE moon (phase TEXT)")
    raw.close()
    path.chmod(0o600)
    error = refusal(path, read_only=read_only)
    assert (error.code, "hoststatus" in error.message) == ("load-host-status", True)


@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_no_file_is_refused(path: Path, read_only: bool) -> None:
    for make in (Path.mkdir, os.mkfifo):
        path.unlink()
        make(path)
        assert refusal(path, read_only=read_only).code == "load-host-status"
        if path.is_dir():
            path.rmdir()
            path.touch()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_link_that_leads_nowhere_is_no_datastore(path: Path, read_only: bool) -> None:
    path.unlink()
    path.symlink_to("gone")
    assert refusal(path, read_only=read_only).code == "datastore-not-found"
    assert refusal(path / "below", read_only=read_only).code == "datastore-not-found"


@pytest.mark.parametrize("read_only", [True, False])
def test_a_truncated_file_is_never_an_empty_state(path: Path, read_only: bool) -> None:
    with Datastore.open(path, read_only=True) as store:
        recorded = store.status()
    whole = path.read_bytes()
    told = 0
    for size in range(0, len(whole), 512):
        path.write_bytes(whole[:size])
        try:
            with Datastore.open(path, read_only=read_only) as store:
                assert store.status() == recorded
        except TridentError as error:
            assert error.code == "load-host-status"
            told += 1
    assert told >= len(whole) // 512 - 8, "but for the last page, which does not hold the status"


@pytest.mark.parametrize("filling", [b"\0", b"\xff", b"\x0d\0\0\0\0\x10\0\0"], ids=["0", "ff", "empty leaf"])
def test_a_page_that_lost_its_content_is_never_an_empty_state(path: Path, filling: bytes) -> None:
    whole = path.read_bytes()
    for start in range(0, len(whole), 4096):
        content = bytearray(whole)
        offset = 100 if start == 0 else 0
        content[start + offset : start + 4096] = (filling * 4096)[: 4096 - offset]
        path.write_bytes(content)
        with contextlib.suppress(TridentError), Datastore.open(path, read_only=True) as store:
            assert store.status().servicing_state is ServicingState.PROVISIONED


def test_damage_anywhere_is_an_error_of_a_named_kind(path: Path) -> None:
    whole, chance = path.read_bytes(), random.Random(1)
    for _attempt in range(60):
        content = bytearray(whole)
        for _byte in range(200):
            content[chance.randrange(100, len(content))] = chance.randrange(256)
        path.write_bytes(content)
        with contextlib.suppress(TridentError), Datastore.open(path) as store:
            store.status()
            store.last_journal_event("stage", "step")
            store.history.entries()
            with store.together():
                store.history.begin(NEW)
                store.record(HostStatus())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("state", "half-done"),
        ("servicing_type", "moon"),
        ("error", "{"),
        ("error", "[]"),
        ("seals", "[1"),
        ("seals", "[1]"),
        ("from_volume", "c"),
        ("to_image", "{}"),
        ("to_image", "[]"),
        ("bytes_fetched", "many"),
        ("stage_seconds", "long"),
        ("begun_at", b"\x07"),
    ],
)
def test_an_entry_that_makes_no_sense_is_damage(path: Path, column: str, value: object) -> None:
    with Datastore.open(path) as store:
        store._connection.raw.execute(f"UPDATE history SET {column} = ?", (value,))
    with Datastore.open(path, read_only=True) as store:
        assert store.status().servicing_state is ServicingState.PROVISIONED, "the status does not need it"
        with pytest.raises(TridentError) as caught:
            store.history.latest()
        assert caught.value.code == "load-host-status"


@pytest.mark.parametrize(
    ("mode", "refused"),
    [(0o600, False), (0o400, False), (0o644, False), (0o660, True), (0o666, True), (0o602, True)],
)
def test_a_file_that_others_can_write_is_not_believed(path: Path, mode: int, refused: bool) -> None:
    path.chmod(mode)
    if not refused:
        with Datastore.open(path, read_only=True) as store:
            assert store.status().servicing_state is ServicingState.PROVISIONED
        return
    error = refusal(path, read_only=True)
    assert (error.kind, error.code) == (ErrorKind.INITIALIZATION, "datastore-not-trusted")
    assert error.details["mode"] == f"{mode:04o}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_not_believed(path: Path) -> None:
    os.chown(path, 1000, 1000)
    error = refusal(path, read_only=False)
    assert (error.code, error.details["owner"]) == ("datastore-not-trusted", 1000)


LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
connection.execute(sys.argv[2])
print("held", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("holds", "reading", "writing"),
    [
        ("BEGIN EXCLUSIVE", "load-host-status", "load-host-status"),
        ("BEGIN IMMEDIATE", None, "write-to-datastore"),
    ],
)
def test_a_file_that_another_process_holds_is_told_as_that(
    path: Path, monkeypatch: pytest.MonkeyPatch, holds: str, reading: str | None, writing: str
) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.1)
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK, str(path), holds], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for read_only, code in ((True, reading), (False, writing)):
            if code is None:
                with Datastore.open(path, read_only=read_only) as store:
                    assert store.status().servicing_state is ServicingState.PROVISIONED
                continue
            error = refusal(path, read_only=read_only)
            assert (error.code, "lock" in error.message) == (code, True)
            assert error.hint is not None
            assert "fuser" in error.hint
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    with Datastore.open(path) as store:
        store.record(INSTALLED)


def test_a_full_disk_loses_nothing_and_says_what_to_do(path: Path) -> None:
    with Datastore.open(path) as store:
        pages = store._connection.raw.execute("PRAGMA page_count").fetchone()[0]
        store._connection.raw.execute(f"PRAGMA max_page_count = {pages}")
        big = INSTALLED.evolve(last_error={"message": "x" * 20000})
        with pytest.raises(TridentError) as caught, store.together():
            store.history.begin(NEW)
            with contextlib.suppress(TridentError):
                store.record(big)
            store.note("stage", "step", "never")
        assert caught.value.code == "write-to-datastore"
        assert caught.value.hint is not None
        assert "room" in caught.value.hint
    with Datastore.open(path) as store:
        assert store.status().servicing_state is ServicingState.PROVISIONED
        assert [entry.state for entry in store.history.entries()] == [EntryState.FAILED]
        assert store.last_journal_event("stage", "step") == "begin"


def test_a_table_that_takes_no_change_says_so(path: Path) -> None:
    with Datastore.open(path) as store:
        store._connection.raw.execute("PRAGMA query_only = ON")
        for write in (lambda: store.history.begin(NEW), lambda: store.record(INSTALLED)):
            with pytest.raises(TridentError) as caught:
                write()
            assert caught.value.code == "write-to-datastore"
