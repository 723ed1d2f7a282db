"""After a servicing its log stays beside the datastore, where the next system finds it too."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import TridentError
from trident.host.fulllog import full_log
from trident.progress import Event, OperationEnded, Progress
from trident.state.datastore import Datastore

if TYPE_CHECKING:
    from trident.servicing.environment import Environment

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def keeping_log(environment: Environment) -> Iterator[Progress]:
    """A sink; if an operation came by, the log of this run is kept when the body ends, however it ends."""
    has_operated = False

    def watch(event: Event) -> None:
        nonlocal has_operated
        has_operated = has_operated or isinstance(event, OperationEnded)

    try:
        yield watch
    finally:
        if has_operated:
            with contextlib.suppress(TridentError):
                path = environment.datastore_path
                with Datastore.open(path, read_only=True) as datastore:
                    state = datastore.status().servicing_state
                keep_log(path.parent, state)


def keep_log(directory: Path, state: str) -> None:
    """Keep the log of this run in ``directory``, named after the servicing state; no room is no error."""
    log = full_log()
    if log is None:
        return
    try:
        copy = log.keep_copy(directory, state)
    except OSError as error:
        _log.warning("The log of this run cannot be kept in %s: %s.", directory, error.strerror)
        return
    if copy is None:
        _log.warning("The log of this run is not kept in %s: too little room is left there.", directory)
    else:
        _log.debug("The log of this run is kept as %s.", copy)
