"""What a datastore forgets, so that it does not grow for ever.

Nothing that can still be undone is forgotten, nor what the host is. SQLite uses the room of what was removed
for what comes next; the file does not shrink.
"""

from __future__ import annotations

from trident.state.chain import needed
from trident.state.connection import Connection
from trident.state.entry import HistoryEntry

KEPT_SERVICINGS = 500
"""Entries of the history for audit; more, where all of them can still be undone."""
KEPT_STATUSES = 100
"""Rows of Host Status. Only the newest is needed; the others tell what led to it."""
KEPT_LINES = 2_000
"""Lines of the journal. A servicing has some fifty."""
EVERY = 50
"""Servicings from one pruning to the next."""


def prune(connection: Connection, entries: tuple[HistoryEntry, ...]) -> None:
    """Remove the oldest rows beyond what is kept, and the Host Configurations that nothing refers to then.

    Args:
        connection: the datastore's; what is removed goes in the transaction that is open.
        entries: the whole history, newest first.

    Raises:
        Servicing: ``write-to-datastore`` if it cannot be written.
    """
    with connection.together():
        kept_ids = needed(entries, KEPT_SERVICINGS)
        forgotten = [entry.id for entry in entries if entry.id not in kept_ids]
        for entry in forgotten:
            connection.write("DELETE FROM history WHERE id = ?", (entry,))
        if forgotten:
            connection.write(
                "DELETE FROM configurations WHERE id NOT IN "
                "(SELECT from_configuration FROM history UNION SELECT to_configuration FROM history)"
            )
        for table, kept in (("hoststatus", KEPT_STATUSES), ("journal", KEPT_LINES)):
            connection.write(
                f"DELETE FROM {table} WHERE id <= (SELECT max(id) FROM {table}) - ?",
                (kept,),
            )
