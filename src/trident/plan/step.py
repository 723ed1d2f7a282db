"""A step: one small, frozen, printable piece of work, and the phases that put steps in order."""

from __future__ import annotations

import abc
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trident.plan.session import Session


class Operation(enum.StrEnum):
    """What a caller allows Trident to do now, and when a step belongs."""

    STAGE = "stage"
    FINALIZE = "finalize"
    COMMIT = "commit"


class Phase(enum.IntEnum):
    """Where in the plan a step goes. Lower runs first; equal phases keep the subsystems' order.

    Within stage: scripts before anything changes, then the disk, the images, the mounted newroot,
    files that need the newroot from outside, then work that runs inside the target (chroot).
    """

    PRE_SERVICING = 10
    PARTITION = 20
    DEPLOY = 30
    MOUNT = 40
    PROVISION = 50
    POST_PROVISION = 55
    CONFIGURE = 60
    POST_CONFIGURE = 65
    UNMOUNT = 70
    FINALIZE = 80
    COMMIT = 90


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

    @abc.abstractmethod
    def run(self, session: Session) -> None:
        """Do the work.

        Raises:
            TridentError: the step failed; what it mounted or mapped is undone by the session.
        """
