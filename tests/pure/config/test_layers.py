"""What lies on what, also in a configuration that is full of mistakes."""

from __future__ import annotations

import pytest

from tests.pure.config.building import Host
from tests.pure.config.test_rules_storage import root_verity
from trident.config.model import HostConfiguration
from trident.config.model.layers import Layers


def layers_of(host: Host) -> Layers:
    return Layers(HostConfiguration.from_document(host.document).storage)


def test_the_partitions_below_a_verity_device_are_those_of_both_sides_and_of_the_hashes() -> None:
    below = layers_of(root_verity()).partitions_below("root")
    assert [part.id for part in below] == ["root-data-a", "root-data-b", "root-hash-a", "root-hash-b"]


def test_what_lies_on_a_verity_device_sees_its_data_only() -> None:
    below = [device.id for device in layers_of(root_verity()).below("root", data_only=True)]
    assert below == ["root", "root-data", "root-data-a", "root-data-b"]


@pytest.mark.parametrize(
    ("id", "is_on_ab"), [("root", True), ("overlay", True), ("state", False), ("?", False)]
)
def test_what_differs_between_a_and_b(id: str, is_on_ab: bool) -> None:
    assert layers_of(root_verity()).is_on_ab(id) is is_on_ab


def test_the_verity_device_below() -> None:
    found = layers_of(root_verity()).verity_below("root")
    assert found is not None and found.name == "root"
    assert layers_of(root_verity()).verity_below("overlay") is None


def test_devices_that_lie_on_each_other_end_somewhere() -> None:
    host = Host()
    host.verity("v", "v", "w")
    host.array("w", "v", "w")
    assert [device.id for device in layers_of(host).below("v")] == ["v", "w"]
    storage = HostConfiguration.from_document(host.document).storage
    assert storage.devices_behind("w", "volume-a") == ("w", "v")
    assert "invalid-reference-kind" in host.mistakes()
