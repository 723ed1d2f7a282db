"""Datastores as earlier versions and upstream wrote them, made from rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trident.state.status import AbVolume, HostStatus, ServicingState
from trident.state.text import dump_yaml

UPSTREAM = """CREATE TABLE hoststatus (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp DATETIME DEFALUT CURRENT_TIMESTAMP,
    contents TEXT NOT NULL
);"""
"""With upstream's misspelt word: its rows have no time."""

VERSION_1 = """CREATE TABLE hoststatus (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    contents TEXT NOT NULL
);
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    operation TEXT NOT NULL,
    step TEXT NOT NULL,
    event TEXT NOT NULL
);"""

FAILED = {"category": "servicing", "error": "write-image", "message": "The image cannot be written."}
REFUSED = {"category": "invalid-input", "error": "unknown-value", "message": "No."}


def spec(version: int) -> dict[str, Any]:
    """The Host Configuration of a version."""
    return {"image": {"url": f"http://images/v{version}.cosi", "sha384": "ignored"}}


def row(
    state: ServicingState, version: int, old: int = 0, active: AbVolume | None = None, error: Any = None
) -> str:
    """A status as it was stored."""
    status = HostStatus(
        spec=spec(version) if version else {},
        spec_old=spec(old) if old else {},
        servicing_state=state,
        ab_active_volume=active,
        last_error=error,
        trident_version="0.1.0",
    )
    return dump_yaml(status.to_document())


def write_old(path: Path, tables: str, rows: Iterable[str], steps: Iterable[tuple[int, str]] = ()) -> None:
    """Write a datastore of these tables.

    Args:
        path: the file.
        tables: ``UPSTREAM`` or ``VERSION_1``.
        rows: what ``hoststatus`` holds. In a file of version 1 row *n* is of second *n*.
        steps: journal lines of staging that began: the second, and the step.
    """
    connection = sqlite3.connect(path)
    connection.executescript(tables)
    for second, contents in enumerate(rows):
        moment = None if tables == UPSTREAM else f"2025-11-21 16:00:{second:02}"
        connection.execute("INSERT INTO hoststatus (timestamp, contents) VALUES (?, ?)", (moment, contents))
    for second, step in steps:
        connection.execute(
            "INSERT INTO journal (timestamp, operation, step, event) VALUES (?, 'stage', ?, 'begin')",
            (f"2025-11-21 16:00:{second:02}", step),
        )
    connection.commit()
    connection.close()
