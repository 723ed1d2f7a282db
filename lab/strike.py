"""A signal that strikes the agent right after the n-th transaction of its datastore.

strace sends it (``--inject``) as the agent enters a system call, so it is neither early nor late, and the
agent knows nothing of it. SQLite syncs the datastore's directory twice in a transaction: once its journal
is in it, and once it is gone, which makes the transaction last.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import debian
from lab.cache import cached, digest
from lab.machine import Machine
from lab.tool import run_tool

PLACE = "/tmp/lab-strace"
_LIBRARIES = ("ld-linux-x86-64.so.2", "libc.so.6", "liblzma.so.5", "libunwind*.so.*")
_DIRECTORY = "/var/lib/trident"
_SYNCS = "fsync,fdatasync"


def prepare(machine: Machine) -> None:
    """Put strace into a machine; it is in no image of the lab."""
    machine.run(
        f"mkdir {PLACE} && tar --extract --directory {PLACE}",
        stdin=archive().read_bytes(),
    )


def struck(command: str, signal: str, transaction: int) -> str:
    """The shell command that runs ``command`` and sends it a signal right after one of its transactions.

    Args:
        command: a command of the agent.
        signal: ``KILL`` or ``TERM``.
        transaction: counted from 1.
    """
    loader = f"{PLACE}/ld-linux-x86-64.so.2 --library-path {PLACE} {PLACE}/strace"
    inject = f"inject={_SYNCS}:signal={signal}:when={2 * transaction}"
    # Of its threads only the first, which alone writes to the datastore.
    options = f"-o /dev/null -P {_DIRECTORY} -e trace={_SYNCS} -e {inject}"
    # A shell that stays makes an exit code of a deadly signal; ssh knows none for it.
    return f"{loader} {options} {command} || exit $?"


def archive() -> Path:
    """A tar of strace with its libraries, all in one directory."""
    tree_archive = debian.tree("strace", ("strace",), variant="extract")

    def build(path: Path) -> None:
        tree = debian.unpack(tree_archive, path.with_name("tree"))
        path.mkdir()
        found = [tree / "usr/bin/strace"]
        for pattern in _LIBRARIES:
            found += sorted((tree / "usr/lib/x86_64-linux-gnu").glob(pattern))
        flat = path.with_name("flat")
        flat.mkdir()
        for file in found:
            shutil.copy(file, flat)  # links become files
        run_tool("tar", "--create", "--file", path / "strace.tar", "--directory", flat, ".")

    return cached("strace-files", digest(tree_archive.name, Path(__file__)), build) / "strace.tar"
