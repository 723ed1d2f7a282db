"""Volumes on loop devices, damaged after they were staged: each kind of damage is noticed by finalize.

"After another start" means that the kernel's count of writes, which begins with each start of the machine,
says nothing any more: what is left then is superblock and samples.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.machine.subsystems.conftest import Volume
from tests.pure.image.samples import MIB
from tests.pure.subsystems.situations import install, update
from trident.errors import Servicing
from trident.host.fingerprint import volume_difference, volume_fingerprint, volume_identity
from trident.host.mount import mounted
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import Phase, Step
from trident.state.status import ServicingType
from trident.subsystems.deployment import DeploymentSubsystem
from trident.subsystems.deployment.seal import SealVolumes

pytestmark = pytest.mark.machine

SIZE = 320 * MIB  # The smallest that mkfs.xfs takes, and then some.


@pytest.fixture
def device(volume: Volume) -> str:
    node = volume("root-b", SIZE)
    subprocess.run(["mkfs.ext4", "-q", "-d", "/etc/apt", node], check=True)
    return node


def after_another_start(fingerprint: str) -> str:
    """The fingerprint, had it been taken before the machine was started this time."""
    other, count = re.subn(r"writes=[^:]+:", "writes=another-start:", fingerprint)
    assert count == 1
    return other


def mount_it(device: str, tmp_path: Path, *options: str) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    with mounted(device, place, options=options):
        pass


def overwrite(device: str, offset: int, data: bytes) -> None:
    with Path(device).open("r+b", buffering=0) as file:
        os.pwrite(file.fileno(), data, offset)
        os.fsync(file.fileno())


def set_uuid(device: str) -> None:
    # tune2fs asks for a fresh check, which is a change of its own.
    subprocess.run(["e2fsck", "-f", "-p", device], check=True, capture_output=True)
    subprocess.run(["tune2fs", "-U", "random", device], check=True, capture_output=True)


AT_ANY_TIME: dict[str, tuple[Callable[[str, Path], object], str]] = {
    "mounted writable": (mount_it, "its superblock was written"),
    "checked": (
        lambda device, _: subprocess.run(["e2fsck", "-f", "-p", device], check=True, capture_output=True),
        "its superblock was written",
    ),
    "another UUID": (lambda device, _: set_uuid(device), "another file system"),
    "made anew": (
        lambda device, _: subprocess.run(["mkfs.ext4", "-q", "-F", device], check=True),
        "another file system",
    ),
    "made anew with the same UUID": (
        lambda device, _: subprocess.run(
            ["mkfs.ext4", "-q", "-F", "-U", volume_identity(Path(device)).split("uuid=")[1], device],
            check=True,
        ),
        "its superblock was written",
    ),
    "signatures wiped": (
        lambda device, _: subprocess.run(["wipefs", "-q", "-a", device], check=True),
        "another file system, or none",
    ),
    "its beginning overwritten": (
        lambda device, _: overwrite(device, 0, b"\xa5" * 512),
        "its superblock was written",
    ),
    "overwritten in the middle, longer than the spacing": (
        lambda device, _: overwrite(device, 100 * MIB + 12345, b"\xa5" * MIB),
        "its content was changed",
    ),
    "its end overwritten": (
        lambda device, _: overwrite(device, SIZE - 512, b"\xa5" * 512),
        "its content was changed",
    ),
}


@pytest.mark.parametrize("start", ["the same start", "after another start"])
@pytest.mark.parametrize("name", AT_ANY_TIME)
def test_damage_is_noticed_whether_or_not_the_machine_was_started_anew(
    device: str, tmp_path: Path, name: str, start: str
) -> None:
    recorded = volume_fingerprint(Path(device))
    if start == "after another start":
        recorded = after_another_start(recorded)
    assert volume_difference(recorded, Path(device)) is None
    damage, told = AT_ANY_TIME[name]
    damage(device, tmp_path)
    found = volume_difference(recorded, Path(device))
    assert found is not None
    assert told in found


def test_one_block_in_the_middle_is_noticed_until_the_machine_is_started_anew(device: str) -> None:
    """The limit of the samples, and why writes are counted: 320 MiB have a sample every 640 KiB."""
    recorded = volume_fingerprint(Path(device))
    missed = 0
    for offset in range(101 * MIB, 102 * MIB, 64 * 1024):
        with Path(device).open("rb", buffering=0) as file:
            before = os.pread(file.fileno(), 512, offset)
        overwrite(device, offset, b"\xa5" * 512)
        missed += volume_difference(after_another_start(recorded), Path(device)) is None
        overwrite(device, offset, before)
    assert 12 <= missed <= 16
    assert volume_difference(after_another_start(recorded), Path(device)) is None
    assert volume_difference(recorded, Path(device)) == "it was written to"


def test_discarded_blocks_count_as_written(device: str) -> None:
    recorded = volume_fingerprint(Path(device))
    place = ["--offset", str(100 * MIB + 8192), "--length", "4096"]
    subprocess.run(["blkdiscard", "--force", *place, device], check=True)
    assert volume_difference(recorded, Path(device)) == "it was written to"


def test_reading_is_no_damage(device: str, tmp_path: Path) -> None:
    """Mounted read-only, checked without repair, copied, and sealed again."""
    recorded = volume_fingerprint(Path(device))
    mount_it(device, tmp_path, "ro")
    subprocess.run(["e2fsck", "-f", "-n", device], check=True, capture_output=True)
    subprocess.run(["dd", f"if={device}", "of=/dev/null", "bs=1M"], check=True, capture_output=True)
    assert volume_fingerprint(Path(device)) == recorded
    assert volume_difference(recorded, Path(device)) is None


@pytest.mark.parametrize("fstype", ["xfs", "vfat"])
def test_other_file_systems_that_were_written_are_noticed(
    volume: Volume, tmp_path: Path, fstype: str
) -> None:
    node = volume(fstype, SIZE)
    subprocess.run([f"mkfs.{fstype}", node], check=True, capture_output=True)
    recorded = after_another_start(volume_fingerprint(Path(node)))
    if fstype == "vfat":  # This machine's kernel cannot mount it.
        subprocess.run(["mcopy", "-i", node, "/etc/os-release", "::NEW"], check=True)
    else:
        place = tmp_path / "mounted"
        place.mkdir()
        with mounted(node, place):
            (place / "new").write_text("new")
    assert volume_difference(recorded, Path(node)) is not None


def test_another_disk_in_its_place_is_noticed(device: str, volume: Volume) -> None:
    recorded = volume_fingerprint(Path(device))
    larger = volume("larger", SIZE + MIB)
    assert volume_difference(recorded, Path(larger)) == "it has another size"
    same_size = volume("same-size", SIZE)
    assert volume_difference(recorded, Path(same_size)) == "it holds another file system, or none"


@pytest.mark.parametrize("size", [4096, 64 * 1024, 128 * 1024, 128 * 1024 + 512, 3 * MIB])
def test_small_volumes_are_read_to_their_end(volume: Volume, size: int) -> None:
    node = volume("small", size)
    recorded = volume_fingerprint(Path(node))
    overwrite(node, size - size % 4096 - 1, b"x")
    assert volume_difference(after_another_start(recorded), Path(node)) is not None


@pytest.mark.parametrize("recorded", ["", "nonsense", "size=335544320", "{whole} merkle=00"])
def test_a_fingerprint_that_this_version_does_not_know_is_no_match(device: str, recorded: str) -> None:
    whole = volume_fingerprint(Path(device))
    found = volume_difference(recorded.format(whole=whole), Path(device))
    assert found == "its fingerprint was recorded by another version of Trident"


def steps(situation: Situation) -> dict[Phase, Step]:
    return {step.phase: step for step in DeploymentSubsystem().steps(situation)}


def test_finalize_names_every_volume_that_is_not_whole(device: str) -> None:
    situation = update()
    session = Session(situation, partition_paths={"root-b": device})
    found = steps(situation)
    found[Phase.SEAL].run(session)
    found[Phase.CHECK_STAGED].run(session)
    overwrite(device, 100 * MIB, b"\xa5" * 4096)
    with pytest.raises(Servicing) as caught:
        found[Phase.CHECK_STAGED].run(session)
    assert (caught.value.code, caught.value.details) == (
        "staged-not-whole",
        {"damaged": {"root-b": "it was written to"}},
    )


def test_a_volume_that_is_gone_is_not_whole(device: str, tmp_path: Path) -> None:
    situation = update()
    session = Session(situation, partition_paths={"root-b": device})
    found = steps(situation)
    found[Phase.SEAL].run(session)
    session.partition_paths = {"root-b": str(tmp_path / "gone")}
    with pytest.raises(Servicing) as caught:
        found[Phase.CHECK_STAGED].run(session)
    assert caught.value.code == "staged-not-whole"
    assert "cannot be read" in caught.value.message


def test_of_the_volume_with_the_datastore_only_the_file_system_counts(device: str, tmp_path: Path) -> None:
    """The record of an install is written there after it was sealed."""
    situation = install()
    seal = steps(situation)[Phase.SEAL]
    assert isinstance(seal, SealVolumes)
    assert (seal.volumes, seal.shared) == (("home", "root-a", "state"), "state")
    session = Session(
        situation, partition_paths=dict.fromkeys(("root-a", "home"), device) | {"state": device}
    )
    seal.run(session)
    mount_it(device, tmp_path)
    with pytest.raises(Servicing) as caught:
        steps(situation)[Phase.CHECK_STAGED].run(session)
    assert set(caught.value.details["damaged"]) == {"root-a", "home"}  # type: ignore[call-overload]


def test_a_rollback_wants_the_file_system_of_the_deployment_whatever_is_in_it(
    device: str, tmp_path: Path
) -> None:
    situation = replace(update(), servicing_type=ServicingType.MANUAL_ROLLBACK_AB)
    session = Session(situation, partition_paths={"root-b": device})
    steps(update())[Phase.SEAL].run(session)
    found = steps(situation)
    mount_it(device, tmp_path)
    for phase in (Phase.SEAL, Phase.CHECK_STAGED):
        found[phase].run(session)
    subprocess.run(["mkfs.ext4", "-q", "-F", device], check=True)
    for phase, code in (
        (Phase.SEAL, "rollback-target-not-bootable"),
        (Phase.CHECK_STAGED, "staged-not-whole"),
    ):
        with pytest.raises(Servicing) as caught:
            found[phase].run(session)
        assert caught.value.code == code
    session.seals.clear()  # Nothing was recorded: any file system will do, but none will not.
    found[Phase.SEAL].run(session)
    subprocess.run(["wipefs", "-q", "-a", device], check=True)
    with pytest.raises(Servicing) as caught:
        found[Phase.SEAL].run(session)
    assert caught.value.details == {"damaged": {"root-b": "it holds no file system"}}
