"""``trident history``: what was done to this host, from the datastore."""

from __future__ import annotations

from typing import Any

from trident.errors import Initialization
from trident.servicing.environment import Environment
from trident.state.datastore import Datastore
from trident.state.entry import HistoryEntry, ImageName
from trident.state.status import AbVolume
from trident.state.text import parse_mapping

SCHEMA_VERSION = 1
"""Of the JSON document; raised when a field changes its meaning or goes, not when one is added."""


def read_history(limit: int | None, environment: Environment) -> tuple[HistoryEntry, ...]:
    """The newest ``limit`` servicings, or all, newest first.

    Raises:
        Initialization: there is no datastore, or it cannot be read.
    """
    with Datastore.open(environment.datastore_path, read_only=True) as datastore:
        return datastore.history.entries(limit)


def history_document(entries: tuple[HistoryEntry, ...]) -> dict[str, Any]:
    """Servicings as one document for programs; ``docs/history.schema.json`` describes it.

    Raises:
        Initialization: ``parse-host-status`` if a Host Configuration in it cannot be read.
    """
    return {"schemaVersion": SCHEMA_VERSION, "servicings": [_servicing(entry) for entry in entries]}


def _servicing(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "servicingType": str(entry.servicing_type),
        "state": str(entry.state),
        "begunAt": entry.begun_at,
        "endedAt": entry.ended_at,
        "seconds": dict(entry.seconds),
        "bytesFetched": entry.bytes_fetched,
        "bytesWritten": entry.bytes_written,
        "from": _system(entry.from_volume, entry.from_image, entry.from_configuration, entry.id),
        "to": _system(entry.to_volume, entry.to_image, entry.to_configuration, entry.id),
        "installIndex": entry.install_index,
        "targetWritten": entry.target_written,
        "error": None if entry.error is None else dict(entry.error),
        "tridentVersion": entry.trident_version,
    }


def _system(volume: AbVolume | None, image: ImageName | None, text: str, entry: int) -> dict[str, Any]:
    try:
        configuration = parse_mapping(text)
    except ValueError as error:
        raise Initialization(
            "parse-host-status",
            f"A Host Configuration of servicing {entry} in the history cannot be read: {error}.",
            hint="'trident history' without --output json does not need it.",
        ) from error
    return {
        "volume": None if volume is None else str(volume),
        "image": None
        if image is None
        else {"url": image.url, "sha384": image.sha384, "version": image.version},
        "configuration": configuration,
    }
