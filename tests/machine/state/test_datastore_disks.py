"""The datastore on a file system that is read-only or full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pure.state.old_files import UPSTREAM, row, write_old
from trident.errors import ErrorKind, TridentError
from trident.state.datastore import Datastore
from trident.state.history import EntryState
from trident.state.status import AbVolume, HostStatus, ServicingState

S = ServicingState
PROVISIONED = HostStatus(spec={"os": {"hostname": "host"}}, servicing_state=S.PROVISIONED)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def remount(disk: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", disk], check=True)


def fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
        while True:
            filler.write(bytes(4096))


def test_status_and_history_of_an_older_file_are_read_from_a_read_only_file_system(disk: Path) -> None:
    path = disk / "datastore.sqlite"
    rows = [row(S.CLEAN_INSTALL_STAGED, 1), row(S.PROVISIONED, 1, active=AbVolume.A)]
    write_old(path, UPSTREAM, rows)
    remount(disk, "ro")
    with Datastore.open(path, read_only=True) as store:
        assert store.status().servicing_state is S.PROVISIONED
        assert [entry.state for entry in store.history.entries()] == [EntryState.SUCCEEDED]


@pytest.mark.parametrize("old", [True, False])
def test_a_command_that_changes_the_host_is_refused_before_it_begins(disk: Path, old: bool) -> None:
    path = disk / "datastore.sqlite"
    if old:
        write_old(path, UPSTREAM, [row(S.PROVISIONED, 1)])
    else:
        with Datastore.create(path) as store:
            store.record(PROVISIONED)
    remount(disk, "ro")
    with pytest.raises(TridentError) as caught:
        Datastore.open(path)
    assert (caught.value.kind, caught.value.code) == (ErrorKind.SERVICING, "write-to-datastore")
    assert caught.value.hint is not None
    assert "writable" in caught.value.hint


def test_what_a_killed_writer_left_on_a_file_system_that_is_read_only_now_is_told(disk: Path) -> None:
    """Its half-written change cannot be taken back there, and must not be taken for the truth."""
    path = disk / "datastore.sqlite"
    with Datastore.create(path) as store:
        store.record(PROVISIONED)
    kill_a_writer = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
        "c.executescript('PRAGMA cache_size = 1; BEGIN'); "
        "[c.execute('INSERT INTO hoststatus (contents) VALUES (?)', ('x' * 4096,)) for _ in range(20)]; "
        "os._exit(0)"
    )
    subprocess.run(["python3", "-c", kill_a_writer, path], check=True)
    assert path.with_name("datastore.sqlite-journal").exists()
    remount(disk, "ro")
    with pytest.raises(TridentError) as caught, Datastore.open(path, read_only=True) as store:
        store.status()
    assert (caught.value.kind, caught.value.code) == (ErrorKind.INITIALIZATION, "load-host-status")
    remount(disk, "rw")
    with Datastore.open(path, read_only=True) as store:
        assert store.status().servicing_state is S.PROVISIONED


def test_a_full_disk_leaves_the_older_file_as_it_was(disk: Path) -> None:
    path = disk / "datastore.sqlite"
    write_old(path, UPSTREAM, [row(S.PROVISIONED, number) for number in range(1, 60)])
    before = path.read_bytes()
    fill(disk)
    with pytest.raises(TridentError) as caught:
        Datastore.open(path)
    assert (caught.value.code, "room" in str(caught.value.hint)) == ("write-to-datastore", True)
    assert path.read_bytes() == before
    with Datastore.open(path, read_only=True) as store:
        assert store.status().servicing_state is S.PROVISIONED
    (disk / "filler").unlink()
    with Datastore.open(path) as store:
        store.record(PROVISIONED)


def test_a_full_disk_loses_no_row(disk: Path) -> None:
    path = disk / "datastore.sqlite"
    with Datastore.create(path) as store:
        store.record(PROVISIONED)
        fill(disk)
        with pytest.raises(TridentError) as caught:
            for _row in range(50):
                store.record(PROVISIONED.evolve(last_error={"message": "x" * 4000}))
        assert (caught.value.kind, caught.value.code) == (ErrorKind.SERVICING, "write-to-datastore")
    (disk / "filler").unlink()
    with Datastore.open(path) as store:
        assert store.status().servicing_state is S.PROVISIONED


def test_no_datastore_is_made_on_a_full_disk(disk: Path) -> None:
    fill(disk)
    for _again in range(2):
        with pytest.raises(TridentError) as caught:
            Datastore.create(disk / "datastore.sqlite")
        assert (caught.value.kind, caught.value.code) == (ErrorKind.SERVICING, "open-datastore")
    (disk / "filler").unlink()
    with Datastore.create(disk / "datastore.sqlite") as store:
        assert store.status() == HostStatus()
