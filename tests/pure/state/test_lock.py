"""One servicing at a time; the lock dies with its holder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trident.errors import Initialization
from trident.state.lock import servicing_lock

_HOLD = """
import sys, time
from pathlib import Path
from trident.state.lock import servicing_lock
with servicing_lock("update", Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(path: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_caller_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lock"
    holder = hold(path)
    try:
        with pytest.raises(Initialization) as caught, servicing_lock("commit", path):
            pass
        assert caught.value.code == "servicing-in-progress"
        assert "'trident update'" in caught.value.message
        assert caught.value.details["pid"] == holder.pid
    finally:
        holder.kill()
        holder.wait()


def test_a_killed_holder_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = hold(path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with servicing_lock("update", path):
        pass


def test_the_lock_is_free_again_after_use(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for _ in range(2):
        with servicing_lock("update", path):
            pass


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[]", b'{"pid": "x"}', b'{"since": "never", "verb": 1, "pid": 1}']
)
def test_a_holder_that_wrote_nonsense_is_still_a_holder(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lock"
    holder = hold(path)
    try:
        path.write_bytes(content)
        with pytest.raises(Initialization, match="another Trident process"), servicing_lock("commit", path):
            pass
    finally:
        holder.kill()
        holder.wait()


def test_a_patient_caller_gets_the_lock_once_its_holder_ends(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = hold(path)
    asked = 0

    def end_holder() -> float:
        nonlocal asked
        asked += 1
        holder.kill()
        holder.wait()
        return 60.0

    with servicing_lock("commit", path, end_holder):
        assert json.loads(path.read_text())["verb"] == "commit"
    assert asked == 1


def test_patience_has_an_end_and_the_holder_is_named_then(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = hold(path)
    try:
        with pytest.raises(Initialization) as caught, servicing_lock("commit", path, lambda: 0.01):
            pass
        assert caught.value.code == "servicing-in-progress"
        assert caught.value.details["pid"] == holder.pid
    finally:
        holder.kill()
        holder.wait()


def test_who_has_to_wait_says_for_whom(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "lock"
    holder = hold(path)
    try:
        with pytest.raises(Initialization), servicing_lock("commit", path, lambda: 0.01):
            pass
    finally:
        holder.kill()
        holder.wait()
    assert "'trident update'" in caplog.text
    assert "Waiting" in caplog.text


def test_where_nobody_holds_the_lock_nobody_asks_for_patience(tmp_path: Path) -> None:
    with servicing_lock("commit", tmp_path / "lock", lambda: pytest.fail("it was asked")):
        pass
