"""Files made to exhaust the reader: each ends in a verdict, in bounded memory and processor time."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pure.config.sample import VALID

MEBIBYTE = 1 << 20
ADDRESS_SPACE = 400 * MEBIBYTE  # what a Python that has loaded everything maps, plus the promised 256 MiB
SECONDS = 20  # of processor time: ten times the promise, as machines differ; a quadratic reader needs minutes

JUDGE = """
import sys
from trident.config.load import judge_host_configuration, read_source
from trident.config.report import render_problems
name, text = read_source(sys.argv[1])
problems = judge_host_configuration(text, name).problems
assert len(render_problems(problems)) < 1_000_000
print(problems[0].code if problems else "valid")
"""


def users(count: int, more: str = "") -> str:
    lines = "".join(f"    - {{name: u{number}{more}}}\n" for number in range(count))
    return VALID.replace("  netplan:", lines + "  netplan:")


def filesystems(line: str, count: int) -> str:
    lines = "".join(line.format(number) for number in range(count))
    return VALID.replace("os:\n  hostname", lines + "os:\n  hostname")


def pairs(line: str, count: int) -> str:
    return VALID.replace(
        "  filesystems:\n", "".join(line.format(n) for n in range(count)) + "  filesystems:\n"
    )


UNKNOWN = "".join(f"mountPiont{n}: 1\n" for n in range(90_000))
CLIMB = VALID.replace("path: /data", "path: " + "/.." * 2_000_000)
NUMBER = VALID.replace("size: grow", "size: " + "9" * 7_000_000)
INTERFACES = "{" + ",".join(f"e{n}: {{link: b}}" for n in range(40_000)) + "}"

HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "eight mebibytes of nothing": ("\n" * 8_000_000, "yaml-empty"),
    "eight mebibytes of one scalar": ("a: " + "x" * 8_000_000, "unknown-field"),
    "eight mebibytes of one key": ("x" * 8_000_000 + ": 1\n", "yaml-syntax"),
    "eight mebibytes of comments": ("# x\n" * 2_000_000, "yaml-empty"),
    "four million brackets": ("a: " + "[" * 4_000_000, "yaml-too-deep"),
    "two million question marks": ("? " * 2_000_000, "yaml-too-deep"),
    "a bad byte at the end": (b"a: 1\n" * 1_000_000 + b"\xff", "yaml-not-utf-8"),
    "a bad character at the end": ("a: 1\n" * 1_000_000 + "\x00", "yaml-invalid-character"),
    "one key a hundred thousand times": ("a: 1\n" * 100_000, "yaml-duplicate-key"),
    "a flow mapping of one line": ("a: {" + "ro," * 60_000 + "}", "unknown-field"),
    "ninety thousand unknown fields": (UNKNOWN, "unknown-field"),
    "ninety thousand aliases": ("a: &x 1\n" + "".join(f"a{n}: *x\n" for n in range(90_000)), "unknown-field"),
    "thirty thousand users": (users(30_000), "valid"),
    "thirty thousand misspelt values": (users(30_000, ", sshMode: key-onnly"), "unknown-value"),
    "twenty thousand unknown devices": (
        filesystems("    - {{deviceId: root-{0}, source: new, mountPoint: /m/{0}}}\n", 20_000),
        "non-existent-reference",
    ),
    "twenty thousand users of one device": (
        filesystems("    - {{deviceId: state, source: new, mountPoint: /m/{0}}}\n", 20_000),
        "referrer-forbidden-sharing",
    ),
    "twenty thousand pairs of one another": (
        pairs("      - {{id: r{0}, volumeAId: r{0}, volumeBId: root}}\n", 20_000),
        "invalid-reference-kind",
    ),
    "a path of two million steps": (CLIMB, "mount-point-path-climbs"),
    "a number of seven million digits": (NUMBER, "invalid-value"),
    "forty thousand interfaces": (
        VALID.replace("{lan: {dhcp4: true}}", INTERFACES),
        "valid",
    ),
}  # fmt: skip


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_a_verdict_within_bounds(name: str, tmp_path: Path) -> None:
    text, code = HOSTILE[name]
    path = tmp_path / "host.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = subprocess.run(
        [sys.executable, "-c", JUDGE, str(path)],
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, code, "")
