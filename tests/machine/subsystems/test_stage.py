"""Staging on real volumes: format, write from an image, mount, fstab, unmount.

The ESP stays out: the kernel of the build machine has no vfat. Virtual machines cover it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.machine.subsystems.conftest import Volume
from tests.pure.image.samples import MIB, Sample
from tests.pure.subsystems.situations import SAMPLE, configuration, update
from trident.errors import Servicing, TridentError
from trident.host.block import filesystem_uuid
from trident.host.mount import RUN_DIRECTORY, unmount_below
from trident.host.mountinfo import mounts_below
from trident.host.process import run
from trident.image.cosi.reader import Cosi, open_cosi
from trident.plan.session import Session
from trident.plan.step import Operation, Phase, Step
from trident.progress import BytesMoved, Event
from trident.subsystems.deployment import DeploymentSubsystem
from trident.subsystems.storage import StorageSubsystem
from trident.subsystems.storage.format import MakeFileSystem
from trident.subsystems.storage.mounts import NEWROOT, MountNewroot, NewrootMount, ReleaseNewroot
from trident.subsystems.storage.swap import MakeSwap

pytestmark = pytest.mark.machine

ROOT_UUID = "88d2fa9b-7a32-450a-a9f8-aa9c3de79298"


@pytest.fixture
def cosi(tmp_path: Path) -> Iterator[Cosi]:
    """An image whose root file system is as small as its content."""
    tree = tmp_path / "tree"
    for name in ("etc", "usr/bin", "dev", "proc", "sys", "run", "tmp", "var/lib", "home"):
        (tree / name).mkdir(parents=True)
    (tree / "etc/os-release").write_text("ID=debian\n")
    image = tmp_path / "root.ext4"
    command = ["mkfs.ext4", "-q", "-U", ROOT_UUID, "-d", str(tree), str(image), "8M"]
    subprocess.run(command, check=True, capture_output=True)
    subprocess.run(["resize2fs", "-M", str(image)], check=True, capture_output=True)
    sample = Sample(image.read_bytes())
    path = tmp_path / "image.cosi"
    path.write_bytes(sample.build())
    with open_cosi(str(path), sample.sha384) as opened:
        yield opened


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def session(cosi: Cosi, volume: Volume, events: list[Event]) -> Iterator[Session]:
    """An update from A to B of a host with a volume of state and one of homes that both share."""
    situation = replace(update(), image=cosi.metadata)
    paths = {
        "root-a": "/nowhere/the-active-volume",
        "root-b": volume("root-b", 64 * MIB),
        "state": volume("state", 16 * MIB),
        "home": volume("home", 16 * MIB),
    }
    for name in ("state", "home"):
        subprocess.run(["mkfs.ext4", "-q", paths[name]], check=True)
    session = Session(situation, cosi, partition_paths=paths, progress=events.append)
    with session.unwinding():
        yield session
    unmount_below(RUN_DIRECTORY)


def steps(session: Session) -> dict[str, Step]:
    """The steps, the ESP left out of what is mounted."""
    found: dict[str, Step] = {}
    for step in (
        *StorageSubsystem().steps(session.situation),
        *DeploymentSubsystem().steps(session.situation),
    ):
        if isinstance(step, MountNewroot):
            step = replace(step, mounts=tuple(mount for mount in step.mounts if not mount.is_esp))  # noqa: PLW2901
        found[step.id] = step
    return found


def test_an_update_is_written_mounted_and_left(session: Session, events: list[Event]) -> None:
    found = steps(session)
    session.partition_paths["esp"] = "/dev/disk/by-partuuid/11223344-5566-7788-99aa-bbccddeeff00"
    session.current_step = "write-image:root-b"
    found["write-image:root-b"].run(session)
    assert filesystem_uuid(session.device("root-b")) == ROOT_UUID
    moved = [event for event in events if isinstance(event, BytesMoved)]
    assert moved[-1].done == moved[-1].total == found["write-image:root-b"].cost

    found["mount-newroot"].run(session)
    newroot = session.mounted_newroot()
    assert (newroot / "etc/os-release").read_text() == "ID=debian\n"
    statistics = run(["stat", "--file-system", "--format", "%b %S", newroot]).stdout.split()
    assert int(statistics[0]) * int(statistics[1]) > 48 * MIB  # Grown to its volume.
    targets = {str(mount.target.relative_to(newroot)) for mount in mounts_below(newroot)}
    assert targets >= {".", "var/lib/trident", "home", "dev", "proc", "sys", "run", "tmp"}
    (newroot / "home/kept").touch()

    found["write-fstab"].run(session)
    lines = (newroot / "etc/fstab").read_text().splitlines()
    assert lines[1] == f"{session.device('root-b')} / auto defaults 0 1"
    assert lines[2] == "PARTUUID=11223344-5566-7788-99aa-bbccddeeff00 /boot/efi vfat defaults 0 2"

    found["unmount-newroot"].run(session)
    assert session.newroot is None
    assert mounts_below(RUN_DIRECTORY) == ()
    subprocess.run(["e2fsck", "-f", "-n", session.device("root-b")], check=True, capture_output=True)


def test_staging_again_after_it_was_cut_off_completes(session: Session) -> None:
    """A run that was killed between mount and unmount leaves everything mounted."""
    found = steps(session)
    found["write-image:root-b"].run(session)
    found["mount-newroot"].run(session)
    left_behind = session.mounts.pop_all()
    session.newroot = None
    with pytest.raises(TridentError):
        found["write-image:root-b"].run(session)  # The volume is still mounted.
    found["release-newroot"].run(session)
    assert mounts_below(RUN_DIRECTORY) == ()
    found["write-image:root-b"].run(session)
    found["mount-newroot"].run(session)
    found["unmount-newroot"].run(session)
    left_behind.close()


def test_a_mount_that_fails_leaves_nothing_mounted(session: Session) -> None:
    steps(session)["write-image:root-b"].run(session)
    mounts = (NewrootMount("root-b", "/"), NewrootMount("state", "/etc/os-release"))
    base = steps(session)["mount-newroot"]
    assert isinstance(base, MountNewroot)
    with pytest.raises(Servicing) as caught:
        replace(base, mounts=mounts).run(session)
    assert caught.value.code == "mount-newroot"
    assert session.newroot is None
    assert mounts_below(NEWROOT) == ()


def test_a_tmpfs_of_the_target_is_a_directory_while_staging(session: Session) -> None:
    found = steps(session)
    found["write-image:root-b"].run(session)
    base = found["mount-newroot"]
    assert isinstance(base, MountNewroot)
    mounts = (NewrootMount("root-b", "/"), NewrootMount(None, "/srv/scratch"))
    replace(base, mounts=mounts).run(session)
    scratch = session.mounted_newroot() / "srv/scratch"
    assert scratch.is_dir()
    assert scratch not in {mount.target for mount in mounts_below(NEWROOT)}
    found["unmount-newroot"].run(session)


def test_swap_areas_and_xfs_are_made_on_volumes(session: Session, volume: Volume) -> None:
    session.partition_paths |= {"swap": volume("swap", 16 * MIB), "big": volume("big", 300 * MIB)}
    shared: dict[str, Any] = {"operation": Operation.STAGE, "phase": Phase.PARTITION, "title": ""}
    MakeSwap(id="make-swap:swap", device_id="swap", **shared).run(session)
    MakeFileSystem(id="make-filesystem:big", device_id="big", fstype="xfs", **shared).run(session)
    types = [
        run(["blkid", "--probe", "--match-tag", "TYPE", "--output", "value", session.device(name)]).stdout
        for name in ("swap", "big")
    ]
    assert types == ["swap\n", "xfs\n"]


def test_a_busy_newroot_names_its_holder_and_is_left_later(session: Session) -> None:
    found = steps(session)
    found["write-image:root-b"].run(session)
    found["mount-newroot"].run(session)
    holder = subprocess.Popen(["sleep", "60"], cwd=NEWROOT / "home")
    try:
        with pytest.raises(Servicing) as caught:
            found["unmount-newroot"].run(session)
    finally:
        holder.kill()
        holder.wait()
    assert caught.value.code == "unmount-newroot"
    assert f"process {holder.pid} (sleep)" in caught.value.message
    unmount_below(RUN_DIRECTORY)


def test_formatting_the_inactive_side(session: Session) -> None:
    text = SAMPLE.replace(
        "{deviceId: root, mountPoint: /}",
        "{deviceId: root, mountPoint: /}\n    - {deviceId: cache, source: new, mountPoint: /var/cache}",
    ).replace(
        "{id: root, volumeAId",
        "{id: cache, volumeAId: home-x, volumeBId: home}\n      - {id: root, volumeAId",
    )
    text = text.replace("    - {deviceId: home, source", "    - {deviceId: other, source")
    text = text.replace(
        "{id: state, size: 256M}", "{id: state, size: 256M}\n        - {id: other, size: 64M}"
    )
    text = text.replace(
        "{id: home, type: home, size: grow}", "{id: home, size: 64M}\n        - {id: home-x, size: 64M}"
    )
    before = filesystem_uuid(session.device("home"))
    session.situation = replace(session.situation, desired=configuration(text))
    (make,) = (step for step in StorageSubsystem().steps(session.situation) if step.id.startswith("make-"))
    assert make.touches == ("home",)
    make.run(session)
    after = filesystem_uuid(session.partition_paths["home"])
    assert after is not None
    assert after != before


def test_nothing_is_released_when_nothing_is_left(session: Session, events: list[Event]) -> None:
    ReleaseNewroot.compile().run(session)
    assert events == []
