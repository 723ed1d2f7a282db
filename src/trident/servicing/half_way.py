"""A host whose running system is half-way: changing it was cut off, and that could not be undone.

Nothing is lost for good. The next verb tries to undo it again. Where that cannot succeed, as when the image
of an extension is gone that would have to come back, the host can be serviced all the same: an A/B update
writes another volume, and the steps of a runtime update bring about their end from any state. So the
servicing that was cut off is given up once another one is ready to be staged, and the history keeps in mind
what may be left of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.plan.step import Operation
from trident.servicing import record
from trident.servicing.pending import CHANGE_WHAT_RUNS, baseline, pending
from trident.state.chain import half_way
from trident.state.history import EntryState
from trident.state.text import parse_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from trident.errors import TridentError
    from trident.state.datastore import Datastore
    from trident.state.history import HistoryEntry
    from trident.state.status import HostStatus, ServicingType

RUNTIME_MARK = "finalize-runtime"
"""The journal's line for finalizing as a whole: between ``begin`` and ``done``, ``undone`` or ``given up``
the running system may be anything between the two configurations."""


def was_cut_off(status: HostStatus, datastore: Datastore) -> bool:
    """Whether finalizing ended neither well nor badly, so that the running system may be half-way."""
    waiting = pending(status)
    return (
        waiting is not None
        and waiting.servicing_type in CHANGE_WHAT_RUNS
        and datastore.last_journal_event(Operation.FINALIZE, RUNTIME_MARK) == "begin"
    )


def given_up(running: HostStatus, datastore: Datastore) -> tuple[HistoryEntry, ...]:
    """The servicings of which something may be left on the running system, newest first.

    Args:
        running: the status of what runs.
        datastore: open.

    Raises:
        Initialization: the datastore cannot be read.
    """
    return half_way(datastore.history.entries(), running.ab_active_volume)


def configurations(entries: tuple[HistoryEntry, ...]) -> tuple[Mapping[str, Any], ...]:
    """The Host Configurations that these servicings led to."""
    return tuple(parse_mapping(entry.to_configuration) for entry in entries)


def unsettled(status: HostStatus, datastore: Datastore) -> tuple[Mapping[str, Any], ...]:
    """The configurations of which something may be left on the running system, newest first.

    Args:
        status: the newest one, of a host whose baseline is known.
        datastore: open.

    Raises:
        Initialization: the datastore cannot be read.
    """
    left = configurations(given_up(baseline(status), datastore))
    return (status.spec, *left) if was_cut_off(status, datastore) else left


def unsettled_by(
    servicing_type: ServicingType, status: HostStatus, datastore: Datastore
) -> tuple[Mapping[str, Any], ...]:
    """The same for a servicing of this kind; one that boots another volume has nothing to do with them."""
    return unsettled(status, datastore) if servicing_type in CHANGE_WHAT_RUNS else ()


def give_up(running: HostStatus, datastore: Datastore, why: TridentError) -> None:
    """Let go of a servicing that was cut off: another one is about to be staged.

    Args:
        running: the status of what runs.
        datastore: open for writing.
        why: it cannot be undone.

    Raises:
        Servicing: ``write-to-datastore``; all is as before.
    """
    with datastore.together():
        record.move(datastore, running, EntryState.HALF_WAY, error=why)
        datastore.note(Operation.FINALIZE, RUNTIME_MARK, "given up")


def settle(entries: tuple[HistoryEntry, ...], datastore: Datastore) -> None:
    """Note that nothing is left of these servicings: the running system is of one configuration again.

    Raises:
        Servicing: ``write-to-datastore``.
    """
    for entry in entries:
        datastore.history.settle(entry.id)
