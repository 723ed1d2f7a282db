"""Planning for a machine that is not this one: what only that machine knows is assumed, and named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trident.config.quantities import Grow
from trident.errors import InvalidInput
from trident.host.layout import plan_partitions
from trident.plan.situation import BootType, DiskFacts, Facts, PartitionFacts
from trident.state.status import HostStatus, ServicingState
from trident.subsystems.storage.partition import requests

if TYPE_CHECKING:
    from trident.config.model import Disk, HostConfiguration
    from trident.image.cosi.metadata import CosiMetadata

_MIB, _GIB = 1024**2, 1024**3
# Where the size of a disk is not known, partitions that grow get this much in the picture.
_ROOM_TO_GROW = 4 * _GIB

BLANK = HostStatus()


def assumed_facts(
    configuration: HostConfiguration, status: HostStatus, image: CosiMetadata | None
) -> tuple[Facts, tuple[str, ...]]:
    """What a machine is taken for of which only the status is known, and each assumption as a sentence."""
    blank = status.servicing_state is ServicingState.NOT_PROVISIONED
    architecture = image.arch if image else "x86_64"
    disks = {disk.device: _disk(disk, architecture, blank=blank) for disk in configuration.storage.disks}
    facts = Facts(
        boot_type=BootType.RAM_DISK if blank else BootType.PERSISTENT_STORAGE,
        architecture=architecture,
        uefi=True,
        disks=disks,
        volume_nodes={} if blank else _nodes(configuration),
    )
    said = [f"The machine is of type {architecture} and was started by UEFI firmware without Secure Boot."]
    said += [
        f"Disk '{disk.id}' is there as {disk.device}, is not in use, and has at least "
        f"{disks[disk.device].size // _MIB} MiB."
        for disk in configuration.storage.disks
    ]
    said.append(
        "It runs a servicing OS from RAM or live media."
        if blank
        else "It runs the volume that its status calls active, and the image has other UUIDs."
    )
    return facts, tuple(said)


def _disk(disk: Disk, architecture: str, *, blank: bool) -> DiskFacts:
    """A disk that is large enough: blank, or with the partitions of the configuration and no others."""
    needed = 2 * _MIB
    for partition in disk.partitions:
        size = _ROOM_TO_GROW if isinstance(partition.size, Grow) else partition.size
        needed += -(-size // _MIB) * _MIB
    if blank:
        return DiskFacts(disk.device, needed, partitions=())
    placed = plan_partitions(needed, 512, requests(disk, architecture))
    present = tuple(
        PartitionFacts(_node(disk, part.number), part.number, part.start, part.size, part.label)
        for part in placed
    )
    return DiskFacts(disk.device, needed, partitions=present)


def _nodes(configuration: HostConfiguration) -> dict[str, str]:
    return {
        partition.id: _node(disk, number)
        for disk in configuration.storage.disks
        for number, partition in enumerate(disk.partitions, start=1)
    }


def _node(disk: Disk, number: int) -> str:
    return f"{disk.device}-part{number}"


def read_status(path: str) -> HostStatus:
    """A Host Status that ``trident get`` printed on the machine to plan for, as YAML or JSON.

    Raises:
        InvalidInput: ``load-host-status-file`` if the file cannot be read, ``parse-host-status-file`` if it
            is no Host Status, or one that does not say which volume runs.
    """
    from trident.config.document import read_document
    from trident.config.load import read_source
    from trident.config.values import plain

    name, text = read_source(path, what="Host Status")
    document = read_document(text)
    content = plain(document.root) if document.root is not None and not document.is_broken else None
    try:
        if document.is_broken and document.findings:
            raise ValueError(f"in line {document.findings[0].line + 1}: {document.findings[0].message}")
        if not isinstance(content, dict) or content.get("servicingState") is None:
            raise ValueError("it has no 'servicingState'.")
        status = HostStatus.from_document(content)
        _require_complete(status)
    except ValueError as error:
        raise InvalidInput(
            "parse-host-status-file",
            f"{name} is not a Host Status: {error}{'' if str(error).endswith('.') else '.'}",
            hint="Save one with 'trident get --outfile FILE' on the machine that the plan is for.",
        ) from None
    return status


def _require_complete(status: HostStatus) -> None:
    """Without these the plan would have to guess what runs, and might name the running volume as target."""
    if status.servicing_state is ServicingState.NOT_PROVISIONED or status.is_management_os:
        return
    pending = status.servicing_state in (ServicingState.AB_UPDATE_STAGED, ServicingState.AB_UPDATE_FINALIZED)
    field, running = ("specOld", status.spec_old) if pending else ("spec", status.spec)
    if not running:
        raise ValueError(f"no '{field}' says which Host Configuration the host runs")
    storage = running.get("storage")
    if status.ab_active_volume is None and isinstance(storage, Mapping) and storage.get("abUpdate"):
        raise ValueError(f"its '{field}' has A/B volume pairs, but no 'abActiveVolume' says which half runs")
