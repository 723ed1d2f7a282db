"""The moments of a take at which the power is cut."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.powercut.take import Take
from lab.powercut.volume import mounted_copy
from lab.recording import Replay

_DATASTORE = "datastore.sqlite"
_NEWEST = "ORDER BY id DESC LIMIT 1"
_CHANGES = 24  # SQLite's file format: the change counter, big-endian


@dataclass(frozen=True)
class Label:
    """What a disk's datastore says once the power is back.

    Attributes:
        journal: the newest line, as operation, step and event.
        state: the servicing state.
        transactions: how many were made, by the counter in the file's header.
    """

    journal: str
    state: str
    transactions: int


@dataclass(frozen=True)
class Moment:
    """One cut.

    Attributes:
        name: what a person reads.
        index: the writes before this one were made.
        lost: those of them, since the last flush, that did not reach the disk.
        label: what the datastore says, for a boundary of the journal; ``None`` for a random moment.
    """

    name: str
    index: int
    lost: tuple[int, ...] = ()
    label: Label | None = None


def moments(take: Take, seed: int, *, every_line: bool = False) -> list[Moment]:
    """The moments of a take, in order: the boundaries of the journal, and some at random besides.

    Args:
        take: of which story.
        seed: of the random moments.
        every_line: every transaction of the datastore, not one for each boundary.
    """
    known = boundaries(take)
    chosen = known if every_line else one_of_each(take, known)
    return sorted([*chosen, *_randoms(take, known, seed)], key=lambda moment: moment.index)


def one_of_each(take: Take, known: list[Moment]) -> list[Moment]:
    """One moment for each boundary of the journal.

    The end of a step and the beginning of the next are two lines at one boundary: the machine is the same at
    both but for the second line. Of such a pair the first is taken, or the second, by turns.
    """
    chosen = known[:1]
    for previous, moment in itertools.pairwise(known):
        if not _is_one_boundary(take, previous, moment):
            chosen.append(moment)
        elif len(chosen) % 2:
            chosen[-1] = moment
    return chosen


def _is_one_boundary(take: Take, end: Moment, begin: Moment) -> bool:
    """Whether two moments are the two lines of one boundary: only the datastore was written between."""
    if end.label is None or begin.label is None or end.label.state != begin.label.state:
        return False
    if not (end.label.journal.endswith(" done") and begin.label.journal.endswith(" begin")):
        return False
    first, last = take.partitions["trident"]
    between = (write for write in take.recording.writes[end.index : begin.index] if not write.flush)
    return all(first <= write.offset and write.offset + write.length <= last for write in between)


def boundaries(take: Take) -> list[Moment]:
    """The first moment of each label. Found once for a take, by looking at the datastore at each flush."""
    kept = take.directory / "boundaries.json"
    if not kept.exists():
        found = [asdict(Moment(_name(label), index, label=label)) for index, label in _labels(take)]
        kept.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return [
        Moment(entry["name"], entry["index"], label=Label(**entry["label"]))
        for entry in json.loads(kept.read_text(encoding="utf-8"))
    ]


def _name(label: Label) -> str:
    return f"{label.journal}, {label.state}"


def _labels(take: Take) -> Iterator[tuple[int, Label]]:
    writes = take.recording.writes
    begin, end = take.partitions["trident"]
    start = take.recording.index_at(take.began)
    replay = Replay(take.recording, take.directory / "labels")
    last, touched = None, True
    for index in range(start, len(writes) + 1):
        at_flush = index == len(writes) or writes[index].flush
        if at_flush and touched:
            replay.go_to(index)
            label = read_label(replay.disk, begin, end)
            if last is not None and label != last:
                yield index, label
            last, touched = label, False
        if index < len(writes):
            touched = touched or writes[index].touches(begin, end)
    replay.remove()


def read_label(disk: Path, begin: int, end: int) -> Label:
    """What the datastore says on the file system at bytes ``begin`` to ``end`` of a disk that lost power."""
    with mounted_copy(disk, begin, end) as root:
        file = root / _DATASTORE
        with contextlib.closing(sqlite3.connect(file)) as store:
            # Reading rolls back what was cut off, so the file itself is looked at afterwards.
            line = store.execute(
                "SELECT operation, step, event FROM journal ORDER BY id DESC LIMIT 1"
            ).fetchone()
            status = store.execute("SELECT contents FROM hoststatus ORDER BY id DESC LIMIT 1").fetchone()
        counter = int.from_bytes(file.read_bytes()[_CHANGES : _CHANGES + 4], "big")
    state = next(text for text in status[0].splitlines() if text.startswith("servicingState:"))
    return Label(" ".join(line), state.split()[1], counter)


def _randoms(take: Take, known: list[Moment], seed: int) -> list[Moment]:
    """Moments spread over the phases; of what was not flushed, each write is lost with one chance in two."""
    dice = random.Random(f"{seed} {take.story.name}")
    found = []
    phases = _phases(take, known)
    writes = take.recording.writes
    for number in range(take.story.randoms):
        name, first, last = phases[number % len(phases)]
        index = dice.randrange(first, last)
        unflushed = [
            at
            for at in range(take.recording.last_flush(index), index)
            if not (writes[at].flush or take.recording.is_variable(writes[at]))
        ]
        lost = tuple(at for at in unflushed if dice.random() < 0.5)
        told = f"random in {name}, {len(lost)} of {len(unflushed)} unflushed writes lost"
        found.append(Moment(told, index, lost))
    return found


def _phases(take: Take, known: list[Moment]) -> list[tuple[str, int, int]]:
    """Name, first and last index of each phase that has writes."""
    start, end = take.recording.index_at(take.began), len(take.recording.writes)
    staged = next((each.index for each in known if each.label and "-staged" in each.label.state), start)
    down = take.recording.index_at(take.went_down) if take.went_down is not None else end
    commit = next((moment.index for moment in known if moment.index >= down), end)
    phases = [
        ("stage", start, staged),
        ("finalize", staged, down),
        ("shutdown and boot", down, commit),
        ("commit", commit, end),
    ]
    return [phase for phase in phases if phase[2] > phase[1]]
