"""The rollback chain: which servicings of a host can be undone, newest first. Pure.

What stands in it, and its spelling, is upstream's (``engine/manual_rollback/utils.rs``,
Manual-Rollback.md): runtime updates of the running volume one at a time, then the A/B update that made this
volume active, then the runtime updates that were made on the other volume before it.

We compute it from the history instead of from the rows of Host Status, and differ in two things:

- An A/B update that began to write the inactive volume ends what leads there, however it went on. Upstream
  looks at staged updates alone; one that died in the middle of staging leaves it a chain to a volume that
  is half overwritten.
- ``lastError`` forbids nothing. Upstream offers no rollback past a status with an error; but an update that
  failed and left the running system intact, a refused one for example, takes nothing away from what could
  be undone before it.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trident.state.entry import EntryState, HistoryEntry
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType
from trident.state.text import dump_yaml, parse_mapping


class RollbackKind(enum.StrEnum):
    """How an update is undone."""

    AB = "ab"
    """The host boots the other volume."""
    RUNTIME = "runtime"
    """The running system is changed back."""


@dataclass(frozen=True)
class RollbackItem:
    """One update that can be undone, and what the host is then.

    Attributes:
        kind: how it is undone.
        spec: the Host Configuration that the host has then, as plain data.
        ab_active_volume: the volume that is active then.
        install_index: as in Host Status.
        undoes: the id of the update in the history.
    """

    kind: RollbackKind
    spec: Mapping[str, Any]
    ab_active_volume: AbVolume | None
    install_index: int
    undoes: int

    def to_document(self) -> dict[str, Any]:
        """The item as upstream serialises it."""
        return {
            "kind": str(self.kind),
            "spec": dict(self.spec),
            "abActiveVolume": None if self.ab_active_volume is None else str(self.ab_active_volume),
            "installIndex": self.install_index,
        }


def rollback_chain(status: HostStatus, entries: Sequence[HistoryEntry]) -> tuple[RollbackItem, ...]:
    """What can be undone, newest first; each item presumes that those before it were undone, or skipped by
    going to the other volume at once.

    Only a provisioned host has a chain: anything staged or finalized must be completed or withdrawn first.
    A history that does not lead to ``status``, as after an older agent has serviced the host, gives none.

    Args:
        status: what the host is.
        entries: its history, newest first, as :meth:`trident.state.history.History.entries` gives it.
    """
    if status.servicing_state is not ServicingState.PROVISIONED:
        return ()
    walk = _walked(entries)
    if walk.running is None or walk.volume is not status.ab_active_volume:
        return ()
    if not _same(walk.running, dump_yaml(dict(status.spec))):
        return ()
    return tuple(_item(entry) for entry in reversed(walk.undoable))


def needed(entries: Sequence[HistoryEntry], newest: int) -> frozenset[int]:
    """The ids of the entries to keep: the newest, and what the chain needs now and after what comes.

    Needed are what can be undone, what is half-way, who wrote what is on the volumes (a rollback compares it
    with the seals of that servicing), and a rollback together with what it undid: all of them or none.

    Args:
        entries: the history, newest first.
        newest: how many of the newest are kept in any case.
    """
    everything = frozenset(entry.id for entry in entries)
    if len(entries) <= newest:
        return everything
    whole = _walked(entries)
    volumes = {entry.to_volume for entry in entries}
    left = [entry for volume in volumes for entry in half_way(entries, volume)]
    kept = {entry.id for entry in (*entries[:newest], *whole.undoable, *left, *_writers(entries))}
    for rollback, undone in whole.undone.items():
        if kept & {rollback, *undone}:
            kept |= {rollback, *undone}
    rest = _walked([entry for entry in entries if entry.id in kept])
    # Entries that another agent left out can make the two differ; then nothing is worth forgetting.
    return frozenset(kept) if rest.leads_to() == whole.leads_to() else everything


def half_way(entries: Sequence[HistoryEntry], volume: AbVolume | None) -> tuple[HistoryEntry, ...]:
    """The servicings of which something may be left on ``volume``, newest first.

    Args:
        entries: the history, newest first.
        volume: ``None`` on a host without A/B volume pairs.
    """
    there = [entry for entry in entries if entry.to_volume is volume]
    since = itertools.takewhile(lambda entry: not entry.has_written_volume, there)
    return tuple(entry for entry in since if entry.state is EntryState.HALF_WAY)


def _writers(entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """The newest servicing that wrote each volume."""
    found: dict[AbVolume | None, HistoryEntry] = {}
    for entry in entries:
        if entry.has_written_volume:
            found.setdefault(entry.to_volume, entry)
    return list(found.values())


def _walked(entries: Sequence[HistoryEntry]) -> _Walk:
    walk = _Walk()
    for entry in reversed(entries):
        walk.take(entry)
    return walk


class _Walk:
    """Follows the servicings from old to new: what runs, and what could be undone."""

    def __init__(self) -> None:
        self.running: str | None = None
        self.volume: AbVolume | None = None
        self.undoable: list[HistoryEntry] = []  # oldest first
        self.undone: dict[int, list[int]] = {}  # by rollback, what went with it

    def leads_to(self) -> tuple[object, ...]:
        """All that decides how the walk goes on."""
        return self.running, self.volume, [entry.id for entry in self.undoable]

    def take(self, entry: HistoryEntry) -> None:
        """One servicing more."""
        if entry.servicing_type is ServicingType.AB_UPDATE and entry.target_written:
            self._forget_the_other_volume()
        if entry.state is not EntryState.SUCCEEDED:
            return
        if not self._goes_on_with(entry):
            self.undoable.clear()
        match entry.servicing_type:
            case ServicingType.CLEAN_INSTALL:
                self.undoable.clear()
            case ServicingType.AB_UPDATE:
                self._forget_the_other_volume()
                self.undoable.append(entry)
            case ServicingType.RUNTIME_UPDATE:
                # From a configuration to itself is what mends a half-way host; there is nothing to undo.
                if entry.from_configuration != entry.to_configuration:
                    self.undoable.append(entry)
            case ServicingType.MANUAL_ROLLBACK_AB:
                self._undo(ServicingType.AB_UPDATE, entry)
            case ServicingType.MANUAL_ROLLBACK_RUNTIME:
                self._undo(ServicingType.RUNTIME_UPDATE, entry)
        self.running, self.volume = entry.to_configuration, entry.to_volume

    def _goes_on_with(self, entry: HistoryEntry) -> bool:
        """Whether nothing unknown lies between what ran and the beginning of ``entry``."""
        return self.running is None or (
            self.volume is entry.from_volume and _same(self.running, entry.from_configuration)
        )

    def _forget_the_other_volume(self) -> None:
        for index, entry in enumerate(self.undoable):
            if entry.servicing_type is ServicingType.AB_UPDATE:
                del self.undoable[: index + 1]
                return

    def _undo(self, kind: ServicingType, rollback: HistoryEntry) -> None:
        """Take away what ``rollback`` undid, and what went with it."""
        went = self.undone[rollback.id] = []
        while self.undoable:
            undone = self.undoable.pop()
            went.append(undone.id)
            if undone.servicing_type is kind:
                if undone.from_volume is not rollback.to_volume or not _same(
                    undone.from_configuration, rollback.to_configuration
                ):
                    self.undoable.clear()
                return
            if kind is ServicingType.RUNTIME_UPDATE:
                self.undoable.clear()


def _item(entry: HistoryEntry) -> RollbackItem:
    return RollbackItem(
        RollbackKind.AB if entry.servicing_type is ServicingType.AB_UPDATE else RollbackKind.RUNTIME,
        parse_mapping(entry.from_configuration),
        entry.from_volume,
        entry.install_index,
        entry.id,
    )


def _same(one: str, other: str) -> bool:
    """Whether two texts hold the same configuration."""
    return one == other or parse_mapping(one) == parse_mapping(other)
