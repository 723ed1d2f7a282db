"""Forgetting extension images that nothing needs any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trident.errors import TridentError
from trident.servicing.half_way import configurations
from trident.state.chain import half_way, rollback_chain
from trident.state.status import ServicingState

if TYPE_CHECKING:
    from trident.state.datastore import Datastore

_log = logging.getLogger(__name__)


def forget_extensions(datastore: Datastore, *staging: Mapping[str, Any], root: Path = Path("/")) -> None:
    """Keep in the store the images of what runs and of what a rollback leads to; the others go.

    While something is staged or finalized nothing goes: only a provisioned host has a rollback chain. That
    an image cannot be removed is logged and stops nothing: it only takes room.

    Args:
        datastore: open.
        staging: Host Configurations that are about to be staged, as Host Status holds them.
        root: where the running system's tree begins.

    Raises:
        Initialization: the datastore cannot be read.
    """
    status = datastore.status()
    if status.servicing_state is not ServicingState.PROVISIONED:
        return
    from trident.subsystems.extensions import prune_store

    entries = datastore.history.entries()
    chain = rollback_chain(status, entries)
    left = configurations(half_way(entries, status.ab_active_volume))
    try:
        prune_store((status.spec, *(item.spec for item in chain), *left, *staging), root)
    except TridentError as error:
        _log.warning("Extension images that nothing needs any more cannot be removed: %s", error.message)
