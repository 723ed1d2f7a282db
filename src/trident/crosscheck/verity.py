"""Rules about dm-verity: both sides must agree which file systems are verified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trident.config.problems import Severity
from trident.crosscheck.rule import Rule, Violation
from trident.crosscheck.subject import Subject

_USR = "/usr"


def _both_sides_verify(subject: Subject) -> Iterator[Violation]:
    details = _sides(subject)
    for place, entry in subject.shared():
        beneath = subject.verity_beneath(place)
        if entry.verity is not None and beneath is None and not entry.is_esp:
            device = place.filesystem.device_id
            yield Violation(
                message=f"The image verifies {place.mount_path} with dm-verity, but '{device}' is no verity "
                "device.",
                path=(*place.path, "deviceId"),
                suggestion=f"Add one with 'dataDeviceId: {device}' to 'storage.verity' and name it here.",
                details=details,
            )
        if entry.verity is None and beneath is not None:
            path, device = beneath[0], beneath[1].id
            yield Violation(
                message=f"{place.mount_path} is to be verified by '{device}', but the image has no hashes "
                "for it.",
                path=path,
                suggestion=f"Build the image with verity for {place.mount_path}, or mount it without.",
                details=details,
            )


def _sides(subject: Subject) -> dict[str, Any]:
    """Mount paths that the configuration and the image verify, by upstream's names."""
    wanted = [place.mount_path for place in subject.mounted if subject.verity_beneath(place)]
    brought = [path for path, entry in subject.provided.items() if entry.verity and not entry.is_esp]
    return {"hc_verity_fs": sorted(wanted), "img_verity_fs": sorted(brought)}


def _usr_is_verified_by_a_uki(subject: Subject) -> Iterator[Violation]:
    place = subject.from_image.get(_USR)
    beneath = subject.verity_beneath(place) if place is not None else None
    if beneath is not None and not subject.image.is_uki:
        yield Violation(
            message="/usr is to be verified, but the image does not boot a unified kernel image, whose "
            "command line would carry the root hash.",
            path=beneath[0],
            suggestion="Build the image with a unified kernel image.",
        )


RULES = (
    Rule(
        "verity-mismatch",
        "A file system is verified by both the image and the configuration, or by neither.",
        "upstream, `verity-mismatch`",
        _both_sides_verify,
    ),
    Rule(
        "usr-verity-without-uki",
        "An image with a verified `/usr` boots a unified kernel image.",
        "upstream, Usr-Verity.md",
        _usr_is_verified_by_a_uki,
        Severity.WARNING,
    ),
)
