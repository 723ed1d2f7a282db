"""Which device the target's root is on, and whether the running system is that one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import FileSystemSource
from trident.errors import Servicing, TridentError, UnsupportedConfiguration
from trident.plan.situation import Facts, Situation
from trident.state.status import AbVolume, HostStatus, ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration


def target_root(situation: Situation) -> str:
    """The device of the root file system on the side that this servicing writes.

    Raises:
        Servicing: ``get-root-block-device-id`` if Host Status names no such device.
    """
    storage = situation.desired.storage
    root = storage.filesystem_at("/")
    if root is not None and root.device_id is not None:
        volume = storage.resolve_volume(root.device_id, situation.target_volume)
        path = situation.status.partition_paths.get(volume)
        if path is not None:
            return path
    raise Servicing("get-root-block-device-id", "Host Status names no device for the root file system.")


def no_target(situation: Situation) -> TridentError | None:
    """Why there is no volume that this servicing could make a root file system on; ``None`` if there is one.

    The ESP's files take their way over that volume too, so it must be one that is overwritten anyway.
    """
    if not situation.deploys:
        return None
    storage = situation.desired.storage
    root = storage.filesystem_at("/")
    if root is None or root.device_id is None or root.source is not FileSystemSource.IMAGE:
        return UnsupportedConfiguration(
            "root-not-from-image",
            "The root file system does not come from the image; this version of Trident cannot install that.",
            hint="Give the file system at '/' the source 'image' and a device.",
        )
    if situation.servicing_type is ServicingType.AB_UPDATE and not storage.is_ab(root.device_id):
        return UnsupportedConfiguration(
            "root-not-on-ab-volume",
            f"The root file system is on '{root.device_id}', which is no A/B volume pair: "
            "an update has no place for a new one beside the one that runs.",
            hint="Install the host anew, with an A/B volume pair for '/'.",
            details={"device_id": root.device_id},
        )
    return None


def same_device(running: str | None, expected: str) -> bool:
    """Whether two paths lead to one device node; a system in RAM runs from none."""
    return running is not None and Path(running).resolve() == Path(expected).resolve()


def volume_name(volume: AbVolume) -> str:
    """``volume A`` or ``volume B``, as messages name a side."""
    return f"volume {volume.letter.upper()}"


def refuse_other_volume(configuration: HostConfiguration, running: HostStatus, facts: Facts) -> None:
    """Refuse when the host runs the volume that Host Status takes for the inactive one.

    Args:
        configuration: what the active volume was made from.
        running: the status of a provisioned host, see ``update.baseline``.
        facts: the machine.

    Raises:
        Servicing: ``validate-ab-active-volume``.
    """
    root = configuration.storage.filesystem_at("/")
    if root is not None and root.device_id is not None and configuration.storage.is_ab(root.device_id):
        refuse_running_target(Situation(ServicingType.AB_UPDATE, configuration, running, facts))


def refuse_running_target(situation: Situation) -> None:
    """Refuse to write the volume that the running system lives on, whatever Host Status believes.

    This happens when the host has rebooted into an update that was not committed yet.

    Raises:
        Servicing: ``validate-ab-active-volume``.
    """
    if same_device(situation.facts.root_device, target_root(situation)):
        target = volume_name(situation.target_volume)
        raise Servicing(
            "validate-ab-active-volume",
            f"The running system lives on {target} ({situation.facts.root_device}), "
            "which Host Status takes for the inactive volume.",
            hint="Run 'trident commit' first; if it refuses, reboot into the other volume.",
        )
