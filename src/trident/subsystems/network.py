"""Network: the target's netplan configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trident.errors import Servicing, UnsupportedConfiguration
from trident.plan.situation import Change
from trident.plan.step import Operation, Phase, Step
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.errors import TridentError
    from trident.plan.session import Session
    from trident.plan.situation import Situation

NETPLAN_PATH = "/etc/netplan/99-trident.yaml"

# cloud-init writes network configuration of its own unless it is told not to.
_CLOUD_INIT_DIRECTORY = "/etc/cloud/cloud.cfg.d"
_CLOUD_INIT_FILE = f"{_CLOUD_INIT_DIRECTORY}/99-use-trident-networking.cfg"
_CLOUD_INIT_CONTENT = "network: {config: disabled}\n"

_DEPLOYING = {ServicingType.CLEAN_INSTALL, ServicingType.AB_UPDATE}


class NetworkSubsystem:
    """The target's network."""

    name = "network"

    def changes(self, old: HostConfiguration, new: HostConfiguration) -> Iterator[Change]:
        """Netplan can be applied while the system runs."""
        if old.os.netplan != new.os.netplan:
            yield Change("os.netplan", ServicingType.RUNTIME_UPDATE, "netplan is applied without a reboot")

    def check(self, situation: Situation) -> Iterator[TridentError]:
        """Updates of the running system are not there yet."""
        if situation.servicing_type is ServicingType.RUNTIME_UPDATE:
            yield UnsupportedConfiguration(
                "runtime-update-not-supported",
                "Only settings changed that can be applied to the running system, "
                "and this version of Trident cannot do that yet.",
                hint="Change them together with the next image.",
            )

    def tools(self, situation: Situation) -> Iterable[str]:
        """``netplan`` is the target's own."""
        return (
            {"chroot"} if situation.servicing_type in _DEPLOYING and situation.desired.os.netplan else set()
        )

    def steps(self, situation: Situation) -> Iterator[Step]:
        """Write the configuration, if there is one."""
        netplan = situation.desired.os.netplan
        if situation.servicing_type in _DEPLOYING and netplan is not None:
            yield WriteNetplan.compile(netplan)


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
