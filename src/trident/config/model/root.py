"""The Host Configuration itself."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.model.image import OsImage
from trident.config.model.os import Os
from trident.config.model.scripts import Scripts
from trident.config.model.storage import Storage
from trident.config.model.trident import Trident


class HostConfiguration(Model, frozen=True, kw_only=True):
    """The state that a machine should have."""

    noun: ClassVar[str] = "a Host Configuration"
    planned: ClassVar[frozenset[str]] = frozenset(("managementOs", "internalParams", "health"))

    image: Annotated[OsImage | None, Meta(description="The image to deploy.")] = None
    storage: Annotated[
        Storage,
        Meta(description="Disks, A/B volume pairs, file systems. An update may leave it out."),
    ] = Storage()
    os: Annotated[Os, Meta(description="Settings of the target OS.")] = Os()
    scripts: Annotated[Scripts, Meta(description="Scripts to run on the way.")] = Scripts()
    trident: Annotated[Trident, Meta(description="How the agent lives on the target OS.")] = Trident()
