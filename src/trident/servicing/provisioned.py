"""The datastore of a host that Trident has installed."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, TridentError
from trident.servicing import record
from trident.state.datastore import Datastore

if TYPE_CHECKING:
    from trident.servicing.environment import Environment


def open_provisioned(environment: Environment, *, read_only: bool = False) -> Datastore:
    """The datastore of a host that Trident has installed; a stage that was killed is entered as interrupted.

    Args:
        environment: where it lies.
        read_only: open it for reading alone; else the servicing lock is held.

    Raises:
        InvalidInput: ``host-not-provisioned`` if there is none.
    """
    try:
        datastore = Datastore.open(environment.datastore_path, read_only=read_only)
    except TridentError as error:
        if error.code != "datastore-not-found":
            raise
        raise InvalidInput(
            "host-not-provisioned",
            f"This host was not installed by Trident: there is no datastore at {environment.datastore_path}.",
            hint="Install it with 'trident install' from a servicing OS first.",
        ) from None
    if not read_only:
        with contextlib.suppress(TridentError):  # It is for the record; what the verb does is not stopped.
            record.abandon(datastore)
    return datastore
