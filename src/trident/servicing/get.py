"""``trident get``: read the datastore. Needs no model, so it answers at once and on old documents too."""

from __future__ import annotations

import enum
from typing import Any

from trident.servicing.environment import Environment
from trident.state.datastore import Datastore, dump_yaml
from trident.state.status import HostStatus


class Kind(enum.StrEnum):
    """What ``trident get`` can print."""

    CONFIGURATION = "configuration"
    STATUS = "status"
    LAST_ERROR = "last-error"


def get_text(kind: Kind, environment: Environment) -> str:
    """The document as YAML.

    Raises:
        Initialization: there is no datastore, or it cannot be read.
    """
    with Datastore.open(environment.datastore_path, read_only=True) as datastore:
        if kind is Kind.STATUS:
            # The stored text as it is: no parser is loaded.
            text = datastore.contents()
            if text is not None:
                return text
        return dump_yaml(_pick(kind, datastore.status()))


def get_document(kind: Kind, environment: Environment) -> Any:
    """The document as plain data.

    Raises:
        Initialization: there is no datastore, or it cannot be read.
    """
    with Datastore.open(environment.datastore_path, read_only=True) as datastore:
        return _pick(kind, datastore.status())


def _pick(kind: Kind, status: HostStatus) -> Any:
    document = status.to_document()
    if kind is Kind.CONFIGURATION:
        return document["spec"]
    if kind is Kind.LAST_ERROR:
        return document.get("lastError")
    return document
