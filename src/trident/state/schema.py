"""The tables of the datastore, their version, and how an older file becomes a present one.

``PRAGMA user_version`` holds the version. Files of version 1 have none (0): those of the first releases,
and those of upstream, which know only ``hoststatus``. Upstream misspells the default of its time stamps, so
in its files they are NULL.

The version is raised only for what an older agent would misread. After a rollback to an older volume the
agent of that volume opens the same file; a new table or a column with a default does not disturb it.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from trident.errors import Initialization
from trident.state.connection import Connection

VERSION = 2

_STATUS_AND_JOURNAL = (
    """CREATE TABLE IF NOT EXISTS hoststatus (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
        contents TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS journal (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
        operation TEXT NOT NULL,
        step TEXT NOT NULL,
        event TEXT NOT NULL
    )""",
)
# A Host Configuration is kept once, however many servicings lead to it and away from it.
_HISTORY = (
    """CREATE TABLE configurations (
        id INTEGER PRIMARY KEY,
        sha256 TEXT NOT NULL UNIQUE,
        contents TEXT NOT NULL
    )""",
    """CREATE TABLE history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        servicing_type TEXT NOT NULL,
        state TEXT NOT NULL,
        begun_at TEXT,
        ended_at TEXT,
        stage_seconds REAL,
        finalize_seconds REAL,
        commit_seconds REAL,
        bytes_fetched INTEGER NOT NULL DEFAULT 0,
        bytes_written INTEGER NOT NULL DEFAULT 0,
        from_configuration INTEGER NOT NULL REFERENCES configurations (id),
        to_configuration INTEGER NOT NULL REFERENCES configurations (id),
        from_volume TEXT,
        to_volume TEXT,
        from_image TEXT,
        to_image TEXT,
        install_index INTEGER NOT NULL DEFAULT 0,
        target_written INTEGER NOT NULL,
        error TEXT,
        seals TEXT NOT NULL DEFAULT '{}',
        trident_version TEXT
    )""",
)


def prepare(connection: Connection, *, create: bool = False) -> None:
    """Bring the file to the present version in one transaction: all of it, or nothing.

    Args:
        connection: open for writing.
        create: make the tables in a file that has none.

    Raises:
        Initialization: ``datastore-newer`` if a newer Trident wrote it.
        Servicing: ``write-to-datastore`` if it cannot be written.
        sqlite3.Error: it is no datastore.
    """
    with connection.together():
        version = version_of(connection)
        if not is_datastore(connection):
            if not create:
                raise sqlite3.DatabaseError("it has no table 'hoststatus'")
            _create(connection, _STATUS_AND_JOURNAL + _HISTORY)
        elif version < VERSION:
            _create(connection, _STATUS_AND_JOURNAL + _HISTORY)
            from trident.state.rebuild import rebuild_history

            rebuild_history(connection)


def version_of(connection: Connection) -> int:
    """The version of the file's tables.

    Raises:
        Initialization: ``datastore-newer`` if this version of Trident does not know it.
        sqlite3.Error: it is no SQLite file.
    """
    version = int(connection.raw.execute("PRAGMA user_version").fetchone()[0])
    if version < 0:
        raise sqlite3.DatabaseError(f"its schema version is {version}")
    if version > VERSION:
        raise _newer(connection, version)
    return version


def is_datastore(connection: Connection) -> bool:
    """Whether the file holds what every version of a datastore holds.

    Raises:
        sqlite3.Error: it is no SQLite file.
    """
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'hoststatus'"
    return connection.raw.execute(query).fetchone() is not None


def _create(connection: Connection, tables: tuple[str, ...]) -> None:
    for table in tables:
        connection.raw.execute(table)
    connection.raw.execute(f"PRAGMA user_version = {VERSION}")


def _newer(connection: Connection, version: int) -> Initialization:
    writer = _writer(connection)
    who = f"Trident {writer}" if writer else "a newer Trident"
    return Initialization(
        "datastore-newer",
        f"The datastore {connection.path} was written by {who}: its schema is version "
        f"{version}, and this version of Trident knows up to {VERSION}.",
        hint=f"Use Trident {writer} or newer on this host."
        if writer
        else "Use the version of Trident that this host was last serviced with.",
        details={"path": str(connection.path), "version": version, "known": VERSION, "writer": writer},
    )


def _writer(connection: Connection) -> str | None:
    """The version of Trident in the newest status, as far as a file that is not understood can be read."""
    try:
        row = connection.raw.execute("SELECT contents FROM hoststatus ORDER BY id DESC LIMIT 1").fetchone()
    except (sqlite3.Error, UnicodeError):
        return None
    found = re.search(r"^tridentVersion: *['\"]?([\w.+~-]{1,40})", str(row[0]), re.MULTILINE) if row else None
    return found and found[1]


def in_memory(path: Path, raw: sqlite3.Connection) -> Connection:
    """A copy in memory of a file that may not be changed, in the present version.

    Raises:
        Initialization: ``load-host-status`` if the file is damaged.
    """
    copy = sqlite3.connect(":memory:")
    raw.backup(copy)
    connection = Connection(copy, path)
    prepare(connection)
    return connection
