"""Encryption: LUKS2 volumes that the machine's TPM opens. Planned; this version cannot make them yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from trident.plan.situation import Effect
from trident.plan.step import Content, Operation, PendingStep, Phase
from trident.plan.subsystem import EffectRule, Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model.devices import EncryptedVolume, Encryption
    from trident.plan.situation import Situation

_FIELDS = ("storage.encryption",)


class EncryptionSubsystem(Subsystem):
    """Encrypted volumes and what they are sealed to."""

    name = "encryption"
    effects: ClassVar[Mapping[str, EffectRule]] = {
        "storage.encryption": Effect(ServicingType.AB_UPDATE, "the storage layout is made by an install"),
    }

    def steps(self, situation: Situation) -> Iterator[PendingStep]:
        """An install makes each volume, an update opens it and seals its key to the new system too."""
        encryption = situation.desired.storage.encryption
        if not situation.deploys or encryption is None or not encryption.volumes:
            return
        if situation.servicing_type is ServicingType.CLEAN_INSTALL:
            yield from _install(encryption)
        else:
            yield from _update(encryption)
        yield PendingStep(
            id="write-crypttab",
            title=f"Write /etc/crypttab with {_volumes(len(encryption.volumes))}",
            operation=Operation.STAGE,
            phase=Phase.PROVISION,
            touches=("/etc/crypttab",),
            fields=_FIELDS,
        )
        yield PendingStep(
            id="seal-encryption-keys",
            title=f"Seal the keys of the encrypted volumes to PCR {_pcrs(encryption)} of the new system",
            operation=Operation.COMMIT,
            phase=Phase.COMMIT,
            fields=("storage.encryption.pcrs",),
        )


def _install(encryption: Encryption) -> Iterator[PendingStep]:
    if encryption.clear_tpm_on_install:
        yield PendingStep(
            id="clear-tpm",
            title="Clear the TPM; all its keys are lost",
            operation=Operation.STAGE,
            phase=Phase.ENCRYPT,
            fields=("storage.encryption.clearTpmOnInstall",),
        )
    for volume in encryption.volumes:
        yield _create(volume, encryption)


def _create(volume: EncryptedVolume, encryption: Encryption) -> PendingStep:
    recovery = ", with a recovery key" if encryption.recovery_key_url is not None else ""
    return PendingStep(
        id=f"encrypt-volume:{volume.id}",
        title=f"Encrypt {volume.device_id} as /dev/mapper/{volume.device_name}{recovery}",
        operation=Operation.STAGE,
        phase=Phase.ENCRYPT,
        touches=(volume.id, volume.device_id),
        makes=(volume.id,),
        leaves=(Content(volume.device_id, f"LUKS2, holds {volume.id}"),),
        fields=_FIELDS,
    )


def _update(encryption: Encryption) -> Iterator[PendingStep]:
    for volume in encryption.volumes:
        yield PendingStep(
            id=f"open-encrypted-volume:{volume.id}",
            title=f"Find the open encrypted volume /dev/mapper/{volume.device_name}",
            operation=Operation.STAGE,
            phase=Phase.ENCRYPT,
            fields=_FIELDS,
        )
    yield PendingStep(
        id="seal-encryption-keys:next-boot",
        title="Seal the keys of the encrypted volumes so that either system opens them",
        operation=Operation.FINALIZE,
        # The firmware is told to boot the new system only when that one can open its volumes.
        phase=Phase.FINALIZE,
        fields=("storage.encryption.pcrs",),
    )


def _pcrs(encryption: Encryption) -> str:
    return ", ".join(str(int(pcr)) for pcr in encryption.pcrs)


def _volumes(count: int) -> str:
    return "1 volume" if count == 1 else f"{count} volumes"
