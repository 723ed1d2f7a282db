"""Steps that give the target its host name, and on an update the machine's id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import Servicing
from trident.plan.step import Operation, Phase, Step
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation

MACHINE_ID_PATH = "/etc/machine-id"
HOSTNAME_PATH = "/etc/hostname"


@dataclass(frozen=True, kw_only=True)
class CopyMachineId(Step):
    """Let the updated system be the same machine to everyone who knows it by its machine-id(5)."""

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[CopyMachineId]:
        """The step, on an update; a new install gets an id of its own at its first boot."""
        if situation.servicing_type is ServicingType.AB_UPDATE:
            yield cls(
                id="copy-machine-id",
                title="Keep the machine id",
                operation=Operation.STAGE,
                phase=Phase.PROVISION,
                touches=(MACHINE_ID_PATH,),
            )

    def run(self, session: Session) -> None:
        """Copy the file."""
        copy_machine_id(Path("/"), session.mounted_newroot())


@dataclass(frozen=True, kw_only=True)
class WriteHostname(Step):
    """Name the target.

    Attributes:
        hostname: the name; ``None`` keeps the running system's.
    """

    hostname: str | None

    @classmethod
    def compile(cls, situation: Situation) -> Iterator[WriteHostname]:
        """The step, if a name is configured or an update has one to keep."""
        hostname = situation.desired.os.hostname
        if hostname is None and situation.servicing_type is not ServicingType.AB_UPDATE:
            return
        yield cls(
            id="write-hostname",
            title="Keep the host name" if hostname is None else f"Name the host {hostname}",
            operation=Operation.STAGE,
            phase=Phase.PROVISION,
            touches=(HOSTNAME_PATH,),
            hostname=hostname,
        )

    def run(self, session: Session) -> None:
        """Write the file."""
        write_hostname(Path("/"), session.mounted_newroot(), self.hostname)


def copy_machine_id(running: Path, target: Path) -> None:
    """Copy the machine id from one root directory to another.

    Raises:
        Servicing: ``copy-machine-id`` if the running system has none, or it cannot be written.
    """
    from trident.host.files import Tree

    try:
        machine_id = Tree(running).read(MACHINE_ID_PATH)
        if not machine_id:
            raise Servicing("copy-machine-id", f"The running system has no machine id in {MACHINE_ID_PATH}.")
        Tree(target).write(MACHINE_ID_PATH, machine_id, mode=0o444)
    except OSError as error:
        raise Servicing("copy-machine-id", f"The machine id cannot be kept: {error.strerror}.") from error


def write_hostname(running: Path, target: Path, hostname: str | None) -> None:
    """Write the host name, or keep the running system's if there is one.

    Raises:
        Servicing: ``read-hostname`` or ``create-configuration-file``.
    """
    from trident.host.files import Tree

    if hostname is None:
        try:
            kept = Tree(running).read(HOSTNAME_PATH)
        except OSError as error:
            raise Servicing("read-hostname", f"{HOSTNAME_PATH} cannot be read: {error.strerror}.") from error
        if not kept or not kept.strip():
            return
        hostname = kept.decode(errors="replace").strip()
    try:
        Tree(target).write(HOSTNAME_PATH, f"{hostname}\n")
    except OSError as error:
        raise Servicing(
            "create-configuration-file",
            f"{HOSTNAME_PATH} of the target cannot be written: {error.strerror}.",
            details={"path": HOSTNAME_PATH},
        ) from error
