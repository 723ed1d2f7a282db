"""What is checked after a cut: the volume, the boot, what the agent says, and the repeated command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab import firmware, life
from lab.disk import Disk
from lab.errors import LabError
from lab.host_configuration import USER
from lab.http import Server
from lab.leftovers import LEFTOVERS
from lab.machine import Machine
from lab.powercut.moment import Moment
from lab.powercut.take import Take, running_spec
from lab.powercut.volume import digest_of_bytes, digest_of_files
from lab.recording import Replay


class Lost(Exception):
    """A check that failed."""


@dataclass(frozen=True)
class Verdict:
    """How a cut ended.

    Attributes:
        booted: slot, version and servicing state after the power came back, or nothing.
        lost: what is wrong; empty if nothing is.
    """

    booted: str
    lost: str


class Trial:
    """A place where moments of a take are tried, one after the other.

    Args:
        take: of which story.
        directory: for the disk that is put together there.
        server: has what the repeated command fetches.
    """

    def __init__(self, take: Take, directory: Path, server: Server) -> None:
        self.take, self._story, self._server = take, take.story, server
        self._replay = Replay(take.recording, directory)
        self._replay.go_to(take.recording.index_at(take.began))
        self._untouched = self._volume()

    def end(self) -> None:
        """Delete the disk."""
        self._replay.remove()

    def of(self, moment: Moment) -> Verdict:
        """Put the disk as it was at a moment, switch a machine on with it, and check everything."""
        booted = ""
        replay = self._replay
        with replay.losing(moment.index, moment.lost):
            try:
                if self._volume() != self._untouched:
                    raise Lost(f"{self._story.volume} is not as it was before the servicing")
                slot = _slot_to_boot(replay, moment)
                with self._machine() as machine:
                    life.settle(machine)
                    now = life.standing(machine)
                    booted = f"{now.slot} {now.version} {now.servicing_state}"
                    if slot is not None and now.slot != slot:
                        raise Lost(f"the firmware was told to boot {slot}")
                    self._check_truth(machine, now)
                    _check_leftovers(machine)
                    self._check_repeating(machine, now)
            except (LabError, Lost) as error:
                return Verdict(booted, str(error))
        return Verdict(booted, "")

    def _machine(self) -> Machine:
        # One processor: two machines with one each get further than one with two.
        disk, variables = Disk.copy_of(self._replay.disk, "raw"), self._replay.variables
        return Machine(disk, variables=variables, user=USER, processors=1, name="cut")

    def _volume(self) -> str:
        """A digest of what must stay as it is, on the disk as it is put together now."""
        story, disk = self._story, self._replay.disk
        begin, end = self.take.partitions[story.volume]
        if story.may_change is None:
            return digest_of_bytes(disk, begin, end)
        return digest_of_files(disk, begin, end, story.may_change)

    def _check_truth(self, machine: Machine, now: life.Standing) -> None:
        """Host Status is that of the system that runs, which is the one before or the one after."""
        story, take = self._story, self.take
        spec, state = running_spec(now.status), now.servicing_state
        runs = (now.slot, now.version, machine.read(story.probe))
        volume = {"A": "volume-a", "B": "volume-b"}.get(now.slot)
        if now.status.get("abActiveVolume") != volume:
            raise Lost(f"{now.slot} runs, and Host Status says {now.status.get('abActiveVolume')}")
        if runs == (*story.after, take.probed_after) and state == "provisioned":
            if spec != take.after:
                raise Lost("the new system runs, and Host Status has another configuration")
        elif runs == (*story.before, take.probed_before) and state in ("provisioned", *story.waiting):
            if spec != take.before:
                raise Lost("the old system runs, and Host Status has another configuration")
        else:
            raise Lost(f"neither as before nor as after the servicing: {runs}, {state}")
        entry = f"trident-{now.slot.lower()}"
        if now.boot_order[:1] != (entry,) or now.boot_next is not None:
            raise Lost(f"{now.slot} runs; next boots {now.boot_next}, then {', '.join(now.boot_order)}")

    def _check_repeating(self, machine: Machine, now: life.Standing) -> None:
        """The same command leads to the system after, or says that there is nothing left to do."""
        story = self._story
        after = (*story.after, self.take.probed_after)
        story.prepare(machine, self._server)
        if story.reboots and (now.slot, now.version) != story.after:
            life.servicing(machine, story.command)
            life.settle(machine)
        else:
            machine.run(story.command, seconds=300)
        done = life.standing(machine)
        runs = (done.slot, done.version, machine.read(story.probe))
        if runs != after or done.servicing_state != "provisioned" or done.last_error:
            raise Lost(f"after the repeated command: {runs}, {done.servicing_state} {done.last_error}")
        self._check_truth(machine, done)
        _check_leftovers(machine)


def _slot_to_boot(replay: Replay, moment: Moment) -> str | None:
    """The slot that the variables name; at a random moment one of them may be half written: ``None``."""
    if moment.label is None:
        return None
    variables = firmware.read_boot_variables(replay.variables)
    label = variables.next_label or next(iter(variables.order_labels), "")
    return {"trident-a": "A", "trident-b": "B"}.get(label)


def _check_leftovers(machine: Machine) -> None:
    left = machine.read(LEFTOVERS)
    if left:
        raise Lost(f"left over: {'; '.join(left.splitlines())}")
