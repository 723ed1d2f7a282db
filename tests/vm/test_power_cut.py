"""The power goes at the worst moments of an update. './dev test powercut' cuts it at all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import life
from lab.host_configuration import PATH
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from lab.powercut.moment import Moment, boundaries
from lab.powercut.story import STORIES
from lab.powercut.take import Take, taken
from lab.powercut.trial import Trial

pytestmark = pytest.mark.vm

(AB_UPDATE,) = (story for story in STORIES if story.name == "ab-update")


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    """An update from v1 to v2, all of its writes recorded."""
    return taken(AB_UPDATE, tmp_path_factory.mktemp("take"))


@pytest.fixture(scope="module")
def trial(take: Take, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with Server(take.port) as server:
        yield Trial(take, tmp_path_factory.mktemp("trial"), server)


def at(take: Take, line: str) -> Moment:
    """Right after a line was written to the journal."""
    return next(moment for moment in boundaries(take) if moment.name.startswith(line))


def in_the_midst_of(take: Take, step: str) -> Moment:
    """Half-way through a step, and all that was not flushed is lost."""
    begin, end = at(take, f"{step} begin"), at(take, f"{step} done")
    index = (begin.index + end.index) // 2
    writes = take.recording.writes
    unflushed = range(take.recording.last_flush(index), index)
    lost = tuple(i for i in unflushed if not writes[i].flush and not take.recording.is_variable(writes[i]))
    return Moment(f"in the midst of {step}", index, lost)


def test_half_an_image_is_written(take: Take, trial: Trial) -> None:
    verdict = trial.of(in_the_midst_of(take, "stage write-image:root-b"))

    assert verdict.lost == ""
    assert verdict.booted == "A 1 provisioned"


def test_status_says_finalized_and_the_firmware_knows_nothing_of_it(take: Take, trial: Trial) -> None:
    verdict = trial.of(at(take, "finalize finalize begin, ab-update-finalized"))

    assert verdict.lost == ""
    assert verdict.booted == "A 1 ab-update-staged", "commit reads in the journal that finalizing never ended"


def test_half_a_boot_entry_is_written(take: Take, trial: Trial) -> None:
    verdict = trial.of(in_the_midst_of(take, "finalize create-boot-entry"))

    assert verdict.lost == ""
    assert verdict.booted == "A 1 ab-update-staged"


def test_boot_next_is_set_and_the_journal_does_not_say_so_yet(take: Take, trial: Trial) -> None:
    done = at(take, "finalize set-boot-next done")
    variables = [i for i in range(done.index) if take.recording.is_variable(take.recording.writes[i])]
    verdict = trial.of(Moment("right after the write of BootNext", variables[-1] + 1))

    assert verdict.lost == ""
    assert verdict.booted == "B 2 provisioned"


def test_half_a_boot_order_is_written_at_commit(take: Take, trial: Trial) -> None:
    verdict = trial.of(in_the_midst_of(take, "commit commit-boot-order"))

    assert verdict.lost == ""
    assert verdict.booted in {"A 1 provisioned", "B 2 provisioned"}, "BootNext is used up; BootOrder decides"


def test_the_new_system_boots_for_good_and_status_does_not_say_so_yet(take: Take, trial: Trial) -> None:
    verdict = trial.of(at(take, "commit commit-boot-order done"))

    assert verdict.lost == ""
    assert verdict.booted == "B 2 provisioned"


def test_what_was_staged_before_the_cut_is_not_staged_again(
    runs_v1: Machine, server: Server, v2: Image
) -> None:
    life.configure(runs_v1, v2, server)
    runs_v1.run(f"trident update {PATH} --allowed-operations stage", seconds=300)
    fetched = server.bytes_served()
    runs_v1.power_cut()

    runs_v1.start()
    life.settle(runs_v1)
    now = life.standing(runs_v1)
    assert (now.slot, now.version, now.servicing_state) == ("A", "1", "ab-update-staged")
    life.servicing(runs_v1, f"trident update {PATH}")
    life.settle(runs_v1)
    now = life.standing(runs_v1)
    assert (now.slot, now.version, now.servicing_state) == ("B", "2", "provisioned")
    assert server.bytes_served() == fetched


def test_the_second_of_two_updates_is_told_who_holds_the_lock(
    runs_v1: Machine, server: Server, v2: Image
) -> None:
    life.configure(runs_v1, v2, server)
    gate = server.stall(v2.path.name, v2.size // 2)
    first = runs_v1.ssh.start(f"trident update {PATH} --allowed-operations stage")
    gate.wait_until_reached(120)

    second = runs_v1.run(f"trident update {PATH}", check=False)

    assert second.returncode != 0
    assert "servicing-in-progress" in second.stderr
    assert "trident update" in second.stderr
    gate.open()
    assert first.wait(300) == 0
