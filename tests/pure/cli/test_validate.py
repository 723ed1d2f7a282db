"""``trident validate`` of files that are right, wrong, missing, and several at once."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.pure.config.sample import VALID, edited
from trident.cli.main import main

BROKEN = edited(("sshMode: key-only", "sshMode: keyonly"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a valid file and a broken one, to be in."""
    (tmp_path / "good.yaml").write_text(VALID)
    (tmp_path / "bad.yaml").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_several_files_are_told_in_order_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "bad.yaml", "good.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == "good.yaml is a valid Host Configuration.\n1 of 2 Host Configurations are valid.\n"
    assert " --> bad.yaml:24:28 (os.users[0].sshMode)" in told.err


@pytest.mark.usefixtures("folder")
def test_all_valid_is_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "good.yaml", "good.yaml"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_read_does_not_hide_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "gone.yaml", ".", "bad.yaml"]) == 2
    told = capsys.readouterr()
    assert "gone.yaml cannot be read: No such file or directory." in told.err
    assert "The Host Configuration . cannot be read: Is a directory." in told.err
    assert "bad.yaml:24:28" in told.err
    assert told.out == "0 of 3 Host Configurations are valid.\n"


@pytest.mark.usefixtures("folder")
def test_the_json_document_has_an_entry_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--output", "json", "good.yaml", "bad.yaml", "gone.yaml"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert not document["valid"]
    assert [(one["file"], one["valid"]) for one in document["files"]] == [
        ("good.yaml", True), ("bad.yaml", False), ("gone.yaml", False),
    ]  # fmt: skip
    assert document["files"][1]["problems"] == [
        {
            "code": "unknown-value", "severity": "error", "path": "os.users[0].sshMode",
            "message": "Here must stand 'block' or 'key-only', not 'keyonly'.",
            "value": "keyonly", "suggestion": "Did you mean 'key-only'?", "explain": "os.users.sshMode",
            "file": "bad.yaml", "line": 24, "column": 28, "width": 7,
        }
    ]  # fmt: skip
    unreadable = document["files"][2]["problems"][0]
    assert (unreadable["code"], unreadable["line"]) == ("load-host-configuration-file", 0)


@pytest.mark.usefixtures("folder")
def test_a_single_file_keeps_its_fields_at_the_top(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--output", "json", "good.yaml"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["valid"], document["file"], document["problems"]) == (True, "good.yaml", [])
    assert document["files"] == [{"valid": True, "file": "good.yaml", "problems": []}]


def test_standard_input_stands_among_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BROKEN.encode())))
    assert main(["validate", str(folder / "good.yaml"), "-"]) == 2
    assert "<stdin>:24:28" in capsys.readouterr().err


def test_standard_input_can_be_read_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "-", "-"]) == 2
    assert "error[invalid-input/standard-input-twice]" in capsys.readouterr().err


def test_a_file_for_an_update_may_leave_storage_to_the_host(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "update.yaml"
    file.write_text("image: {url: http://192.0.2.1/v2.cosi, sha384: ignored}\n")
    assert main(["validate", str(file)]) == 2
    assert "trident validate --for-update" in capsys.readouterr().err
    assert main(["validate", "--for-update", str(file)]) == 0
