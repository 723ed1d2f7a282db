"""Writing down what a servicing does: Host Status and history together, time and bytes as they pass."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trident.errors import Interrupted, TridentError
from trident.servicing.pending import pending
from trident.state.history import EntryState, NewServicing
from trident.state.status import AbVolume, ServicingType

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation
    from trident.plan.step import Operation
    from trident.state.datastore import Datastore
    from trident.state.history import HistoryEntry
    from trident.state.status import HostStatus


def begin(situation: Situation, datastore: Datastore) -> None:
    """Enter a servicing into the history, before its first step.

    Args:
        situation: its status is that of what runs.
        datastore: open for writing.

    Raises:
        Servicing: ``write-to-datastore``.
    """
    status, image = situation.status, situation.image
    release = image.os_release.fields if image is not None else {}
    datastore.history.begin(
        NewServicing(
            situation.servicing_type,
            from_configuration=status.spec,
            to_configuration=situation.desired.to_document(),
            from_volume=status.ab_active_volume,
            to_volume=status.ab_active_volume if situation.changes_running else situation.target_volume,
            install_index=status.install_index,
            to_version=release.get("IMAGE_VERSION") or release.get("VERSION_ID"),
            target_written=False,
        )
    )


def abandon(datastore: Datastore) -> None:
    """End the servicing whose staging was killed, if there is one: nobody goes on with it.

    Args:
        datastore: open for writing, with the servicing lock held.

    Raises:
        Servicing: ``write-to-datastore``.
        Initialization: the datastore cannot be read.
    """
    entry = datastore.history.current()
    if entry is not None and entry.state is EntryState.STAGING:
        datastore.history.advance(entry.id, EntryState.INTERRUPTED)


def first_write(datastore: Datastore) -> None:
    """Note that the target volume is about to be written: nothing can be rolled back to it any more.

    Raises:
        Servicing: ``write-to-datastore``.
    """
    entry = datastore.history.current()
    if entry is not None and not entry.target_written:
        datastore.history.advance(entry.id, target_written=True)


@contextlib.contextmanager
def accounted(operation: Operation, session: Session, datastore: Datastore) -> Iterator[None]:
    """Add the time and the bytes of the body to the servicing that is under way, however the body ends."""
    started, fetched, written = time.monotonic(), session.bytes_fetched, session.bytes_written
    entry = datastore.history.current()
    try:
        yield
    finally:
        # What the body raised is what must be told; an account that cannot be written does not hide it.
        with contextlib.suppress(TridentError):
            if entry is not None:
                datastore.history.advance(
                    entry.id,
                    seconds={str(operation): time.monotonic() - started},
                    bytes_fetched=session.bytes_fetched - fetched,
                    bytes_written=session.bytes_written - written,
                )


def move(
    datastore: Datastore,
    status: HostStatus,
    end: EntryState | None = None,
    *,
    error: TridentError | None = None,
) -> HostStatus:
    """Record ``status``, and with it where the servicing that is under way stands now.

    Args:
        datastore: open for writing.
        status: the newest one.
        end: how the servicing ended; if it did not, ``status`` tells how far it is.
        error: why it failed.

    Raises:
        Servicing: ``write-to-datastore``; neither is recorded.
    """
    with datastore.together():
        entry = datastore.history.current()
        if entry is not None:
            waiting = pending(status)
            reached = (EntryState.FINALIZED if waiting.finalized else EntryState.STAGED) if waiting else None
            datastore.history.advance(entry.id, end or reached, error=error.to_document() if error else None)
        return datastore.record(status)


def staged(datastore: Datastore, status: HostStatus, session: Session) -> HostStatus:
    """Record that a servicing is staged, with the seals of what was staged.

    Raises:
        Servicing: ``write-to-datastore``; nothing is recorded.
    """
    with datastore.together():
        save_seals(datastore, session)
        return move(datastore, status)


def save_seals(datastore: Datastore, session: Session) -> None:
    """Keep the fingerprints of what was staged with the servicing that is under way.

    Raises:
        Servicing: ``write-to-datastore``.
    """
    entry = datastore.history.current()
    if entry is not None:
        datastore.history.save_seals(entry.id, session.seals)


def finalizing(datastore: Datastore, *, cut_off: bool = False) -> None:
    """Note in the history that the running system is being changed, or that this was cut off and undone.

    Raises:
        Servicing: ``write-to-datastore``.
    """
    entry = datastore.history.current()
    if entry is not None:
        datastore.history.advance(entry.id, EntryState.STAGED if cut_off else EntryState.FINALIZING)


def failed(datastore: Datastore, error: TridentError) -> None:
    """Record an error as ``lastError``, and as the end of a servicing that was being staged.

    Raises:
        Servicing: ``write-to-datastore``.
        Initialization: the datastore cannot be read.
    """
    with datastore.together():
        entry = datastore.history.current()
        if entry is not None and entry.state is EntryState.STAGING:
            end = EntryState.INTERRUPTED if isinstance(error, Interrupted) else EntryState.FAILED
            datastore.history.advance(entry.id, end, error=error.to_document())
        datastore.record(datastore.status().evolve(last_error=error.to_document()))


def seals_for(situation: Situation, datastore: Datastore) -> dict[str, str]:
    """The seals to compare at finalize: of what was staged; for a rollback, of what the other volume got.

    Raises:
        Initialization: the datastore cannot be read.
    """
    if situation.servicing_type is ServicingType.MANUAL_ROLLBACK_AB:
        entry = _deployed_on(situation.target_volume, datastore)
    else:
        entry = datastore.history.current()
    return dict(entry.seals) if entry is not None else {}


def _deployed_on(volume: AbVolume, datastore: Datastore) -> HistoryEntry | None:
    """The servicing that wrote what is on ``volume`` now."""
    entries = datastore.history.entries()
    return next((entry for entry in entries if entry.to_volume is volume and entry.has_written_volume), None)
