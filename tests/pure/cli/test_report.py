"""Files that reports are saved to."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from trident.cli.report import save_text
from trident.errors import InvalidInput


def test_only_its_owner_can_read_a_report(tmp_path: Path) -> None:
    target = tmp_path / "status.yaml"
    target.write_text("old")
    target.chmod(0o644)
    save_text("new", str(target))
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("planted", ["link", "file"])
def test_what_somebody_planted_beside_a_report_is_not_written_through(tmp_path: Path, planted: str) -> None:
    victim, trap = tmp_path / "victim", tmp_path / ".status.yaml.new"
    victim.write_text("precious")
    trap.symlink_to(victim) if planted == "link" else os.link(victim, trap)
    save_text("new", str(tmp_path / "status.yaml"))
    assert victim.read_text() == "precious"


def test_a_pipe_is_written_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=save_text, args=("text", str(pipe)))
    writer.start()
    assert pipe.read_text() == "text"
    writer.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_devices_and_links_to_them_stay(tmp_path: Path) -> None:
    for name in ("/dev/null", "/proc/self/fd/1"):
        save_text("", name)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "/", "missing/status.yaml", "a\0b", "x" * 300])
def test_a_place_that_cannot_be_written_is_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        save_text("text", name)
    assert caught.value.code == "write-output-file"
