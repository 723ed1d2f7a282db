"""Staging a full image over local HTTP, against ``curl | zstd -dc | dd`` on the same target.

The pipe verifies nothing; ours checks SHA-384, lengths and syncs. Rounds are interleaved, so that a machine
that is slow for a while is slow for both. Times are those of whole processes, interpreter start included.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.image import make_image
from bench.report import Budget, Report, Row, median_ratio
from trident.config.quantities import parse_byte_count
from trident.image.cosi.reader import Cosi, open_cosi

RATIO = 0.85
MEMORY = 96.0

_NGINX = """
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; sendfile on; tcp_nopush on;
    client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
    uwsgi_temp_path {directory}; scgi_temp_path {directory};
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""

# What the agent does to one image; in a process of its own, so that its start and its memory count.
_STAGE = """
import sys
from trident.image.cosi.reader import open_cosi
from trident.image.stream import write_image
with open_cosi(sys.argv[1], sys.argv[2]) as cosi:
    write_image(cosi, cosi.metadata.filesystem_at("/").image, sys.argv[3])
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def options(group: argparse._ArgumentGroup) -> None:
    """Add the options of this benchmark."""
    group.add_argument("--size", default="512M", help="size of the image (default 512M)")
    group.add_argument(
        "--target", choices=["all", "file", "loop"], default="all", help="what to write to (default all)"
    )


def run(arguments: argparse.Namespace) -> Report:
    """Measure."""
    size = parse_byte_count(arguments.size)
    cosi_file = make_image(arguments.work.resolve(), size).resolve()
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(_served(cosi_file.parent))
        url = f"{base}/{cosi_file.name}"
        cosi = stack.enter_context(open_cosi(url))
        report = Report("stream", _facts(cosi, arguments))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.work)))
        for kind in ("file", "loop") if arguments.target == "all" else (arguments.target,):
            target = stack.enter_context(_target(kind, scratch, size))
            _measure(report, cosi, url, kind=kind, target=target, rounds=arguments.rounds)
    return report


def _facts(cosi: Cosi, arguments: argparse.Namespace) -> dict[str, object]:
    root = cosi.metadata.filesystems[0].image
    return {
        "image": f"{root.uncompressed_size} bytes, {root.compressed_size} compressed",
        "server": "nginx on loopback",
        "rounds": arguments.rounds,
        "processors": os.cpu_count(),
    }


def _measure(report: Report, cosi: Cosi, url: str, *, kind: str, target: str, rounds: int) -> None:
    root = cosi.metadata.filesystems[0].image
    begin = cosi.offset_of(root)
    fetch = f"curl -sS --fail -r {begin}-{begin + root.compressed_size - 1} {url}"
    pipe_line = f"{fetch} | zstd -dcq | dd of={target} bs=4M conv=fsync,notrunc status=none"
    ours = [sys.executable, "-c", _STAGE, url, cosi.metadata_sha384, target]
    pipe = ["bash", "-o", "pipefail", "-c", pipe_line]
    times: dict[str, list[float]] = {"ours": [], "pipe": []}
    memory = 0.0
    _timed(pipe)
    _timed(ours)
    for turn in range(rounds):
        pair: Sequence[tuple[str, list[str]]] = (("ours", ours), ("pipe", pipe))
        for name, command in pair if turn % 2 else reversed(pair):
            seconds, printed = _timed(command)
            times[name].append(seconds)
            if name == "ours":
                memory = max(memory, int(printed) / 1024)
    ratio = median_ratio(times["ours"], times["pipe"])
    note = f"{ratio:.2f} of the pipe, peak {memory:.0f} MiB"
    report.rows += [
        Row(f"{kind}: trident, verified and synced", tuple(times["ours"]), note=note),
        Row(f"{kind}: curl | zstd -dc | dd", tuple(times["pipe"]), note="verifies nothing"),
    ]
    if kind == "loop":  # the promise is about block devices; a file is measured for comparison
        report.budgets.append(Budget("stream-vs-pipe", ratio, RATIO))
        report.budgets.append(Budget("stream-memory", memory, MEMORY, "MiB"))


def _timed(command: Sequence[str]) -> tuple[float, str]:
    """Seconds that one process took, from a quiet disk on, and what it printed."""
    os.sync()
    begun = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"bench: {command[0]} failed with exit code {done.returncode}")
    return seconds, done.stdout


@contextlib.contextmanager
def _served(root: Path) -> Iterator[str]:
    """An nginx on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        config = Path(directory) / "nginx.conf"
        config.write_text(
            "user root;\n" * (os.geteuid() == 0) + _NGINX.format(directory=directory, port=port, root=root)
        )
        server = subprocess.Popen(["/usr/sbin/nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
        try:
            _until(lambda: _listens(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit("bench: nginx did not start")
        time.sleep(0.02)


@contextlib.contextmanager
def _target(kind: str, scratch: Path, size: int) -> Iterator[str]:
    """A file, or a loop device over one. Both hold old bytes, as an inactive volume does."""
    file = scratch / f"target-{kind}.raw"
    subprocess.run(
        ["dd", "if=/dev/zero", f"of={file}", "bs=4M", f"count={size >> 22}", "status=none"], check=True
    )
    if kind == "file":
        yield str(file)
        return
    node = subprocess.check_output(["losetup", "--find", "--show", str(file)], text=True).strip()
    try:
        yield node
    finally:
        subprocess.run(["losetup", "--detach", node], check=True)
