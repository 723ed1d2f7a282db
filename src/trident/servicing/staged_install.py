"""An install that was staged and waits on the target's own disk: found by another servicing OS, or booted.

A servicing OS runs from RAM and forgets its datastore. So staging leaves a copy on the target, and a
servicing OS that knows nothing finds it there, as long as the disk is the one that was staged.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trident.errors import Servicing, TridentError
from trident.host import partitioning
from trident.host.block import find_disk
from trident.host.files import Tree, sync_directory, write_file
from trident.host.mount import mounted, unmount_below
from trident.servicing import record
from trident.servicing.persist import MOUNT_DIRECTORY, datastore_place
from trident.state.datastore import Datastore
from trident.state.history import EntryState
from trident.state.status import HostStatus, ServicingState

if TYPE_CHECKING:
    from trident.config.model import Disk, HostConfiguration
    from trident.config.model.disks import AdoptedPartition, Partition
    from trident.host.partitioning import PartitionTable, TableEntry

_log = logging.getLogger(__name__)

# Power lost in finalize, after the copy said "finalized" and before the boot order was changed, leaves an
# install that waits to be finalized as much as one that was only staged.
_WAITING = {ServicingState.CLEAN_INSTALL_STAGED, ServicingState.CLEAN_INSTALL_FINALIZED}
# No datastore comes near this, in bytes; what is on a disk that was found may be anything.
_LARGEST = 256 * 1024 * 1024


class _NotThere(Exception):
    """Why no staged install was found: a clause for people."""


def adopt_staged_install(configuration: HostConfiguration, path: Path) -> str | None:
    """Make a staged install of ``configuration`` that waits on the target's disk known to this servicing OS.

    The target is only read. What is found must be an install of exactly this configuration, on exactly the
    partitions and disks that are there.

    Args:
        configuration: what is to be finalized.
        path: the servicing OS' datastore; it is replaced by what is found.

    Returns:
        ``None`` if the install was adopted, otherwise why not: a clause for people.

    Raises:
        Servicing: the servicing OS' datastore cannot be written.
    """
    found = path.with_name(f"{path.name}.found")
    try:
        place = datastore_place(configuration)
        if place is None:
            return "with 'trident.disable' a target keeps no record of its install"
        tables = dict(_tables(configuration))
        for device, content in _datastores(configuration, *place, tables):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(found, content, mode=0o600)
            if _adopt(found, device, configuration, tables):
                found.replace(path)
                sync_directory(path.parent)
                return None
        return f"no partition for '{place[0]}' has a datastore in it"
    except _NotThere as reason:
        return str(reason)
    except OSError as error:
        raise Servicing(
            "open-datastore",
            f"The datastore {path} cannot be created: {error.strerror}.",
            hint=f"Make room on the file system that holds {path.parent}, and check that it is writable.",
            details={"path": str(path)},
        ) from error
    finally:
        found.unlink(missing_ok=True)


def refuse_unfinalized_install(status: HostStatus) -> None:
    """Say so when a target runs whose install was staged and never finalized.

    Nobody told the firmware to start it: somebody chose its disk in the firmware's menu, or its loader was
    the only one that the firmware found. It is not made permanent, since that was not asked for.

    Args:
        status: of the running system.

    Raises:
        Servicing: ``clean-install-not-finalized``.
    """
    if status.servicing_state is not ServicingState.CLEAN_INSTALL_STAGED or status.is_management_os:
        return
    raise Servicing(
        "clean-install-not-finalized",
        "This system was staged by an install that was not finalized; the firmware was not told to start it, "
        "and did so all the same. It is not installed.",
        hint="Install it again from the servicing OS with 'trident install': a system that has run is not "
        "what was staged any more, and is not finalized.",
    )


def _tables(configuration: HostConfiguration) -> Iterator[tuple[str, PartitionTable]]:
    """The partition tables of the configured disks, by disk id."""
    for disk in configuration.storage.disks:
        found = find_disk(disk.device)
        if found is None:
            raise _NotThere(f"there is no disk {disk.device}")
        try:
            yield disk.id, partitioning.read_table(Path(found.device))
        except Servicing as error:
            raise _NotThere(f"{disk.device} has no partition table that can be read") from error


def _datastores(
    configuration: HostConfiguration, device_id: str, path: str, tables: Mapping[str, PartitionTable]
) -> Iterator[tuple[Path, bytes]]:
    """What may be the target's datastore, with the node of its partition.

    A label is no proof, but whatever has another one cannot be the partition.
    """
    for disk in configuration.storage.disks:
        for partition in _partitions(disk):
            if partition.id != device_id:
                continue
            for entry in tables[disk.id].entries:
                node = partitioning.BY_PARTUUID / entry.uuid
                if _may_be(partition, entry) and node.exists():
                    content = _read(node, path)
                    if content is not None:
                        yield node, content


def _partitions(disk: Disk) -> tuple[Partition | AdoptedPartition, ...]:
    return (*disk.partitions, *disk.adopted_partitions)


def _may_be(partition: Partition | AdoptedPartition, entry: TableEntry) -> bool:
    from trident.config.model.disks import AdoptedPartition

    if isinstance(partition, AdoptedPartition):
        return partition.match_label in (None, entry.label) and partition.match_uuid in (None, entry.uuid)
    return entry.label == (partition.label if partition.label is not None else partition.id)


def _read(node: Path, path: str) -> bytes | None:
    """The file at ``path`` in the file system of ``node``, on which nothing is written; or ``None``."""
    MOUNT_DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
    unmount_below(MOUNT_DIRECTORY)  # A run that was killed may have left it there, mounted writable.
    # At first without replaying a journal, which writes to the device. Power lost while the record was
    # written makes that necessary, and then it is what any system would do that mounts the volume.
    for options in (("ro", "norecovery"), ("ro",)):
        try:
            with mounted(node, MOUNT_DIRECTORY, options=options):
                tree = Tree(MOUNT_DIRECTORY)
                facts = tree.real_path(path).stat()
                if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
                    return None
                content = tree.read(path)
                if content:
                    return content
        except OSError as error:
            _log.debug("There is no datastore at %s on %s: %s.", path, node, error.strerror)
        except Servicing as error:
            _log.debug("%s", error)
    return None


def _adopt(
    found: Path, node: Path, configuration: HostConfiguration, tables: Mapping[str, PartitionTable]
) -> bool:
    """Whether the datastore at ``found`` fits; if so, it says then that a servicing OS holds it."""
    try:
        with Datastore.open(found) as datastore:
            status = datastore.status()
            _refuse_other(status, node, configuration, tables)
            adopted = status.evolve(
                servicing_state=ServicingState.CLEAN_INSTALL_STAGED, is_management_os=True, last_error=None
            )
            record.move(datastore, adopted, EntryState.STAGED)
    except TridentError as error:
        raise _NotThere(
            f"the datastore on {node} cannot be used. {error.message}".removesuffix(".")
        ) from error
    _log.info("Found the staged install in the datastore on %s.", node)
    return True


def _refuse_other(
    status: HostStatus, node: Path, configuration: HostConfiguration, tables: Mapping[str, PartitionTable]
) -> None:
    if status.servicing_state not in _WAITING:
        raise _NotThere(f"the datastore on {node} says '{status.servicing_state}'")
    if status.spec != configuration.to_document():
        raise _NotThere(f"the datastore on {node} is that of another Host Configuration")
    for disk in configuration.storage.disks:
        table = tables[disk.id]
        if status.disk_uuids.get(disk.id) != table.disk_uuid:
            raise _NotThere(f"{disk.device} is not the disk that was staged")
        missing = sorted(_missing(disk, status, {entry.uuid for entry in table.entries}))
        if missing:
            raise _NotThere(f"partitions that were staged are not on {disk.device} any more: {missing[0]}")
    if str(node) not in status.partition_paths.values():
        raise _NotThere(f"the datastore on {node} is a copy from another partition")


def _missing(disk: Disk, status: HostStatus, there: set[str]) -> Iterator[str]:
    """Ids of the disk's partitions that are not the ones that were staged."""
    for partition in _partitions(disk):
        path = Path(status.partition_paths.get(partition.id, ""))
        if path.parent != partitioning.BY_PARTUUID or path.name not in there:
            yield partition.id
