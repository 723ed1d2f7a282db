"""A servicing OS that knows nothing finds an install that another one has staged, on the disk itself.

The disk is a loop device with a real partition table. This machine's kernel shows no partitions of it, so the
node of the one that holds the datastore is a second loop device over the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.pure.subsystems.situations import SAMPLE, configuration
from trident.config.model import HostConfiguration
from trident.errors import Servicing
from trident.host import partitioning
from trident.host.mount import RUN_DIRECTORY, mounted
from trident.host.mountinfo import mounts_below
from trident.host.partitioning import partition_disk
from trident.plan.session import Session
from trident.plan.situation import BootType, Facts, Situation
from trident.plan.step import Operation
from trident.servicing import record
from trident.servicing.persist import MOUNT_DIRECTORY, PersistDatastore, staged_install
from trident.servicing.staged_install import adopt_staged_install
from trident.state.datastore import Datastore
from trident.state.history import EntryState
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.subsystems.storage.partition import requests

pytestmark = pytest.mark.machine

MIB = 1024 * 1024
SMALL = re.sub(r"size: 2G", "size: 16M", SAMPLE).replace("size: 512M", "size: 40M").replace("256M", "16M")


@dataclass
class Machine:
    """A disk, and the RAM of the servicing OS that runs now."""

    configuration: HostConfiguration
    disk: Path
    state: Path
    ram: Path
    nodes: dict[str, str]
    disk_uuid: str
    seals: dict[str, str] = field(default_factory=lambda: {"volume:root-a": "size=1 uuid=x"})

    @property
    def datastore(self) -> Path:
        return self.ram / "datastore.sqlite"

    def situation(self) -> Situation:
        facts = Facts(BootType.RAM_DISK, "x86_64", uefi=True)
        return Situation(
            ServicingType.CLEAN_INSTALL, self.configuration, HostStatus(is_management_os=True), facts
        )

    def stage(self) -> None:
        """What staging records, by the step that keeps it on the target."""
        with Datastore.create(self.datastore) as store:
            session = Session(
                self.situation(),
                datastore=store,
                partition_paths=dict(self.nodes),
                disk_uuids={"os": self.disk_uuid},
                seals=dict(self.seals),
            )
            record.begin(session.situation, store)
            PersistDatastore.compile(session.situation, Operation.STAGE).run(session)
            record.save_seals(store, session)
            record.move(store, staged_install(session), EntryState.STAGED)

    def finalize(self) -> None:
        """The step of finalize that comes before the boot order."""
        with Datastore.open(self.datastore) as store:
            situation = Situation(
                ServicingType.CLEAN_INSTALL, self.configuration, store.status(), self.situation().facts
            )
            session = Session.resumed(situation, store, lambda _event: None)
            session.seals = record.seals_for(situation, store)
            PersistDatastore.compile(situation, Operation.FINALIZE).run(session)

    def start_anew(self) -> None:
        for path in self.ram.iterdir():
            path.unlink()
        self.ram.rmdir()

    def adopt(self) -> str | None:
        return adopt_staged_install(self.configuration, self.datastore)

    @contextlib.contextmanager
    def target_datastore(self) -> Iterator[Path]:
        MOUNT_DIRECTORY.mkdir(parents=True, exist_ok=True)
        with mounted(self.state, MOUNT_DIRECTORY):
            yield MOUNT_DIRECTORY / "datastore.sqlite"


def losetup(stack: contextlib.ExitStack, *options: str) -> Path:
    command = ["losetup", "--find", "--show", *options]
    node = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    stack.callback(subprocess.run, ["losetup", "--detach", node], check=True)
    return Path(node)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    image, nodes = tmp_path / "disk.raw", tmp_path / "by-partuuid"
    nodes.mkdir()
    with image.open("wb") as file:
        file.truncate(120 * MIB)
    monkeypatch.setattr(partitioning, "BY_PARTUUID", nodes)
    with contextlib.ExitStack() as stack:
        disk = losetup(stack, str(image))
        config = configuration(re.sub(r"device: \S+", f"device: {disk}", SMALL))
        made = partition_disk(disk, requests(config.storage.disks[0], "x86_64"))
        place = next(entry for entry in partitioning.read_table(disk).entries if entry.label == "state")
        bounds = ["--offset", str(place.start_sector * 512), "--sizelimit", str(place.sectors * 512)]
        state = losetup(stack, *bounds, str(image))
        subprocess.run(["mkfs.ext4", "-q", state], check=True)
        (nodes / place.uuid).symlink_to(state)
        paths = {name: str(nodes / uuid) for name, uuid in made.partition_uuids.items()}
        yield Machine(config, disk, state, tmp_path / "ram", paths, made.disk_uuid)
    assert mounts_below(RUN_DIRECTORY) == ()


def test_a_servicing_os_that_was_started_anew_knows_what_another_one_has_staged(machine: Machine) -> None:
    machine.stage()
    machine.start_anew()
    assert machine.adopt() is None
    with Datastore.open(machine.datastore) as store:
        status, entry = store.status(), store.history.current()
    assert status.servicing_state is ServicingState.CLEAN_INSTALL_STAGED
    assert status.is_management_os
    assert status.spec == machine.configuration.to_document()
    assert status.partition_paths == machine.nodes
    assert entry is not None
    assert (entry.state, entry.seals) == (EntryState.STAGED, machine.seals)
    assert [path.name for path in machine.ram.iterdir()] == ["datastore.sqlite"]
    assert machine.datastore.stat().st_mode & 0o777 == 0o600


def test_the_target_is_not_written_while_it_is_looked_at(machine: Machine) -> None:
    machine.stage()
    machine.start_anew()
    before = machine.state.read_bytes()
    assert machine.adopt() is None
    assert machine.state.read_bytes() == before


def test_the_copy_on_the_target_says_that_the_target_is_no_servicing_os(machine: Machine) -> None:
    machine.stage()
    with machine.target_datastore() as path, Datastore.open(path, read_only=True) as store:
        status = store.status()
        assert (status.servicing_state, status.is_management_os) == (
            ServicingState.CLEAN_INSTALL_STAGED,
            False,
        )
    machine.finalize()
    with machine.target_datastore() as path:
        with Datastore.open(path, read_only=True) as store:
            assert store.status().servicing_state is ServicingState.CLEAN_INSTALL_FINALIZED
            assert [entry.state for entry in store.history.entries()] == [EntryState.FINALIZED]
        assert [name.name for name in path.parent.glob("datastore*")] == ["datastore.sqlite"]


def test_power_lost_after_the_record_and_before_the_boot_order_is_made_good(machine: Machine) -> None:
    """The servicing OS boots again; the copy on the target says "finalized", and nothing booted it."""
    machine.stage()
    machine.finalize()
    machine.start_anew()
    assert machine.adopt() is None
    with Datastore.open(machine.datastore) as store:
        assert store.status().servicing_state is ServicingState.CLEAN_INSTALL_STAGED
    machine.finalize()


def test_power_lost_while_the_record_is_written_leaves_the_one_before(machine: Machine) -> None:
    machine.stage()
    with machine.target_datastore() as path:
        (path.with_name(f"{path.name}.new")).write_bytes(path.read_bytes()[:5000])
        (path.with_name(f"{path.name}.new-journal")).write_bytes(b"half")
    machine.start_anew()
    assert machine.adopt() is None
    machine.finalize()
    with machine.target_datastore() as path:
        assert [name.name for name in path.parent.glob("datastore*")] == ["datastore.sqlite"]


def test_a_volume_without_room_for_the_record_is_an_error_and_leaves_the_one_before(machine: Machine) -> None:
    machine.stage()
    with machine.target_datastore() as path:
        before = path.read_bytes()
        with contextlib.suppress(OSError), (path.parent / "full").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    with pytest.raises(Servicing) as caught:
        machine.finalize()
    assert caught.value.code in {"open-datastore", "write-to-datastore"}
    with machine.target_datastore() as path:
        assert path.read_bytes() == before


def rewrite(machine: Machine, change: Callable[[HostStatus], HostStatus]) -> None:
    with machine.target_datastore() as path, Datastore.open(path) as store:
        store.record(change(store.status()))


def with_content(content: bytes) -> Callable[[Machine], None]:
    def write(machine: Machine) -> None:
        with machine.target_datastore() as path:
            path.write_bytes(content)

    return write


def replaced_by(kind: str) -> Callable[[Machine], None]:
    def replace(machine: Machine) -> None:
        with machine.target_datastore() as path:
            path.unlink()
            if kind == "a link out of the volume":
                path.symlink_to("/etc/passwd")
            elif kind == "a directory":
                path.mkdir()
            elif kind == "a pipe":
                os.mkfifo(path)

    return replace


def relabel(machine: Machine) -> None:
    number = next(
        entry.number for entry in partitioning.read_table(machine.disk).entries if entry.label == "state"
    )
    subprocess.run(["sfdisk", "-q", "--part-label", machine.disk, str(number), "other"], check=True)


def repartition(machine: Machine) -> None:
    partition_disk(machine.disk, requests(machine.configuration.storage.disks[0], "x86_64"))


def another_root(machine: Machine) -> None:
    number = next(
        entry.number for entry in partitioning.read_table(machine.disk).entries if entry.label == "root-a"
    )
    uuid = "00000000-1111-4222-8333-444444444444"
    subprocess.run(["sfdisk", "-q", "--part-uuid", machine.disk, str(number), uuid], check=True)


def another_disk_id(machine: Machine) -> None:
    uuid = "00000000-1111-4222-8333-444444444444"
    subprocess.run(["sfdisk", "-q", "--disk-id", machine.disk, uuid], check=True)


MISFITS: dict[str, tuple[Callable[[Machine], object], str]] = {
    "another configuration": (
        lambda machine: rewrite(machine, lambda status: status.evolve(spec={"image": {}})),
        "another Host Configuration",
    ),
    "installed and committed": (
        lambda machine: rewrite(
            machine, lambda status: status.evolve(servicing_state=ServicingState.PROVISIONED)
        ),
        "'provisioned'",
    ),
    "never staged": (lambda machine: rewrite(machine, lambda _status: HostStatus()), "'not-provisioned'"),
    "a root partition that is another": (another_root, "root-a"),
    "the table of another disk": (another_disk_id, "not the disk that was staged"),
    "a disk that was partitioned anew": (repartition, "no partition for 'state' has a datastore"),
    "a label that is another": (relabel, "no partition for 'state' has a datastore"),
    "an erased table": (
        lambda machine: subprocess.run(["wipefs", "-q", "-a", "-f", machine.disk], check=True),
        "no partition table",
    ),
    "a volume that was erased": (
        lambda machine: subprocess.run(["wipefs", "-q", "-a", machine.state], check=True),
        "no partition for 'state' has a datastore",
    ),
    "an empty file": (with_content(b""), "no partition for 'state' has a datastore"),
    "a text": (with_content(b"hello\n" * 1000), "cannot be used"),
    "half a datastore": (with_content(b"SQLite format 3\0" + bytes(3000)), "cannot be used"),
    "no file": (replaced_by("nothing"), "no partition for 'state' has a datastore"),
    "a link out of the volume": (
        replaced_by("a link out of the volume"),
        "no partition for 'state' has a datastore",
    ),
    "a directory": (replaced_by("a directory"), "no partition for 'state' has a datastore"),
    "a pipe": (replaced_by("a pipe"), "no partition for 'state' has a datastore"),
    "a partition that the record does not name": (
        lambda machine: rewrite(
            machine,
            lambda status: status.evolve(partition_paths={**status.partition_paths, "state": "/dev/x"}),
        ),
        "state",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_match_is_not_adopted_and_told(machine: Machine, name: str) -> None:
    machine.stage()
    change, told = MISFITS[name]
    change(machine)
    machine.start_anew()
    reason = machine.adopt()
    assert reason is not None
    assert told in reason
    assert not list(machine.ram.glob("*"))


def test_a_disk_that_is_gone_is_told(machine: Machine, tmp_path: Path) -> None:
    config = configuration(re.sub(r"device: \S+", f"device: {tmp_path}/gone", SMALL))
    assert adopt_staged_install(config, machine.datastore) == f"there is no disk {tmp_path}/gone"


def test_a_target_without_an_agent_keeps_no_record(machine: Machine) -> None:
    trident = machine.configuration.trident.evolve(disable=True)
    reason = adopt_staged_install(machine.configuration.evolve(trident=trident), machine.datastore)
    assert reason is not None
    assert "trident.disable" in reason


def test_the_record_is_found_after_a_run_that_was_killed_with_the_volume_mounted(machine: Machine) -> None:
    machine.stage()
    subprocess.run(["mount", machine.state, MOUNT_DIRECTORY], check=True)
    machine.start_anew()
    assert machine.adopt() is None
    subprocess.run(["mount", machine.state, MOUNT_DIRECTORY], check=True)
    machine.finalize()
    assert mounts_below(MOUNT_DIRECTORY) == ()
