"""The history: one entry for each servicing that began, kept for audit; rollback is computed from it.

An entry is begun before the servicing's first step and advanced as it goes on; the first end that it comes to
stands, but for ``half-way``, which becomes ``failed`` in the end. At most one entry, the newest, has not
ended. Host Status stays what tells what the host *is*.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import trident
from trident.errors import Internal
from trident.state.connection import Connection, unreadable
from trident.state.entry import EntryState, HistoryEntry, ImageName, NewServicing, image_name
from trident.state.prune import EVERY, prune_servicings
from trident.state.status import AbVolume, ServicingType
from trident.state.text import dump_yaml

__all__ = ["EntryState", "History", "HistoryEntry", "ImageName", "NewServicing"]


# What becomes of an entry that is still under way when another servicing begins.
_SUPERSEDED = {
    EntryState.STAGING: EntryState.INTERRUPTED,
    EntryState.STAGED: EntryState.WITHDRAWN,
    EntryState.FINALIZING: EntryState.INTERRUPTED,
    EntryState.FINALIZED: EntryState.WITHDRAWN,
}


OPERATIONS = ("stage", "finalize", "commit")

_COLUMNS = (
    "history.id, servicing_type, state, begun_at, ended_at, stage_seconds, finalize_seconds, commit_seconds, "
    "bytes_fetched, bytes_written, before.contents, after.contents, from_volume, to_volume, from_image, "
    "to_image, install_index, target_written, error, seals, trident_version"
)
_SELECT = (
    f"SELECT {_COLUMNS} FROM history "
    "JOIN configurations AS before ON before.id = from_configuration "
    "JOIN configurations AS after ON after.id = to_configuration "
)


class History:
    """The entries of an open datastore, which has it as ``datastore.history``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, new: NewServicing) -> int:
        """Add an entry in state ``staging`` and return its id.

        An entry that is still under way ends: as withdrawn if it was staged or finalized, as interrupted if
        it was on the way there. Every fiftieth time what is too old to be needed is forgotten.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        with self._connection.together():
            before = self.current()
            if before is not None:
                self.advance(before.id, _SUPERSEDED[before.state])
            added = add_entry(
                self._connection,
                HistoryEntry(
                    0,
                    new.servicing_type,
                    EntryState.STAGING,
                    begun_at=utc_now(),
                    from_configuration=dump_yaml(dict(new.from_configuration)),
                    to_configuration=dump_yaml(dict(new.to_configuration)),
                    from_volume=new.from_volume,
                    to_volume=new.to_volume,
                    from_image=self._named(new.from_configuration),
                    to_image=self._named(new.to_configuration, new.to_version),
                    install_index=new.install_index,
                    target_written=new.target_written,
                    trident_version=trident.__version__,
                ),
            )
            if added % EVERY == 0:
                prune_servicings(self._connection, self.entries())
            return added

    def advance(
        self,
        entry: int,
        state: EntryState | None = None,
        *,
        seconds: Mapping[str, float] | None = None,
        bytes_fetched: int = 0,
        bytes_written: int = 0,
        target_written: bool = False,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Say how an entry went on. One that has ended stays as it ended.

        Args:
            entry: its id.
            state: what it is now; ``None`` leaves it.
            seconds: time spent by operation (``stage``, ``finalize``, ``commit``); added to what is recorded.
            bytes_fetched: bytes more that were fetched.
            bytes_written: bytes more that were written.
            target_written: the inactive volume is about to be written.
            error: what went wrong, as :meth:`trident.errors.TridentError.to_document` has it.

        Raises:
            Internal: ``history-entry`` if there is no such entry.
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        with self._connection.together():
            present = self.entry(entry)
            if present.state.ended:
                return
            state = state or present.state
            spent = dict(present.seconds)
            for operation, more in (seconds or {}).items():
                spent[operation] = spent.get(operation, 0.0) + more
            self._connection.write(
                "UPDATE history SET state = ?, ended_at = ?, stage_seconds = ?, finalize_seconds = ?, "
                "commit_seconds = ?, bytes_fetched = ?, bytes_written = ?, target_written = ?, error = ? "
                "WHERE id = ?",
                (
                    state,
                    utc_now() if state.ended else None,
                    *(spent.get(operation) for operation in OPERATIONS),
                    present.bytes_fetched + bytes_fetched,
                    present.bytes_written + bytes_written,
                    present.target_written or target_written,
                    _json(error or present.error),
                    entry,
                ),
            )

    def settle(self, entry: int) -> None:
        """Say that nothing is left any more of an entry that ended as ``half-way``: it has just failed.

        Raises:
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        with self._connection.together():
            self._connection.write(
                "UPDATE history SET state = ? WHERE id = ? AND state = ?",
                (EntryState.FAILED, entry, EntryState.HALF_WAY),
            )

    def save_seals(self, entry: int, seals: Mapping[str, str]) -> None:
        """Keep the fingerprints of what was staged, in place of those that are recorded.

        Raises:
            Internal: ``history-entry`` if there is no such entry.
            Servicing: ``write-to-datastore`` if it cannot be written.
        """
        with self._connection.together():
            self.entry(entry)
            self._connection.write(
                "UPDATE history SET seals = ? WHERE id = ?", (json.dumps(dict(seals)), entry)
            )

    def entry(self, entry: int) -> HistoryEntry:
        """The entry with this id.

        Raises:
            Internal: ``history-entry`` if there is none.
            Initialization: ``load-host-status`` if the file is damaged.
        """
        for found in self._read("WHERE history.id = ?", (entry,)):
            return found
        raise Internal("history-entry", f"The history has no entry {entry}.")

    def entries(self, limit: int | None = None) -> tuple[HistoryEntry, ...]:
        """The newest ``limit`` entries, or all of them, newest first.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        return self._read("ORDER BY history.id DESC LIMIT ?", (-1 if limit is None else limit,))

    def latest(self) -> HistoryEntry | None:
        """The newest entry, if there is any.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        return next(iter(self.entries(1)), None)

    def current(self) -> HistoryEntry | None:
        """The entry that is still under way, if one is.

        Raises:
            Initialization: ``load-host-status`` if the file is damaged.
        """
        latest = self.latest()
        return None if latest is None or latest.state.ended else latest

    def _read(self, condition: str, parameters: tuple[object, ...]) -> tuple[HistoryEntry, ...]:
        rows = self._connection.rows(_SELECT + condition, parameters)
        try:
            return tuple(_entry_from(row) for row in rows)
        except (ValueError, TypeError, AttributeError) as error:
            raise unreadable(self._connection.path, error) from error

    def _named(self, configuration: Mapping[str, Any], version: str | None = None) -> ImageName | None:
        """The image of a configuration; its version is that of the last servicing which knew it."""
        image = image_name(configuration, version)
        if image is None or version is not None:
            return image
        query = "SELECT to_image FROM history WHERE to_image IS NOT NULL ORDER BY id DESC"
        for (text,) in self._connection.rows(query):
            known = _image_from(text)
            if known is not None and (known.url, known.sha384) == (image.url, image.sha384):
                return known
        return image


def add_entry(connection: Connection, entry: HistoryEntry) -> int:
    """Add ``entry`` under a new id, which is returned.

    Raises:
        Servicing: ``write-to-datastore`` if it cannot be written.
    """
    with connection.together():
        values = (
            entry.servicing_type,
            entry.state,
            entry.begun_at,
            entry.ended_at,
            *(entry.seconds.get(operation) for operation in OPERATIONS),
            entry.bytes_fetched,
            entry.bytes_written,
            _configuration_id(connection, entry.from_configuration),
            _configuration_id(connection, entry.to_configuration),
            entry.from_volume,
            entry.to_volume,
            _image_json(entry.from_image),
            _image_json(entry.to_image),
            entry.install_index,
            entry.target_written,
            _json(entry.error),
            json.dumps(dict(entry.seals)),
            entry.trident_version,
        )
        return connection.write(
            "INSERT INTO history (servicing_type, state, begun_at, ended_at, stage_seconds, "
            "finalize_seconds, commit_seconds, bytes_fetched, bytes_written, from_configuration, "
            "to_configuration, from_volume, to_volume, from_image, to_image, install_index, target_written, "
            "error, seals, trident_version) "
            f"VALUES ({', '.join('?' * len(values))})",
            values,
        )


def utc_now() -> str:
    """The present moment as the history writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _configuration_id(connection: Connection, text: str) -> int:
    digest = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
    found = connection.row("SELECT id FROM configurations WHERE sha256 = ?", (digest,))
    if found is not None:
        return int(found[0])
    return connection.write("INSERT INTO configurations (sha256, contents) VALUES (?, ?)", (digest, text))


def _entry_from(row: tuple[Any, ...]) -> HistoryEntry:
    """The entry that a row holds.

    Raises:
        ValueError, TypeError: a value is none that this module writes.
    """
    names = [column.name for column in fields(HistoryEntry)]
    head, seconds, rest = row[:5], row[5:8], row[8:]
    values = dict(zip(names, (*head, None, *rest), strict=True))
    spent = {name: float(value) for name, value in zip(OPERATIONS, seconds, strict=True) if value is not None}
    for name, kind in _KINDS.items():
        if values[name] is not None and not isinstance(values[name], kind):
            raise ValueError(f"{name} of entry {row[0]} is {values[name]!r}")
    values |= {
        "servicing_type": ServicingType(values["servicing_type"]),
        "state": EntryState(values["state"]),
        "seconds": spent,
        "from_volume": None if values["from_volume"] is None else AbVolume(values["from_volume"]),
        "to_volume": None if values["to_volume"] is None else AbVolume(values["to_volume"]),
        "from_image": _image_from(values["from_image"]),
        "to_image": _image_from(values["to_image"]),
        "target_written": bool(values["target_written"]),
        "error": None if values["error"] is None else _mapping(values["error"]),
        "seals": _mapping(values["seals"]),
    }
    return HistoryEntry(**values)


_KINDS = {
    "begun_at": str,
    "ended_at": str,
    "bytes_fetched": int,
    "bytes_written": int,
    "from_configuration": str,
    "to_configuration": str,
    "install_index": int,
    "target_written": int,
    "trident_version": str,
}


def _image_from(text: str | None) -> ImageName | None:
    return None if text is None else ImageName(**_mapping(text))


def _mapping(text: str) -> dict[str, Any]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"{text!r} is not a mapping")
    return document


def _image_json(image: ImageName | None) -> str | None:
    return None if image is None else json.dumps(asdict(image))


def _json(document: Mapping[str, Any] | None) -> str | None:
    return None if document is None else json.dumps(dict(document), default=str)
