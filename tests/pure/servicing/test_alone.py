"""What a run that was killed has left is cleared away before another one begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pure.servicing.hosts import Host, host
from trident.errors import Initialization
from trident.host.netplan import remove_left_copies
from trident.servicing.alone import alone
from trident.state.lock import servicing_lock

__all__ = ["host"]

PASSWORD = "network: {wifis: {w: {access-points: {home: {password: correct-horse}}}}}"


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of netplan's files, which holds a password, beside what is none."""
    run = tmp_path / "run"
    for name in ("netplan-x1", "scripts"):
        file = run / name / "etc/netplan/99-trident.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(PASSWORD)
    monkeypatch.setattr("trident.servicing.alone.remove_left_copies", lambda: remove_left_copies(run))
    return run


def test_copies_of_netplans_files_are_removed_and_nothing_else(host: Host, left: Path) -> None:
    with alone("update", host.environment):
        assert [entry.name for entry in left.iterdir()] == ["scripts"]


def test_those_of_a_run_that_goes_on_are_left_alone(host: Host, left: Path) -> None:
    with (
        servicing_lock("update", host.environment.lock),
        pytest.raises(Initialization),
        alone("commit", host.environment),
    ):
        pass
    assert (left / "netplan-x1").exists()


def test_where_nothing_was_left_nothing_happens(tmp_path: Path) -> None:
    remove_left_copies(tmp_path / "absent")
