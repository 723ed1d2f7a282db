"""Every subsystem, in the order in which their steps stand in a plan.

This loads all of them, which takes a slow host seconds. What every boot runs imports it only for a plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trident.subsystems.boot import BootSubsystem
from trident.subsystems.deployment import DeploymentSubsystem
from trident.subsystems.encryption import EncryptionSubsystem
from trident.subsystems.extensions import ExtensionsSubsystem
from trident.subsystems.health import HealthSubsystem
from trident.subsystems.management import ManagementSubsystem
from trident.subsystems.network import NetworkSubsystem
from trident.subsystems.osconfig import OsConfigSubsystem
from trident.subsystems.raid import RaidSubsystem
from trident.subsystems.scripts import ScriptsSubsystem
from trident.subsystems.servicing_os import ServicingOsSubsystem
from trident.subsystems.storage import StorageSubsystem
from trident.subsystems.verity import VeritySubsystem

if TYPE_CHECKING:
    from trident.plan.situation import Situation
    from trident.plan.subsystem import Subsystem

# Within one phase steps keep this order: pre-servicing scripts run before anything else looks at the
# host, and the boot files borrow the target's root volume before the root image is written over them. On the
# running system extensions are merged before the network changes: netplan may come with one of them.
ALL: tuple[Subsystem, ...] = (
    ScriptsSubsystem(),
    ServicingOsSubsystem(),
    StorageSubsystem(),
    RaidSubsystem(),
    EncryptionSubsystem(),
    BootSubsystem(),
    DeploymentSubsystem(),
    VeritySubsystem(),
    OsConfigSubsystem(),
    ExtensionsSubsystem(),
    NetworkSubsystem(),
    ManagementSubsystem(),
    HealthSubsystem(),
)


def tools_for(situation: Situation) -> tuple[str, ...]:
    """Every program that the servicing OS must have for this situation, each once, sorted."""
    return tuple(sorted({tool for subsystem in ALL for tool in subsystem.tools(situation)}))
