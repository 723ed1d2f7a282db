"""``managementOs``: settings of the OS that installs."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.model.users import User
from trident.config.spelling import NETPLAN


class ManagementOs(Model, frozen=True, kw_only=True):
    """Settings of the OS from which a machine is installed. An update ignores them."""

    noun: ClassVar[str] = "the managementOs section"

    netplan: Annotated[
        dict[str, Any] | None,
        NETPLAN,
        Meta(
            description="Network settings of the installing OS, as netplan's `network` mapping (version 2).",
            examples=[{"version": 2, "ethernets": {"eth0": {"dhcp4": True}}}],
        ),
    ] = None
    users: Annotated[
        tuple[User, ...],
        Meta(description="Users of the installing OS.", examples=[[{"name": "ops", "sshMode": "key-only"}]]),
    ] = ()
