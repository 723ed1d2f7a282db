"""What a machine tells of itself: 'trident get', logs, progress for programs, a bundle for helpers."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import life
from lab.host_configuration import PATH, Additions
from lab.http import Server
from lab.images import Image
from lab.machine import Machine
from tests.vm.watch import failed

pytestmark = pytest.mark.vm

SECRET = "correct-horse-battery"
EVENTS = "/tmp/events"
SCRIPT = {
    "name": "say-it",
    "runOn": ["ab-update"],
    "environmentVariables": {"PASSPHRASE": SECRET},
    "content": 'echo "the word is $PASSPHRASE"\n',
}


@pytest.fixture(scope="module")
def staged(v1: Image, v2: Image) -> Iterator[Machine]:
    """A machine that runs v1 and has just staged v2; a script of the stage has said a secret."""
    with Server() as server, life.installed(v1).resume("told") as machine:
        machine.wait_for_ssh()
        life.configure(machine, v2, server, additions=Additions(scripts={"preServicing": [SCRIPT]}))
        machine.run(
            f"trident update {PATH} --allowed-operations stage --progress-fd 3 3>{EVENTS}", seconds=300
        )
        yield machine


def test_get_says_the_same_in_yaml_in_json_and_into_a_file(runs_v2: Machine) -> None:
    for kind in ("status", "configuration", "last-error", "rollback-chain", "rollback-target"):
        told = runs_v2.read(
            f"trident get {kind}; echo ---; trident get {kind} --output json; echo ---; "
            f"trident get {kind} --outfile /tmp/file; cat /tmp/file"
        )
        as_yaml, as_json, in_file = told.split("---\n")
        expected = yaml.safe_load(as_yaml)
        assert json.loads(as_json) == expected, kind
        assert yaml.safe_load(in_file) == expected, kind
        assert (not expected) == (kind == "last-error"), kind


def test_a_program_follows_the_progress(staged: Machine) -> None:
    events = [json.loads(line) for line in staged.read(f"cat {EVENTS}").splitlines()]

    assert (events[0]["event"], events[-1]["event"]) == ("ServicingBegun", "ServicingEnded")
    assert (events[-1]["outcome"], events[-1]["needsReboot"]) == ("done", False)
    begun = [event["step"] for event in events if event["event"] == "StepBegun"]
    assert [event["step"] for event in events if event["event"] == "StepEnded"] == begun
    moved = [event for event in events if event["event"] == "BytesMoved"]
    assert moved[-1]["done"] == moved[-1]["total"]


def test_the_full_log_and_the_journal_have_a_line_for_each_step(staged: Machine) -> None:
    steps = [
        event["step"]
        for event in map(json.loads, staged.read(f"cat {EVENTS}").splitlines())
        if event["event"] == "StepEnded"
    ]
    full = list(map(json.loads, staged.read("cat /var/log/trident-full.log").splitlines()))
    told = [line["step"] for line in full if "step" in line and "done after" in line["message"]]
    assert told[-len(steps) :] == steps
    assert staged.read("stat --format=%a /var/log/trident-full.log").strip() == "600"
    assert "done after" in staged.read("cat /var/lib/trident/trident-ab-update-staged-*.log")

    fields = "TRIDENT_VERB=update TRIDENT_SERVICING_TYPE=ab-update TRIDENT_OPERATION=stage"
    journal: list[dict[str, Any]] = [
        json.loads(line) for line in staged.read(f"journalctl -t trident --output json {fields}").splitlines()
    ]
    assert {line["TRIDENT_STEP"] for line in journal if "TRIDENT_STEP" in line} >= set(steps)
    assert staged.read("journalctl MESSAGE_ID=2358a17612d8480e84b732ca4628e861 --output cat")


def test_a_bundle_holds_what_explains_the_machine_and_no_secret(staged: Machine, tmp_path: Path) -> None:
    staged.run("trident diagnose --journal --output /tmp/host.tar.zst", seconds=300)
    archive = tmp_path / "host.tar.zst"
    archive.write_bytes(base64.b64decode(staged.read("base64 /tmp/host.tar.zst")))
    subprocess.run(["tar", "--zstd", "-xf", archive, "-C", tmp_path], check=True)
    bundle = tmp_path / "trident-diagnostics"

    report = json.loads((bundle / "report.json").read_text())
    missing = {failure["item"] for failure in report["collectionFailures"]}
    assert missing <= {"pcrlock log", "tpm/pcrlock.json", "files/config.yaml"}, "no TPM, and no settings file"
    for name in ("logs/trident-full.log", "datastore.sqlite", "history.json", "full-journal"):
        assert (bundle / name).stat().st_size
    assert list((bundle / "disks").iterdir())
    assert "trident-a" in (bundle / "boot-entries.json").read_text()
    assert SECRET in staged.read(f"cat {PATH}")
    leaks = [path for path in bundle.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert leaks == []
    assert SECRET not in staged.read("cat /var/log/trident-full.log; journalctl -t trident")


def test_a_datastore_that_cannot_be_read_is_an_error_and_no_empty_state(runs_v1: Machine) -> None:
    runs_v1.run("cp /var/lib/trident/datastore.sqlite /tmp/whole")
    place = "'/var/lib/trident/datastore.sqlite'"
    newer = f"import sqlite3; sqlite3.connect({place}).execute('PRAGMA user_version=99')"
    for damage, code in (
        (f'python3 -c "{newer}"', "datastore-newer"),
        ("printf 'no datastore' > /var/lib/trident/datastore.sqlite", "load-host-status"),
        ("rm /var/lib/trident/datastore.sqlite", "datastore-not-found"),
    ):
        runs_v1.run(damage)
        failed(runs_v1.run("trident get", check=False), code)
        assert runs_v1.run("trident commit", check=False).returncode == 2
    runs_v1.run("cp /tmp/whole /var/lib/trident/datastore.sqlite")
    assert life.standing(runs_v1).servicing_state == "provisioned"
