"""``scripts``: what runs before, between and after the steps of a servicing."""

from __future__ import annotations

import enum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from trident.config.model.base import Model
from trident.config.spelling import QUOTED_TEXT


class ServicingTypeSelection(enum.StrEnum):
    """When a script runs."""

    CLEAN_INSTALL = "clean-install"
    RUNTIME_UPDATE = "runtime-update"
    AB_UPDATE = "ab-update"
    ALL = "all"


class Script(Model, frozen=True, kw_only=True):
    """A script, written inline or named by its path. It has either `content` or `path`."""

    noun: ClassVar[str] = "a script"

    name: Annotated[str, Meta(description="What messages and the plan call it.", examples=["enrol"])] = ""
    run_on: Annotated[
        tuple[ServicingTypeSelection, ...],
        Meta(
            description="The kinds of servicing in which it runs. A script without `runOn` never runs.",
            examples=[["clean-install", "ab-update"]],
        ),
    ] = ()
    interpreter: Annotated[
        str | None,
        Meta(
            description="Program that is handed the script; `/bin/sh` if none is named.",
            examples=["/usr/bin/python3"],
        ),
    ] = None
    content: Annotated[
        str | None,
        QUOTED_TEXT,
        Meta(description="The script itself. Instead of `path`.", examples=["systemd-machine-id-setup\n"]),
    ] = None
    path: Annotated[
        str | None,
        QUOTED_TEXT,
        Meta(
            description="Path of the script, instead of `content`. It is read from the OS that Trident runs "
            "in: the servicing OS, also for `postConfigure`; the new system for a health check.",
            examples=["/usr/lib/site/enrol.sh"],
        ),
    ] = None
    arguments: Annotated[
        tuple[str, ...],
        Meta(description="Arguments that the script is given.", examples=[["--site", "north"]]),
    ] = ()
    environment_variables: Annotated[
        dict[str, str],
        Meta(
            description="Variables for the script, beside those that Trident always sets.",
            examples=[{"SITE": "north"}],
        ),
    ] = msgspec.field(default_factory=dict)

    def runs_on(self, servicing_type: str) -> bool:
        """Whether it runs in a servicing of that type (``clean-install``, ``ab-update``, …)."""
        return ServicingTypeSelection.ALL in self.run_on or servicing_type in self.run_on


class Scripts(Model, frozen=True, kw_only=True):
    """Scripts by the moment at which they run, each list in its order."""

    noun: ClassVar[str] = "the scripts section"

    pre_servicing: Annotated[
        tuple[Script, ...], Meta(description="Run in the servicing OS, before anything changes.")
    ] = ()
    post_provision: Annotated[
        tuple[Script, ...],
        Meta(
            description="Run in the servicing OS, with the target's file systems mounted at `$TARGET_ROOT`."
        ),
    ] = ()
    post_configure: Annotated[
        tuple[Script, ...], Meta(description="Run inside the target OS (chroot), once it is configured.")
    ] = ()
