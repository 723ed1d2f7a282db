"""A host for the verbs: real datastore, lock and firmware variables, injected facts, no disk."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.pure.servicing.situations import configuration, facts, image, status
from trident.config.model import HostConfiguration
from trident.host.efi import EfiVariables
from trident.host.loadoption import HardDrive, LoadOption
from trident.plan.preview import Preview
from trident.plan.session import Session
from trident.plan.situation import BootType, Facts
from trident.plan.step import Operation, Phase, Step
from trident.servicing import commit as commit_verb
from trident.servicing import install as install_verb
from trident.servicing import preview as preview_verb
from trident.servicing import rollback as rollback_verb
from trident.servicing import runtime, switch
from trident.servicing import update as update_verb
from trident.servicing.environment import Environment, Outcome
from trident.servicing.execute import execute, execute_all
from trident.servicing.rollback import Wish
from trident.state import connection
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, HostStatus

ESP = HardDrive(1, 2048, 1048576, "11223344-5566-7788-99aa-bbccddeeff00")
FIRMWARE_STEPS = {"create-boot-entry", "set-boot-next", "commit-boot-order"}
BOTH = frozenset({Operation.STAGE, Operation.FINALIZE})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Simulated(Step):
    """A step of the plan, carried out by the host of the test."""

    step: Step
    host: Host

    @classmethod
    def of(cls, step: Step, host: Host) -> Simulated:
        inherited = {field.name: getattr(step, field.name) for field in dataclasses.fields(Step)}
        return cls(**inherited, step=step, host=host)

    def run(self, session: Session) -> None:
        self.host.run_step(self.step, session)


class Host:
    """A provisioned host on volume A that runs v1; ``root`` is the volume that it has booted."""

    def __init__(self, directory: Path) -> None:
        efivars = directory / "efivars"
        efivars.mkdir()
        self.variables = EfiVariables(efivars)
        for number, label in enumerate(("UiApp", "trident-a", "trident-b")):
            self.variables.write(f"Boot{number:04X}", LoadOption(label, ESP, f"\\{label}.efi").encode())
        self.order("trident-a", "UiApp", "trident-b")
        agent = directory / "trident.conf"
        agent.write_text(f"DatastorePath={directory}/state/datastore.sqlite\n")
        self.environment = Environment(agent, directory / "lock")
        with Datastore.create(self.environment.datastore_path) as store:
            store.record(status(AbVolume.A, configuration()))
        self.root = "root-a"
        self.written: list[str] = []
        # What each volume was made from; nothing while it is half written.
        self.content = {"root-a": configuration().to_document(), "root-b": {}}
        # What netplan was told last on the running system.
        self.network: Mapping[str, Any] | None = None
        self.before_step: Callable[[Step], None] = lambda _step: None
        # Of the metadata of the image that every URL leads to.
        self.image_sha384 = "1" * 96

    def go_blank(self) -> None:
        """Become a machine on which nothing is installed, and that runs a servicing OS from RAM."""
        self.environment.datastore_path.unlink()
        self.root = "ram"

    def facts(self, _configuration: HostConfiguration, _paths: Mapping[str, str]) -> Facts:
        if self.root == "ram":
            return facts(BootType.RAM_DISK)
        return dataclasses.replace(facts(), root_device=f"/dev/disk/by-partuuid/{self.root}")

    def execute(
        self,
        steps: Sequence[Step],
        session: Session,
        datastore: Datastore,
        before: Callable[[Step], None] = lambda _step: None,
    ) -> None:
        """The executor itself, with steps that come back to this host."""
        execute([Simulated.of(step, self) for step in steps], session, datastore, before)

    def execute_all(self, steps: Sequence[Step], session: Session, datastore: Datastore) -> None:
        """The same for what runs every step."""
        execute_all([Simulated.of(step, self) for step in steps], session, datastore)

    def run_step(self, step: Step, session: Session) -> None:
        """Carry out what concerns the firmware; note what any other step would write."""
        self.before_step(step)
        if step.id in FIRMWARE_STEPS:
            step.run(session)
        else:
            self.assert_written_volume_is_out_of_reach(step)
            self.written += step.touches
            if step.id.startswith("stage-boot-files"):
                self.content[step.touches[0]] = {}
            elif step.phase is Phase.PARTITION:
                session.partition_paths.update(status(AbVolume.A, configuration()).partition_paths)
            elif step.id == "apply-netplan":
                self.network = session.situation.desired.os.netplan
            elif step.id.startswith("write-image"):
                self.content[step.touches[0]] = session.situation.desired.to_document()

    def assert_written_volume_is_out_of_reach(self, step: Step) -> None:
        """What is written now is neither what runs nor what the firmware would boot."""
        assert self.root not in step.touches
        if step.operation is Operation.STAGE and {"root-a", "root-b"} & set(step.touches):
            other = {"root-a": "trident-b", "root-b": "trident-a"}.get(self.root)
            assert self.next_boot() != other

    def status(self) -> HostStatus:
        with Datastore.open(self.environment.datastore_path, read_only=True) as store:
            return store.status()

    def order(self, *labels: str) -> None:
        for label in reversed(labels):
            self.variables.move_first(self.variables.number_of(label))

    def next_boot(self) -> str:
        """Label of what the firmware starts next."""
        labels = {entry.number: entry.label for entry in self.variables.entries()}
        pending = self.variables.boot_next()
        return labels[pending if pending is not None else self.variables.boot_order()[0]]

    def boot(self, root: str | None = None) -> None:
        """Power cycle, into what the firmware starts next, or into ``root`` in spite of it."""
        self.root = root or self.next_boot().replace("trident", "root")
        self.variables.clear_boot_next()

    def update(self, desired: HostConfiguration, operations: frozenset[Operation] = BOTH) -> Outcome:
        return update_verb.update(desired, operations, self.environment)

    def install(self, desired: HostConfiguration, operations: frozenset[Operation] = BOTH) -> Outcome:
        return install_verb.install(desired, operations, self.environment)

    def preview(self, desired: HostConfiguration) -> Preview:
        return preview_verb.preview(desired, self.environment)

    def rollback(self, wish: Wish = Wish.NEXT, operations: frozenset[Operation] = BOTH) -> Outcome:
        return rollback_verb.rollback(wish, operations, self.environment)

    def commit(self) -> Outcome:
        return commit_verb.commit(self.environment)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The host, with everything below the verbs that needs a real machine replaced."""
    connect = connection._connect

    def connected(path: Path, mode: str) -> sqlite3.Connection:
        raw = connect(path, mode)
        raw.execute("PRAGMA synchronous = OFF")  # The disk of these tests does not lose power.
        return raw

    monkeypatch.setattr(connection, "_connect", connected)
    host = Host(tmp_path)

    @contextlib.contextmanager
    def opened(_configuration: HostConfiguration, **_patience: object) -> Iterator[Any]:
        yield SimpleNamespace(metadata=image(), metadata_sha384=host.image_sha384)

    monkeypatch.setattr(EfiVariables.__init__, "__defaults__", (host.variables.directory,))
    for verb in (install_verb, update_verb, commit_verb, rollback_verb):
        monkeypatch.setattr(verb, "require_root", lambda: None)
    for room in (install_verb, update_verb, commit_verb, rollback_verb, preview_verb, switch, runtime):
        monkeypatch.setattr(room, "gather_facts", host.facts)
    for room in (install_verb, update_verb, commit_verb, switch, runtime):
        monkeypatch.setattr(room, "execute", host.execute)
    monkeypatch.setattr(runtime, "execute_all", host.execute_all)
    monkeypatch.setattr("trident.servicing.alone.unmount_below", lambda _directory: ())
    monkeypatch.setattr("trident.servicing.alone.remove_left_copies", lambda: None)
    for room in (runtime, commit_verb, update_verb):
        monkeypatch.setattr(room, "forget_extensions", lambda _datastore, *_staging: None)
    for verb in (install_verb, update_verb, rollback_verb, preview_verb):
        monkeypatch.setattr(verb, "require_tools", lambda _situation: None)
    for verb in (install_verb, update_verb, preview_verb):
        monkeypatch.setattr(verb, "open_image", opened)
    monkeypatch.setattr(install_verb, "adopt_staged_install", lambda *_: "there is no disk")
    monkeypatch.setattr(
        "trident.subsystems.boot.entries._load_option",
        lambda _session, _esp, slot: LoadOption(slot.name, ESP, f"\\{slot.name}.efi"),
    )
    return host
