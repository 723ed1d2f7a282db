"""The datastore: an SQLite file whose newest row is the Host Status, and the journal of steps beside it.

Table ``hoststatus`` is upstream's (``id``, ``timestamp``, ``contents`` as YAML); rows are only ever added,
so the history stays. Table ``journal`` is ours: a line before and after each step.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trident
from trident.errors import ExecutionEnvironment, Initialization, Servicing
from trident.state.status import HostStatus

_SCHEMA = """
CREATE TABLE IF NOT EXISTS hoststatus (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    contents TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    operation TEXT NOT NULL,
    step TEXT NOT NULL,
    event TEXT NOT NULL
);
"""


# What SQLite says of a damaged file, also when the damage is in a text.
_DAMAGE = (sqlite3.Error, UnicodeError)


class Datastore:
    """An open datastore. Use :meth:`create` or :meth:`open`; close it by leaving the context."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Datastore:
        """Open the datastore at ``path``, making it (0600, in a 0700 directory) where there is none.

        Raises:
            Servicing: ``open-datastore`` if it cannot be made, for want of space or permission.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            store = cls(_connect(path, "rw"), path)
            store._connection.executescript(_SCHEMA)
        except (OSError, *_DAMAGE) as error:
            raise Servicing(
                "open-datastore",
                f"The datastore {path} cannot be created: {error}.",
                hint=f"Make room on the file system that holds {path.parent}, and check that it is writable.",
                details={"path": str(path)},
            ) from error
        return store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Datastore:
        """Open an existing datastore.

        Raises:
            Initialization: ``datastore-not-found`` if there is none, ``load-host-status`` if the file
                is no datastore.
            ExecutionEnvironment: ``check-root-privileges`` if the caller may not read it.
        """
        if not os.access(path.parent, os.X_OK) or (path.exists() and not os.access(path, os.R_OK)):
            _refuse_unprivileged(path)
        if not path.exists():
            raise Initialization(
                "datastore-not-found",
                f"There is no datastore at {path}: this host was not installed by Trident.",
                hint="Install it with 'trident install' from a servicing OS.",
                details={"path": str(path)},
            )
        try:
            try:
                connection = _opened(path, "ro" if read_only else "rw")
            except sqlite3.OperationalError as error:
                # A writer was killed; what it left half done must be rolled back before anybody can read.
                if not (read_only and error.sqlite_errorname.startswith("SQLITE_READONLY")):
                    raise
                connection = _opened(path, "rw")
        except _DAMAGE as error:
            raise _unreadable(path, error) from error
        return cls(connection, path)

    def __enter__(self) -> Datastore:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()

    def contents(self) -> str | None:
        """The newest Host Status as the YAML text that was stored, or ``None`` if there is none yet.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        try:
            row = self._connection.execute(
                "SELECT contents FROM hoststatus ORDER BY id DESC LIMIT 1"
            ).fetchone()
        except _DAMAGE as error:
            raise _unreadable(self.path, error) from error
        return None if row is None else str(row[0])

    def status(self) -> HostStatus:
        """The newest Host Status; that of an unprovisioned host if nothing was recorded yet.

        Raises:
            Initialization: ``load-host-status`` or ``parse-host-status`` if it cannot be read.
        """
        text = self.contents()
        return HostStatus() if text is None else parse_host_status(text)

    def record(self, status: HostStatus) -> HostStatus:
        """Add ``status`` as the newest one, durably, and return it as written.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        written = status.evolve(trident_version=trident.__version__)
        text = dump_yaml(written.to_document())
        with self._writing():
            self._connection.execute("INSERT INTO hoststatus (contents) VALUES (?)", (text,))
        return written

    def note(self, operation: str, step: str, event: str) -> None:
        """Add a journal line: ``event`` is ``begin``, ``done``, ``failed`` or ``interrupted``.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        with self._writing():
            self._connection.execute(
                "INSERT INTO journal (operation, step, event) VALUES (?, ?, ?)", (operation, step, event)
            )

    def last_journal_event(self, operation: str, step: str) -> str | None:
        """The newest event of a step, or ``None`` if it never ran.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        try:
            row = self._connection.execute(
                "SELECT event FROM journal WHERE operation = ? AND step = ? ORDER BY id DESC LIMIT 1",
                (operation, step),
            ).fetchone()
        except _DAMAGE as error:
            raise _unreadable(self.path, error) from error
        return None if row is None else str(row[0])

    def copy_to(self, path: Path) -> Datastore:
        """Make a copy of this datastore at ``path``, replacing what is there, and open it.

        Raises:
            Servicing: ``open-datastore`` or ``write-to-datastore`` if it cannot be written.
        """
        path.unlink(missing_ok=True)
        copy = Datastore.create(path)
        with copy._writing():
            self._connection.backup(copy._connection)
        return copy

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with self._connection:
                yield
        except _DAMAGE as error:
            raise Servicing(
                "write-to-datastore",
                f"The datastore {self.path} cannot be written: {error}.",
                hint=f"Make room on the file system of {self.path.parent}, then run the command again.",
                details={"path": str(self.path)},
            ) from error


def parse_host_status(text: str) -> HostStatus:
    """Read a Host Status from its YAML text.

    Raises:
        Initialization: ``parse-host-status`` if it is not a Host Status.
    """
    import yaml

    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if not isinstance(document, dict):
            raise ValueError("not a mapping")
        return HostStatus.from_document(document)
    except (yaml.YAMLError, ValueError) as error:
        raise Initialization(
            "parse-host-status",
            "The newest Host Status in the datastore cannot be read.",
            hint="If a newer version of Trident wrote it, use that version.",
        ) from error


def dump_yaml(document: Any) -> str:
    """``document`` as block-style YAML in the given key order, for readers of YAML 1.1 and 1.2 alike."""
    import yaml

    from trident.config.scalars import meaning

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        pass

    def represent_text(dumper: Any, text: str) -> Any:
        # A file name that is not UTF-8 is no text: its odd bytes become escapes, as on stderr.
        text = text.encode(errors="backslashreplace").decode()
        # PyYAML quotes what YAML 1.1 would take for something else; 1.2 takes other things, such as 0o17.
        quoted = '"' if text and not isinstance(meaning(text), str) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=quoted)

    Dumper.add_representer(str, represent_text)
    text = yaml.dump(
        document,
        Dumper=Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
    )
    return str(text).removesuffix("...\n")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    """A connection through which the newest status can be read."""
    connection = _connect(path, mode)
    try:
        if mode == "rw":
            connection.executescript(_SCHEMA)
        connection.execute("SELECT contents FROM hoststatus LIMIT 1")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    name = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(f"file:{name}?mode={mode}", uri=True, timeout=10)
    # A row that was reported as written survives a power cut (SQLite: PRAGMA synchronous).
    connection.execute("PRAGMA synchronous = EXTRA")
    return connection


def _refuse_unprivileged(path: Path) -> None:
    if path.parent.exists():
        raise ExecutionEnvironment(
            "check-root-privileges",
            f"Only root may read the datastore {path}.",
            hint="Run the command with sudo.",
        )


def _unreadable(path: Path, error: Exception) -> Initialization:
    return Initialization(
        "load-host-status",
        f"The datastore {path} cannot be read: {error}.",
        hint="Check the file system that holds it; the running system itself is not affected.",
        details={"path": str(path)},
    )
