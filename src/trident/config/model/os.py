"""``os``: settings of the target OS."""

from __future__ import annotations

import enum
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from trident.config.model.base import Model
from trident.config.model.extensions import Extension
from trident.config.model.users import User
from trident.config.spelling import NETPLAN, PATH


class AdditionalFile(Model, frozen=True, kw_only=True):
    """A file to put on the target OS. It has either `content` or `source`."""

    noun: ClassVar[str] = "an additional file"

    destination: Annotated[
        str,
        PATH,
        Meta(description="Where it is put: absolute path on the target OS.", examples=["/etc/motd"]),
    ]
    content: Annotated[
        str | None, Meta(description="What it holds, as text.", examples=["Maintained by the web team.\n"])
    ] = None
    source: Annotated[
        str | None,
        Meta(description="Path of a file on the servicing OS to copy.", examples=["/srv/files/motd"]),
    ] = None
    permissions: Annotated[
        str | None,
        Meta(
            description="Octal, in quotes. If not given: those of `source`, or `0644` for `content`.",
            examples=["0640"],
        ),
    ] = None


class UefiFallbackMode(enum.StrEnum):
    """What the firmware boots from the fallback path of the ESP, when it has lost its variables."""

    CONSERVATIVE = "conservative"
    OPTIMISTIC = "optimistic"
    DISABLED = "disabled"


class SelinuxMode(enum.StrEnum):
    """SELinux modes."""

    DISABLED = "disabled"
    PERMISSIVE = "permissive"
    ENFORCING = "enforcing"


class Selinux(Model, frozen=True, kw_only=True):
    """SELinux on the target OS."""

    noun: ClassVar[str] = "the selinux section"

    mode: Annotated[
        SelinuxMode | None,
        Meta(description="SELinux mode; if not given, that of the image stays.", examples=["enforcing"]),
    ] = None


class LoadMode(enum.StrEnum):
    """When a kernel module is loaded."""

    ALWAYS = "always"
    AUTO = "auto"
    DISABLE = "disable"
    INHERIT = "inherit"


class Module(Model, frozen=True, kw_only=True):
    """A kernel module: when it is loaded, and with which options."""

    noun: ClassVar[str] = "a module"

    name: Annotated[str, Meta(description="Name of the module.", examples=["br_netfilter"])]
    load_mode: Annotated[LoadMode, Meta(description="When it is loaded.", examples=["always"])] = (
        LoadMode.INHERIT
    )
    options: Annotated[
        dict[str, str],
        Meta(description="Parameters of the module and their values.", examples=[{"max_loop": "16"}]),
    ] = msgspec.field(default_factory=dict)


class Services(Model, frozen=True, kw_only=True):
    """Which systemd services start at boot, where that differs from the image."""

    noun: ClassVar[str] = "the services section"

    enable: Annotated[
        tuple[str, ...], Meta(description="Services to start at boot.", examples=[["nginx.service"]])
    ] = ()
    disable: Annotated[
        tuple[str, ...], Meta(description="Services not to start at boot.", examples=[["cups.service"]])
    ] = ()


class KernelCommandLine(Model, frozen=True, kw_only=True):
    """What is added to the kernel's command line."""

    noun: ClassVar[str] = "the kernelCommandLine section"

    extra_command_line: Annotated[
        tuple[str, ...],
        Meta(
            description="Options to add to those of the image, whose kernel must have a stub of systemd 254 "
            "or newer. Not with Secure Boot: what is added would have to be signed.",
            examples=[["console=ttyS0", "quiet"]],
        ),
    ]


class Os(Model, frozen=True, kw_only=True):
    """Settings of the target OS."""

    noun: ClassVar[str] = "the os section"

    netplan: Annotated[
        dict[str, Any] | None,
        NETPLAN,
        Meta(
            description="Network settings: what stands below `network` in a netplan file, version 2, for "
            "networkd.",
            examples=[{"version": 2, "ethernets": {"lan": {"match": {"name": "en*"}, "dhcp4": True}}}],
        ),
    ] = None
    selinux: Annotated[Selinux, Meta(description="SELinux on the target OS.")] = Selinux()
    users: Annotated[
        tuple[User, ...],
        Meta(
            description="Users to make, or to change where the image has them.",
            examples=[[{"name": "ops", "sshMode": "key-only", "sshPublicKeys": ["ssh-ed25519 AAAA..."]}]],
        ),
    ] = ()
    additional_files: Annotated[
        tuple[AdditionalFile, ...],
        Meta(
            description="Files to put on the target OS.",
            examples=[[{"destination": "/etc/motd", "content": "Hello.\n"}]],
        ),
    ] = ()
    hostname: Annotated[
        str | None,
        Meta(
            description="Host name. An update without one keeps the name that the host has.",
            examples=["web-1.example"],
        ),
    ] = None
    modules: Annotated[
        tuple[Module, ...],
        Meta(
            description="Kernel modules to load, or not to load, and their parameters.",
            examples=[[{"name": "br_netfilter", "loadMode": "always"}]],
        ),
    ] = ()
    services: Annotated[Services, Meta(description="Which services start at boot.")] = Services()
    kernel_command_line: Annotated[
        KernelCommandLine, Meta(description="What is added to the kernel's command line.")
    ] = KernelCommandLine(extra_command_line=())
    sysexts: Annotated[
        tuple[Extension, ...],
        Meta(description="System extensions: images that systemd merges into `/usr` and `/opt`."),
    ] = ()
    confexts: Annotated[
        tuple[Extension, ...],
        Meta(description="Configuration extensions: images that systemd merges into `/etc`."),
    ] = ()
    uefi_fallback: Annotated[
        UefiFallbackMode,
        Meta(
            description="Which OS the firmware starts from the ESP's fallback path, when it has lost its "
            "own boot entries.",
            examples=["optimistic"],
        ),
    ] = UefiFallbackMode.CONSERVATIVE
