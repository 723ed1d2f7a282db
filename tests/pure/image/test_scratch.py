"""The scratch directory of a build: gone afterwards, and what a killed build left goes with the next."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trident.image.build.scratch import scratch_directory

KILLED = """
import pathlib, sys, time
from trident.image.build.scratch import scratch_directory
with scratch_directory(pathlib.Path(sys.argv[1])) as scratch:
    (scratch / "root.raw").write_bytes(b"x")
    print("ready", flush=True)
    time.sleep(600)
"""


def build(directory: Path) -> subprocess.Popen[str]:
    """Another process that works in a scratch directory until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_it_is_gone_however_the_body_ends(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), scratch_directory(tmp_path) as scratch:
        (scratch / "file").touch()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    with build(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    (left,) = tmp_path.iterdir()
    assert (left / "root.raw").exists()
    with scratch_directory(tmp_path) as scratch:
        assert list(tmp_path.iterdir()) == [scratch]


def test_a_build_that_still_runs_keeps_its_own(tmp_path: Path) -> None:
    with build(tmp_path) as process:
        (other,) = tmp_path.iterdir()
        with scratch_directory(tmp_path) as scratch:
            assert set(tmp_path.iterdir()) == {other, scratch}
        assert (other / "root.raw").exists()
        process.kill()
