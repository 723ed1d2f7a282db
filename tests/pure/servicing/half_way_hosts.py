"""Hosts whose running system was being changed when the agent was killed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pure.servicing.hosts import Host
from tests.pure.servicing.situations import CONFIGURATION, status
from trident.config.model import HostConfiguration
from trident.errors import Servicing
from trident.plan.step import Operation, Phase, Step
from trident.state.datastore import Datastore
from trident.state.history import EntryState
from trident.state.status import AbVolume, ServicingState


def wanted(last: int = 1, image: str = "v1") -> HostConfiguration:
    netplan = {"ethernets": {"eth0": {"addresses": [f"192.0.2.{last}/24"]}}}
    return HostConfiguration.from_document(
        CONFIGURATION
        | {
            "scripts": {},
            "image": {"url": f"http://images.example/{image}.cosi", "sha384": "ignored"},
            "os": CONFIGURATION["os"] | {"netplan": netplan},
        }
    )


OLD, NEW, OTHER, V2 = wanted(1), wanted(2), wanted(3), wanted(1, "v2")


class Gone(BaseException):
    """The agent is gone: it neither undoes nor records anything."""


@pytest.fixture
def running(host: Host) -> Host:
    """A host that runs OLD."""
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(status(AbVolume.A, OLD))
    host.content["root-a"] = OLD.to_document()
    host.network = OLD.os.netplan
    return host


def cannot_apply(host: Host, network: Any) -> None:
    """From now on no step brings this network about, as if an image that it needs were lost."""

    def lost(step: Step) -> None:
        if step.id == "apply-netplan" and getattr(step, "network", None) == network:
            raise Servicing("set-up-extension-images", "The image is not in the store.")

    host.before_step = lost


def cut_off(host: Host, verb: Any, back_to: HostConfiguration) -> None:
    """The agent is killed behind the change, and the way back to ``back_to`` is lost."""
    cannot_apply(host, back_to.os.netplan)
    lost, gone = host.before_step, False

    def killing(step: Step) -> None:
        nonlocal gone
        if not gone:
            lost(step)
            gone = step.id == "apply-netplan"
        if gone:
            host.network = {"half": "way"}
            raise Gone

    host.before_step = killing
    with pytest.raises(Gone):
        verb()
    host.before_step = lost


def give_up(host: Host) -> None:
    """Give up what was cut off; the stage of what was to come in its place fails."""
    lost = host.before_step

    def unreachable(step: Step) -> None:
        if step.operation is Operation.STAGE and step.phase is Phase.DEPLOY:
            raise Servicing("fetch-os-image", "The server is gone.")
        lost(step)

    host.before_step = unreachable
    with pytest.raises(Servicing):
        host.update(V2)
    host.before_step = lost
    assert host.status().servicing_state is ServicingState.PROVISIONED


@pytest.fixture
def half_way(running: Host) -> Host:
    """A host between OLD and NEW that cannot go back to OLD."""
    cut_off(running, lambda: running.update(NEW), OLD)
    return running


def states(host: Host) -> list[EntryState]:
    with Datastore.open(host.environment.datastore_path) as store:
        return [entry.state for entry in store.history.entries()]
