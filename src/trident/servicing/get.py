"""``trident get``: read the datastore. Needs no model, so it answers at once and on old documents too."""

from __future__ import annotations

import enum
import re
from typing import Any

from trident.servicing.environment import Environment
from trident.state.datastore import Datastore, dump_yaml, parse_host_status
from trident.state.status import HostStatus, ServicingState


class Kind(enum.StrEnum):
    """What ``trident get`` can print, in upstream's names."""

    CONFIGURATION = "configuration"
    STATUS = "status"
    LAST_ERROR = "last-error"
    ROLLBACK_CHAIN = "rollback-chain"
    ROLLBACK_TARGET = "rollback-target"


def get_text(kind: Kind, environment: Environment) -> str:
    """The document as YAML.

    Raises:
        Initialization: there is no datastore, or it cannot be read.
    """
    with Datastore.open(environment.datastore_path, read_only=True) as datastore:
        if kind is Kind.STATUS:
            # The stored text as it is: no parser is loaded for what looks whole.
            text = datastore.contents()
            if text is not None:
                if not _has_state(text):
                    parse_host_status(text)
                return text
        return dump_yaml(_pick(kind, datastore))


def get_document(kind: Kind, environment: Environment) -> Any:
    """The document as plain data.

    Raises:
        Initialization: there is no datastore, or it cannot be read.
    """
    with Datastore.open(environment.datastore_path, read_only=True) as datastore:
        return _pick(kind, datastore)


def _has_state(text: str) -> bool:
    """Whether a line of the text, as Trident and upstream write it, names a servicing state."""
    found = re.search(r"^servicingState: *(['\"]?)([a-z-]+)\1 *$", text, re.MULTILINE)
    return found is not None and found[2] in {*ServicingState}


def _pick(kind: Kind, datastore: Datastore) -> Any:
    status = datastore.status()
    match kind:
        case Kind.CONFIGURATION:
            return status.to_document()["spec"]
        case Kind.LAST_ERROR:
            return status.to_document().get("lastError")
        case Kind.ROLLBACK_CHAIN:
            return _chain(datastore, status)
        case Kind.ROLLBACK_TARGET:
            # Upstream prints the Host Configuration of the first item, and an empty one for none.
            return next((item["spec"] for item in _chain(datastore, status)), {})
        case Kind.STATUS:
            return status.to_document()


def _chain(datastore: Datastore, status: HostStatus) -> list[dict[str, Any]]:
    from trident.state.chain import rollback_chain

    return [item.to_document() for item in rollback_chain(status, datastore.history.entries())]
