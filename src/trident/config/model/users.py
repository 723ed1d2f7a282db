"""``os.users`` and ``managementOs.users``."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.spelling import INT32, PASSWORD


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

    type: Annotated[PasswordType, Meta(description="Always `locked`.", examples=["locked"])]


class User(Model, frozen=True, kw_only=True):
    """A user of the OS, made if the image has none of that name."""

    noun: ClassVar[str] = "a user"

    name: Annotated[str, Meta(description="Login name.", examples=["ops"])]
    password: Annotated[
        Password,
        PASSWORD,
        Meta(description="Always locked: log in with an ssh key.", examples=[{"type": "locked"}]),
    ] = Password(type=PasswordType.LOCKED)
    uid: Annotated[
        int | None,
        INT32,
        Meta(description="User id; the system picks one if none is given.", examples=[1500]),
    ] = None
    primary_group: Annotated[
        str | None,
        Meta(description="Primary group; if not given, one that the system makes.", examples=["ops"]),
    ] = None
    secondary_groups: Annotated[
        tuple[str, ...],
        Meta(description="Further groups that the user is a member of.", examples=[["sudo", "adm"]]),
    ] = ()
    ssh_public_keys: Annotated[
        tuple[str, ...],
        Meta(
            description="Public keys with which the user may log in: lines of `authorized_keys`. They need "
            "`sshMode: key-only`.",
            examples=[["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPMR... ops@example"]],
        ),
    ] = ()
    ssh_mode: Annotated[
        SshMode, Meta(description="Whether the user may log in over ssh.", examples=["key-only"])
    ] = SshMode.BLOCK
    startup_command: Annotated[
        str | None,
        Meta(
            description="Program that starts when the user logs in, instead of a shell.",
            examples=["/usr/bin/top"],
        ),
    ] = None
    home_directory: Annotated[
        str | None, Meta(description="Home directory; if not given, `/home/NAME`.", examples=["/home/ops"])
    ] = None
