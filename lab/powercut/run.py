"""Going through the moments of a story, some machines at a time."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable

from lab.http import Server
from lab.powercut.moment import Moment
from lab.powercut.report import Report
from lab.powercut.take import Take
from lab.powercut.trial import Trial, Verdict


def cut(
    take: Take,
    todo: Iterable[Moment],
    report: Report,
    *,
    jobs: int,
    more: Callable[[], bool] = lambda: True,
) -> None:
    """Cut the power at each moment of ``todo`` and add the verdicts to the report.

    Args:
        take: of which story.
        todo: the moments, in order: disks are put together by going forward.
        report: takes the verdicts.
        jobs: how many machines run at once.
        more: asked before each cut; whether there is time for it.
    """
    waiting: queue.SimpleQueue[Moment] = queue.SimpleQueue()
    for moment in todo:
        waiting.put(moment)
    with Server(take.port) as server:
        trials = [
            Trial(take, take.directory / f"job-{job}", server) for job in range(min(jobs, waiting.qsize()))
        ]
        workers = [
            threading.Thread(target=_work, args=(trial, waiting, report, more), daemon=True)
            for trial in trials
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


def _work(trial: Trial, waiting: queue.SimpleQueue[Moment], report: Report, more: Callable[[], bool]) -> None:
    while more():
        try:
            moment = waiting.get_nowait()
        except queue.Empty:
            break
        started = time.monotonic()
        try:
            verdict = trial.of(moment)
        except Exception as error:  # noqa: BLE001 -- a defect here must not pass for a machine that survived
            verdict = Verdict("", f"{type(error).__name__}: {error}")
        report.add(trial.take.story, moment, verdict, time.monotonic() - started)
    trial.end()
