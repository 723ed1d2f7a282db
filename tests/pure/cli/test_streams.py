"""Standard streams that are closed, full, left by their reader, or not UTF-8; signals that are ignored."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[3] / "docs/samples/ab-vm.yaml"


def shell(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A shell script in which ``$T`` is the command."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script, "bash", *map(str, arguments)],
        env={**os.environ, "T": f"{sys.executable} -m trident", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(closed: str) -> None:
    done = shell(f'$T validate "$1" {closed}', SAMPLE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert shell(f"$T validate /nonexistent {closed}").returncode == 2


def test_a_closed_standard_input_is_an_empty_one() -> None:
    done = shell("$T validate - <&-")
    assert done.returncode == 2
    assert b"panic" not in done.stderr


def test_a_closed_descriptor_is_never_that_of_another_file() -> None:
    code = "import os, trident.cli.streams as s; s.prepare_streams(); print(os.open('/etc/passwd', 0))"
    done = shell(f'{sys.executable} -c "{code}" <&- 2>&-')
    assert int(done.stdout) > 2


@pytest.mark.parametrize("options", ["", "--output json"])
def test_a_full_disk_behind_stdout_is_one_error(options: str) -> None:
    done = shell(f'$T validate {options} "$1" >/dev/full', SAMPLE)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error[execution-environment-misconfiguration/write-output]: ")
    assert b"Traceback" not in done.stderr
    assert b"ignored" not in done.stderr


@pytest.mark.parametrize(("file", "code"), [(SAMPLE, 0), (os.devnull, 2)], ids=["valid", "invalid"])
def test_a_reader_that_went_away_does_not_change_the_exit_code(file: object, code: int) -> None:
    done = shell('(sleep 0.3; $T validate --output json "$1"; echo $? >&2) | true', file)
    assert done.stderr.split() == [str(code).encode()]
    done = shell('{ (sleep 0.3; $T validate "$1" 2>&1 >/dev/null; echo $? >&3) | true; } 3>&2', file)
    assert done.stderr.split() == [str(code).encode()]


def test_any_text_goes_to_any_terminal(tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    sample = tmp_path / "h\N{LATIN SMALL LETTER O WITH DIAERESIS}st.yaml"
    sample.write_bytes(SAMPLE.read_bytes())
    assert shell('$T validate "$1"', sample, **ascii_only).returncode == 0
    strict = {**ascii_only, "PYTHONIOENCODING": "ascii:strict"}
    assert shell('$T validate "$1"', sample, **strict).returncode == 0


def test_nohup_keeps_a_command_alive() -> None:
    code = "import signal, trident.cli.main as m; m.main(['validate', '/dev/null']); "
    code += "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    done = shell(f'trap "" HUP; {sys.executable} -c "{code}" 2>/dev/null')
    assert done.stdout.split() == [b"True"]
