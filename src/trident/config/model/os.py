"""``os``: settings of the target OS."""

from __future__ import annotations

import enum
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.spelling import INT32, PATH


class SshMode(enum.StrEnum):
    """Whether a user may log in over ssh."""

    BLOCK = "block"
    KEY_ONLY = "key-only"


class PasswordType(enum.StrEnum):
    """What kind of password a user has."""

    LOCKED = "locked"


class Password(Model, frozen=True, kw_only=True):
    """Password of a user. The only kind is a locked one: log in with an ssh key."""

    noun: ClassVar[str] = "a password"

    type: Annotated[PasswordType, Meta(description="Always `locked`.")]


class User(Model, frozen=True, kw_only=True):
    """A user of the target OS, made if the image has none of that name."""

    noun: ClassVar[str] = "a user"

    name: Annotated[str, Meta(description="Login name.")]
    password: Annotated[Password, Meta(description="Locked, which is also the default.")] = Password(
        type=PasswordType.LOCKED
    )
    uid: Annotated[int | None, INT32, Meta(description="User id; the system picks one if none is given.")] = (
        None
    )
    primary_group: Annotated[str | None, Meta(description="Primary group.")] = None
    secondary_groups: Annotated[tuple[str, ...], Meta(description="Further groups.")] = ()
    ssh_public_keys: Annotated[
        tuple[str, ...], Meta(description="Lines of the user's `authorized_keys`.")
    ] = ()
    ssh_mode: Annotated[SshMode, Meta(description="Whether the user may log in over ssh.")] = SshMode.BLOCK
    startup_command: Annotated[
        str | None, Meta(description="Program that starts when the user logs in, instead of a shell.")
    ] = None
    home_directory: Annotated[str | None, Meta(description="Home directory.")] = None


class AdditionalFile(Model, frozen=True, kw_only=True):
    """A file to put on the target OS. It has either `content` or `source`."""

    noun: ClassVar[str] = "an additional file"

    destination: Annotated[str, PATH, Meta(description="Where it is put on the target OS.")]
    content: Annotated[str | None, Meta(description="What it holds.")] = None
    source: Annotated[str | None, Meta(description="File of the servicing OS to copy.")] = None
    permissions: Annotated[
        str | None,
        Meta(description="Octal, such as `0644`. If not given: those of `source`, or `0644` for `content`."),
    ] = None


class UefiFallbackMode(enum.StrEnum):
    """What the firmware boots from the fallback path of the ESP, when it has lost its variables."""

    CONSERVATIVE = "conservative"
    OPTIMISTIC = "optimistic"
    DISABLED = "disabled"


class Os(Model, frozen=True, kw_only=True):
    """Settings of the target OS."""

    noun: ClassVar[str] = "the os section"
    planned: ClassVar[frozenset[str]] = frozenset(
        ("selinux", "modules", "services", "kernelCommandLine", "sysexts", "confexts")
    )

    netplan: Annotated[
        dict[str, Any] | None,
        Meta(description="Network settings, as netplan's `network` mapping (version 2)."),
    ] = None
    users: Annotated[tuple[User, ...], Meta(description="Users to make or change.")] = ()
    additional_files: Annotated[
        tuple[AdditionalFile, ...], Meta(description="Files to put on the target OS.")
    ] = ()
    hostname: Annotated[
        str | None, Meta(description="Host name. An update without one keeps the name that the host has.")
    ] = None
    uefi_fallback: Annotated[
        UefiFallbackMode,
        Meta(description="Which OS the ESP's fallback path starts between finalize and commit of an update."),
    ] = UefiFallbackMode.CONSERVATIVE
