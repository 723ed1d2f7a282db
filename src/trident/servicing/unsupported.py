"""What a Host Configuration can say and this version cannot carry out yet: one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from trident.config.model import FileSystemSource
from trident.errors import UnsupportedConfiguration

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration

Asks = Callable[["HostConfiguration"], bool]


NOT_YET: tuple[tuple[str, Asks], ...] = (
    ("storage.disks.adoptedPartitions", lambda c: any(disk.adopted_partitions for disk in c.storage.disks)),
    ("storage.raid", lambda c: bool(c.storage.raid.software)),
    ("storage.encryption", lambda c: c.storage.encryption is not None),
    ("storage.verity", lambda c: bool(c.storage.verity)),
    (
        "storage.filesystems.source",
        lambda c: any(fs.source is FileSystemSource.ADOPTED for fs in c.storage.filesystems),
    ),
    ("os.selinux", lambda c: c.os.selinux.mode is not None),
    ("os.modules", lambda c: bool(c.os.modules)),
    ("os.services", lambda c: bool(c.os.services.enable or c.os.services.disable)),
    ("os.kernelCommandLine", lambda c: bool(c.os.kernel_command_line.extra_command_line)),
    ("os.sysexts", lambda c: bool(c.os.sysexts)),
    ("os.confexts", lambda c: bool(c.os.confexts)),
    ("health", lambda c: bool(c.health.checks)),
    ("managementOs", lambda c: c.management_os != type(c.management_os)()),
)
"""Field paths, and whether a configuration uses them."""


def not_yet(configuration: HostConfiguration) -> tuple[str, ...]:
    """The fields that the configuration uses and this version cannot carry out."""
    return tuple(field for field, asks in NOT_YET if asks(configuration))


def refuse_not_yet(configuration: HostConfiguration) -> Iterator[UnsupportedConfiguration]:
    """One refusal that names all of them."""
    fields = not_yet(configuration)
    if fields:
        yield UnsupportedConfiguration(
            "not-supported-yet",
            f"This version of Trident cannot carry out {', '.join(fields)} yet.",
            hint="Leave it out; 'trident plan' shows what can be done without.",
            details={"fields": list(fields)},
        )
