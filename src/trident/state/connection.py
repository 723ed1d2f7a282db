"""The door to SQLite: one connection, transactions that nest, and errors that say what to do.

Every statement of the datastore goes through here, so that each failure of the file beneath becomes one
error of a named kind.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trident.errors import Initialization, Servicing

# What SQLite says of a damaged file, also when the damage is in a text.
DAMAGE = (sqlite3.Error, UnicodeError)
# How long a command waits for another one that is just writing, in seconds.
PATIENCE = 10.0


class Connection:
    """An open SQLite file.

    Attributes:
        path: the file, for messages.
    """

    def __init__(self, raw: sqlite3.Connection, path: Path) -> None:
        # Transactions are begun and ended below and nowhere else.
        raw.isolation_level = None
        self.raw = raw
        self.path = path
        self._depth = 0

    @classmethod
    def to(cls, path: Path, mode: str) -> Connection:
        """Open the file at ``path``; ``mode`` is SQLite's: ``ro`` or ``rw``.

        Raises:
            sqlite3.Error: SQLite cannot open it.
        """
        return cls(_connect(path, mode), path)

    def close(self) -> None:
        """Close it; a transaction that is still open is rolled back."""
        self.raw.close()

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query gives.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged or locked.
        """
        try:
            return self.raw.execute(query, parameters).fetchall()
        except DAMAGE as error:
            raise unreadable(self.path, error) from error

    def row(self, query: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """The first row that a query gives, or ``None``.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged or locked.
        """
        return next(iter(self.rows(query, parameters)), None)

    def write(self, statement: str, parameters: Sequence[object] = ()) -> int:
        """Carry out one statement, durably or as part of the transaction that is open; the id of a new row.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        with self.together():
            return self.raw.execute(statement, parameters).lastrowid or 0

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """One transaction around the body. Inside another one it is part of that one.

        An exception that leaves the body undoes what the body wrote, and the outermost one everything.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        try:
            with self._transaction():
                yield
        except DAMAGE as error:
            raise unwritable(self.path, error) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        depth = self._depth
        if depth and not self.raw.in_transaction:
            # A full disk makes SQLite end the transaction by itself; what follows must not stand alone.
            raise sqlite3.OperationalError("an earlier part of this change could not be written")
        begin, end, undo = (
            (f"SAVEPOINT level_{depth}", f"RELEASE level_{depth}", f"ROLLBACK TO level_{depth}")
            if depth
            else ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
        )
        try:
            self.raw.execute(begin)
            self._depth = depth + 1
            yield
            self._depth = depth
            self.raw.execute(end)
        except BaseException:
            self._depth = depth
            with contextlib.suppress(sqlite3.Error):
                if self.raw.in_transaction:
                    self.raw.execute(undo)
            raise


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    name = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    raw = sqlite3.connect(f"file:{name}?mode={mode}", uri=True, timeout=PATIENCE)
    try:
        # A row that was reported as written survives a power cut (SQLite: PRAGMA synchronous).
        raw.execute("PRAGMA synchronous = EXTRA")
    except BaseException:
        raw.close()
        raise
    return raw


def unreadable(path: Path, error: Exception) -> Initialization:
    """The error for a datastore that is there and cannot be read."""
    if _is_lock(error):
        return Initialization(
            "load-host-status",
            f"The datastore {path} is locked by another process.",
            hint=f"Wait for it to end, then run the command again; 'fuser {path}' names it.",
            details={"path": str(path)},
        )
    return Initialization(
        "load-host-status",
        f"The datastore {path} cannot be read: {error}.",
        hint="Check the file system that holds it; the running system itself is not affected.",
        details={"path": str(path)},
    )


def unwritable(path: Path, error: Exception) -> Servicing:
    """The error for a datastore that takes no change."""
    if _is_lock(error):
        hint = (
            f"Wait for the process that holds it to end, then run the command again; 'fuser {path}' names it."
        )
    elif isinstance(error, PermissionError) or _name(error).startswith("SQLITE_READONLY"):
        hint = f"Make {path} and the file system that holds it writable, then run the command again."
    else:
        hint = f"Make room on the file system of {path.parent}, then run the command again."
    return Servicing(
        "write-to-datastore",
        f"The datastore {path} cannot be written: {error}.",
        hint=hint,
        details={"path": str(path)},
    )


def _is_lock(error: Exception) -> bool:
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _name(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorname", ""))
