"""Signals that reach a program of several threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.pure.cli.asleep import wait_until_asleep
from trident.host.threads import start_thread

_SLEEPS = """
import threading, time, sys
from trident.cli.signals import leave_at_once
from trident.host.threads import start_thread
leave_at_once(0)
for number in range(16):
    start_thread(f"waits-{number}", threading.Event().wait)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_wakes_the_main_thread_also_where_it_comes_while_all_are_stopped(number: int) -> None:
    """As systemd-shutdown sends it: stop everything, SIGTERM, go on."""
    with subprocess.Popen([sys.executable, "-c", _SLEEPS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        wait_until_asleep(process.pid)
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


def test_a_thread_leaves_the_signals_of_the_one_that_started_it_alone() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    start_thread("ends", lambda: None).join()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
