"""What a configuration may say and no machine can carry out is refused before anything is touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.pure.servicing import situations
from trident.config.model import HostConfiguration
from trident.config.rules import all_rules
from trident.errors import InvalidInput
from trident.servicing.compile import compile_plan, refusals, refuse


def desired(section: str, **fields: Any) -> HostConfiguration:
    document = situations.configuration().to_document()
    document[section] = {**document.get(section, {}), **fields}
    return HostConfiguration.from_document(document)


def storage(change: str, field: str, value: Any) -> HostConfiguration:
    document = situations.configuration().to_document()
    document["storage"][change][-1][field] = value
    return HostConfiguration.from_document(document)


UNWORKABLE = {
    "invalid-username": desired("os", users=[{"name": "a:b"}]),
    "invalid-hostname": desired("os", hostname="two words"),
    "additional-file-destination-climbs": desired(
        "os", additionalFiles=[{"destination": "/etc/../../x", "content": ""}]
    ),
    "unusable-image-url": desired("image", url="ftp://host/x.cosi"),
    "mount-point-path-climbs": storage("filesystems", "mountPoint", "/srv/../.."),
}


@pytest.mark.parametrize("code", UNWORKABLE)
def test_it_is_refused_by_install_and_update(code: str) -> None:
    for situation in (situations.clean_install(), situations.ab_update()):
        unworkable = replace(situation, desired=UNWORKABLE[code])
        found = [error.code for error in refusals(unworkable, compile_plan(unworkable))]
        assert code in found


def test_the_refusal_says_where_and_what_to_do() -> None:
    situation = replace(situations.clean_install(), desired=UNWORKABLE["additional-file-destination-climbs"])
    with pytest.raises(InvalidInput) as caught:
        refuse(situation, compile_plan(situation))
    assert caught.value.message.startswith("os.additionalFiles[0].destination: '/etc/../../x' does not name")
    assert caught.value.hint == "Write an absolute path without '..'."


def test_what_stops_servicing_is_only_warned_of() -> None:
    stopping = [rule for rule in all_rules() if rule.stops_servicing]
    assert set(UNWORKABLE) <= {rule.code for rule in stopping}
    assert all(rule.severity == "warning" for rule in stopping)
