"""``health``: what must be true of the new system before it is committed."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta

from trident.config.model.base import Model
from trident.config.model.scripts import Script, ServicingTypeSelection
from trident.config.spelling import OWN, UINT64, ByKey


class SystemdCheck(Model, frozen=True, kw_only=True):
    """Services that must be active. They are asked every 100 ms until the time is over."""

    noun: ClassVar[str] = "a systemd check"

    name: Annotated[str, Meta(description="What messages and the plan call it.", examples=["web"])] = ""
    systemd_services: Annotated[
        tuple[str, ...],
        Meta(description="Units that must be in a successful state.", examples=[["nginx.service"]]),
    ] = ()
    timeout_seconds: Annotated[
        int,
        UINT64,
        Meta(
            description="Seconds until a service that is not active fails the check; 0 asks once.",
            examples=[60],
        ),
    ] = 30
    settle_seconds: Annotated[
        int,
        UINT64,
        OWN,
        Meta(
            description="Seconds for which the services, once they are active, must stay so and not be "
            "restarted. They come after those of `timeoutSeconds`, not out of them.",
            examples=[10],
        ),
    ] = 0
    run_on: Annotated[
        tuple[ServicingTypeSelection, ...],
        Meta(
            description="The kinds of servicing after which it runs: `clean-install`, `ab-update`, "
            "`runtime-update`, or `all` for each. A check without `runOn` never runs.",
            examples=[["ab-update", "clean-install"]],
        ),
    ] = ()

    def to_document(self) -> dict[str, Any]:
        """As every object; ``systemdServices`` is always written, as it tells a check from a script."""
        return {"systemdServices": list(self.systemd_services)} | super().to_document()

    def runs_on(self, servicing_type: str) -> bool:
        """Whether it runs after a servicing of that type."""
        return ServicingTypeSelection.ALL in self.run_on or servicing_type in self.run_on


Check = Annotated[Script | SystemdCheck, ByKey("systemdServices", SystemdCheck, Script)]


class Health(Model, frozen=True, kw_only=True):
    """Checks that the new system must pass."""

    noun: ClassVar[str] = "the health section"

    checks: Annotated[
        tuple[Check, ...],
        Meta(
            description="Run in the new system before it is committed; after a runtime update, which is not "
            "booted, when it is finalized. An object with `systemdServices` is a systemd check, any other is "
            "a script. If one fails after an update, the host goes back."
        ),
    ] = ()
