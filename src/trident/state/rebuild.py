"""The history of a datastore of version 1, rebuilt from the rows of Host Status, which never were removed.

The rows are folded in their order: a staged row begins a servicing, the next provisioned row ends it, and
whether the active volume has flipped says how. Where the journal shows that staging began and no row tells of
it, as after a power cut, the servicing counts as one that wrote its volume: rather one entry too many than a
rollback to a volume that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from trident.errors import Initialization
from trident.state.connection import Connection
from trident.state.entry import EntryState, HistoryEntry, image_name
from trident.state.history import add_entry
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.state.text import dump_yaml, parse_host_status

_STAGED = {
    ServicingState.CLEAN_INSTALL_STAGED: ServicingType.CLEAN_INSTALL,
    ServicingState.AB_UPDATE_STAGED: ServicingType.AB_UPDATE,
    ServicingState.RUNTIME_UPDATE_STAGED: ServicingType.RUNTIME_UPDATE,
    ServicingState.MANUAL_ROLLBACK_AB_STAGED: ServicingType.MANUAL_ROLLBACK_AB,
    ServicingState.MANUAL_ROLLBACK_RUNTIME_STAGED: ServicingType.MANUAL_ROLLBACK_RUNTIME,
}
_FINALIZED = {
    ServicingState.CLEAN_INSTALL_FINALIZED: ServicingType.CLEAN_INSTALL,
    ServicingState.AB_UPDATE_FINALIZED: ServicingType.AB_UPDATE,
    ServicingState.MANUAL_ROLLBACK_AB_FINALIZED: ServicingType.MANUAL_ROLLBACK_AB,
}
_CHANGES_VOLUME = {ServicingType.AB_UPDATE, ServicingType.MANUAL_ROLLBACK_AB}
# Of the kinds of error, those that a servicing meets once it has begun (errors.ErrorKind).
_MET_AT_WORK = {"servicing", "internal"}


def rebuild_history(connection: Connection) -> None:
    """Fill the empty history of ``connection`` from its rows of Host Status and its journal.

    Raises:
        Servicing: ``write-to-datastore`` if it cannot be written.
        Initialization: ``load-host-status`` if the file is damaged.
    """
    fold = _Fold()
    for time, what in _events(connection):
        if what is None:
            fold.staging_began(time)
        else:
            fold.take(what, time)
    for entry in fold.ended():
        add_entry(connection, entry)


def _events(connection: Connection) -> Iterator[tuple[str | None, HostStatus | None]]:
    """Rows of Host Status in their order, and between them ``None`` for each step of staging that began.

    In one second a provisioned row comes before a step, and a staged one after it: the doubtful case is one
    in which a volume counts as written.
    """
    steps = [
        str(row[0])
        for row in connection.rows(
            "SELECT timestamp FROM journal WHERE operation = 'stage' AND event = 'begin' ORDER BY id"
        )
    ]
    for timestamp, contents in connection.rows("SELECT timestamp, contents FROM hoststatus ORDER BY id"):
        try:
            status = parse_host_status(str(contents))
        except Initialization:
            continue
        moment = "" if timestamp is None else str(timestamp)
        staged = status.servicing_state in _STAGED
        while steps and (steps[0] < moment or (staged and steps[0] == moment)):
            yield _iso(steps.pop(0)), None
        yield _iso(timestamp), status
    yield from ((_iso(step), None) for step in steps)


def _iso(timestamp: Any) -> str | None:
    """SQLite's ``CURRENT_TIMESTAMP`` as the history writes a moment; ``None`` for what is none."""
    found = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)", str(timestamp))
    return found and f"{found[1]}T{found[2]}Z"


class _Fold:
    """What the rows so far tell: the system that runs, the entries that ended, the one under way."""

    def __init__(self) -> None:
        self._done: list[HistoryEntry] = []
        self._open: HistoryEntry | None = None
        self._running: HostStatus | None = None
        self._last_error: Any = None
        self._fresh = False  # the row before ended an entry as withdrawn

    def ended(self) -> list[HistoryEntry]:
        """All entries; one that was being staged when the rows ended was interrupted."""
        if self._open is not None and self._open.state is EntryState.STAGING:
            self._end(EntryState.INTERRUPTED, None, None)
        return self._done + ([self._open] if self._open is not None else [])

    def staging_began(self, time: str | None) -> None:
        """A step of staging began."""
        if self._open is not None and self._open.state is EntryState.STAGING:
            return
        self._end(EntryState.WITHDRAWN, time, None)
        kind = ServicingType.CLEAN_INSTALL if self._running is None else ServicingType.AB_UPDATE
        self._begin(kind, self._running or HostStatus(), time)

    def take(self, status: HostStatus, time: str | None) -> None:
        """A row of Host Status."""
        state, count = status.servicing_state, len(self._done)
        if state in _STAGED or state in _FINALIZED:
            self._take_pending(status, time)
        elif state is ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED:
            self._end(EntryState.ROLLED_BACK, time, status.last_error)
        elif state is ServicingState.PROVISIONED:
            self._take_provisioned(status, time)
        elif status.last_error is not None:
            self._end(EntryState.FAILED, time, status.last_error)
        self._last_error = status.last_error
        self._fresh = len(self._done) > count and self._done[-1].state is EntryState.WITHDRAWN

    def _take_pending(self, status: HostStatus, time: str | None) -> None:
        state = status.servicing_state
        kind = _STAGED.get(state) or _FINALIZED[state]
        text = dump_yaml(dict(status.spec))
        if self._open is None or self._open.servicing_type is not kind or (
            self._open.state is not EntryState.STAGING and self._open.to_configuration != text
        ):  # fmt: skip
            self._end(EntryState.WITHDRAWN, time, None)
            self._begin(kind, status, time)
        assert self._open is not None
        volume = status.ab_active_volume
        self._open = replace(
            self._open,
            state=EntryState.STAGED if state in _STAGED else EntryState.FINALIZED,
            from_configuration=dump_yaml(dict(status.spec_old)),
            from_image=image_name(status.spec_old),
            to_configuration=text,
            to_image=image_name(status.spec),
            to_volume=volume.other if volume is not None and kind in _CHANGES_VOLUME else volume,
            trident_version=status.trident_version,
        )

    def _take_provisioned(self, status: HostStatus, time: str | None) -> None:
        if self._open is None and self._is_new(status.last_error):
            if self._fresh:
                # The old system came up again: first it was recorded what runs, and then why.
                last = self._done[-1]
                self._done[-1] = replace(last, state=EntryState.FAILED, error=status.last_error)
            else:
                # Staging failed. Such a row was all that it left.
                self._begin(ServicingType.AB_UPDATE, status, time)
        if self._open is not None:
            if self._open.servicing_type in _CHANGES_VOLUME:
                succeeded = status.ab_active_volume != self._open.from_volume
            else:
                succeeded = self._open.to_configuration == dump_yaml(dict(status.spec))
            if succeeded:
                self._open = replace(self._open, to_volume=status.ab_active_volume)
                self._end(EntryState.SUCCEEDED, time, None)
            else:
                failed = status.last_error is not None
                self._end(EntryState.FAILED if failed else EntryState.WITHDRAWN, time, status.last_error)
        self._running = status

    def _is_new(self, error: Any) -> bool:
        return error is not None and error != self._last_error and error.get("category") in _MET_AT_WORK

    def _begin(self, kind: ServicingType, status: HostStatus, time: str | None) -> None:
        running = self._running or HostStatus()
        volume = status.ab_active_volume
        self._open = HistoryEntry(
            0,
            kind,
            EntryState.STAGING,
            begun_at=time,
            from_configuration=dump_yaml(dict(running.spec)),
            to_configuration=dump_yaml(dict(running.spec)),
            from_volume=volume,
            to_volume=volume.other if volume is not None and kind in _CHANGES_VOLUME else volume,
            from_image=image_name(running.spec),
            install_index=status.install_index,
            target_written=kind in (ServicingType.CLEAN_INSTALL, ServicingType.AB_UPDATE),
            trident_version=status.trident_version,
        )

    def _end(self, state: EntryState, time: str | None, error: Any) -> None:
        if self._open is not None:
            self._done.append(replace(self._open, state=state, ended_at=time, error=error))
            self._open = None
