"""Management: the agent on the target, its settings and its service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import InvalidInput, Servicing
from trident.plan.step import Operation, Phase, Step
from trident.plan.subsystem import Subsystem
from trident.state.agent import (
    AGENT_CONFIGURATION_PATH,
    DEFAULT_DATASTORE_PATH,
    AgentConfiguration,
    read_agent_configuration,
)
from trident.state.status import ServicingState, ServicingType

if TYPE_CHECKING:
    from trident.errors import TridentError
    from trident.plan.session import Session
    from trident.plan.situation import Situation

SERVICE = "trident.service"


class ManagementSubsystem(Subsystem):
    """How the agent lives on the target."""

    name = "management"

    def check(self, situation: Situation) -> Iterator[TridentError]:
        """An update cannot move the datastore: the running system would lose sight of it."""
        if situation.servicing_type is not ServicingType.AB_UPDATE or situation.desired.trident.disable:
            return
        current, desired = _installed_datastore_path(situation), situation.desired.trident.datastore_path
        if current != desired:
            yield InvalidInput(
                "invalid-host-configuration-dynamic",
                f"The datastore is at {current}; an update cannot move it to {desired}.",
                hint="Keep 'trident.datastorePath', or install the host anew.",
                details={"inner": {"datastore-path-changed": {"current": current, "new": desired}}},
            )

    def tools(self, situation: Situation) -> Iterable[str]:
        """``systemctl`` is the target's own."""
        return {"chroot"} if situation.deploys else set()

    def steps(self, situation: Situation) -> Iterator[Step]:
        """The agent's settings and its service."""
        if not situation.deploys:
            return
        settings = situation.desired.trident
        if not settings.disable:
            yield WriteAgentConfiguration.compile(settings.datastore_path)
        yield SwitchAgent.compile(enable=not settings.disable)


@dataclass(frozen=True, kw_only=True)
class WriteAgentConfiguration(Step):
    """See that the target's agent looks for the datastore where it is.

    Attributes:
        datastore_path: where that is.
    """

    datastore_path: str

    @classmethod
    def compile(cls, datastore_path: str) -> WriteAgentConfiguration:
        """The step."""
        return cls(
            id="write-agent-configuration",
            title=f"Make the target's agent use the datastore {datastore_path}",
            operation=Operation.STAGE,
            phase=Phase.CONFIGURE,
            touches=(str(AGENT_CONFIGURATION_PATH),),
            datastore_path=datastore_path,
        )

    def run(self, session: Session) -> None:
        """Check the settings that came with the image, or write them where the default is not right."""
        from trident.host.files import Tree

        tree = Tree(session.mounted_newroot())
        path = str(AGENT_CONFIGURATION_PATH)
        try:
            if tree.exists(path):
                _check_agrees(read_agent_configuration(tree.real_path(path)), self.datastore_path)
            elif self.datastore_path != str(DEFAULT_DATASTORE_PATH):
                tree.write(path, f"DatastorePath={self.datastore_path}\n")
        except OSError as error:
            raise Servicing(
                "create-configuration-file",
                f"{path} of the target cannot be written: {error.strerror}.",
                details={"path": path},
            ) from error


@dataclass(frozen=True, kw_only=True)
class SwitchAgent(Step):
    """Enable or disable the agent's service on the target; without it no update is ever committed.

    Attributes:
        enable: which of the two.
    """

    enable: bool

    @classmethod
    def compile(cls, *, enable: bool) -> SwitchAgent:
        """The step."""
        return cls(
            id="enable-agent" if enable else "disable-agent",
            title=f"{'Enable' if enable else 'Disable'} {SERVICE} on the target",
            operation=Operation.STAGE,
            phase=Phase.CONFIGURE,
            touches=("/etc/systemd/system",),
            enable=enable,
        )

    def run(self, session: Session) -> None:
        """Let the target's own ``systemctl`` set or remove the links."""
        from trident.host.files import Tree
        from trident.host.process import run

        newroot = session.mounted_newroot()
        tree = Tree(newroot)
        units = (f"{directory}/{SERVICE}" for directory in ("/etc/systemd/system", "/usr/lib/systemd/system"))
        if not any(tree.exists(unit) for unit in units):
            if self.enable:
                raise InvalidInput(
                    "image-bad-agent-configuration",
                    f"The image has no {SERVICE}: the target would never commit its own update.",
                    hint="Install the trident package in the image, or set 'trident.disable'.",
                )
            return
        run(
            ["systemctl", "enable" if self.enable else "disable", SERVICE],
            root=newroot,
            environment={"SYSTEMD_OFFLINE": "1"},
        )


def _check_agrees(configuration: AgentConfiguration, datastore_path: str) -> None:
    if configuration.datastore_path != Path(datastore_path):
        raise InvalidInput(
            "image-bad-agent-configuration",
            f"The image's agent keeps its datastore at {configuration.datastore_path}, "
            f"the Host Configuration at {datastore_path}.",
            hint=f"Set 'trident.datastorePath' to the image's path, or build the image without "
            f"{AGENT_CONFIGURATION_PATH}.",
        )


def _installed_datastore_path(situation: Situation) -> str:
    status = situation.status
    staged = status.servicing_state not in {ServicingState.PROVISIONED, ServicingState.NOT_PROVISIONED}
    spec = status.spec_old if staged and status.spec_old else status.spec
    return str((spec.get("trident") or {}).get("datastorePath", DEFAULT_DATASTORE_PATH))
