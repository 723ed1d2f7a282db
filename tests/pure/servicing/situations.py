"""A machine and an image to plan for: one disk, an A/B root, a shared volume for the datastore."""

from __future__ import annotations

from typing import Any

from trident.config.model import HostConfiguration
from trident.image.cosi.metadata import Bootloader, CosiMetadata, ImageFile, ImageFilesystem
from trident.plan.situation import BootType, DiskFacts, Facts, Situation
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

GIB = 1024**3
MIB = 1024**2
ESP_TYPE = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"

CONFIGURATION: dict[str, Any] = {
    "image": {"url": "http://images.example/v1.cosi", "sha384": "ignored"},
    "storage": {
        "disks": [
            {
                "id": "os",
                "device": "/dev/vda",
                "partitionTableType": "gpt",
                "partitions": [
                    {"id": "esp", "type": "esp", "size": "512M"},
                    {"id": "root-a", "type": "root", "size": "2G"},
                    {"id": "root-b", "type": "root", "size": "2G"},
                    {"id": "trident", "size": "256M"},
                ],
            }
        ],
        "abUpdate": {"volumePairs": [{"id": "root", "volumeAId": "root-a", "volumeBId": "root-b"}]},
        "filesystems": [
            {"deviceId": "esp", "mountPoint": {"path": "/boot/efi", "options": "umask=0077"}},
            {"deviceId": "root", "mountPoint": {"path": "/"}},
            {
                "deviceId": "trident",
                "source": "new",
                "type": "ext4",
                "mountPoint": {"path": "/var/lib/trident"},
            },
        ],
    },
    "os": {"hostname": "web-1", "users": [{"name": "ops", "sshPublicKeys": ["ssh-ed25519 AAAA ops"]}]},
    "scripts": {"postProvision": [{"name": "greet", "content": "echo hello", "runOn": ["all"]}]},
}


def configuration(version: str = "v1", *, scripts: bool = True, **os_settings: object) -> HostConfiguration:
    """The configuration, with another image version and other OS settings."""
    document = CONFIGURATION | {
        "scripts": CONFIGURATION["scripts"] if scripts else {},
        "image": {"url": f"http://images.example/{version}.cosi", "sha384": "ignored"},
        "os": CONFIGURATION["os"] | os_settings,
    }
    return HostConfiguration.from_document(document)


def image(root_uuid: str = "11111111-1111-4111-8111-111111111111") -> CosiMetadata:
    """A COSI with an ESP and a root file system."""
    return CosiMetadata(
        bootloader=Bootloader("systemd-boot"),
        filesystems=(
            ImageFilesystem(
                ImageFile("images/esp.zst", 60 * MIB, 256 * MIB), "/boot/efi", "vfat", "C3D4-250D", ESP_TYPE
            ),
            ImageFilesystem(ImageFile("images/root.zst", 170 * MIB, 600 * MIB), "/", "ext4", root_uuid),
        ),
    )


def facts(boot_type: BootType = BootType.PERSISTENT_STORAGE) -> Facts:
    """The machine: one blank or running 8 GiB disk."""
    return Facts(boot_type, "x86_64", uefi=True, disks={"/dev/vda": DiskFacts("/dev/vda", 8 * GIB)})


def status(active: AbVolume, running: HostConfiguration) -> HostStatus:
    """A provisioned host."""
    return HostStatus(
        spec=running.to_document(),
        servicing_state=ServicingState.PROVISIONED,
        ab_active_volume=active,
        partition_paths={
            name: f"/dev/disk/by-partuuid/{name}" for name in ("esp", "root-a", "root-b", "trident")
        },
    )


def clean_install() -> Situation:
    """A blank machine that runs a servicing OS from RAM."""
    return Situation(
        ServicingType.CLEAN_INSTALL, configuration(), HostStatus(), facts(BootType.RAM_DISK), image()
    )


def ab_update(active: AbVolume = AbVolume.A) -> Situation:
    """A host that runs v1 and is to run v2."""
    return Situation(
        ServicingType.AB_UPDATE, configuration("v2"), status(active, configuration()), facts(), image()
    )
