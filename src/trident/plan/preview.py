"""A plan as it is shown before anything is done: with its disks, and with what stands against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trident.errors import TridentError
from trident.plan.picture import DiskPicture
from trident.plan.plan import Plan, step_document
from trident.plan.step import Step


@dataclass(frozen=True)
class Oddity:
    """Something that is odd, and no reason to refuse a plan.

    Attributes:
        code: stable kebab-case name of the rule that finds it.
        message: what is odd, for people.
        path: field of the Host Configuration that it concerns, if it concerns one.
        hint: what to do about it, if something can be done.
    """

    code: str
    message: str
    path: str | None = None
    hint: str | None = None

    def to_document(self) -> dict[str, Any]:
        """As it stands in the plan's JSON."""
        return {"code": self.code, "message": self.message, "path": self.path, "hint": self.hint}


@dataclass(frozen=True)
class Undo:
    """What ``update`` does before the plan, where changing the running system was cut off.

    Attributes:
        steps: they bring it back to what it was.
        otherwise: what is done if they do not succeed; ``None`` if that is the plan all the same.
    """

    steps: tuple[Step, ...]
    otherwise: Preview | None = None

    def to_document(self) -> dict[str, Any]:
        """As it stands in the plan's JSON."""
        return {
            "steps": [step_document(step) for step in self.steps],
            "otherwise": self.otherwise.to_document() if self.otherwise else None,
        }


@dataclass(frozen=True)
class Preview:
    """What is shown of a plan.

    Attributes:
        plan: what would be, or is about to be, executed.
        disks: each disk of the Host Configuration before and after.
        refusals: why ``install`` or ``update`` would refuse, besides fields that are not supported yet.
        warnings: what is odd and no reason to refuse.
        assumptions: what only the machine knows and was taken for granted.
        undo: what is undone first, if an earlier servicing was cut off.
    """

    plan: Plan
    disks: tuple[DiskPicture, ...] = ()
    refusals: tuple[TridentError, ...] = ()
    warnings: tuple[Oddity, ...] = ()
    assumptions: tuple[str, ...] = ()
    undo: Undo | None = None

    @property
    def is_refused(self) -> bool:
        """Whether ``install`` or ``update`` would or, where it depends on what is undone, could refuse it."""
        if self.undo is not None and self.undo.otherwise is not None and self.undo.otherwise.is_refused:
            return True
        return bool(self.refusals or self.plan.not_yet)

    def to_document(self) -> dict[str, Any]:
        """The document that ``trident plan --output json`` prints (docs/plan.md)."""
        return self.plan.to_document() | {
            "disks": [disk.to_document() for disk in self.disks],
            "refusals": [
                {
                    "category": str(error.kind),
                    "error": error.code,
                    "message": error.message,
                    "hint": error.hint,
                }
                for error in self.refusals
            ],
            "warnings": [oddity.to_document() for oddity in self.warnings],
            "assumptions": list(self.assumptions),
            "undo": self.undo.to_document() if self.undo else None,
        }
