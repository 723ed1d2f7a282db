"""Storage: what is refused, what is formatted, what fstab says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pure.subsystems.situations import DISK, MIB, SAMPLE, configuration, install, update
from trident.errors import ErrorKind, TridentError
from trident.plan.situation import DiskFacts, Situation
from trident.state.status import AbVolume
from trident.subsystems.storage import StorageSubsystem
from trident.subsystems.storage.format import MakeFileSystem
from trident.subsystems.storage.fstab import WriteFstab, render
from trident.subsystems.storage.mounts import MountNewroot, NewrootMount
from trident.subsystems.storage.partition import PartitionDisk
from trident.subsystems.storage.swap import MakeSwap

storage = StorageSubsystem()
BY_PARTUUID = "/dev/disk/by-partuuid"

# The sample with everything that is made and is no ext4 file system.
VARIED = (
    SAMPLE.replace(
        "        - {id: home, type: home, size: grow}\n",
        """\
        - {id: swap, type: swap, size: 128M}
        - {id: share, type: 0FC63DAF-8483-4772-8E79-3D69D8477DE4, size: 64M}
        - {id: home, type: home, size: grow}
""",
    )
    .replace("deviceId: home, source: new,", "deviceId: home, source: new, type: xfs,")
    .replace(
        "os:\n",
        """\
    - {deviceId: share, source: new, type: ntfs, mountPoint: /srv/share}
    - {source: new, type: tmpfs, mountPoint: {path: /srv/scratch, options: "size=64M,nosuid"}}
  swap: [{deviceId: swap}]
os:
""",
    )
)


def refusals(situation: Situation) -> list[TridentError]:
    return list(storage.check(situation))


def test_more_partitions_than_a_table_has_room_for_are_refused() -> None:
    """sfdisk leaves out the rest and ends with success."""

    def of(count: int) -> Situation:
        more = "".join(f"        - {{id: p{number}, size: 1M}}\n" for number in range(count - 5))
        home = "        - {id: home, type: home, size: grow}\n"
        return install(configuration(SAMPLE.replace(home, more + home)))

    assert refusals(of(128)) == []
    assert the_only(of(129)).code == "too-many-partitions"


def the_only(situation: Situation) -> TridentError:
    (error,) = refusals(situation)
    return error


def with_disk(**changes: object) -> dict[str, DiskFacts]:
    return {DISK: replace(DiskFacts("/dev/vda", 8192 * MIB), **changes)}  # type: ignore[arg-type]


def test_a_missing_disk_is_named_with_its_path() -> None:
    error = the_only(install(disks={}))
    assert error.kind is ErrorKind.INVALID_INPUT
    assert error.details == {"inner": {"invalid-disk-path": {"disk_id": "os", "disk_path": DISK}}}
    assert DISK in error.message


def test_a_disk_in_use_is_not_erased() -> None:
    error = the_only(install(disks=with_disk(mounts=("/", "swap on /dev/vda3"))))
    assert error.code == "disk-in-use"
    assert "/, swap on /dev/vda3" in error.message


def test_mounts_that_a_killed_run_left_do_not_count() -> None:
    assert refusals(install(disks=with_disk(mounts=("/run/trident/newroot", "/run/trident/esp")))) == []


def test_an_update_runs_from_the_disk_it_updates() -> None:
    assert refusals(update(disks=with_disk(mounts=("/", "/boot/efi")))) == []


def test_a_disk_that_is_too_small_says_what_is_missing() -> None:
    error = the_only(install(disks=with_disk(size=1024 * MIB)))
    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED_CONFIGURATION, "disk-too-small")
    # 1 MiB in front, 512 + 2048 + 2048 + 256 MiB, at least 1 MiB to grow into, 33 sectors at the end.
    assert error.details["missing"] == (1 + 4864 + 1 - 1024) * MIB + 33 * 512


def test_one_disk_under_two_names_is_refused() -> None:
    text = SAMPLE.replace(
        "  abUpdate:",
        "    - {id: data, device: /dev/vda, partitionTableType: gpt, partitions: [{id: d, size: 4G}]}\n"
        "  abUpdate:",
    )
    facts = {DISK: DiskFacts("/dev/vda", 8192 * MIB), "/dev/vda": DiskFacts("/dev/vda", 8192 * MIB)}
    error = the_only(install(configuration(text), disks=facts))
    inner = {"disk-definitions-refer-to-same-device": {"disk1": "os", "disk2": "data", "device": "/dev/vda"}}
    assert error.details == {"inner": inner}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    situation = install(disks=with_disk(size=1024 * MIB, mounts=("/data",)))
    assert {error.code for error in refusals(situation)} == {"disk-in-use", "disk-too-small"}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("size: 256M", "size: 512M", "storage.disks"),
        (
            "{id: root, volumeAId: root-a, volumeBId: root-b}",
            "{id: root, volumeAId: root-b, volumeBId: root-a}",
            "storage.abUpdate",
        ),
    ],
)
def test_an_update_cannot_change_the_layout(old: str, new: str, changed: str) -> None:
    situation = update(configuration(SAMPLE.replace(old, new)), installed=configuration())
    error = the_only(situation)
    assert error.details["inner"] == "storage-configuration-changed"
    assert error.details["changed"] == [changed]


def test_an_update_does_not_make_file_systems_on_shared_partitions() -> None:
    """It never formats them, so one that was not there at install would not be there now."""
    without = configuration(
        SAMPLE.replace(
            "    - {deviceId: home, source: new,", "    - {deviceId: home, source: new, type: vfat,"
        )
    )
    error = the_only(update(configuration(), installed=without))
    assert error.details["changed"] == ["the new file system on 'home'"]


def test_an_update_may_change_mount_options() -> None:
    text = SAMPLE.replace("nodev,noatime", "nodev,nosuid")
    assert refusals(update(configuration(text), installed=configuration())) == []
    (change,) = storage.changes(configuration(), configuration(text))
    assert (change.field, change.forces.value) == (
        "storage.filesystems[/home].mountPoint.options",
        "ab-update",
    )


def formatted(situation: Situation) -> dict[str, str]:
    return {
        step.device_id: step.fstype for step in storage.steps(situation) if isinstance(step, MakeFileSystem)
    }


def test_an_install_formats_the_esp_and_every_new_file_system() -> None:
    assert formatted(install()) == {"home": "ext4", "esp": "vfat", "state": "ext4"}


def test_an_update_formats_only_what_is_new_on_the_inactive_side() -> None:
    assert formatted(update()) == {}
    text = SAMPLE.replace(
        "{deviceId: root, mountPoint: /}",
        "{deviceId: root, mountPoint: /}\n    - {deviceId: cache, source: new, mountPoint: /var/cache}",
    )
    text = text.replace(
        "{id: root, volumeAId",
        "{id: cache, volumeAId: cache-a, volumeBId: cache-b}\n      - {id: root, volumeAId",
    )
    text = text.replace(
        "{id: state, size: 256M}",
        "{id: state, size: 256M}\n        - {id: cache-a, size: 64M}\n        - {id: cache-b, size: 64M}",
    )
    assert formatted(update(configuration(text), active=AbVolume.A)) == {"cache-b": "ext4"}
    assert formatted(update(configuration(text), active=AbVolume.B)) == {"cache-a": "ext4"}


def test_newroot_is_mounted_from_the_outside_in() -> None:
    (mount,) = (step for step in storage.steps(update()) if isinstance(step, MountNewroot))
    assert [(entry.device_id, entry.path, entry.is_esp) for entry in mount.mounts] == [
        ("root-b", "/", False),
        ("esp", "/boot/efi", True),
        ("home", "/home", False),
        ("state", "/var/lib/trident", False),
    ]


def test_fstab_names_partitions_by_their_guid() -> None:
    (step,) = (step for step in storage.steps(install()) if isinstance(step, WriteFstab))
    devices = {str(entry.device_id): f"{BY_PARTUUID}/uuid-of-{entry.device_id}" for entry in step.entries}
    devices["home"] = "/dev/loop7"
    assert render(step.entries, devices).splitlines()[1:] == [
        "PARTUUID=uuid-of-root-a / auto defaults 0 1",
        "PARTUUID=uuid-of-esp /boot/efi vfat defaults 0 2",
        "/dev/loop7 /home ext4 nodev,noatime 0 2",
        "PARTUUID=uuid-of-state /var/lib/trident ext4 defaults 0 2",
    ]


def test_spaces_in_fstab_are_escaped() -> None:
    text = SAMPLE.replace("path: /home", 'path: "/my home"')
    (step,) = (step for step in storage.steps(install(configuration(text))) if isinstance(step, WriteFstab))
    devices = {str(entry.device_id): "/dev/x" for entry in step.entries}
    assert "/dev/x /my\\040home ext4" in render(step.entries, devices)


def test_every_kind_of_content_is_made_by_its_own_tool() -> None:
    situation = install(configuration(VARIED))
    assert formatted(situation) == {
        "home": "xfs",
        "esp": "vfat",
        "state": "ext4",
        "share": "ntfs",
    }
    swaps = [step for step in storage.steps(situation) if isinstance(step, MakeSwap)]
    assert [(step.id, step.touches) for step in swaps] == [("make-swap:swap", ("swap",))]
    assert set(storage.tools(situation)) >= {"mkfs.xfs", "mkfs.ntfs", "mkswap"}


def test_fstab_has_tmpfs_and_swap() -> None:
    (step,) = (step for step in storage.steps(install(configuration(VARIED))) if isinstance(step, WriteFstab))
    devices = {str(entry.device_id): f"{BY_PARTUUID}/{entry.device_id}" for entry in step.entries}
    assert step.title == "Write /etc/fstab with 6 mounts and 1 swap area"
    assert render(step.entries, devices).splitlines()[3:] == [
        "PARTUUID=home /home xfs nodev,noatime 0 2",
        "tmpfs /srv/scratch tmpfs size=64M,nosuid 0 0",
        "PARTUUID=share /srv/share ntfs defaults 0 2",
        "PARTUUID=state /var/lib/trident ext4 defaults 0 2",
        "PARTUUID=swap none swap defaults 0 0",
    ]


def test_a_tmpfs_is_a_mount_point_and_no_device() -> None:
    (mount,) = (
        step for step in storage.steps(install(configuration(VARIED))) if isinstance(step, MountNewroot)
    )
    assert NewrootMount(None, "/srv/scratch") in mount.mounts
    assert mount.touches == ("root-a", "esp", "home", "share", "state")
    assert "/srv/scratch" not in mount.title


def test_an_update_leaves_the_swap_area_and_names_it_in_the_new_fstab() -> None:
    situation = update(configuration(VARIED))
    steps = list(storage.steps(situation))
    assert not any(isinstance(step, MakeSwap) for step in steps)
    (fstab,) = (step for step in steps if isinstance(step, WriteFstab))
    assert [entry.device_id for entry in fstab.entries if entry.fstype == "swap"] == ["swap"]


def test_an_update_may_stop_swapping_and_cannot_begin_to() -> None:
    swapping = configuration(VARIED)
    without = configuration(VARIED.replace("  swap: [{deviceId: swap}]\n", ""))
    assert refusals(update(without, installed=swapping)) == []
    (change,) = storage.changes(swapping, without)
    assert (change.field, change.forces.value) == ("storage.swap[swap]", "ab-update")
    assert the_only(update(swapping, installed=without)).details["changed"] == ["the swap area on 'swap'"]


def test_a_partition_type_is_written_as_a_lower_case_guid() -> None:
    (step,) = (
        step for step in storage.steps(install(configuration(VARIED))) if isinstance(step, PartitionDisk)
    )
    types = {partition.id: partition.type_guid for partition in step.partitions}
    assert types["share"] == "0fc63daf-8483-4772-8e79-3d69d8477de4"


def test_a_partition_too_small_for_xfs_is_told_before_the_disk_is_erased() -> None:
    small = VARIED.replace("{id: home, type: home, size: grow}", "{id: home, type: home, size: 299M}")
    error = the_only(install(configuration(small)))
    assert error.code == "filesystem-size-exceeds-block-device"
    assert error.details["device_id"] == "home"
    assert refusals(install(configuration(small.replace("299M", "300M")))) == []


def test_the_tools_are_those_of_the_steps() -> None:
    assert set(storage.tools(install())) == {
        "mount",
        "umount",
        "sync",
        "sfdisk",
        "udevadm",
        "mkfs.ext4",
        "mkfs.vfat",
    }
    assert set(storage.tools(update())) == {"mount", "umount", "sync"}
