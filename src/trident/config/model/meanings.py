"""What each value of an enumeration means, for the reference page, hover texts and 'explain'."""

from __future__ import annotations

import enum

from trident.config.model import (
    FileSystemSource,
    FileSystemType,
    LoadMode,
    OverrideEspMount,
    PartitionTableType,
    PartitionType,
    PasswordType,
    RaidLevel,
    SelinuxMode,
    ServicingTypeSelection,
    SshMode,
    UefiFallbackMode,
    VerityCorruptionOption,
)

MEANINGS: dict[type[enum.StrEnum], dict[str, str]] = {
    PartitionTableType: {
        PartitionTableType.GPT: "GUID partition table.",
    },
    PartitionType: {
        PartitionType.ESP: "EFI system partition, from which the firmware boots.",
        PartitionType.ROOT: "Root file system, of the machine's architecture.",
        PartitionType.SWAP: "Swap area.",
        PartitionType.ROOT_VERITY: "dm-verity hashes of a root partition.",
        PartitionType.HOME: "Home directories.",
        PartitionType.VAR: "Variable data.",
        PartitionType.USR: "`/usr` of the machine's architecture.",
        PartitionType.USR_VERITY: "dm-verity hashes of a `/usr` partition.",
        PartitionType.TMP: "Temporary data that outlives a reboot.",
        PartitionType.LINUX_GENERIC: "Any Linux data.",
        PartitionType.SRV: "Data that the machine serves.",
        PartitionType.XBOOTLDR: "Kernels and boot entries that have no room on the ESP.",
    },
    FileSystemSource: {
        FileSystemSource.IMAGE: "The file system of that mount path in the image.",
        FileSystemSource.NEW: "A new, empty file system.",
        FileSystemSource.ADOPTED: "The file system that an adopted partition holds already.",
    },
    FileSystemType: {
        FileSystemType.EXT4: "The usual file system of Linux.",
        FileSystemType.XFS: "XFS, for large files and many writers.",
        FileSystemType.VFAT: "FAT, which firmware reads: the ESP.",
        FileSystemType.NTFS: "NTFS of Windows. It keeps neither owners nor modes of Linux.",
        FileSystemType.TMPFS: "A file system in memory; new file systems only.",
        FileSystemType.AUTO: "Whatever mount(8) finds there; adopted file systems only.",
    },
    OverrideEspMount: {
        OverrideEspMount.USE_DEFAULT: "It is the ESP if it is mounted at `/boot/efi`.",
        OverrideEspMount.OVERRIDE: "It is the ESP, wherever it is mounted.",
        OverrideEspMount.BLOCK: "It is not the ESP, even at `/boot/efi`.",
    },
    PasswordType: {
        PasswordType.LOCKED: "No login by password; the default.",
    },
    SshMode: {
        SshMode.BLOCK: "No login over ssh.",
        SshMode.KEY_ONLY: "Login over ssh with one of the user's keys.",
    },
    RaidLevel: {
        RaidLevel.RAID0: "Striping: no redundancy.",
        RaidLevel.RAID1: "Mirroring.",
        RaidLevel.RAID5: "Striping with parity.",
        RaidLevel.RAID6: "Striping with double parity.",
        RaidLevel.RAID10: "Striping over mirrors.",
    },
    VerityCorruptionOption: {
        VerityCorruptionOption.IO_ERROR: "Reading the block fails.",
        VerityCorruptionOption.IGNORE: "The block is read as if it were right.",
        VerityCorruptionOption.PANIC: "The kernel panics, and then restarts the machine if it is set to.",
        VerityCorruptionOption.RESTART: "The machine restarts.",
    },
    SelinuxMode: {
        SelinuxMode.DISABLED: "SELinux is off (`selinux=0` on the kernel's command line).",
        SelinuxMode.PERMISSIVE: "Violations of the policy are logged, and allowed.",
        SelinuxMode.ENFORCING: "Violations of the policy are refused.",
    },
    LoadMode: {
        LoadMode.ALWAYS: "At every boot.",
        LoadMode.AUTO: "When the kernel needs it.",
        LoadMode.DISABLE: "Never by itself.",
        LoadMode.INHERIT: "As the image has it; only `options` are set.",
    },
    UefiFallbackMode: {
        UefiFallbackMode.CONSERVATIVE: (
            "The OS that is known to work: after an install the new one; during an update the running one, "
            "and the new one from its commit on."
        ),
        UefiFallbackMode.OPTIMISTIC: "The new OS, as soon as an install or update is finalized.",
        UefiFallbackMode.DISABLED: "Nothing is put at the fallback path.",
    },
    ServicingTypeSelection: {
        ServicingTypeSelection.CLEAN_INSTALL: "At the install of a machine.",
        ServicingTypeSelection.RUNTIME_UPDATE: "At an update that needs no reboot.",
        ServicingTypeSelection.AB_UPDATE: "At an update of the inactive volumes, with a reboot.",
        ServicingTypeSelection.ALL: "At each of them.",
    },
}
