"""Facts about the machine, and the image opened for reading: all I/O that comes before the plan."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import ExecutionEnvironment, InvalidInput, Servicing
from trident.host import block, partitioning, system, tools
from trident.host.efi import EfiVariables
from trident.plan.situation import BootType, DiskFacts, Facts, PartitionFacts, Situation

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.host.partitioning import PartitionTable
    from trident.image.cosi.reader import Cosi
    from trident.image.source import Patience


def require_root() -> None:
    """Refuse callers who could do nothing but fail half-way.

    Raises:
        ExecutionEnvironment: ``check-root-privileges``.
    """
    if os.geteuid() != 0:
        raise ExecutionEnvironment(
            "check-root-privileges",
            "Servicing a host needs root.",
            hint="Run the command with sudo.",
        )


def require_tools(situation: Situation) -> None:
    """Refuse before the first step if a program that a step starts is not installed.

    Raises:
        ExecutionEnvironment: ``missing-binary``, naming every missing tool and its package.
    """
    from trident.servicing.concerns import tools_for

    tools.require(tools_for(situation))


def gather_facts(configuration: HostConfiguration, partition_paths: Mapping[str, str]) -> Facts:
    """The machine as it is now, as far as ``configuration`` concerns it. Changes nothing."""
    disks: dict[str, DiskFacts] = {}
    for disk in configuration.storage.disks:
        found = block.find_disk(disk.device)
        if found is not None:
            table = _table(found.device) if disk.adopted_partitions else None
            disks[disk.device] = DiskFacts(
                found.device,
                found.size,
                found.sector_size,
                tuple(found.mounts),
                tuple(PartitionFacts(**asdict(part)) for part in block.partitions_of(found.device)),
                table,
                partitioning.contents_of(Path(found.device), table) if table else {},
            )
    uuids = {}
    for block_device_id, path in partition_paths.items():
        uuid = block.filesystem_uuid(path)
        if uuid:
            uuids[block_device_id] = uuid
    return Facts(
        boot_type=BootType(system.boot_type()),
        architecture=system.architecture(),
        uefi=system.uefi_available(),
        disks=disks,
        root_device=system.root_device(),
        volume_uuids=uuids,
        secure_boot=EfiVariables().secure_boot(),
        volume_nodes={name: str(Path(path).resolve()) for name, path in partition_paths.items()},
    )


def with_extension_sizes(facts: Facts, configuration: HostConfiguration) -> Facts:
    """The facts, with the size of each extension image that this host does not have.

    Only the plan's numbers depend on it, so a server that does not answer is not waited for.
    """
    from trident.subsystems.extensions.bring import sizes_to_fetch

    return replace(facts, extension_sizes=sizes_to_fetch(configuration))


def _table(device: str) -> PartitionTable | None:
    """The GPT of a disk; ``None`` if it has none."""
    try:
        return partitioning.read_table(Path(device))
    except Servicing:
        return None


@contextlib.contextmanager
def open_image(configuration: HostConfiguration, *, patience: Patience | None = None) -> Iterator[Cosi]:
    """The image of ``configuration``, its metadata verified and every image of it found in its place.

    Args:
        configuration: names the image.
        patience: how long to bear with a server; by default as long as a servicing does.

    Raises:
        InvalidInput: ``missing-os-image`` if the configuration names none; whatever opening it finds.
    """
    if configuration.image is None:
        raise InvalidInput(
            "missing-os-image",
            "The Host Configuration names no image.",
            hint="Add an 'image' section with 'url' and 'sha384'.",
        )
    from trident.image.cosi.reader import open_cosi

    with open_cosi(configuration.image.url, configuration.image.sha384, patience=patience) as cosi:
        cosi.locate_images()
        yield cosi
