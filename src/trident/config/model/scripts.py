"""``scripts``: what runs before, between and after the steps of a servicing."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from trident.config.model.base import Model
from trident.config.spelling import OWN, QUOTED_TEXT, UINT64


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
    timeout_seconds: Annotated[
        int | None,
        UINT64,
        OWN,
        Meta(
            description="Seconds after which the script is killed with all that it started, and has failed. "
            "If not given: 600 for a health check, no limit for any other script.",
            examples=[300],
        ),
    ] = None

    @property
    def can_be_started(self) -> bool:
        """Whether the kernel takes what the script is started with (execve(2), environ(7))."""
        texts = (
            *self.environment_variables,
            *self.environment_variables.values(),
            *self.arguments,
            self.interpreter or "",
            self.path or "",
        )
        named = all(name and "=" not in name for name in self.environment_variables)
        return named and not any("\0" in text for text in texts)

    def variables(self, servicing_type: str, target_root: str, phonehome: str | None) -> Mapping[str, str]:
        """Variables for the script: its own, and over them those that Trident always sets."""
        told = {"SERVICING_TYPE": servicing_type.replace("-", "_"), "TARGET_ROOT": target_root}
        if phonehome is not None:
            told["PHONEHOME_URL"] = phonehome
        return {**self.environment_variables, **told}

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
    pre_reboot: Annotated[
        tuple[Script, ...],
        OWN,
        Meta(
            description="Run in the servicing OS when an install, an A/B update or a manual rollback of one "
            "is finalized, before anything that the firmware boots is changed: one that fails stops it "
            "there. In a manual rollback those run whose `runOn` has `all`, of the configuration that the "
            "host returns to."
        ),
    ] = ()
