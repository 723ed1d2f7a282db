"""Situations to compile: one to read, and a strategy for all kinds of valid ones."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import strategies as st

from trident.config.load import load_host_configuration
from trident.config.model import HostConfiguration
from trident.image.cosi.metadata import (
    ESP_PARTITION_TYPE,
    Bootloader,
    CosiMetadata,
    ImageFile,
    ImageFilesystem,
)
from trident.plan.situation import BootType, DiskFacts, Facts, Situation
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

MIB = 1024 * 1024
DISK = "/dev/disk/by-path/virtio-pci-0000:00:04.0"

SAMPLE = f"""\
image: {{url: http://127.0.0.1/v1.cosi, sha384: ignored}}
storage:
  disks:
    - id: os
      device: {DISK}
      partitionTableType: gpt
      partitions:
        - {{id: esp, type: esp, size: 512M}}
        - {{id: root-a, type: root, size: 2G}}
        - {{id: root-b, type: root, size: 2G}}
        - {{id: state, size: 256M}}
        - {{id: home, type: home, size: grow}}
  abUpdate:
    volumePairs:
      - {{id: root, volumeAId: root-a, volumeBId: root-b}}
  filesystems:
    - {{deviceId: home, source: new, mountPoint: {{path: /home, options: "nodev,noatime"}}}}
    - {{deviceId: esp, mountPoint: /boot/efi}}
    - {{deviceId: root, mountPoint: /}}
    - {{deviceId: state, source: new, mountPoint: /var/lib/trident}}
os:
  hostname: host-1
"""


def configuration(text: str = SAMPLE, **changes: Any) -> HostConfiguration:
    """The sample, or another text, with fields of the root object replaced."""
    return load_host_configuration(text, "host.yaml").evolve(**changes)


def image_file(name: str, size: int, number: int = 0) -> ImageFile:
    return ImageFile(f"images/{name}.zst", size // 3 + number, size, f"{number:096x}")


def image_for(config: HostConfiguration, size: int = 64 * MIB, generation: int = 1) -> CosiMetadata:
    """Metadata of an image that fits a configuration, its UUIDs different in each generation."""
    filesystems = []
    for number, filesystem in enumerate(config.storage.filesystems):
        if filesystem.source != "image" or filesystem.mount_point is None:
            continue
        esp = filesystem.is_esp
        filesystems.append(
            ImageFilesystem(
                image=image_file(f"fs{number}", size, number),
                mount_point=filesystem.mount_point.path,
                fs_type="vfat" if esp else "ext4",
                fs_uuid=f"00000000-0000-4000-{generation:04x}-{number:012x}",
                part_type=ESP_PARTITION_TYPE if esp else "0fc63daf-8483-4772-8e79-3d69d8477de4",
            )
        )
    return CosiMetadata(filesystems=tuple(filesystems), bootloader=Bootloader("systemd-boot"))


def install(config: HostConfiguration | None = None, **facts: Any) -> Situation:
    """A clean install on a blank disk of 8 GiB."""
    config = config or configuration()
    return Situation(
        ServicingType.CLEAN_INSTALL, config, HostStatus(), machine(config, **facts), image_for(config)
    )


def update(
    config: HostConfiguration | None = None,
    *,
    installed: HostConfiguration | None = None,
    active: AbVolume = AbVolume.A,
    install_index: int = 0,
    image: CosiMetadata | None = None,
    **facts: Any,
) -> Situation:
    """An A/B update of a host that was installed from the first generation of the image."""
    config = config or configuration()
    installed = installed or config
    status = HostStatus(
        spec=installed.to_document(),
        servicing_state=ServicingState.PROVISIONED,
        ab_active_volume=active,
        install_index=install_index,
        partition_paths={name: f"/dev/disk/by-partuuid/{name}" for name in partition_ids(installed)},
    )
    return Situation(
        ServicingType.AB_UPDATE,
        config,
        status,
        machine(config, **facts),
        image or image_for(config, generation=2),
    )


def machine(config: HostConfiguration, **changes: Any) -> Facts:
    disks = {
        disk.device: DiskFacts(f"/dev/vd{chr(97 + number)}", 8192 * MIB)
        for number, disk in enumerate(config.storage.disks)
    }
    return Facts(
        **{"boot_type": BootType.RAM_DISK, "architecture": "x86_64", "uefi": True, "disks": disks, **changes}
    )


def partition_ids(config: HostConfiguration) -> list[str]:
    return [partition.id for disk in config.storage.disks for partition in disk.partitions]


_SECRET = "correct-horse-battery-staple"
_SHARED_PATHS = ("/home", "/srv", "/var/log", "/data/deep/below")
_PAIRED_PATHS = ("/opt", "/usr/local", "/var/cache")
_RUN_ON = ("all", "clean-install", "ab-update", "runtime-update")


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A Host Configuration as plain data, with secrets where secrets may be."""
    partitions: list[dict[str, Any]] = [{"id": "esp", "type": "esp", "size": "512M"}]
    filesystems: list[dict[str, Any]] = [{"deviceId": "esp", "mountPoint": "/boot/efi"}]
    pairs: list[dict[str, Any]] = []
    for name, path in [("root", "/"), *_some(draw, _PAIRED_PATHS, "pair")]:
        partitions += [{"id": f"{name}-{side}", "size": "512M"} for side in "ab"]
        pairs.append({"id": name, "volumeAId": f"{name}-a", "volumeBId": f"{name}-b"})
        made = path != "/" and draw(st.booleans())
        filesystems.append({"deviceId": name, "mountPoint": path} | ({"source": "new"} if made else {}))
    for name, path in [("state", "/var/lib/trident"), *_some(draw, _SHARED_PATHS, "shared")]:
        partitions.append({"id": name, "size": "128M"})
        made = name == "state" or draw(st.booleans())
        filesystems.append({"deviceId": name, "mountPoint": path} | ({"source": "new"} if made else {}))
    partitions.append({"id": "unused", "size": draw(st.sampled_from(["128M", "grow"]))})
    return {
        "image": {"url": "http://127.0.0.1/v1.cosi", "sha384": "ignored"},
        "storage": {
            "disks": [
                {
                    "id": "os",
                    "device": DISK,
                    "partitionTableType": "gpt",
                    "partitions": draw(st.permutations(partitions)),
                }
            ],
            "abUpdate": {"volumePairs": draw(st.permutations(pairs))},
            "filesystems": draw(st.permutations(filesystems)),
        },
        "os": draw(_os()),
        "scripts": {
            moment: draw(_scripts())
            for moment in ("preServicing", "postProvision", "postConfigure", "preReboot")
        },
    }


def _some(draw: st.DrawFn, paths: tuple[str, ...], prefix: str) -> list[tuple[str, str]]:
    chosen = draw(st.lists(st.sampled_from(paths), unique=True, max_size=2))
    return [(f"{prefix}{number}", path) for number, path in enumerate(chosen)]


@st.composite
def _os(draw: st.DrawFn) -> dict[str, Any]:
    os: dict[str, Any] = {"uefiFallback": draw(st.sampled_from(["conservative", "optimistic", "disabled"]))}
    if draw(st.booleans()):
        os["hostname"] = "host-1"
    if draw(st.booleans()):
        os["netplan"] = {"version": 2, "wifis": {"w": {"access-points": {"a": {"password": _SECRET}}}}}
    names = draw(st.lists(st.sampled_from(["root", "ada", "grace"]), unique=True))
    os["users"] = [{"name": name, "sshMode": draw(st.sampled_from(["block", "key-only"]))} for name in names]
    files = draw(st.lists(st.sampled_from(["/etc/a", "/opt/b", "/c"]), unique=True))
    os["additionalFiles"] = [
        {"destination": path} | draw(st.sampled_from([{"content": _SECRET}, {"source": "/root/x"}]))
        for path in files
    ]
    return os


@st.composite
def _scripts(draw: st.DrawFn) -> list[dict[str, Any]]:
    one = st.fixed_dictionaries(
        {
            "content": st.just(f"echo {_SECRET}"),
            "runOn": st.lists(st.sampled_from(_RUN_ON), min_size=1, max_size=2, unique=True),
            "environmentVariables": st.just({"TOKEN": _SECRET}),
        },
        optional={"name": st.sampled_from(["one", "two"])},
    )
    return draw(st.lists(one, max_size=2))


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """A clean install, or an update of a host installed from the same configuration."""
    config = HostConfiguration.from_document(draw(documents()))
    if draw(st.booleans()):
        return install(config)
    active = draw(st.sampled_from(AbVolume))
    return update(config, active=active, install_index=draw(st.integers(0, 2)))


@functools.cache
def secret() -> str:
    """What must not be seen in any plan."""
    return _SECRET
