"""The report of a run: one line for each cut, and a file with all of them."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.powercut.moment import Moment
from lab.powercut.story import Story
from lab.powercut.trial import Verdict


@dataclass(frozen=True)
class Cut:
    """One cut.

    Attributes:
        story: which servicing.
        moment: when, in words; ``index`` in writes of the recording.
        index: see ``moment``.
        booted: what the machine was after the power came back.
        lost: what is wrong; empty if the machine survived.
        seconds: how long boot and checks took.
    """

    story: str
    moment: str
    index: int
    booted: str
    lost: str
    seconds: float


class Report:
    """What is known so far, written after every cut, so that a run can go on where another ended.

    Args:
        path: of the file (JSON).
        seed: of the random moments; an earlier run's is kept.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self.path, self.seed = path, seed
        self.cuts: list[Cut] = []
        self._lock = threading.Lock()
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            self.seed = known["seed"]
            self.cuts = [Cut(**entry) for entry in known["cuts"]]

    @property
    def lost(self) -> int:
        """How many did not survive."""
        return sum(1 for cut in self.cuts if cut.lost)

    def has(self, story: Story, moment: Moment) -> bool:
        """Whether a cut was made already, and survived."""
        wanted = (story.name, moment.index, "")
        return any((cut.story, cut.index, cut.lost) == wanted for cut in self.cuts)

    def add(self, story: Story, moment: Moment, verdict: Verdict, seconds: float) -> None:
        """Keep a cut, in place of an earlier one at the same moment, and print its line."""
        cut = Cut(story.name, moment.name, moment.index, verdict.booted, verdict.lost, round(seconds, 1))
        with self._lock:
            same = (cut.story, cut.index)
            self.cuts = [*(old for old in self.cuts if (old.story, old.index) != same), cut]
            self._write()
            said = f"LOST: {cut.lost}" if cut.lost else "survived"
            print(
                f"{cut.story:<12} {cut.moment:<70} booted {cut.booted or 'nothing':<24} "
                f"{cut.seconds:4.0f} s  {said}",
                flush=True,
            )

    def _write(self) -> None:
        partial = self.path.with_suffix(".partial")
        document = {"seed": self.seed, "cuts": [asdict(cut) for cut in self.cuts]}
        partial.write_text(json.dumps(document, indent=1), encoding="utf-8")
        partial.replace(self.path)
