"""``trident diagnose`` on the machine that runs the tests, which no Trident has installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.machine


def trident(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trident", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "host.tar.zst"
    done = trident("diagnose", "--output", str(path))
    assert done.returncode == 0, done.stderr
    assert "Look it through" in done.stdout
    assert "datastore.sqlite: " in done.stderr, "what is missing is told"
    subprocess.run(["tar", "--zstd", "-xf", path, "-C", path.parent], check=True)
    return path.parent / "trident-diagnostics"


def test_tar_and_zstd_unpack_it_as_the_page_says(bundle: Path) -> None:
    report = json.loads((bundle / "report.json").read_text())
    for entry in report["collectedFiles"]:
        assert (bundle / entry["path"]).stat().st_size == entry["sizeBytes"]


def test_it_shows_the_machine_as_it_is(bundle: Path) -> None:
    host = json.loads((bundle / "report.json").read_text())["hostDescription"]
    assert host["platformInfo"]["kernel_version"] == os.uname().release
    assert host["platformInfo"]["total_cpu"] == os.cpu_count()
    targets = [entry["target"] for entry in host["mountInfo"]["filesystems"]]
    assert "/" in targets
    assert isinstance(host["blockdevInfo"], list)


def test_a_directory_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    done = trident("diagnose", "--output", str(tmp_path / "none" / "host.tar.zst"))
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error[execution-environment-misconfiguration/generate-diagnostics-bundle]: "
    )
    assert "No such file or directory" in done.stderr


def test_the_output_has_to_be_named() -> None:
    done = trident("diagnose")
    assert done.returncode == 2
    assert "--output" in done.stderr
