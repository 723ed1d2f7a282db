"""The servicings whose power is cut: one table entry each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from lab import images, life
from lab.extensions import confext, sysext
from lab.host_configuration import PATH, Additions, host_configuration, with_additions
from lab.http import Server
from lab.machine import Machine
from lab.snapshot import Snapshot, cached_snapshot

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


# Beside /etc, which a merged confext makes read-only.
_HOST = "/tmp/host.yaml"
_EXTENSIONS = (
    "lab-tool 2>/dev/null || echo none; cat /etc/lab-settings 2>/dev/null || echo none; "
    "cat /sys/class/net/en*/mtu"
)


def _old() -> Additions:
    return Additions(sysexts=[sysext(1)], confexts=[confext(1)])


def _new() -> Additions:
    return Additions(sysexts=[sysext(2)], confexts=[confext(2)], wired={"mtu": 1400})


def _extended() -> Snapshot:
    """A machine that runs v1 from A and was brought to have extensions by a runtime update."""

    @contextlib.contextmanager
    def prepare() -> Iterator[Machine]:
        with Server() as server, life.installed(images.good(1)).resume(name="extend") as machine:
            machine.wait_for_ssh()
            _configure_with(_old)(machine, server)
            machine.run(f"trident update {_HOST}", seconds=300)
            yield machine

    parts = [each.path for each in (*_old().sysexts, *_old().confexts)]
    return cached_snapshot("extended", (life.installed(images.good(1)).path.name, *parts), prepare)


def _configure_with(additions: Callable[[], Additions]) -> Callable[[Machine, Server], None]:
    def prepare(machine: Machine, server: Server) -> None:
        # The image's URL stays what it was, although another server serves now: the image is not fetched.
        url = yaml.safe_load(machine.read("trident get configuration"))["image"]["url"]
        text = host_configuration(images.good(1), url)
        machine.put(with_additions(text, additions(), server.publish), _HOST)

    return prepare


def _configure_v2(machine: Machine, server: Server) -> None:
    script = {"name": "before the reboot", "runOn": ["ab-update"], "content": "true\n"}
    checks = [
        {"name": "script", "runOn": ["ab-update"], "content": "/usr/lib/lab/healthy\n"},
        {"name": "unit", "runOn": ["ab-update"], "systemdServices": ["lab-worker.service"]},
    ]
    additions = Additions(checks=checks, scripts={"preReboot": [script]})
    life.configure(machine, images.good(2), server, additions=additions)


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
    Story(
        name="runtime-update",
        begins=_extended,
        prepare=_configure_with(_new),
        command=f"trident update {_HOST}",
        reboots=False,
        volume="root-a",
        may_change=("var", "etc/netplan"),
        still="sync",
        randoms=6,
        before=("A", "1"),
        after=("A", "1"),
        waiting=("runtime-update-staged",),
        probe=_EXTENSIONS,
    ),
    Story(
        name="runtime-rollback",
        begins=_extended,
        prepare=_nothing,
        command="trident rollback",
        reboots=False,
        volume="root-a",
        may_change=("var", "etc/netplan", "etc/systemd/system"),
        still="sync",
        randoms=4,
        before=("A", "1"),
        after=("A", "1"),
        waiting=("manual-rollback-runtime-staged",),
        probe=_EXTENSIONS,
    ),
)
