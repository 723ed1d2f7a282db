"""Seals: names and fingerprints of what was staged, and the one error for what is not whole any more.

The names are stable for a slot: what was recorded when a volume was deployed can be found again when the
host is to go back to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from trident.errors import Servicing
from trident.plan.step import NOT_WHOLE

IMAGE_SEAL = "image"
"""The name of the seal of the image that was staged: the SHA-384 of its metadata. Finalize needs no image."""


def volume_seal(block_device_id: str) -> str:
    """The name of a volume's seal."""
    return f"volume:{block_device_id}"


def file_seal(path: str) -> str:
    """The name of the seal of a file on the ESP, given its path there."""
    return f"esp:{path}"


def sealed_files(seals: Mapping[str, str]) -> dict[str, str]:
    """Fingerprints of the files on the ESP among ``seals``, by path."""
    return {name.removeprefix("esp:"): seal for name, seal in seals.items() if name.startswith("esp:")}


def not_whole(damage: Mapping[str, str]) -> Servicing:
    """What was staged has changed since.

    Args:
        damage: a clause for people by what it is about, such as ``root-b``.
    """
    told = "; ".join(f"{name}: {what}" for name, what in damage.items())
    return Servicing(
        NOT_WHOLE,
        f"What was staged is not whole any more, so it is not booted. {told}.",
        hint="Stage again, and find out who writes to volumes that only Trident should write.",
        details={"damaged": dict(damage)},
    )


def not_bootable(damage: Mapping[str, str]) -> Servicing:
    """The system that a rollback would boot is not there, or not whole.

    Args:
        damage: a clause for people by what it is about, such as ``root-b``.
    """
    told = "; ".join(f"{name}: {what}" for name, what in damage.items())
    return Servicing(
        "rollback-target-not-bootable",
        f"The host cannot go back to the other volume: that would not boot. {told}.",
        hint="Update to the image that ran there instead; that writes the volume anew.",
        details={"damaged": dict(damage)},
    )
