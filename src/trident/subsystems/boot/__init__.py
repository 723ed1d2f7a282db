"""Boot: kernels and boot loader on the ESP, the firmware's entries and order, the fallback path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from trident.config.model import UefiFallbackMode
from trident.errors import ExecutionEnvironment, TridentError, UnsupportedConfiguration
from trident.plan.step import Operation
from trident.plan.subsystem import Subsystem
from trident.state.status import ServicingType
from trident.subsystems.boot.addon import WriteCommandLineAddon, check_command_line
from trident.subsystems.boot.entries import (
    AppendBootEntry,
    MoveBootEntryFirst,
    PutBootEntryFirst,
    SetBootNext,
    forget,
    keep_out,
)
from trident.subsystems.boot.fallback import SetFallback
from trident.subsystems.boot.names import Slot
from trident.subsystems.boot.seal import CheckBootFiles, CheckOtherBootFiles, SealBootFiles
from trident.subsystems.boot.stage import StageBootFiles

if TYPE_CHECKING:
    from trident.host.efi import EfiVariables
    from trident.plan.situation import Situation
    from trident.plan.step import Step
    from trident.state.status import AbVolume


def entry_label(install_index: int, volume: AbVolume) -> str:
    """Label of the firmware's boot entry that starts ``volume`` of an install."""
    return Slot(install_index, volume).name


def keep_from_booting(variables: EfiVariables, install_index: int, volume: AbVolume) -> None:
    """See that the firmware does not start ``volume`` of an install before the other side of the pair.

    Raises:
        Servicing: ``set-efi-variable`` or ``read-efi-variable``.
    """
    keep_out(variables, Slot(install_index, volume))


def forget_entry(variables: EfiVariables, install_index: int, volume: AbVolume) -> bool:
    """Remove the firmware's entry for ``volume`` of an install; whether there was one.

    Finalizing makes it anew, and so does a commit of that volume.

    Raises:
        Servicing: ``set-efi-variable`` or ``read-efi-variable``; the entry may be there still.
    """
    return forget(variables, Slot(install_index, volume))


def point_fallback_at_running(situation: Situation) -> tuple[SetFallback, ...]:
    """Steps of a commit that finds the previous system running: the fallback path is to start that again.

    Finalizing may have pointed the fallback path at the target already (``optimistic``), and so may a commit
    that was cut off (``conservative``). Where finalizing left the path alone (``disabled``), so does this.

    Args:
        situation: the servicing that did not succeed; its target is the side that does not run.
    """
    if situation.desired.os.uefi_fallback is UefiFallbackMode.DISABLED:
        return ()
    return fallback_to_running(situation)


def fallback_to_running(situation: Situation) -> tuple[SetFallback, ...]:
    """The same, whatever the configuration says of the fallback path: to try again what has not succeeded.

    Args:
        situation: its target is the side that does not run.
    """
    esp = situation.desired.storage.esp
    install = situation.servicing_type is ServicingType.CLEAN_INSTALL
    if install or esp is None or esp.device_id is None:
        return ()
    running = Slot(situation.status.install_index, situation.target_volume).other
    return (SetFallback.compile(esp.device_id, running, situation.facts.architecture, Operation.COMMIT),)


class BootSubsystem(Subsystem):
    """How the firmware finds the target."""

    name = "boot"

    def check(self, situation: Situation) -> Iterator[TridentError]:
        """No UEFI, an image with another boot loader, or options that the kernel would never see."""
        if not _boots(situation):
            return
        if not situation.facts.uefi:
            yield ExecutionEnvironment(
                "no-uefi",
                "This machine was not started by UEFI firmware, or its variables cannot be reached.",
                hint="Start the servicing OS in UEFI mode; /sys/firmware/efi/efivars must be mounted.",
            )
        if not situation.deploys:
            return
        yield from check_command_line(situation)
        bootloader = situation.image.bootloader if situation.image else None
        if bootloader is not None and bootloader.type != "systemd-boot":
            yield UnsupportedConfiguration(
                "unsupported-bootloader",
                f"The image boots with {bootloader.type}; this version of Trident boots unified kernel "
                "images with systemd-boot only.",
                details={"bootloader": bootloader.type},
            )

    def tools(self, situation: Situation) -> Iterable[str]:
        """Mounting the ESP and reading its place on the disk."""
        return {"mount", "umount", "sync", "sfdisk"} if _boots(situation) else set()

    def steps(self, situation: Situation) -> Iterator[Step]:
        """Boot files while staging, firmware variables while finalizing and committing.

        A manual rollback of an A/B update finds the files where that update left them.
        """
        esp = situation.desired.storage.esp
        if not _boots(situation) or esp is None or esp.device_id is None:
            return
        slot = Slot(situation.status.install_index, situation.target_volume)
        architecture = situation.facts.architecture
        mode = situation.desired.os.uefi_fallback
        install = situation.servicing_type is ServicingType.CLEAN_INSTALL
        if situation.deploys:
            yield from StageBootFiles.compile(situation, slot)
            yield from WriteCommandLineAddon.compile(situation, esp.device_id, slot)
            yield SealBootFiles.compile(esp.device_id, slot)
            yield CheckBootFiles.compile(esp.device_id, slot)
        else:
            yield from CheckOtherBootFiles.compile(esp.device_id, slot)
        # The order of variables last is deliberate: until the last step of finalize is done, the
        # machine starts what it would have started before.
        started_by_fallback = slot if install or mode is UefiFallbackMode.OPTIMISTIC else slot.other
        if mode is not UefiFallbackMode.DISABLED:
            yield SetFallback.compile(esp.device_id, started_by_fallback, architecture, Operation.FINALIZE)
        if install:
            yield PutBootEntryFirst.compile(esp.device_id, slot)
            return
        yield AppendBootEntry.compile(esp.device_id, slot)
        yield SetBootNext.compile(slot)
        yield MoveBootEntryFirst.compile(esp.device_id, slot)
        if mode is UefiFallbackMode.CONSERVATIVE:
            yield SetFallback.compile(esp.device_id, slot, architecture, Operation.COMMIT)


def _boots(situation: Situation) -> bool:
    return situation.deploys or situation.switches
