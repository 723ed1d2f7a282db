"""``trident plan`` on a host that is half-way: what is undone first, and what follows either way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import jsonschema
import pytest

from tests.pure.repository.project import ROOT
from tests.pure.servicing.half_way_hosts import (
    NEW,
    OLD,
    OTHER,
    V2,
    cut_off,
    give_up,
    half_way,
    running,
    states,
)
from tests.pure.servicing.hosts import Host, host
from trident.cli.describe import describe
from trident.config.model import HostConfiguration
from trident.errors import Servicing, TridentError
from trident.plan.plan import Plan
from trident.plan.preview import Preview
from trident.plan.step import Operation, Step
from trident.state.history import EntryState
from trident.state.lock import servicing_lock
from trident.state.status import ServicingType

__all__ = ["half_way", "host", "running"]

STAGE = frozenset({Operation.STAGE})
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/plan.schema.json").read_text()))


def wait_for_a_boot(host: Host) -> None:
    """Give up what was cut off, and stage an A/B update in its place."""
    host.update(V2, STAGE)
    assert states(host) == [EntryState.STAGED, EntryState.HALF_WAY]


HALF_WAY: dict[str, Callable[[Host], None]] = {
    "cut off": lambda _host: None,
    "given up": give_up,
    "given up for an A/B update": wait_for_a_boot,
}
every_host = pytest.mark.parametrize("become", HALF_WAY.values(), ids=HALF_WAY.keys())
every_goal = pytest.mark.parametrize("desired", [OLD, NEW, OTHER, V2], ids=["old", "new", "other", "v2"])


def executed(host: Host, desired: HostConfiguration, failing: Step | None = None) -> list[Step]:
    """The steps that ``trident update`` begins; ``failing`` fails when it comes for the first time."""
    begun: list[Step] = []

    def begin(step: Step) -> None:
        nonlocal failing
        begun.append(step)
        if step == failing:
            failing = None
            raise Servicing("apply-netplan-config", "The way back is lost.")

    host.before_step = begin
    host.update(desired)
    return begun


def carried_out(plan: Plan) -> list[Step]:
    return list(plan.steps_of({Operation.STAGE, Operation.FINALIZE}))


@every_host
@every_goal
def test_an_update_that_can_undo_does_what_was_shown(
    half_way: Host, desired: HostConfiguration, become: Callable[[Host], None]
) -> None:
    become(half_way)
    shown = half_way.preview(desired)
    assert shown.undo is not None
    assert executed(half_way, desired) == [*shown.undo.steps, *carried_out(shown.plan)]


@every_host
@every_goal
def test_an_update_that_cannot_undo_does_what_was_shown_for_that(
    half_way: Host, desired: HostConfiguration, become: Callable[[Host], None]
) -> None:
    become(half_way)
    shown = half_way.preview(desired)
    assert shown.undo is not None
    (lost,) = shown.undo.steps
    plan = (shown.undo.otherwise or shown).plan
    assert executed(half_way, desired, lost) == [lost, *carried_out(plan)]


def test_what_should_run_is_nothing_to_do_only_if_undoing_succeeds(half_way: Host) -> None:
    shown = half_way.preview(OLD)
    assert shown.plan.nothing_to_do
    assert shown.undo is not None
    assert shown.undo.otherwise is not None
    assert shown.undo.otherwise.plan.servicing_type is ServicingType.RUNTIME_UPDATE
    assert shown.undo.otherwise.plan.changes == ()
    text = describe(shown)
    assert [line for line in text.splitlines() if line.endswith(":") and line[:1].isupper()] == [
        "After that:",
        "If it cannot be undone, this is done instead:",
    ]
    assert text.index("undone first") < text.index("Nothing to do") < text.index("runtime-update")


def test_an_ab_update_is_the_same_either_way(half_way: Host) -> None:
    shown = half_way.preview(V2)
    assert shown.undo is not None
    assert shown.undo.otherwise is None
    assert "instead" not in describe(shown)


def test_a_rollback_that_was_cut_off_is_undone_first_too(running: Host) -> None:
    running.update(NEW)
    cut_off(running, running.rollback, NEW)
    shown = running.preview(OLD)
    assert shown.undo is not None
    assert executed(running, OLD) == [*shown.undo.steps, *carried_out(shown.plan)]


@every_host
def test_a_host_that_was_brought_back_is_planned_for_as_any_other(
    half_way: Host, become: Callable[[Host], None]
) -> None:
    become(half_way)
    half_way.before_step = lambda _step: None
    with pytest.raises(TridentError):
        half_way.commit()
    assert half_way.preview(OTHER).undo is None


def test_where_the_other_volume_was_booted_nothing_is_undone(half_way: Host) -> None:
    half_way.boot("root-b")
    shown = half_way.preview(OTHER)
    assert shown.undo is None
    assert [error.code for error in shown.refusals] == ["validate-ab-active-volume"]
    with pytest.raises(Servicing) as caught:
        half_way.update(OTHER)
    assert caught.value.code == "validate-ab-active-volume"


def test_it_is_told_in_json(half_way: Host) -> None:
    document = half_way.preview(OLD).to_document()
    SCHEMA.validate(document)
    assert document["servicingType"] == "no-active-servicing"
    assert [step["id"] for step in document["undo"]["steps"]] == ["apply-netplan"]
    assert document["undo"]["otherwise"]["servicingType"] == "runtime-update"
    assert document["undo"]["otherwise"]["undo"] is None


def test_what_may_be_refused_counts_as_refused(half_way: Host) -> None:
    shown = half_way.preview(OLD)
    assert not shown.is_refused
    assert shown.undo is not None
    refused = Preview(shown.plan, refusals=(Servicing("missing-binary", "No."),))
    assert replace(shown, undo=replace(shown.undo, otherwise=refused)).is_refused


def test_looking_takes_no_lock_and_changes_nothing(half_way: Host) -> None:
    before = half_way.environment.datastore_path.read_bytes()
    with servicing_lock("update", half_way.environment.lock):
        for desired in (OLD, NEW, OTHER, V2):
            assert half_way.preview(desired).undo is not None
    assert half_way.environment.datastore_path.read_bytes() == before
    assert half_way.network == {"half": "way"}
