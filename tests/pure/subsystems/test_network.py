"""Network settings of a system that runs: what is planned, what is refused, what stands in the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.pure.subsystems.situations import SAMPLE, configuration, update
from trident.config.model import HostConfiguration
from trident.errors import Servicing
from trident.host.netplan import TRIDENT_FILE, present, render, told
from trident.plan.situation import Situation
from trident.plan.step import Operation, Phase
from trident.state.status import ServicingType
from trident.subsystems.network import NetworkSubsystem

SECRET = "correct-horse-battery-staple"
WIFI: dict[str, Any] = {"version": 2, "wifis": {"w": {"access-points": {"home": {"password": SECRET}}}}}
RUNNING_KINDS = (ServicingType.RUNTIME_UPDATE, ServicingType.MANUAL_ROLLBACK_RUNTIME)


def situation(before: object, after: object, kind: ServicingType, options: str = "defaults") -> Situation:
    document = configuration(SAMPLE).to_document()
    (root,) = (one for one in document["storage"]["filesystems"] if one["deviceId"] == "root")
    root["mountPoint"] = {"path": "/", "options": options}
    old, new = (
        HostConfiguration.from_document({**document, "os": {"netplan": netplan} if netplan else {}})
        for netplan in (before, after)
    )
    return replace(update(new, installed=old), servicing_type=kind)


@pytest.mark.parametrize("kind", RUNNING_KINDS)
@pytest.mark.parametrize(
    ("before", "after", "verb"),
    [(None, WIFI, "Write"), ({"version": 2}, WIFI, "Write"), (WIFI, None, "Remove")],
)
def test_the_running_system_is_changed_at_finalize_and_only_looked_at_before(
    kind: ServicingType, before: object, after: object, verb: str
) -> None:
    check, apply = NetworkSubsystem().steps(situation(before, after, kind))
    assert (check.operation, check.phase, check.touches) == (Operation.STAGE, Phase.PRE_SERVICING, ())
    assert (apply.operation, apply.phase) == (Operation.FINALIZE, Phase.FINALIZE)
    assert apply.title.startswith(f"{verb} /etc/netplan/99-trident.yaml")


@pytest.mark.parametrize("kind", RUNNING_KINDS)
def test_settings_that_stay_are_left_alone(kind: ServicingType) -> None:
    same = situation(WIFI, WIFI, kind)
    assert list(NetworkSubsystem().steps(same)) == []
    assert list(NetworkSubsystem().tools(same)) == []


def test_passwords_of_either_side_are_in_no_step() -> None:
    for before, after in ((WIFI, None), (None, WIFI)):
        found = situation(before, after, ServicingType.RUNTIME_UPDATE)
        assert SECRET not in repr(list(NetworkSubsystem().steps(found)))


def test_undoing_is_the_same_with_the_configurations_exchanged() -> None:
    there = situation(None, WIFI, ServicingType.RUNTIME_UPDATE)
    back = situation(WIFI, None, ServicingType.RUNTIME_UPDATE)
    assert [step.id for step in NetworkSubsystem().steps(there)] == [
        step.id for step in NetworkSubsystem().steps(back)
    ]


def test_a_root_that_is_read_only_is_refused_before_anything_is_touched() -> None:
    found = situation(None, WIFI, ServicingType.RUNTIME_UPDATE, "noatime,ro")
    (error,) = NetworkSubsystem().check(found)
    assert error.code == "netplan-on-read-only-root"


def test_a_root_that_is_read_only_is_no_reason_where_the_network_stays() -> None:
    found = situation(WIFI, WIFI, ServicingType.RUNTIME_UPDATE, "noatime,ro")
    assert list(NetworkSubsystem().check(found)) == []


# Texts that YAML 1.1 or 1.2 would read as something else, were they not quoted.
ODD = [
    "yes",
    "off",
    "~",
    "null",
    "0x1f",
    "1e3",
    "1_0",
    "12:30:45",
    "2026-01-01",
    "",
    " a",
    "#",
    "ff02::1",
    "é\n",
]
scalars = st.one_of(st.sampled_from(ODD), st.text(), st.booleans(), st.integers(), st.none())
settings = st.dictionaries(
    st.one_of(st.sampled_from(ODD), st.text()),
    st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8),
)


@given(settings)
def test_what_is_written_says_what_was_wanted(network: dict[str, Any]) -> None:
    assert yaml.safe_load(render(network)) == {"network": network}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "'netplan' failed with exit code 1: /run/trident/np-x/etc/netplan/99-trident.yaml:4:7: Error "
            f"in network definition: unknown key\n  password: {SECRET}\n   ^",
            "/etc/netplan/99-trident.yaml:4:7: Error in network definition: unknown key",
        ),
        (
            "'netplan' failed with exit code 78: (generate:9): /etc/netplan/10-a b.yaml: bad\n" + SECRET,
            "'netplan' failed with exit code 78.",
        ),
        (f"'netplan' failed with exit code 1: Traceback: {SECRET}", "'netplan' failed with exit code 1."),
        (
            "'netplan' did not end within 120 seconds and was killed.",
            "'netplan' did not end within 120 seconds and was killed.",
        ),
    ],
)
def test_of_netplans_words_only_its_own_sentence_is_told(message: str, shown: str) -> None:
    assert told(Servicing("command-failed", message)) == shown


@pytest.mark.parametrize("text", ["network: {a: 2020-13-45}\n", "[" * 5000, "network: [", "\x00"])
def test_a_file_that_somebody_spoilt_is_only_another_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / TRIDENT_FILE.lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert present(tmp_path) == text.encode()
