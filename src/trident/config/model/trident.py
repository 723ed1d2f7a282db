"""``trident``: how the agent lives on the target OS."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.spelling import PATH

DEFAULT_DATASTORE_PATH = "/var/lib/trident/datastore.sqlite"


class Trident(Model, frozen=True, kw_only=True):
    """How the agent lives on the target OS."""

    noun: ClassVar[str] = "the trident section"

    disable: Annotated[
        bool,
        Meta(
            description="`true` leaves the target OS without an agent: it cannot be updated then, and the "
            "other fields say nothing.",
            examples=[True],
        ),
    ] = False
    datastore_path: Annotated[
        str,
        PATH,
        Meta(
            description="File in which the agent keeps its state. It ends in `.sqlite` and lies on a file "
            "system that is mounted writable and that A and B share.",
            examples=["/var/lib/trident/datastore.sqlite"],
        ),
    ] = DEFAULT_DATASTORE_PATH
    phonehome: Annotated[
        str | None,
        Meta(
            description="URL that is told how a servicing ended.",
            examples=["http://192.0.2.1:8080/phonehome"],
        ),
    ] = None
    logstream: Annotated[
        str | None,
        Meta(description="URL that log lines are sent to.", examples=["http://192.0.2.1:8080/logstream"]),
    ] = None
