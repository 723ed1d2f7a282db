"""What a datastore forgets, so that it does not grow for ever.

Nothing that can still be undone is forgotten, nor what the host is. SQLite uses the room of what was removed
for what comes next; the file does not shrink. Each table is looked after where it grows: commands that
fail before a servicing begins add rows, too, and may be repeated every few minutes for years.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trident.state.connection import Connection
    from trident.state.entry import HistoryEntry

KEPT_SERVICINGS = 500
"""Entries of the history for audit; more, where all of them can still be undone."""
KEPT_STATUSES = 100
"""Rows of Host Status. Only the newest is needed; the others tell what led to it."""
KEPT_LINES = 2_000
"""Lines of the journal. A servicing has some fifty."""
EVERY = 50
"""Rows that are added to a table from one pruning of it to the next."""
_AT_ONCE = 10 * EVERY
"""Rows that are removed at most: on a disk that is nearly full a large change would fail."""


def prune_servicings(connection: Connection, entries: tuple[HistoryEntry, ...]) -> None:
    """Remove the oldest servicings beyond what is kept, and the Host Configurations that nothing refers to.

    Args:
        connection: the datastore's; what is removed goes in the transaction that is open.
        entries: the whole history, newest first.

    Raises:
        Servicing: ``write-to-datastore`` if it cannot be written.
    """
    from trident.state.chain import needed

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


def prune_statuses(connection: Connection, added: int) -> None:
    """Remove old rows of Host Status, each time that the number of the row which was just added calls for it.

    Raises:
        Servicing: ``write-to-datastore`` if it cannot be written.
    """
    if added % EVERY == 0:
        connection.write(
            "DELETE FROM hoststatus WHERE id IN "
            "(SELECT id FROM hoststatus WHERE id <= ? ORDER BY id LIMIT ?)",
            (added - KEPT_STATUSES, _AT_ONCE),
        )


def prune_lines(connection: Connection, added: int) -> None:
    """The same for lines of the journal. The last line of a step stays if it does not say that all is well.

    It may tell that the host is half-way, or that commit has something to try again, however old it is.

    Raises:
        Servicing: ``write-to-datastore`` if it cannot be written.
    """
    if added % EVERY == 0:
        connection.write(
            "DELETE FROM journal WHERE id IN (SELECT id FROM journal AS line WHERE id <= ? "
            "AND (event NOT IN ('begin', 'failed', 'interrupted') OR EXISTS (SELECT 1 FROM journal AS later "
            "WHERE later.id > line.id AND later.operation = line.operation AND later.step = line.step)) "
            "ORDER BY id LIMIT ?)",
            (added - KEPT_LINES, _AT_ONCE),
        )
