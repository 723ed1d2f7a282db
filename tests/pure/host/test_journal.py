"""Records to journald, over a real socket, as the other end sees them."""

from __future__ import annotations

import array
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.host.journal import Journal, leads_to_journal


class Journald:
    """The other end of the socket: reads datagrams and sealed files, and takes them apart."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)

    def entry(self) -> dict[str, str]:
        message, rights, _flags, _address = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        for _level, _kind, data in rights:
            descriptors = array.array("i", data)
            with os.fdopen(descriptors[0], "rb") as file:
                file.seek(0)
                message = file.read()
        return parse(message)


def parse(message: bytes) -> dict[str, str]:
    fields = {}
    while message:
        head, _, message = message.partition(b"\n")
        if b"=" in head:
            name, _, value = head.partition(b"=")
        else:
            name, size = head, int.from_bytes(message[:8], "little")
            value, message = message[8 : 8 + size], message[9 + size :]
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    other = Journald(tmp_path / "socket")
    yield other
    other.socket.close()


@pytest.fixture
def journal(tmp_path: Path, journald: Journald) -> Iterator[Journal]:
    handler = Journal(tmp_path / "socket")
    yield handler
    handler.close()


def record(message: str, level: int = logging.INFO, **context: str) -> logging.LogRecord:
    made = logging.LogRecord("trident.x", level, "/usr/trident/x.py", 7, message, None, None, "work")
    made.context = context
    return made


def test_an_entry_has_fields(journal: Journal, journald: Journald) -> None:
    made = record("Done.", verb="update", servicing="ab-update", operation="stage", step="write-image:root-b")
    made.message_id = "0" * 32
    journal.emit(made)
    assert journald.entry() == {
        "MESSAGE": "Done.",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "trident",
        "CODE_FILE": "/usr/trident/x.py",
        "CODE_LINE": "7",
        "CODE_FUNC": "work",
        "MESSAGE_ID": "0" * 32,
        "TRIDENT_VERB": "update",
        "TRIDENT_SERVICING_TYPE": "ab-update",
        "TRIDENT_OPERATION": "stage",
        "TRIDENT_STEP": "write-image:root-b",
    }


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (logging.CRITICAL, "3"),
        (logging.ERROR, "3"),
        (logging.WARNING, "4"),
        (logging.INFO, "6"),
        (logging.DEBUG, "7"),
    ],
)
def test_levels_become_priorities(journal: Journal, journald: Journald, level: int, priority: str) -> None:
    journal.emit(record("x", level))
    assert journald.entry()["PRIORITY"] == priority


@pytest.mark.parametrize("text", ["a\nPRIORITY=0\nMESSAGE=b", "\n", "ends\n", "a=b", "ö\0\x1b"])
def test_no_text_becomes_a_field(journal: Journal, journald: Journald, text: str) -> None:
    journal.emit(record(text))
    entry = journald.entry()
    assert (entry["MESSAGE"], entry["PRIORITY"]) == (text, "6")


def test_a_message_larger_than_a_datagram_arrives_whole(journal: Journal, journald: Journald) -> None:
    text = "x" * 5_000_000
    journal.emit(record(text))
    assert journald.entry()["MESSAGE"] == text


def test_a_journal_that_does_not_read_is_not_waited_for(journal: Journal, journald: Journald) -> None:
    for number in range(10_000):
        journal.emit(record(f"{number}"))
    assert journald.entry()["MESSAGE"] == "0"


def test_a_journal_that_went_away_is_no_error(journal: Journal, journald: Journald) -> None:
    journald.socket.close()
    journal.emit(record("x"))


@pytest.mark.parametrize("kind", ["nothing", "file", "directory"])
def test_no_journal_is_found_where_there_is_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "socket"
    if kind == "file":
        path.touch()
    elif kind == "directory":
        path.mkdir()
    with pytest.raises(OSError):
        Journal(path)


def test_a_stream_leads_to_the_journal_if_the_unit_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "stream").open("w") as stream:
        found = os.fstat(stream.fileno())
        for value, expected in (
            (f"{found.st_dev}:{found.st_ino}", True),
            (f"{found.st_dev}:{found.st_ino + 1}", False),
            ("", False),
            ("x:y", False),
            ("1", False),
        ):
            monkeypatch.setenv("JOURNAL_STREAM", value)
            assert leads_to_journal(stream) is expected
        monkeypatch.delenv("JOURNAL_STREAM")
        assert not leads_to_journal(stream)
