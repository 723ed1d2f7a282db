"""Rules that depend on how the image boots: with a unified kernel image (UKI), or with GRUB."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model import SelinuxMode
from trident.config.pcr import Pcr
from trident.config.problems import Severity
from trident.crosscheck.rule import Rule, Violation
from trident.crosscheck.subject import Subject

_BOOT = "/boot"
_EXT4 = "ext4"


def _holds_boot_on_ext4(subject: Subject) -> Iterator[Violation]:
    above = (path for path in (_BOOT, "/") if path in subject.provided and not subject.provided[path].is_esp)
    where = next(above, None)
    if where is None:
        return
    kind = subject.provided[where].fs_type
    if kind.lower() != _EXT4:
        yield Violation(
            message=f"The image's file system for {where}, which holds /boot, is {kind}, not ext4.",
            suggestion=f"Build the image with ext4 for {where}, or with an ext4 file system for /boot.",
            details={"mount_point": where, "fs_type": kind},
        )


def _sealed_to_registers_that_stay(subject: Subject) -> Iterator[Violation]:
    encryption = subject.storage.encryption
    if encryption is None or subject.image.is_uki:
        return
    wrong = [pcr for pcr in encryption.pcrs if pcr != Pcr.SECURE_BOOT_POLICY]
    for index, pcr in enumerate(encryption.pcrs):
        if pcr in wrong:
            yield Violation(
                message=f"Volumes cannot be sealed to PCR {int(pcr)}: the image does not boot a unified "
                "kernel image, so its value at the next boot cannot be foretold.",
                path=("storage", "encryption", "pcrs", index),
                suggestion="Write 7 only, or build the image with a unified kernel image.",
                details={"pcrs": ", ".join(str(int(one)) for one in wrong)},
            )


def _selinux_leaves_root_alone(subject: Subject) -> Iterator[Violation]:
    mode = subject.configuration.os.selinux.mode
    if mode in (None, SelinuxMode.DISABLED) or subject.image.is_uki or not _root_is_verified(subject):
        return
    yield Violation(
        message=f"SELinux cannot be '{mode}' on a verified root file system that boots without a unified "
        "kernel image: its files cannot be labelled.",
        path=("os", "selinux", "mode"),
        suggestion="Write 'disabled', or build the image with a unified kernel image.",
        severity=Severity.WARNING if mode is SelinuxMode.PERMISSIVE else None,
        details={"selinux_mode": str(mode)},
    )


def _root_can_be_configured(subject: Subject) -> Iterator[Violation]:
    if not subject.image.is_uki or not _root_is_verified(subject):
        return
    settings = subject.configuration.os
    asked = {
        "users": settings.users,
        "hostname": settings.hostname,
        "modules": settings.modules,
        "services": settings.services.enable or settings.services.disable,
        "kernelCommandLine": settings.kernel_command_line.extra_command_line,
        "sysexts": settings.sysexts,
        "confexts": settings.confexts,
    }
    for key, value in asked.items():
        if value:
            yield Violation(
                message=f"'os.{key}' has no effect: the image's root file system is verified and its kernel "
                "image holds the root hash, so neither can be changed.",
                path=("os", key),
                suggestion="Build the image with this setting.",
                at_key=True,
            )


def _root_is_verified(subject: Subject) -> bool:
    root = subject.from_image.get("/")
    return root is not None and subject.verity_beneath(root) is not None


RULES = (
    Rule(
        "unsupported-boot-file-system-type",
        "The image's file system that holds `/boot` is ext4.",
        "upstream, `unsupported-boot-file-system-type`",
        _holds_boot_on_ext4,
    ),
    Rule(
        "invalid-encryption-pcrs-for-grub-image",
        "Volumes are sealed to PCR 4 or 11 only if the image boots a unified kernel image.",
        "upstream, `invalid-encryption-pcrs-for-grub-image`",
        _sealed_to_registers_that_stay,
        is_dynamic=True,
    ),
    Rule(
        "root-verity-and-selinux-unsupported",
        "SELinux is not enforcing on a verified root file system, unless the image boots a unified kernel "
        "image. Permissive is a warning.",
        "upstream, `root-verity-and-selinux-unsupported`",
        _selinux_leaves_root_alone,
        is_dynamic=True,
    ),
    Rule(
        "os-configuration-on-verified-uki",
        "The target OS is not configured if its root file system is verified and it boots a unified kernel "
        "image.",
        "upstream skips the configuration and logs it",
        _root_can_be_configured,
        Severity.WARNING,
    ),
)
