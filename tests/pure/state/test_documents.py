"""Status documents that earlier versions and upstream wrote are read for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from trident.state.status import AbVolume, HostStatus, ServicingState
from trident.state.text import dump_yaml, parse_host_status, parse_mapping

DOCUMENTS = Path(__file__).parent / "documents"


def read(name: str) -> HostStatus:
    return parse_host_status((DOCUMENTS / f"{name}.yaml").read_text())


CASES = [
    ("trident-0.1.0-ab-update-staged", ServicingState.AB_UPDATE_STAGED, AbVolume.A, 0, "0.1.0"),
    ("upstream-provisioned", ServicingState.PROVISIONED, AbVolume.B, 1, "0.21.0-1.azl3"),
    ("upstream-plain-scalars", ServicingState.PROVISIONED, AbVolume.A, 0, "0.21.0-1.azl3"),
    ("upstream-old-health-check-failed", ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED, AbVolume.A, 0, None),
    ("upstream-servicing-os", ServicingState.NOT_PROVISIONED, None, 0, None),
]


@pytest.mark.parametrize(("name", "state", "volume", "index", "version"), CASES)
def test_what_an_old_document_says(
    name: str, state: ServicingState, volume: AbVolume | None, index: int, version: str | None
) -> None:
    status = read(name)
    assert (status.servicing_state, status.ab_active_volume) == (state, volume)
    assert (status.install_index, status.trident_version) == (index, version)
    assert HostStatus.from_document(status.to_document()) == status


def test_every_old_document_is_tried() -> None:
    assert {path.stem for path in DOCUMENTS.iterdir()} == {name for name, *_rest in CASES}


def test_what_upstream_leaves_unquoted_is_what_its_own_reader_takes_it_for() -> None:
    """To a reader of YAML 1.1 a MAC address is a number to base 60, ``yes`` is true, and a date no text."""
    spec = read("upstream-plain-scalars").spec
    assert spec["os"]["netplan"]["ethernets"]["uplink"] == {
        "match": {"macaddress": "52:54:00:12:34:56"},
        "set-name": "1e3",
        "dhcp4": True,
        "mtu": 9000,
    }
    check = spec["health"]["checks"][0]
    assert check["arguments"] == ["=", "<<", "12:30", "2024-01-01", "1_000", "0755", "1.10", "0xZZ"]
    assert check["environmentVariables"] == {
        "DEBUG": "yes",
        "QUIET": "off",
        "off": "n",
        "BUILD": "2024-01-01",
        "LIMIT": "1000",
    }


def test_what_upstream_leaves_unquoted_is_written_so_that_every_reader_takes_it_for_the_same() -> None:
    """An older agent of the other volume reads YAML 1.1."""
    document = read("upstream-plain-scalars").to_document()
    text = dump_yaml(document)
    assert parse_mapping(text) == document
    assert yaml.safe_load(text) == document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None),
        ("!!str 1", "1"),
        ("!!int 7", 7),
        ("0o17", 15),
        ("1e3", 1000.0),
        ("{<<: {a: 1}}", {"<<": {"a": 1}}),
    ],
)
def test_a_value_means_what_it_means_in_a_host_configuration(text: str, value: object) -> None:
    assert parse_mapping(f"value: {text}") == {"value": value}


@pytest.mark.parametrize(
    "text",
    ["!!timestamp 2024-01-01", "!!binary aGk=", "!!set {a}", "!!bool [1]", "2024-13-45: [", "!!pairs [a: 1]"],
)
def test_what_json_has_no_word_for_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no YAML"):
        parse_mapping(f"value: {text}")


def test_an_error_with_details_is_read_as_upstream_writes_it() -> None:
    """Its serialiser writes the name as a tag; a program finds it where we write it."""
    error = read("upstream-old-health-check-failed").last_error
    assert error is not None
    assert error["error"] == {
        "health-checks-failed": {"details": "the check 'shop' failed", "servicing_type": "AbUpdate"}
    }


@pytest.mark.parametrize(
    ("tagged", "plain"), [("!a b", {"a": "b"}), ("!a [1, !b 2]", {"a": [1, {"b": "2"}]}), ("!a", {"a": ""})]
)
def test_a_tag_is_a_name(tagged: str, plain: object) -> None:
    assert parse_mapping(f"error: {tagged}") == {"error": plain}


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['true']", "!!python/name:os.system"])
def test_no_tag_makes_anything_happen(tag: str) -> None:
    with pytest.raises(ValueError, match="no YAML"):
        parse_mapping(f"error: {tag}")


def test_an_old_document_is_written_on_as_it_was_read() -> None:
    text = (DOCUMENTS / "trident-0.1.0-ab-update-staged.yaml").read_text()
    assert dump_yaml(read("trident-0.1.0-ab-update-staged").to_document()) == text
