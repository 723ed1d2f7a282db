"""The JSON Schema: a schema, in agreement with what ``trident validate`` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.pure.config.sample import VALID, edited, problems_of
from tests.pure.repository.project import ROOT
from trident.cli.main import main
from trident.config.document import read_document
from trident.config.problems import Severity
from trident.config.reference.schema import schema
from trident.config.values import plain

SAMPLES = sorted((ROOT / "docs/samples").glob("*.yaml"))
SCHEMA = jsonschema.Draft7Validator(schema())
UUID = "0b1d9a1e-3f64-4a5f-9c3e-5f6f0f0a7c11"
DIGITS = "0123456789abcdef" * 6


def accepts(text: str) -> bool:
    """Whether the schema admits a document, read as YAML 1.2."""
    root = read_document(text).root
    assert root is not None
    return bool(SCHEMA.is_valid(plain(root)))


def validates(text: str) -> bool:
    """Whether ``trident validate`` has nothing against it."""
    return all(problem.severity is Severity.WARNING for problem in problems_of(text))


def test_it_is_a_schema_of_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(schema())


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_it_accepts_every_sample(sample: Path) -> None:
    assert accepts(sample.read_text())


def with_netplan(settings: str) -> str:
    """A valid configuration with these network settings."""
    return edited(("{version: 2, ethernets: {lan: {dhcp4: true}}}", f"{{{settings}}}"))


ACCEPTED = {
    "what is not given, as null": edited(
        ("hostname: host-1", "hostname: null"), ("{id: state,", "{id: state, uuid: null, label: ~,")
    ).replace("sshMode: key-only,", "sshMode: key-only, uid: ~, homeDirectory: null,"),
    "a host name of digits": edited(("hostname: host-1", "hostname: 123")),
    "a mount point as an object": edited(("mountPoint: /}", "mountPoint: {path: /}}")),
    "a size in bytes": edited(("size: 128M", "size: 134217728")),
    "a size with a space": edited(("size: 128M", "size: 128 M")),
    "a partition type by UUID": edited(("{id: state,", f"{{id: state, type: {UUID},")),
    "a UUID in braces": edited(("{id: state,", f"{{id: state, uuid: '{{{UUID}}}',")),
    "a SHA-384": edited(("sha384: ignored", f"sha384: '{DIGITS}'")),
    "a variable that looks like a number": edited(
        ("runOn: [all]}", "runOn: [all], environmentVariables: {LEVEL: 3, DEBUG: true}}")
    ),
    "network settings": with_netplan("version: 2, renderer: networkd, ethernets: {lan: {dhcp4: true, x: 1}}"),
    "network settings of no devices": with_netplan("version: 2, wifis: null, bonds: {}, openvswitch: []"),
    "a script with a time limit": VALID
    + "health: {checks: [{name: a, content: x, runOn: [all], timeoutSeconds: 3}]}\n",
    "a systemd check and a script": VALID
    + "health: {checks: [{name: a, systemdServices: [a.service], runOn: [all], timeoutSeconds: 0},"
    " {name: b, path: /bin/true, runOn: [ab-update]}]}\n",
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_it_accepts_what_validate_accepts(text: str) -> None:
    assert validates(text)
    assert accepts(text)


REFUSED = {
    "an unknown field": edited(("hostname:", "hostnam:")),
    "an unknown section": VALID + "networks: {}\n",
    "a missing field": edited(("      partitionTableType: gpt\n", "")),
    "a word that is none": edited(("sshMode: key-only", "sshMode: keyonly")),
    "true or false as text": VALID + "trident: {disable: 'true'}\n",
    "a list where an object belongs": VALID + "trident: []\n",
    "an object where a list belongs": VALID + "health: {checks: {}}\n",
    "a size without a unit that exists": edited(("size: 128M", "size: 128MB")),
    "a size that is no multiple of 4096": edited(("size: 128M", "size: 5000")),
    "a size of nothing": edited(("size: 128M", "size: 0")),
    "a short SHA-384": edited(("sha384: ignored", "sha384: abcd")),
    "a URL without a scheme": edited(("url: http://127.0.0.1/v1.cosi", "url: v1.cosi")),
    "a UUID that is none": edited(("{id: state,", "{id: state, uuid: 1234-5678,")),
    "an id that is a list": edited(("{id: state,", "{id: [],")),
    "a negative time": VALID
    + "health: {checks: [{name: a, systemdServices: [a.service], runOn: [all], timeoutSeconds: -1}]}\n",
    "a script of two origins": edited(('content: "true"', 'content: "true", path: /x')),
    "a systemd check with a script's field": VALID
    + "health: {checks: [{name: a, systemdServices: [a.service], runOn: [all], content: x}]}\n",
    "network settings without a version": with_netplan("ethernets: {}"),
    "network settings of a version in quotes": with_netplan("version: '2'"),
    "network devices in a list": with_netplan("version: 2, ethernets: []"),
    "a network device that is none": with_netplan("version: 2, ethernets: {lan: dhcp}"),
    "a network device without what it needs": with_netplan("version: 2, vrfs: {blue: {}}"),
    "a settling time without services": VALID
    + "health: {checks: [{name: a, content: x, runOn: [all], settleSeconds: 3}]}\n",
    "a PCR that no TPM has": VALID.replace("os:\n", "  encryption: {volumes: [], pcrs: [24]}\nos:\n", 1),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_it_refuses_mistakes_in_the_shape_as_validate_does(text: str) -> None:
    assert not validates(text)
    assert not accepts(text)


def definitions() -> list[tuple[str, dict[str, Any]]]:
    return [("HostConfiguration", schema()), *schema()["definitions"].items()]


def test_objects_have_the_names_and_required_fields_of_the_api() -> None:
    objects = {name: one for name, one in definitions() if "properties" in one}
    required = {name: set(one["required"]) for name, one in objects.items() if "required" in one}
    assert set(objects) - set(required) == {
        "FileSystem", "Health", "HostConfiguration", "ManagementOs", "Os", "Raid", "Script", "Scripts",
        "Selinux", "Services", "Storage", "SystemdCheck", "Trident",
    }  # fmt: skip
    assert required == {
        "AbUpdate": {"volumePairs"},
        "AbVolumePair": {"id", "volumeAId", "volumeBId"},
        "AdditionalFile": {"destination"},
        "AdoptedPartition": {"id"},
        "Disk": {"id", "device", "partitionTableType", "partitions"},
        "EncryptedVolume": {"id", "deviceName", "deviceId"},
        "Encryption": {"volumes", "pcrs"},
        "Extension": {"url", "sha384"},
        "KernelCommandLine": {"extraCommandLine"},
        "Module": {"name"},
        "MountPoint": {"path"},
        "OsImage": {"url", "sha384"},
        "Partition": {"id", "size"},
        "Password": {"type"},
        "SoftwareRaidArray": {"id", "name", "level", "devices"},
        "Swap": {"deviceId"},
        "User": {"name"},
        "VerityDevice": {"id", "name", "dataDeviceId", "hashDeviceId"},
    }


@pytest.mark.parametrize(("name", "one"), definitions(), ids=[name for name, _ in definitions()])
def test_every_definition_teaches_and_is_closed(name: str, one: dict[str, Any]) -> None:
    assert one["title"] == name
    assert one["description"]
    if "properties" in one:
        assert one["additionalProperties"] is False
        assert all(field["description"] for field in one["properties"].values())


def test_every_word_to_choose_from_has_its_meaning() -> None:
    choices = [one for name, one in definitions() if "enum" in one]
    assert len(choices) >= 10
    for one in choices:
        assert len(one["enumDescriptions"]) == len(one["enum"])


def test_examples_and_defaults_are_valid_for_their_field() -> None:
    for name, one in definitions():
        for key, field in one.get("properties", {}).items():
            judge = jsonschema.Draft7Validator({**field, "definitions": schema()["definitions"]})
            for value in [*field.get("examples", ()), *([field["default"]] if "default" in field else ())]:
                assert judge.is_valid(value), f"{name}.{key}: {value!r}"
