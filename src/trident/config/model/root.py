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

    image: Annotated[
        OsImage | None,
        Meta(
            description="The image to deploy, and how to know that it is the right one.",
            examples=[{"url": "https://images.example/web-v2.cosi", "sha384": "ignored"}],
        ),
    ] = None
    storage: Annotated[
        Storage,
        Meta(
            description="Disks, what is made of them, and the file systems on top. An update may leave it "
            "out, and then keeps what the host has."
        ),
    ] = Storage()
    os: Annotated[
        Os,
        Meta(
            description="Settings of the target OS: users, network, files, services, kernel, extensions.",
            examples=[{"hostname": "web-1"}],
        ),
    ] = Os()
    scripts: Annotated[
        Scripts, Meta(description="Scripts to run before, between and after the steps of a servicing.")
    ] = Scripts()
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
