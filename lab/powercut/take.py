"""Taking a story: the servicing runs once, to its end, and every write of it is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab import life, recording
from lab.errors import LabError
from lab.http import Server
from lab.powercut.story import Story
from lab.recording import Recording
from lab.tool import run_tool

_FACTS = "take.json"


@dataclass(frozen=True)
class Take:
    """A story as it went once.

    Attributes:
        story: which it is.
        directory: holds the recording.
        snapshot: the machine that it began with, by its name in the cache: agent, image and lab.
        port: of the web server; the Host Configuration names it, so the repeated command needs the same.
        disk_size: bytes of the disk.
        began: length of the log when the command was given.
        went_down: the same when the machine reset, or ``None`` if it did not.
        before: Host Configuration that ran before; after the servicing ``after``.
        after: the same after it.
        probed_before: what the story's probe said before; after the servicing ``probed_after``.
        probed_after: the same after it.
    """

    story: Story
    directory: Path
    snapshot: str
    port: int
    disk_size: int
    began: int
    went_down: int | None
    before: Any
    after: Any
    probed_before: str
    probed_after: str

    @cached_property
    def recording(self) -> Recording:
        """The writes."""
        return Recording(self.directory, self.disk_size)

    @cached_property
    def partitions(self) -> dict[str, tuple[int, int]]:
        """First byte and the one behind the last of each partition, by name."""
        table = json.loads(run_tool("sfdisk", "--json", self.recording.ground))["partitiontable"]
        size = table["sectorsize"]
        return {
            part["name"]: (part["start"] * size, (part["start"] + part["size"]) * size)
            for part in table["partitions"]
        }


def taken(story: Story, directory: Path) -> Take:
    """The take of an earlier run in ``directory``; if there is none, a new one.

    Raises:
        LabError: the earlier one is of another agent or another lab, or the servicing went wrong by itself.
    """
    facts = directory / _FACTS
    if not facts.exists():
        with Server() as server:
            take = _take(story, directory, server)
        known = {key: value for key, value in vars(take).items() if key not in ("story", "directory")}
        facts.write_text(json.dumps(known, indent=1), encoding="utf-8")
    take = Take(story, directory, **json.loads(facts.read_text(encoding="utf-8")))
    if take.snapshot != story.begins().path.name:
        raise LabError(
            f"The recording of '{story.name}' is of an earlier agent or lab. Begin anew, without --continue."
        )
    return take


def _take(story: Story, directory: Path, server: Server) -> Take:
    snapshot = story.begins()
    log = directory / recording.LOG
    with snapshot.recorded(directory, name=f"take-{story.name}") as machine:
        machine.wait_for_ssh()
        story.prepare(machine, server)
        before, probed_before = running_spec(life.standing(machine).status), machine.read(story.probe)
        machine.run(story.still)
        began, went_down = log.stat().st_size, None
        if story.reboots:
            life.servicing(machine, story.command)
            went_down = log.stat().st_size
            life.settle(machine)
        else:
            machine.run(story.command, seconds=300)
        now = life.standing(machine)
        if (now.slot, now.version, now.servicing_state) != (*story.after, "provisioned"):
            raise LabError(f"The servicing '{story.name}' went wrong by itself: {now.last_error}")
        after, probed_after = running_spec(now.status), machine.read(story.probe)
        size = (directory / recording.GROUND).stat().st_size - machine.variables_path.stat().st_size
    return Take(
        story, directory, snapshot.path.name, server.port, size, began, went_down,
        before, after, probed_before, probed_after,
    )  # fmt: skip


def running_spec(status: dict[str, Any]) -> Any:
    """The Host Configuration that runs, by a Host Status: ``spec``, or ``specOld`` while another waits."""
    return status.get("spec" if status.get("servicingState") == "provisioned" else "specOld")
