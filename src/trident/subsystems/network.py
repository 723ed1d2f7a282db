"""Network: the target's netplan configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from trident.errors import Servicing
from trident.plan.situation import Effect
from trident.plan.step import Operation, PendingStep, Phase, Step
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation

NETPLAN_PATH = "/etc/netplan/99-trident.yaml"

# cloud-init writes network configuration of its own unless it is told not to.
_CLOUD_INIT_DIRECTORY = "/etc/cloud/cloud.cfg.d"
_CLOUD_INIT_FILE = f"{_CLOUD_INIT_DIRECTORY}/99-use-trident-networking.cfg"
_CLOUD_INIT_CONTENT = "network: {config: disabled}\n"


class NetworkSubsystem(Subsystem):
    """The target's network."""

    name = "network"
    effects: ClassVar[Mapping[str, EffectRule]] = {
        "os.netplan": Effect(ServicingType.RUNTIME_UPDATE, "netplan is applied without a reboot"),
    }

    def tools(self, situation: Situation) -> Iterable[str]:
        """``netplan`` is the target's own."""
        return {"chroot"} if situation.deploys and situation.desired.os.netplan else set()

    def steps(self, situation: Situation) -> Iterator[Step]:
        """Write the configuration, if there is one; on the running system, write and apply what changed."""
        netplan = situation.desired.os.netplan
        if situation.changes_running:
            if situation.running_document("os").get("netplan") != netplan:
                yield _apply_netplan(removed=netplan is None)
            return
        if situation.deploys and netplan is not None:
            yield WriteNetplan.compile(netplan)


def _apply_netplan(*, removed: bool) -> PendingStep:
    what = "Remove" if removed else "Write"
    return PendingStep(
        id="apply-netplan",
        title=f"{what} {NETPLAN_PATH} of the running system and apply it",
        operation=Operation.FINALIZE,
        phase=Phase.FINALIZE,
        touches=(NETPLAN_PATH,),
        fields=("os.netplan",),
    )


@dataclass(frozen=True, kw_only=True)
class WriteNetplan(Step):
    """Write the target's netplan configuration and let the target's own netplan check it.

    Attributes:
        network: content of the ``network`` key; it may hold keys and passwords, so it is never shown.
    """

    network: dict[str, Any] = field(repr=False)

    @classmethod
    def compile(cls, network: dict[str, Any]) -> WriteNetplan:
        """The step."""
        return cls(
            id="write-netplan",
            title=f"Write {NETPLAN_PATH}",
            operation=Operation.STAGE,
            phase=Phase.CONFIGURE,
            touches=(NETPLAN_PATH,),
            network=network,
        )

    def run(self, session: Session) -> None:
        """Write (0600), keep cloud-init off the network, and check."""
        from trident.host.files import Tree
        from trident.host.process import run

        newroot = session.mounted_newroot()
        tree = Tree(newroot)
        try:
            tree.write(NETPLAN_PATH, render(self.network), mode=0o600)
            if tree.exists(_CLOUD_INIT_DIRECTORY):
                tree.write(_CLOUD_INIT_FILE, _CLOUD_INIT_CONTENT)
        except OSError as error:
            raise Servicing(
                "write-netplan-config", f"{NETPLAN_PATH} of the target cannot be written: {error.strerror}."
            ) from error
        if not any(tree.exists(f"{directory}/netplan") for directory in ("/usr/sbin", "/usr/bin")):
            raise Servicing(
                "generate-netplan-config",
                "The Host Configuration has 'os.netplan', but the target OS has no netplan.",
                hint="Build the image with netplan.io.",
            )
        try:
            run(["netplan", "generate"], root=newroot)
        except Servicing as error:
            raise Servicing(
                "generate-netplan-config",
                f"Netplan on the target does not accept 'os.netplan'. {_reason(error.message)}",
                hint="Correct 'os.netplan'; try it with 'netplan generate' on any host.",
            ) from None


def render(network: dict[str, Any]) -> str:
    """The netplan file for the content of ``os.netplan``."""
    import yaml

    text = yaml.safe_dump({"network": network}, sort_keys=False, allow_unicode=True, default_flow_style=False)
    return f"# Written by Trident from 'os.netplan'.\n{text}"


def _reason(message: str) -> str:
    """Netplan's own sentence only: the lines after it quote the configuration, which may hold secrets."""
    start = message.find(NETPLAN_PATH)
    return message[start:].splitlines()[0] if start >= 0 else ""
