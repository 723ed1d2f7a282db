"""The Host Configuration itself."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from trident.config.model.base import Model
from trident.config.model.health import Health
from trident.config.model.image import OsImage
from trident.config.model.management import ManagementOs
from trident.config.model.os import Os
from trident.config.model.scripts import Scripts
from trident.config.model.storage import Storage
from trident.config.model.trident import Trident


class HostConfiguration(Model, frozen=True, kw_only=True):
    """The state that a machine should have."""

    noun: ClassVar[str] = "a Host Configuration"

    image: Annotated[OsImage | None, Meta(description="The image to deploy.")] = None
    storage: Annotated[
        Storage,
        Meta(description="Disks, A/B volume pairs, file systems. An update may leave it out."),
    ] = Storage()
    os: Annotated[Os, Meta(description="Settings of the target OS.")] = Os()
    scripts: Annotated[Scripts, Meta(description="Scripts to run on the way.")] = Scripts()
    trident: Annotated[Trident, Meta(description="How the agent lives on the target OS.")] = Trident()
    management_os: Annotated[
        ManagementOs, Meta(description="Settings of the OS that installs; an update ignores them.")
    ] = ManagementOs()
    health: Annotated[Health, Meta(description="What must be true before a new system is committed.")] = (
        Health()
    )
    internal_params: Annotated[
        dict[str, Any],
        Meta(description="Parameters for tests of Trident itself. Their names and meanings may change."),
    ] = msgspec.field(default_factory=dict)
