"""The servicings whose power is cut: one table entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab import images, life
from lab.host_configuration import PATH
from lab.http import Server
from lab.machine import Machine
from lab.snapshot import Snapshot

# A system that writes nothing itself: then every write to the volume it runs from is the agent's.
STILL = "for path in /var/log /var/tmp; do mount -t tmpfs none $path; done; sync; mount -o remount,ro /"


@dataclass(frozen=True)
class Story:
    """One servicing, from a machine at rest to a machine at rest.

    Attributes:
        name: for people, paths and seeds.
        begins: the machine before it.
        prepare: put into the machine, or onto the server, what the command needs. It is done again before
            the command is repeated: what lies on the root file system does not outlive an update.
        command: the servicing.
        reboots: whether it ends in a reboot.
        volume: the partition that runs before, which must stay as it is all the time.
        may_change: paths on that volume that the servicing changes, besides which all files must stay as
            they are; ``None`` if not one byte of the volume may change.
        randoms: how many random moments are taken besides the boundaries of the journal.
        before: slot and version that run before; after the servicing ``after``.
        waiting: servicing states in which the machine before may be, besides ``provisioned``.
        probe: a shell command whose output belongs to what the machine is, beside slot and version.
        still: shell commands, just before the run, after which the system writes nothing of itself.
    """

    name: str
    begins: Callable[[], Snapshot]
    prepare: Callable[[Machine, Server], None]
    command: str
    reboots: bool
    volume: str
    randoms: int
    before: tuple[str, str]
    after: tuple[str, str]
    waiting: tuple[str, ...]
    may_change: tuple[str, ...] | None = None
    still: str = STILL
    probe: str = "true"


def _configure_v2(machine: Machine, server: Server) -> None:
    life.configure(machine, images.good(2), server)


def _nothing(_machine: Machine, _server: Server) -> None:
    pass


STORIES = (
    Story(
        name="ab-update",
        begins=lambda: life.installed(images.good(1)),
        prepare=_configure_v2,
        command=f"trident update {PATH}",
        reboots=True,
        volume="root-a",
        randoms=12,
        before=("A", "1"),
        after=("B", "2"),
        waiting=("ab-update-staged",),
    ),
    Story(
        name="ab-rollback",
        begins=lambda: life.updated(images.good(1), images.good(2)),
        prepare=_nothing,
        command="trident rollback",
        reboots=True,
        volume="root-b",
        randoms=4,
        before=("B", "2"),
        after=("A", "1"),
        waiting=("manual-rollback-ab-staged",),
    ),
)
