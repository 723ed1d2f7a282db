"""Rules about encrypted volumes."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.nodes import Path
from trident.config.pcr import Pcr
from trident.config.problems import Severity
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject

_STORAGE: tuple[Path, ...] = (("storage",),)
_ENCRYPTION: Path = ("storage", "encryption")
SEALING_PCRS = (Pcr.BOOT_LOADER_CODE, Pcr.SECURE_BOOT_POLICY, Pcr.KERNEL_BOOT)
"""The registers that a volume can be sealed to: upstream, Encryption."""


def _recovery_key_is_a_file(subject: Subject) -> Iterator[Violation]:
    encryption = subject.storage.encryption
    if encryption is None or encryption.recovery_key_url is None:
        return
    scheme = encryption.recovery_key_url.split(":", 1)[0]
    if scheme.lower() != "file":
        message = f"The recovery key must be in a local file, and '{scheme}' is not 'file'."
        yield Violation((*_ENCRYPTION, "recoveryKeyUrl"), message, "Write file:///path/of/the/key.")


def _pcrs_can_be_sealed_to(subject: Subject) -> Iterator[Violation]:
    encryption = subject.storage.encryption
    for index, pcr in enumerate(encryption.pcrs if encryption else ()):
        if pcr not in SEALING_PCRS:
            message = f"A volume cannot be sealed to PCR {pcr.value} ({pcr.word})."
            names = ", ".join(f"{known.value} ({known.word})" for known in SEALING_PCRS)
            yield Violation((*_ENCRYPTION, "pcrs", index), message, f"It can be sealed to {names}.")


def _volumes_are_sealed(subject: Subject) -> Iterator[Violation]:
    encryption = subject.storage.encryption
    if encryption is not None and encryption.volumes and not encryption.pcrs:
        message = "The volumes are sealed to no PCR, so that this TPM would open them to any system."
        yield Violation((*_ENCRYPTION, "pcrs"), message, "Write 'pcrs: [7]', with Secure Boot on.")


def _there_are_volumes(subject: Subject) -> Iterator[Violation]:
    encryption = subject.storage.encryption
    if encryption is not None and not encryption.volumes:
        message = "Nothing is encrypted, because 'volumes' is empty."
        yield Violation((*_ENCRYPTION, "volumes"), message, "Name a volume, or remove 'encryption'.")


RULES = (
    Rule(
        "invalid-encryption-recovery-key-url-scheme",
        "The URL of the recovery key begins with 'file://'.",
        "upstream, Encryption",
        _STORAGE,
        _recovery_key_is_a_file,
        fields=("storage.encryption.recoveryKeyUrl",),
    ),
    Rule(
        "unsupported-encryption-pcrs",
        "Volumes are sealed to the PCRs 4, 7 and 11 only.",
        "upstream, Encryption",
        _STORAGE,
        _pcrs_can_be_sealed_to,
        fields=("storage.encryption.pcrs",),
    ),
    Rule(
        "encryption-without-pcrs",
        "Encrypted volumes are sealed to at least one PCR.",
        "Trident: without one, whoever has the machine can start any system and read them",
        _STORAGE,
        _volumes_are_sealed,
        Severity.WARNING,
        stops_servicing=True,
        fields=("storage.encryption.pcrs",),
    ),
    Rule(
        "encryption-without-volumes",
        "Encryption names at least one volume.",
        "Trident: without one it has no effect",
        _STORAGE,
        _there_are_volumes,
        Severity.WARNING,
        fields=("storage.encryption.volumes",),
    ),
)
