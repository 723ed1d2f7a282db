"""The registers of a TPM that volumes can be sealed to."""

from __future__ import annotations

import enum


class Pcr(enum.IntEnum):
    """Platform configuration registers of a TPM 2.0, by number."""

    PLATFORM_CODE = 0
    PLATFORM_CONFIG = 1
    EXTERNAL_CODE = 2
    EXTERNAL_CONFIG = 3
    BOOT_LOADER_CODE = 4
    BOOT_LOADER_CONFIG = 5
    HOST_PLATFORM = 6
    SECURE_BOOT_POLICY = 7
    PCR8 = 8
    KERNEL_INITRD = 9
    IMA = 10
    KERNEL_BOOT = 11
    KERNEL_CONFIG = 12
    SYSEXTS = 13
    SHIM_POLICY = 14
    SYSTEM_IDENTITY = 15
    DEBUG = 16
    PCR17 = 17
    PCR18 = 18
    PCR19 = 19
    PCR20 = 20
    PCR21 = 21
    PCR22 = 22
    APPLICATION_SUPPORT = 23

    @property
    def word(self) -> str:
        """Its name as systemd-cryptenroll(1) has it: ``secure-boot-policy``."""
        return self.name.lower().replace("_", "-")
