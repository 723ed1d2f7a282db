"""Records reach a real journald, and ``journalctl`` finds them by their fields."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pure.repository.project import ROOT

pytestmark = pytest.mark.machine

# A journald of its own: it sees another /run, in which it makes its socket and its files.
SCRIPT = """
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
/usr/lib/systemd/systemd-journald &
journald=$!
for _ in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.1; done
"$1" -c "$2"
for _ in $(seq 100); do
    journalctl --directory=/run/log/journal --identifier=trident --output=json --all --no-pager > "$3"
    [ "$(wc -l < "$3")" -ge 2 ] && break
    sleep 0.1
done
kill $journald
"""
SENDER = """
import logging
from trident.host.journal import Journal
for message in ("one\\ntwo", "x" * 3_000_000):
    record = logging.LogRecord("trident.x", logging.WARNING, "/x.py", 7, message, None, None, "work")
    record.context = {"verb": "update", "step": "write-image:root-b"}
    record.message_id = "0123456789abcdef0123456789abcdef"
    Journal().emit(record)
"""


def test_a_real_journald_takes_small_and_large_records(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    command = ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", sys.executable, SENDER, str(found)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    small, large = map(json.loads, found.read_text().splitlines())
    assert small["MESSAGE"] == "one\ntwo"
    assert large["MESSAGE"] == "x" * 3_000_000
    for entry in (small, large):
        assert (entry["PRIORITY"], entry["CODE_FUNC"], entry["CODE_LINE"]) == ("4", "work", "7")
        assert (entry["TRIDENT_VERB"], entry["TRIDENT_STEP"]) == ("update", "write-image:root-b")
        assert entry["MESSAGE_ID"] == "0123456789abcdef0123456789abcdef"
