"""Rules about the image as a whole: is it the right one, for the right machine?"""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.nodes import Path, spelled
from trident.config.problems import Severity
from trident.crosscheck.rule import Rule, Violation
from trident.crosscheck.subject import Subject

_IGNORED = "ignored"
# Who needs what in the target OS, under the names that distributions give it.
_PACKAGES: tuple[tuple[Path, str, tuple[str, ...]], ...] = (
    (("os", "netplan"), "netplan", ("netplan", "netplan.io", "netplan-generator")),
    (("os", "selinux", "mode"), "setfiles", ("policycoreutils",)),
    (("storage", "raid", "software"), "mdadm", ("mdadm",)),
)


def _metadata_is_the_expected_one(subject: Subject) -> Iterator[Violation]:
    image = subject.configuration.image
    if image is None or subject.image_sha384 is None or image.sha384 == _IGNORED:
        return
    if image.sha384.lower() != subject.image_sha384:
        yield Violation(
            message=f"The metadata of the image has the sha384 {subject.image_sha384}.",
            path=("image", "sha384"),
            suggestion="Write that hash, if this is the image that was meant.",
            details={"expected": image.sha384.lower(), "actual": subject.image_sha384},
        )


def _architecture_is_the_machines(subject: Subject) -> Iterator[Violation]:
    machine, image = subject.architecture, subject.image.arch
    if machine is not None and image != machine:
        yield Violation(
            message=f"The image is for {image}, but the machine is {machine}.",
            suggestion=f"Use an image for {machine}.",
            details={"expected": machine, "actual": image},
        )


def _needed_packages_are_there(subject: Subject) -> Iterator[Violation]:
    if subject.image.os_packages is None:
        return
    installed = {package.name for package in subject.image.os_packages}
    for path, program, names in _PACKAGES:
        if _is_asked_for(subject, path) and installed.isdisjoint(names):
            yield Violation(
                message=f"'{spelled(path)}' needs {program} on the target OS, and the image's list of "
                "packages does not have it.",
                path=path,
                suggestion=f"Build the image with the package {' or '.join(names)}.",
                at_key=True,
            )


def _is_asked_for(subject: Subject, path: Path) -> bool:
    configuration = subject.configuration
    match path:
        case ("os", "netplan"):
            return configuration.os.netplan is not None
        case ("os", "selinux", _):
            return configuration.os.selinux.mode not in (None, "disabled")
        case _:
            return bool(configuration.storage.raid.software)


RULES = (
    Rule(
        "image-sha384-mismatch",
        "The image's metadata has the SHA-384 that the configuration names.",
        "upstream, OsImage",
        _metadata_is_the_expected_one,
    ),
    Rule(
        "mismatched-architecture",
        "The image is for the machine's architecture.",
        "upstream, `mismatched-architecture`",
        _architecture_is_the_machines,
    ),
    Rule(
        "missing-os-package",
        "What the configuration sets up on the target OS is installed there.",
        "Trident: a program that is missing is found before the first boot",
        _needed_packages_are_there,
        Severity.WARNING,
    ),
)
