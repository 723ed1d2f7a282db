"""The datastore: an SQLite file whose newest row is the Host Status, with journal and history beside it.

Table ``hoststatus`` is upstream's (``id``, ``timestamp``, ``contents`` as YAML). ``journal`` is ours: a line
before and after each step. So is ``history``: an entry for each servicing (:mod:`trident.state.history`).
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import trident
from trident.errors import ExecutionEnvironment, Initialization, Servicing
from trident.state.connection import DAMAGE, Connection, unreadable, unwritable
from trident.state.prune import prune_lines, prune_statuses
from trident.state.schema import VERSION, in_memory, is_datastore, prepare, version_of
from trident.state.status import HostStatus
from trident.state.text import dump_yaml, parse_host_status

if TYPE_CHECKING:
    from trident.state.history import History

__all__ = ["Datastore", "dump_yaml", "parse_host_status"]


class Datastore:
    """An open datastore. Use :meth:`create` or :meth:`open`; close it by leaving the context."""

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._history: History | None = None
        self._present: Connection | None = None
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Datastore:
        """Open the datastore at ``path``, making it (0600, in a 0700 directory) where there is none.

        Raises:
            Servicing: ``open-datastore`` if it cannot be made, for want of space or permission.
            Initialization: ``datastore-newer`` if there is one that a newer Trident wrote.
        """
        connection = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            connection = Connection.to(path, "rw")
            prepare(connection, create=True)
        except (OSError, Servicing, *DAMAGE) as error:
            if connection is not None:
                connection.close()
            cause = error.__cause__ if isinstance(error, Servicing) else error
            raise Servicing(
                "open-datastore",
                f"The datastore {path} cannot be created: {cause}.",
                hint=f"Make room on the file system that holds {path.parent}, and check that it is writable.",
                details={"path": str(path)},
            ) from cause
        return cls(connection, path)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Datastore:
        """Open an existing datastore; for writing also bring an older one to the present version.

        Raises:
            Initialization: ``datastore-not-found`` if there is none, ``load-host-status`` if the file
                is no datastore or damaged, ``datastore-newer`` if a newer Trident wrote it,
                ``datastore-not-trusted`` if others than root could have changed it.
            ExecutionEnvironment: ``check-root-privileges`` if the caller may not read it.
            Servicing: ``write-to-datastore`` if it was opened for writing and cannot be written.
        """
        _refuse_unfit(path)
        try:
            return cls(_read_only(path) if read_only else _writable(path), path)
        except DAMAGE as error:
            raise unreadable(path, error) from error
        except Servicing as error:
            # A write was not all that the file refused: it is no datastore at all.
            if isinstance(error.__cause__, sqlite3.DatabaseError) and not isinstance(
                error.__cause__, sqlite3.OperationalError
            ):
                raise unreadable(path, error.__cause__) from error.__cause__
            raise

    def __enter__(self) -> Datastore:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()

    @property
    def history(self) -> History:
        """The servicings that were begun. In an older file that was opened read-only: as far as it tells.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        if self._history is None:
            from trident.state.history import History

            self._history = History(self._of_this_version())
        return self._history

    def _of_this_version(self) -> Connection:
        """The file, or a copy in memory of an older one that was opened read-only and lacks tables."""
        if self._present is None:
            try:
                older = version_of(self._connection) < VERSION
                self._present = in_memory(self.path, self._connection.raw) if older else self._connection
            except DAMAGE as error:
                raise unreadable(self.path, error) from error
        return self._present

    def together(self) -> AbstractContextManager[None]:
        """One transaction around what the body records and notes, in history and journal too.

        It can be nested; an exception that leaves the body undoes what the body wrote, and the outermost one
        everything.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        return self._connection.together()

    def contents(self) -> str | None:
        """The newest Host Status as the YAML text that was stored, or ``None`` if there is none yet.

        SQLite remembers the number of the last row that was added, and that row is never removed: a page
        that lost its rows is damage, and no host without a status.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        last = self._connection.row("SELECT seq FROM sqlite_sequence WHERE name = 'hoststatus'")
        row = self._connection.row("SELECT id, contents FROM hoststatus ORDER BY id DESC LIMIT 1")
        if last is not None and (row is None or row[0] != last[0]):
            raise unreadable(self.path, ValueError(f"its newest Host Status, row {last[0]}, is missing"))
        return None if row is None else str(row[1])

    def status(self) -> HostStatus:
        """The newest Host Status; that of an unprovisioned host if nothing was recorded yet.

        Raises:
            Initialization: ``load-host-status`` or ``parse-host-status`` if it cannot be read.
        """
        text = self.contents()
        return HostStatus() if text is None else parse_host_status(text)

    def record(self, status: HostStatus) -> HostStatus:
        """Add ``status`` as the newest one, durably, and return it as written. Very old ones are forgotten.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        written = status.evolve(trident_version=trident.__version__)
        text = dump_yaml(written.to_document())
        # The time is named, because upstream's tables have no default for it.
        with self._connection.together():
            added = self._connection.write(
                "INSERT INTO hoststatus (timestamp, contents) VALUES (CURRENT_TIMESTAMP, ?)", (text,)
            )
            prune_statuses(self._connection, added)
        return written

    def note(self, operation: str, step: str, event: str) -> None:
        """Add a journal line: ``event`` is ``begin``, ``done``, ``failed`` or ``interrupted``.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        with self._connection.together():
            added = self._connection.write(
                "INSERT INTO journal (operation, step, event) VALUES (?, ?, ?)", (operation, step, event)
            )
            prune_lines(self._connection, added)

    def last_journal_event(self, operation: str, step: str) -> str | None:
        """The newest event of a step, or ``None`` if it never ran.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        row = self._of_this_version().row(
            "SELECT event FROM journal WHERE operation = ? AND step = ? ORDER BY id DESC LIMIT 1",
            (operation, step),
        )
        return None if row is None else str(row[0])

    def journal_since(self, operation: str, step: str) -> tuple[tuple[str, str, str], ...]:
        """The lines after the newest one of a step, oldest first: operation, step and event of each.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        rows = self._of_this_version().rows(
            "SELECT operation, step, event FROM journal WHERE id > (SELECT ifnull(max(id), 0) FROM journal "
            "WHERE operation = ? AND step = ?) ORDER BY id",
            (operation, step),
        )
        return tuple((str(done), str(what), str(event)) for done, what, event in rows)

    def copy_to(self, path: Path) -> Datastore:
        """Make a copy of this datastore at ``path``, replacing what is there, and open it.

        Raises:
            Servicing: ``open-datastore`` or ``write-to-datastore`` if it cannot be written.
        """
        path.unlink(missing_ok=True)
        copy = Datastore.create(path)
        try:
            self._connection.raw.backup(copy._connection.raw)
        except DAMAGE as error:
            copy._connection.close()
            raise unwritable(path, error) from error
        return copy


def _read_only(path: Path) -> Connection:
    try:
        return _readable(Connection.to(path, "ro"))
    except sqlite3.OperationalError as error:
        # A writer was killed; what it left half done must be rolled back before anybody can read.
        if not error.sqlite_errorname.startswith("SQLITE_READONLY"):
            raise
        return _readable(Connection.to(path, "rw"))


def _writable(path: Path) -> Connection:
    if not os.access(path, os.W_OK):
        # SQLite would open it for reading alone, and the first step find out.
        raise unwritable(path, PermissionError("it is read-only"))
    connection = Connection.to(path, "rw")
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        # Upstream leaves it to the umask who may read it.
        path.chmod(0o600)
    return connection


def _readable(connection: Connection) -> Connection:
    """A connection through which the newest status can be read."""
    try:
        version_of(connection)
        if not is_datastore(connection):
            raise sqlite3.DatabaseError("it has no table 'hoststatus'")
    except BaseException:
        connection.close()
        raise
    return connection


def _refuse_unfit(path: Path) -> None:
    """Refuse what cannot be a datastore before SQLite sees it.

    Raises:
        Initialization: ``datastore-not-found``, ``load-host-status`` or ``datastore-not-trusted``.
        ExecutionEnvironment: ``check-root-privileges`` if the caller may not read it.
    """
    try:
        facts = path.stat()
        if not os.access(path, os.R_OK):
            raise PermissionError
    except PermissionError:
        raise ExecutionEnvironment(
            "check-root-privileges",
            f"Only root may read the datastore {path}.",
            hint="Run the command with sudo.",
        ) from None
    except (FileNotFoundError, NotADirectoryError):
        raise Initialization(
            "datastore-not-found",
            f"There is no datastore at {path}: this host was not installed by Trident.",
            hint="Install it with 'trident install' from a servicing OS.",
            details={"path": str(path)},
        ) from None
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(facts.st_mode):
        raise unreadable(path, ValueError("it is not a file"))
    if facts.st_size == 0:
        raise unreadable(path, ValueError("it is empty"))
    if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & 0o022:
        raise Initialization(
            "datastore-not-trusted",
            f"The datastore {path} belongs to user {facts.st_uid} and has the mode "
            f"{stat.S_IMODE(facts.st_mode):04o}: others than root can change what this host is said to be.",
            hint=f"If you know that its content is right: 'chown root:root {path}', then 'chmod 600 {path}'.",
            details={"path": str(path), "owner": facts.st_uid, "mode": f"{stat.S_IMODE(facts.st_mode):04o}"},
        )
