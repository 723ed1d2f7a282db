"""Network: the netplan configuration of the target, and that of the running system.

Nothing is kept aside between stage and finalize: what finalize writes stands in Host Status already. Undoing
is the same with the two configurations exchanged, and needs nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from trident.errors import Servicing, UnsupportedConfiguration
from trident.plan.situation import Effect
from trident.plan.step import Operation, Phase, Step
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.errors import TridentError
    from trident.host.files import Tree
    from trident.plan.session import Session
    from trident.plan.situation import Situation

_log = logging.getLogger(__name__)

_ROOT = Path("/")
_INSTEAD = "Change the image or another setting along with 'os.netplan': an A/B update brings both."
NETPLAN_PATH = "/etc/netplan/99-trident.yaml"  # Upstream's; after most others, so it has the last word.

# cloud-init writes network configuration of its own unless it is told not to.
_CLOUD_INIT_DIRECTORY = "/etc/cloud/cloud.cfg.d"
_CLOUD_INIT_FILE = f"{_CLOUD_INIT_DIRECTORY}/99-use-trident-networking.cfg"
_CLOUD_INIT_CONTENT = "network: {config: disabled}\n"


class NetworkSubsystem(Subsystem):
    """The network of the target and of the running system."""

    name = "network"
    effects: ClassVar[Mapping[str, EffectRule]] = {
        "os.netplan": Effect(ServicingType.RUNTIME_UPDATE, "netplan is applied without a reboot"),
    }

    def tools(self, situation: Situation) -> Iterable[str]:
        """``netplan`` is the target's own, but where the running system is changed."""
        if _changes(situation):
            return {"netplan"}
        return {"chroot"} if situation.deploys and situation.desired.os.netplan else set()

    def check(self, situation: Situation) -> Iterable[TridentError]:
        """A root that is read-only by its configuration; what else may be wrong with /etc a step looks at."""
        holder = situation.desired.storage.filesystem_holding(NETPLAN_PATH)
        mount = holder.mount_point if holder is not None else None
        if _changes(situation) and mount is not None and mount.is_read_only:
            yield UnsupportedConfiguration(
                "netplan-on-read-only-root",
                f"The network cannot be changed while the system runs: {NETPLAN_PATH} would lie on "
                f"'{mount.path}', which is mounted read-only.",
                hint=_INSTEAD,
            )

    def steps(self, situation: Situation) -> Iterator[Step]:
        """Write the configuration, if there is one; on the running system, write and apply what changed."""
        netplan = situation.desired.os.netplan
        if _changes(situation):
            running = _running(situation)
            yield CheckNetplan.compile(netplan, running)
            yield ApplyNetplan.compile(netplan, running)
            return
        if situation.deploys and netplan is not None:
            yield WriteNetplan.compile(netplan)


def _running(situation: Situation) -> Mapping[str, Any] | None:
    """What the running system's network is; where that is not settled, one that differs from the desired."""
    sections = (*(left.get("os") or {} for left in situation.unsettled), situation.running_document("os"))
    networks: list[Mapping[str, Any] | None] = [section.get("netplan") for section in sections]
    return next((network for network in networks if network != situation.desired.os.netplan), networks[-1])


def _changes(situation: Situation) -> bool:
    """Whether the running system's network is brought to another configuration."""
    return situation.changes_running and _running(situation) != situation.desired.os.netplan


@dataclass(frozen=True, kw_only=True)
class CheckNetplan(Step):
    """See that netplan takes the new configuration and that its file can be written; nothing is changed.

    Attributes:
        network: content of the ``network`` key, ``None`` to remove the file; it may hold passwords.
        running: the same of the configuration that the host runs.
    """

    network: Mapping[str, Any] | None = field(repr=False)
    running: Mapping[str, Any] | None = field(repr=False)

    @classmethod
    def compile(cls, network: Mapping[str, Any] | None, running: Mapping[str, Any] | None) -> CheckNetplan:
        """The step."""
        return cls(
            id="check-netplan",
            title="Let netplan read the new network configuration",
            operation=Operation.STAGE,
            phase=Phase.PRE_SERVICING,
            network=network,
            running=running,
        )

    def run(self, session: Session) -> None:
        """Look at the place, at what lies there, and at what would.

        Raises:
            Servicing: ``write-netplan-config`` if /etc is read-only, ``generate-netplan-config`` if netplan
                does not accept the configuration.
        """
        from trident.host import netplan

        with _writable_etc() as root:
            _refuse_read_only(root)
        try:
            differs = netplan.present(_ROOT) != self.running
        except OSError:
            differs = True
        if differs:
            _log.warning(
                "%s is not what the running configuration says: somebody changed it. It is %s.",
                NETPLAN_PATH,
                "removed" if self.network is None else "replaced",
            )
        netplan.judge(self.network, _ROOT)


@dataclass(frozen=True, kw_only=True)
class ApplyNetplan(Step):
    """Bring the running system's network to the configuration, from whatever state it is in.

    Attributes:
        network: content of the ``network`` key, ``None`` to remove the file; it may hold passwords.
        running: the same of the configuration before.
    """

    network: Mapping[str, Any] | None = field(repr=False)
    running: Mapping[str, Any] | None = field(repr=False)

    @classmethod
    def compile(cls, network: Mapping[str, Any] | None, running: Mapping[str, Any] | None) -> ApplyNetplan:
        """The step."""
        verb = "Remove" if network is None else "Write"
        return cls(
            id="apply-netplan",
            title=f"{verb} {NETPLAN_PATH} of the running system and apply it",
            operation=Operation.FINALIZE,
            phase=Phase.FINALIZE,
            touches=(NETPLAN_PATH,),
            network=network,
            running=running,
        )

    def run(self, session: Session) -> None:
        """Write or remove the file, make it seen, and apply.

        Raises:
            Servicing: ``write-netplan-config`` or ``remove-netplan-config``, ``apply-netplan-config``.
        """
        from trident.host import netplan

        self._put_in_place()
        netplan.apply(self.running, _ROOT)

    def _put_in_place(self) -> None:
        from trident.host import netplan
        from trident.host.files import Tree
        from trident.host.sysext import refresh

        code = "remove-netplan-config" if self.network is None else "write-netplan-config"
        done = "removed" if self.network is None else "written"
        try:
            with _writable_etc() as root:
                tree = Tree(root)
                if self.network is None:
                    tree.remove(NETPLAN_PATH)
                    tree.remove(_CLOUD_INIT_FILE)
                else:
                    tree.write(NETPLAN_PATH, netplan.render(self.network), mode=0o600)
                    _keep_cloud_init_off(tree)
            if root != _ROOT:
                # What is written beneath an overlay that is mounted is seen for sure in a new one only.
                refresh("systemd-confext", _ROOT)
            seen = netplan.present(_ROOT)
        except OSError as error:
            raise Servicing(code, f"{NETPLAN_PATH} cannot be {done}: {error.strerror}.") from error
        if seen != self.network:
            raise Servicing(
                code,
                f"{NETPLAN_PATH} was {done}, but a configuration extension has a file of that name, too.",
                hint="Leave it out of the extension: the file is Trident's.",
            )


def _keep_cloud_init_off(tree: Tree) -> None:
    """Tell cloud-init, where there is one, that the network is none of its business."""
    if tree.exists(_CLOUD_INIT_DIRECTORY):
        tree.write(_CLOUD_INIT_FILE, _CLOUD_INIT_CONTENT)


@contextlib.contextmanager
def _writable_etc() -> Iterator[Path]:
    """A tree in which the host's own /etc lies, also where configuration extensions are merged over it."""
    from trident.host.sysext import beneath_merged

    with contextlib.ExitStack() as stack:
        try:
            root = stack.enter_context(beneath_merged("/etc/netplan", _ROOT))
        except Servicing as error:
            raise Servicing(
                "write-netplan-config",
                f"The host's /etc cannot be written beneath its configuration extensions. {error.message}",
            ) from error
        yield root


def _refuse_read_only(root: Path) -> None:
    """Refuse an /etc that nobody can write, such as that of a root with dm-verity."""
    if os.statvfs(root / "etc").f_flag & os.ST_RDONLY:
        raise Servicing(
            "write-netplan-config",
            "The network cannot be changed while the system runs: /etc is read-only.",
            hint=_INSTEAD,
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
        from trident.host import netplan
        from trident.host.files import Tree
        from trident.host.process import run

        newroot = session.mounted_newroot()
        tree = Tree(newroot)
        try:
            tree.write(NETPLAN_PATH, netplan.render(self.network), mode=0o600)
            _keep_cloud_init_off(tree)
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
                f"Netplan on the target does not accept 'os.netplan'. {netplan.told(error)}",
                hint="Correct 'os.netplan'; try it with 'netplan generate' on any host.",
            ) from None
