"""The concerns of a host, one file or folder each. They do not know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.subsystems.boot import BootSubsystem
from trident.subsystems.deployment import DeploymentSubsystem
from trident.subsystems.management import ManagementSubsystem
from trident.subsystems.network import NetworkSubsystem
from trident.subsystems.osconfig import OsConfigSubsystem
from trident.subsystems.scripts import ScriptsSubsystem
from trident.subsystems.storage import StorageSubsystem

if TYPE_CHECKING:
    from trident.plan.situation import Situation
    from trident.subsystems.base import Subsystem

# Within one phase steps keep this order: pre-servicing scripts run before anything else looks at the
# host, and the boot files borrow the target's root volume before the root image is written over them.
ALL: tuple[Subsystem, ...] = (
    ScriptsSubsystem(),
    StorageSubsystem(),
    BootSubsystem(),
    DeploymentSubsystem(),
    OsConfigSubsystem(),
    NetworkSubsystem(),
    ManagementSubsystem(),
)


def tools_for(situation: Situation) -> tuple[str, ...]:
    """Every program that the servicing OS must have for this situation, each once, sorted."""
    return tuple(sorted({tool for subsystem in ALL for tool in subsystem.tools(situation)}))
