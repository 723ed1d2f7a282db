"""A strike hits right after the transaction it is meant for: that one counts, and no later one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab import strike

pytestmark = pytest.mark.machine

AGENT = """\
from pathlib import Path
from trident.state.datastore import Datastore
with Datastore.create(Path("/var/lib/trident/datastore.sqlite")) as store:
    for number in range(3):
        store.note("stage", f"step-{number}", "begin")
print("through")
"""
COUNT = """\
import sqlite3
store = sqlite3.connect("/var/lib/trident/datastore.sqlite")
print(*store.execute("SELECT count(*) FROM journal").fetchone())
"""


def run_struck(folder: Path, signal: str, transaction: int) -> list[str]:
    """What the program, its exit code and its journal say; /var/lib and /tmp are the test's own."""
    (folder / "agent.py").write_text(AGENT)
    (folder / "count.py").write_text(COUNT)
    command = strike.struck(f"{sys.executable} {folder}/agent.py", signal, transaction)
    script = f"""
    mount -t tmpfs none /var/lib && mkdir /var/lib/trident
    mkdir {strike.PLACE} && mount -t tmpfs none {strike.PLACE}
    tar --extract --directory {strike.PLACE} --file {strike.archive()}
    sh -c '{command}' 2>/dev/null
    echo $?
    {sys.executable} {folder}/count.py
    """
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], check=False, capture_output=True, text=True
    )
    Path(strike.PLACE).rmdir()
    return done.stdout.split()


# The first transaction makes the tables, each later one is a line of the journal.
@pytest.mark.parametrize(("signal", "code"), [("KILL", "137"), ("TERM", "143")])
@pytest.mark.parametrize("transaction", [1, 2, 3, 4])
def test_a_strike_hits_after_its_transaction(
    tmp_path: Path, signal: str, code: str, transaction: int
) -> None:
    assert run_struck(tmp_path, signal, transaction) == [code, str(transaction - 1)]


def test_a_transaction_that_never_comes_is_not_struck(tmp_path: Path) -> None:
    assert run_struck(tmp_path, "KILL", 5) == ["through", "0", "3"]
