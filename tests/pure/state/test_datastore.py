"""The datastore: history is kept, what is reported as written is there, and damage is told plainly."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
import yaml

from trident.config.document import read_document
from trident.config.nodes import MapNode, ScalarNode
from trident.config.scalars import meaning
from trident.errors import TridentError
from trident.state.datastore import Datastore, dump_yaml, parse_host_status
from trident.state.status import HostStatus, ServicingState


def test_a_new_datastore_describes_an_unprovisioned_host(tmp_path: Path) -> None:
    with Datastore.create(tmp_path / "trident" / "datastore.sqlite") as store:
        assert store.status() == HostStatus()


def test_the_newest_status_is_read_back_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "datastore.sqlite"
    with Datastore.create(path) as store:
        store.record(HostStatus(servicing_state=ServicingState.CLEAN_INSTALL_STAGED))
        store.record(HostStatus(servicing_state=ServicingState.PROVISIONED, spec={"os": {"hostname": "a"}}))
    with Datastore.open(path, read_only=True) as store:
        assert store.status().servicing_state is ServicingState.PROVISIONED
        assert store.status().spec == {"os": {"hostname": "a"}}


def test_every_row_stays_and_carries_a_time_stamp(tmp_path: Path) -> None:
    path = tmp_path / "datastore.sqlite"
    with Datastore.create(path) as store:
        store.record(HostStatus())
        store.record(HostStatus(servicing_state=ServicingState.PROVISIONED))
    rows = sqlite3.connect(path).execute("SELECT timestamp FROM hoststatus ORDER BY id").fetchall()
    assert len(rows) == 2
    assert all(timestamp for (timestamp,) in rows)


def test_a_status_that_upstream_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "datastore.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE hoststatus "
        "(id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp DATETIME, contents TEXT NOT NULL)"
    )
    connection.execute(
        "INSERT INTO hoststatus (contents) VALUES (?)",
        ("spec: {}\nservicingState: provisioned\nabActiveVolume: volume-a\ninstallIndex: 0\n",),
    )
    connection.commit()
    connection.close()
    with Datastore.open(path) as store:
        assert store.status().servicing_state is ServicingState.PROVISIONED


def test_only_root_can_read_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "state" / "datastore.sqlite"
    Datastore.create(path).__exit__()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_copy_holds_history_and_journal(tmp_path: Path) -> None:
    with Datastore.create(tmp_path / "ram.sqlite") as store:
        store.record(HostStatus(servicing_state=ServicingState.CLEAN_INSTALL_STAGED))
        store.note("stage", "partition-disk:os", "done")
        with store.copy_to(tmp_path / "target.sqlite") as copy:
            assert copy.status().servicing_state is ServicingState.CLEAN_INSTALL_STAGED
            assert copy.last_journal_event("stage", "partition-disk:os") == "done"


def test_a_host_without_datastore_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(TridentError) as caught:
        Datastore.open(tmp_path / "datastore.sqlite")
    assert caught.value.code == "datastore-not-found"
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "[]", "servicingState: moon", "a: [", "servicingState: {}", "installIndex: x", "spec: {}"]
)
def test_a_damaged_status_is_one_clear_error(text: str) -> None:
    with pytest.raises(TridentError) as caught:
        parse_host_status(text)
    assert caught.value.code == "parse-host-status"


@pytest.mark.parametrize(
    "text", ["0o17", "1e3", "0x1F", "yes", "null", "", "0755", "12:30", "- a", "a: b", "naïve"]
)
def test_text_stays_text_for_readers_of_either_yaml(text: str) -> None:
    written = dump_yaml({"value": text})
    assert yaml.safe_load(written) == {"value": text}
    root = read_document(written).root
    assert isinstance(root, MapNode)
    node = root.values["value"]
    assert isinstance(node, ScalarNode)
    assert (meaning(node.text) if node.plain else node.text) == text


def test_what_a_killed_writer_left_half_done_does_not_keep_readers_out(tmp_path: Path) -> None:
    path = tmp_path / "datastore.sqlite"
    with Datastore.create(path) as store:
        store.record(HostStatus(servicing_state=ServicingState.PROVISIONED))
    if (writer := os.fork()) == 0:
        connection = sqlite3.connect(path)
        connection.executescript("PRAGMA cache_size = 1; BEGIN")
        for _row in range(100):
            connection.execute("INSERT INTO hoststatus (contents) VALUES (?)", ("x" * 4096,))
        os._exit(0)
    os.waitpid(writer, 0)
    assert path.with_name("datastore.sqlite-journal").exists(), "a hot journal"
    with Datastore.open(path, read_only=True) as store:
        assert store.status().servicing_state is ServicingState.PROVISIONED


@pytest.mark.parametrize("name", ["a#b.sqlite", "a?b.sqlite", "a%41.sqlite", "ä b.sqlite"])
def test_the_file_has_the_name_that_was_asked_for(tmp_path: Path, name: str) -> None:
    with Datastore.create(tmp_path / name) as store:
        store.record(HostStatus())
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert Datastore.open(tmp_path / name, read_only=True).contents() is not None


def test_a_name_that_is_not_utf_8_can_be_recorded(tmp_path: Path) -> None:
    with Datastore.create(tmp_path / "datastore.sqlite") as store:
        store.record(HostStatus(last_error={"message": "/a/\udcff"}))
        assert store.status().last_error == {"message": "/a/\\udcff"}
