"""A step: one small, frozen, printable piece of work, and the phases that put steps in order."""

from __future__ import annotations

import abc
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trident.errors import UnsupportedConfiguration

if TYPE_CHECKING:
    from trident.plan.session import Session


class Operation(enum.StrEnum):
    """What a caller allows Trident to do now, and when a step belongs."""

    STAGE = "stage"
    FINALIZE = "finalize"
    COMMIT = "commit"


class Phase(enum.IntEnum):
    """Where in the plan a step goes. Lower runs first; equal phases keep the subsystems' order.

    Within stage: scripts before anything changes, then the disk and what is made of its partitions, the
    images, the mounted newroot, files that need the newroot from outside, then work that runs inside the
    target (chroot); last the seals, by which finalize knows that what was staged is still whole. Finalize
    looks at them first, and runs the user's scripts before it changes what boots. Health checks come before
    the commit that they decide on; a runtime update, which is not booted, makes them at the end of finalize.
    """

    PRE_SERVICING = 10
    PARTITION = 20
    ASSEMBLE = 22
    ENCRYPT = 24
    FORMAT = 26
    DEPLOY = 30
    VERIFY = 35
    MOUNT = 40
    PROVISION = 50
    POST_PROVISION = 55
    CONFIGURE = 60
    POST_CONFIGURE = 65
    UNMOUNT = 70
    SEAL = 75
    CHECK_STAGED = 77
    PRE_REBOOT = 78
    FINALIZE = 80
    HEALTH = 85
    COMMIT = 90


# What steps need and provide, by name: the mounted target, a block device, what is on it.
NEWROOT = "newroot"
STAGED = "staged"

NOT_WHOLE = "staged-not-whole"
"""Code of the error of a step that finds, at finalize, that what was staged is not what it was."""


def device(block_device_id: str) -> str:
    """The name of a block device among needs."""
    return f"device:{block_device_id}"


def content(block_device_id: str) -> str:
    """The name of a file system, or whatever a block device is to hold, among needs."""
    return f"content:{block_device_id}"


@dataclass(frozen=True)
class Content:
    """What a step leaves on a block device.

    Attributes:
        device: id of the block device.
        source: where it comes from, for people: ``image: /``, ``new ext4``.
        mount_point: where the target mounts it, if it does.
        size: bytes that are written, where that is known before.
    """

    device: str
    source: str
    mount_point: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class ScriptRun:
    """A script that a step runs: what people call it, at which moment, and where."""

    name: str
    moment: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Step(abc.ABC):
    """One piece of work. Subclasses add frozen fields and implement ``run``.

    Attributes:
        id: stable within one plan and the same each time the plan is compiled, e.g. ``write-image:root-b``.
        title: what it does, for people, in the imperative: ``Write / from the image to root-b``.
        operation: stage, finalize or commit.
        phase: its place in the order.
        touches: ids of the block devices, or absolute paths, that it writes; empty if it only reads.
        cost: bytes that it fetches over the network or from the image; 0 if none.
    """

    id: str
    title: str
    operation: Operation
    phase: Phase
    touches: tuple[str, ...] = ()
    cost: int = 0

    @property
    def devices(self) -> tuple[str, ...]:
        """Ids of the block devices that it writes."""
        return tuple(name for name in self.touches if not name.startswith("/"))

    @property
    def needs(self) -> frozenset[str]:
        """What must be there before: the devices that it writes; for work inside the target the newroot."""
        inside = Phase.PROVISION <= self.phase <= Phase.POST_CONFIGURE
        return frozenset({device(name) for name in self.devices} | ({NEWROOT} if inside else set()))

    @property
    def provides(self) -> frozenset[str]:
        """What is there after it, and was not before."""
        return frozenset(content(entry.device) for entry in self.contents)

    @property
    def ends(self) -> frozenset[str]:
        """What is not there any more after it."""
        return frozenset()

    @property
    def contents(self) -> tuple[Content, ...]:
        """What it leaves on block devices."""
        return ()

    @property
    def script_run(self) -> ScriptRun | None:
        """The user's script that it runs, if it runs one."""
        return None

    @property
    def not_yet(self) -> tuple[str, ...]:
        """Fields of the Host Configuration that ask for it, if this version cannot carry it out."""
        return ()

    @abc.abstractmethod
    def run(self, session: Session) -> None:
        """Do the work.

        Raises:
            TridentError: the step failed; what it mounted or mapped is undone by the session.
        """


@dataclass(frozen=True, kw_only=True)
class PendingStep(Step):
    """Work that this version can plan and cannot carry out: shown, compared, and refused before a servicing.

    Attributes:
        fields: the fields of the Host Configuration that ask for it.
        makes: block devices that it would make.
        leaves: what it would leave on block devices.
        runs: the user's script that it would run.
    """

    fields: tuple[str, ...]
    makes: tuple[str, ...] = ()
    leaves: tuple[Content, ...] = ()
    runs: ScriptRun | None = None

    @property
    def needs(self) -> frozenset[str]:
        """What the work needs, but for the devices that it makes itself."""
        return super().needs - {device(name) for name in self.makes}

    @property
    def provides(self) -> frozenset[str]:
        """Contents and devices."""
        return super().provides | {device(name) for name in self.makes}

    @property
    def contents(self) -> tuple[Content, ...]:
        """What it would leave."""
        return self.leaves

    @property
    def script_run(self) -> ScriptRun | None:
        """The script that it would run."""
        return self.runs

    @property
    def not_yet(self) -> tuple[str, ...]:
        """The fields that ask for it."""
        return self.fields

    def run(self, session: Session) -> None:
        """Refuse.

        Raises:
            UnsupportedConfiguration: ``not-supported-yet``, always.
        """
        raise not_supported_yet(self.fields)


def not_supported_yet(fields: tuple[str, ...]) -> UnsupportedConfiguration:
    """The refusal of fields that this version understands and cannot carry out."""
    return UnsupportedConfiguration(
        "not-supported-yet",
        f"This version of Trident cannot carry out {', '.join(fields)} yet.",
        hint="Leave it out; 'trident plan' shows what can be done without.",
        details={"fields": list(fields)},
    )
