"""The power goes at the worst moments of an update. './dev test powercut' cuts it at all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.http import Server
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
