"""The door: what comes in, what comes out, and what the error carries."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from tests.pure.config.sample import VALID, edited, problems_of, told
from trident.config.load import (
    judge_host_configuration,
    load_host_configuration,
    load_host_configuration_file,
    require_valid,
)
from trident.config.model import FileSystemType, Grow, HostConfiguration, Storage
from trident.config.problems import ConfigurationErrors
from trident.errors import ErrorKind, InvalidInput

WITHOUT_STORAGE = "image: {url: http://127.0.0.1/v1.cosi, sha384: ignored}\nos: {hostname: a}\n"


def test_a_valid_configuration_becomes_the_model() -> None:
    configuration = load_host_configuration(VALID, "host.yaml")
    storage = configuration.storage
    assert [(p.id, p.size) for p in storage.disks[0].partitions] == [
        ("esp", 64 << 20),
        ("root-a", 2 << 30),
        ("root-b", 2 << 30),
        ("state", 128 << 20),
        ("data", Grow.GROW),
    ]
    assert storage.esp is storage.filesystem_at("/boot/efi")
    assert storage.resolve_volume("root", "volume-b") == "root-b"
    assert storage.filesystems[2].type is FileSystemType.EXT4
    assert configuration.os.netplan == {"version": 2, "ethernets": {"lan": {"dhcp4": True}}}


def test_bytes_and_text_are_the_same() -> None:
    assert load_host_configuration(VALID.encode(), "x") == load_host_configuration(VALID, "x")


def test_json_is_yaml_too() -> None:
    document = load_host_configuration(VALID, "x").to_document()
    assert load_host_configuration(json.dumps(document), "x.json").to_document() == document


def test_a_configuration_survives_its_document() -> None:
    configuration = load_host_configuration(VALID, "x")
    assert HostConfiguration.from_document(configuration.to_document()) == configuration


def test_the_document_is_spelt_like_upstream_and_leaves_defaults_out() -> None:
    document = load_host_configuration(VALID, "x").to_document()
    assert document["storage"]["disks"][0]["partitions"][0] == {"id": "esp", "type": "esp", "size": "64M"}
    assert document["storage"]["filesystems"][1] == {"deviceId": "root", "mountPoint": {"path": "/"}}
    assert "trident" not in document


def test_the_model_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        load_host_configuration(VALID, "x").os.hostname = "other"  # type: ignore[misc]


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "host.yaml"
    path.write_text(VALID)
    assert load_host_configuration_file(path).os.hostname == "host-1"
    assert load_host_configuration_file(str(path)).os.hostname == "host-1"


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(VALID.encode())))
    assert load_host_configuration_file("-").os.hostname == "host-1"


@pytest.mark.parametrize("path", ["/nonexistent/host.yaml", "/", "\0", "a" * 5000, "/dev/null/x"])
def test_a_file_that_cannot_be_read_is_one_clear_error(path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_host_configuration_file(path)
    assert caught.value.code == "load-host-configuration-file"
    assert caught.value.message.endswith(".")


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    os.mkfifo(path)
    with pytest.raises(ConfigurationErrors) as caught:
        load_host_configuration_file("/dev/zero")
    assert caught.value.problems[0].code == "yaml-too-large"


def test_the_error_carries_every_problem_in_the_order_of_the_text() -> None:
    text = edited(
        ("size: 64M", "size: 64m"),
        ("deviceId: root,", "deviceID: root,"),
        ('permissions: "0644"', "permissions: 644"),
    )
    with pytest.raises(ConfigurationErrors) as caught:
        load_host_configuration(text, "host.yaml")
    error = caught.value
    assert (error.kind, error.code) == (ErrorKind.INVALID_INPUT, "parse-host-configuration")
    assert [(p.line, p.code) for p in error.problems] == [
        (8, "invalid-value"),
        (18, "unknown-field"),
        (27, "additional-file-invalid-permissions"),
    ]
    assert error.message == (
        "The Host Configuration host.yaml is not valid: host.yaml:8:38: '64m' is not a size. (2 more)"
    )
    assert error.hint == "Write 64M."
    assert json.dumps(error.to_document())


def test_a_broken_rule_has_the_code_of_static_validation() -> None:
    with pytest.raises(ConfigurationErrors) as caught:
        load_host_configuration(edited(("/dev/vda", "vda")), "host.yaml")
    assert caught.value.code == "invalid-host-configuration-static"


def test_a_problem_names_file_line_column_path_value_and_what_to_write() -> None:
    (problem,) = problems_of(edited(("/dev/vda", "vda")))
    assert problem.to_document() == {
        "code": "disk-path-not-absolute",
        "severity": "error",
        "message": "The device of disk 'os' must be an absolute path.",
        "file": "host.yaml",
        "line": 5,
        "column": 15,
        "width": 3,
        "path": "storage.disks[0].device",
        "value": "vda",
        "suggestion": "Write /dev/vda.",
    }


def test_warnings_alone_do_not_refuse_a_configuration() -> None:
    verdict = judge_host_configuration(edited(("sshMode: key-only, ", "")), "host.yaml")
    assert verdict.configuration is not None
    assert [p.code for p in verdict.problems] == ["ssh-keys-without-ssh-mode"]


def test_rules_do_not_judge_a_section_that_could_not_be_read() -> None:
    """A partition with a misspelt size is no reason to say that its id does not exist."""
    assert told(edited(("{id: state, size: 128M}", "{id: state, size: 128 megs}"))) == [
        "11:29 invalid-value: '128 megs' is not a size."
    ]


def test_rules_still_judge_the_sections_that_could_be_read() -> None:
    text = edited(
        ("size: 128M", "size: x"), ("name: tidy, ", "name: tidy, path: /x, "), ("name: ada", "name: a b")
    )
    assert [p.code for p in problems_of(text)] == [
        "invalid-value",
        "invalid-username",
        "script-content-or-path",
    ]


def test_an_update_may_leave_storage_out_and_is_judged_once_it_is_complete() -> None:
    running = load_host_configuration(VALID, "x").storage
    configuration = load_host_configuration(WITHOUT_STORAGE, "x", storage_may_be_missing=True)
    assert configuration.storage == Storage()
    require_valid(configuration.evolve(storage=running), "x")


def test_anything_else_needs_storage() -> None:
    (problem,) = problems_of(WITHOUT_STORAGE)
    assert (problem.code, problem.line) == ("storage-missing", 1)
    assert (
        problem.suggestion
        == "Add 'storage'. Only an update may keep the host's: 'trident validate --for-update'."
    )


def test_a_model_without_text_is_judged_without_lines() -> None:
    configuration = load_host_configuration(VALID, "x")
    wrong = configuration.evolve(
        trident=configuration.trident.evolve(datastore_path="/var/lib/trident/state.db")
    )
    with pytest.raises(ConfigurationErrors) as caught:
        require_valid(wrong, "the stored configuration")
    (problem,) = caught.value.problems
    assert (problem.line, problem.path, problem.code) == (
        0,
        "trident.datastorePath",
        "datastore-path-invalid-extension",
    )


def test_plain_data_of_the_wrong_shape_is_an_error_too() -> None:
    with pytest.raises(ConfigurationErrors) as caught:
        HostConfiguration.from_document({"storage": {"disks": 5}}, "host status")
    assert (
        caught.value.message
        == "The Host Configuration host status is not valid: Here must stand a list, not '5'."
    )


def test_a_flood_of_mistakes_is_cut_off_with_a_count() -> None:
    text = "".join(f"field{number}: 1\n" for number in range(5000))
    problems = problems_of(text)
    assert len(problems) == 1001
    assert problems[-1].message == "4000 more mistakes are not shown."
    assert problems[-1].line == 5000
