"""A runtime servicing that was cut off and cannot be undone: the host can be serviced all the same."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.pure.servicing.half_way_hosts import (
    NEW,
    OLD,
    OTHER,
    V2,
    cannot_apply,
    cut_off,
    give_up,
    half_way,
    running,
    states,
    wanted,
)
from tests.pure.servicing.hosts import BOTH, Host, host
from tests.pure.servicing.situations import facts, status
from trident.config.model import HostConfiguration
from trident.errors import InvalidInput, Servicing, TridentError
from trident.plan.situation import Situation
from trident.plan.step import NOT_WHOLE, Operation, Phase, Step
from trident.progress import Event, OperationBegun, Undone
from trident.servicing.compile import compile_plan
from trident.servicing.get import Kind, get_text
from trident.servicing.rollback import Wish, check
from trident.state import connection
from trident.state.datastore import Datastore
from trident.state.history import EntryState
from trident.state.status import AbVolume, ServicingState, ServicingType

__all__ = ["half_way", "host", "running"]

STAGE, FINALIZE = frozenset({Operation.STAGE}), frozenset({Operation.FINALIZE})


def assert_whole(host: Host, configuration: HostConfiguration) -> None:
    assert host.status().servicing_state is ServicingState.PROVISIONED
    assert host.status().spec == configuration.to_document()
    assert host.network == configuration.os.netplan
    assert EntryState.HALF_WAY not in states(host)
    host.before_step = lambda _step: None
    assert host.commit().servicing_type is ServicingType.NO_ACTIVE_SERVICING


@pytest.mark.parametrize("desired", [NEW, OTHER], ids=["the same update", "another one"])
def test_a_runtime_update_goes_on_from_where_the_host_is(half_way: Host, desired: HostConfiguration) -> None:
    assert half_way.update(desired).servicing_type is ServicingType.RUNTIME_UPDATE
    assert_whole(half_way, desired)
    assert check(Wish.NEXT, half_way.environment) == "runtime", "which leads back to OLD"


def test_what_was_cut_off_can_be_finalized_without_another_stage(half_way: Host) -> None:
    half_way.update(NEW, FINALIZE)
    assert_whole(half_way, NEW)


def test_an_update_to_what_should_run_mends_the_host(half_way: Host) -> None:
    """Its stage fetches what is lost."""

    lost = half_way.before_step

    def fetching(step: Step) -> None:
        if step.operation is Operation.STAGE:
            half_way.before_step = lambda _step: None
        lost(step)

    half_way.before_step = fetching
    assert half_way.update(OLD).servicing_type is ServicingType.RUNTIME_UPDATE
    assert_whole(half_way, OLD)
    assert check(Wish.NEXT, half_way.environment) == "none", "mending is nothing to undo"


def test_an_ab_update_does_not_depend_on_what_runs(half_way: Host) -> None:
    assert half_way.update(V2).needs_reboot
    assert states(half_way)[1] is EntryState.HALF_WAY
    half_way.boot()
    half_way.commit()
    assert half_way.status().spec == V2.to_document()
    assert half_way.update(wanted(5, "v2")).servicing_type is ServicingType.RUNTIME_UPDATE


def test_what_may_be_left_is_not_forgotten_while_an_ab_update_waits(half_way: Host) -> None:
    half_way.update(V2, STAGE)
    for _boot in range(2):
        with pytest.raises(TridentError) as caught:
            half_way.commit()
        assert "half-way" in caught.value.message
        assert "half-way" in str(half_way.status().last_error)
    assert half_way.status().servicing_state is ServicingState.AB_UPDATE_STAGED
    assert half_way.update(V2, FINALIZE).needs_reboot


def test_a_stage_that_fails_leaves_the_host_known_as_half_way(half_way: Host) -> None:
    give_up(half_way)
    assert states(half_way) == [EntryState.FAILED, EntryState.HALF_WAY]

    half_way.before_step = lambda _step: None  # What was lost has been found again.
    with pytest.raises(Servicing) as caught:
        half_way.commit()
    assert caught.value.code == "finalize-interrupted"
    assert_whole(half_way, OLD)
    assert states(half_way) == [EntryState.FAILED, EntryState.FAILED]


def test_an_image_that_cannot_be_opened_leaves_everything(
    half_way: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_configuration: HostConfiguration) -> Any:
        raise InvalidInput("load-cosi", "There is no such image.")

    monkeypatch.setattr("trident.servicing.update.open_image", refused)
    with pytest.raises(InvalidInput):
        half_way.update(V2)
    assert half_way.status().servicing_state is ServicingState.RUNTIME_UPDATE_STAGED


def test_commit_tells_it_at_each_boot_and_changes_nothing(half_way: Host) -> None:
    before = half_way.status().evolve(last_error=None)
    for _boot in range(2):
        half_way.boot()
        with pytest.raises(Servicing) as caught:
            half_way.commit()
        assert "half-way" in caught.value.message
        assert "half-way" in str(half_way.status().last_error)
        assert half_way.status().evolve(last_error=None) == before


def test_a_defect_in_undoing_is_no_end_either(half_way: Host) -> None:
    def defect(step: Step) -> None:
        if step.id == "apply-netplan" and getattr(step, "network", None) == OLD.os.netplan:
            raise ZeroDivisionError

    half_way.before_step = defect
    half_way.update(NEW)
    assert_whole(half_way, NEW)


def test_going_on_that_fails_too_leaves_the_way_on_open(half_way: Host) -> None:
    def nothing(step: Step) -> None:
        if step.id == "apply-netplan":
            raise Servicing("apply-netplan-config", "No.")

    half_way.before_step = nothing
    for desired in (NEW, OTHER, NEW, OLD):
        with pytest.raises(Servicing) as caught:
            half_way.update(desired)
        assert "half-way" in caught.value.message
    cannot_apply(half_way, OLD.os.netplan)
    half_way.update(OTHER)
    assert_whole(half_way, OTHER)
    assert set(states(half_way)) == {EntryState.SUCCEEDED, EntryState.FAILED}


def test_what_is_staged_and_not_whole_is_given_up(half_way: Host) -> None:
    tools = {"url": "http://images.example/tools.raw", "sha384": "ab" * 48}
    extended = HostConfiguration.from_document(
        OTHER.to_document() | {"os": OTHER.to_document()["os"] | {"sysexts": [tools]}}
    )
    lost = half_way.before_step
    cut_off(half_way, lambda: half_way.update(extended), OLD)

    def gone(step: Step) -> None:
        if step.phase is Phase.SEAL and step.operation is Operation.FINALIZE:
            raise Servicing(NOT_WHOLE, "It is gone.")
        lost(step)

    half_way.before_step = gone
    with pytest.raises(Servicing) as caught:
        half_way.update(extended, FINALIZE)
    assert caught.value.code == NOT_WHOLE
    assert half_way.status().servicing_state is ServicingState.PROVISIONED
    assert states(half_way)[0] is EntryState.HALF_WAY

    half_way.before_step = lost
    half_way.update(extended)
    assert_whole(half_way, extended)


def test_an_update_that_was_cut_off_is_not_rolled_back_further(half_way: Host) -> None:
    for wish, operations in itertools.product((Wish.NEXT, Wish.RUNTIME), (BOTH, STAGE, FINALIZE)):
        with pytest.raises(Servicing) as caught:
            half_way.rollback(wish, operations)
        assert "half-way" in caught.value.message
    with pytest.raises(Servicing) as caught:
        half_way.rollback(Wish.AB)
    assert "half-way" in caught.value.message, "no A/B update was made before"


def test_the_other_volume_can_be_gone_back_to(running: Host) -> None:
    running.update(V2)
    running.boot()
    running.commit()
    newer = wanted(2, "v2")
    cut_off(running, lambda: running.update(newer), V2)
    assert running.rollback(Wish.AB).needs_reboot
    running.boot()
    running.commit()
    assert (running.root, running.status().spec) == ("root-a", OLD.to_document())


@pytest.mark.parametrize("operations", [BOTH, FINALIZE], ids=["anew", "finalize only"])
def test_a_rollback_that_was_cut_off_goes_on(running: Host, operations: frozenset[Operation]) -> None:
    running.update(NEW)
    cut_off(running, running.rollback, NEW)
    running.rollback(operations=operations)
    assert_whole(running, OLD)


VERBS: dict[str, Callable[[Host], object]] = {
    "update to what should run": lambda host: host.update(OLD),
    "update to what was cut off": lambda host: host.update(NEW),
    "finalize of what was cut off": lambda host: host.update(NEW, FINALIZE),
    "another update": lambda host: host.update(OTHER),
    "A/B update": lambda host: host.update(V2),
    "rollback": lambda host: host.rollback(),
    "rollback of an A/B update": lambda host: host.rollback(Wish.AB),
    "commit": lambda host: host.commit(),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS.keys())
@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_a_datastore_that_became_read_only_stops_every_verb_with_one_error(
    half_way: Host, verb: Callable[[Host], object], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be so from the start, or turn so behind the opening: then SQLite refuses the first write."""
    half_way.before_step = lambda _step: None  # Nothing else stands against undoing.
    connect, opened = connection._connect, Datastore.open
    before, order = half_way.status(), half_way.variables.boot_order()

    def turning(path: Path, *, read_only: bool = False) -> Datastore:
        store = opened(path, read_only=read_only)
        store._connection.raw.execute("PRAGMA query_only = ON")
        return store

    with monkeypatch.context() as patch:
        if moment == "before":
            patch.setattr(connection, "_connect", lambda path, _mode: connect(path, "ro"))
        else:
            patch.setattr(Datastore, "open", turning)
        with pytest.raises(Servicing) as caught:
            verb(half_way)
        assert caught.value.code == "write-to-datastore"
        assert "readonly database" in caught.value.message
        assert "writable" in (caught.value.hint or "")
        for kind in Kind:
            get_text(kind, half_way.environment)
        assert half_way.preview(OTHER).undo is not None
    assert (half_way.status(), half_way.variables.boot_order()) == (before, order)
    assert (half_way.network, half_way.variables.boot_next()) == (OLD.os.netplan, None), "back all the same"

    half_way.update(OTHER)
    assert_whole(half_way, OTHER)


def sysexts(letters: str, last: int = 1) -> HostConfiguration:
    document = wanted(last).to_document()
    images = [{"url": f"http://images.example/{x}.raw", "sha384": x * 96} for x in letters]
    return HostConfiguration.from_document(document | {"os": document["os"] | {"sysexts": images}})


CHOICES = ("", "a", "b", "ab", "bc")


@pytest.mark.parametrize(("old", "left", "desired"), list(itertools.product(CHOICES, repeat=3)))
def test_the_steps_reach_the_desired_extensions_from_anything_between(
    old: str, left: str, desired: str
) -> None:
    """Whatever mixture of the old ones and of those that were to come is there."""
    situation = Situation(
        ServicingType.RUNTIME_UPDATE,
        sysexts(desired, 3),
        status(AbVolume.A, sysexts(old, 1)),
        facts(),
        unsettled=(sysexts(left, 2).to_document(),),
    )
    steps = compile_plan(situation).steps_of({Operation.FINALIZE})
    settled = set(old) & set(left)
    unsure = sorted(set(old) ^ set(left))
    for number in range(len(unsure) + 1):
        for some in itertools.combinations(unsure, number):
            there = settled | set(some)
            for step in steps:
                letter = getattr(getattr(step, "extension", None), "sha384", "")[:1]
                if step.id.startswith("put-extension"):
                    there.add(letter)
                elif step.id.startswith("remove-extension"):
                    there.discard(letter)
            assert there == set(desired)
    ids = [step.id for step in steps]
    assert len(ids) == len(set(ids))
    assert "apply-netplan" in ids
    assert ("refresh-extensions:sysexts" in ids) == (not set(old) == set(left) == set(desired))


def test_netplan_is_applied_where_only_what_may_be_left_differs() -> None:
    situation = Situation(
        ServicingType.RUNTIME_UPDATE,
        OLD,
        status(AbVolume.A, OLD),
        facts(),
        unsettled=(NEW.to_document(), OTHER.to_document()),
    )
    (step,) = compile_plan(situation).steps_of({Operation.FINALIZE})
    assert (step.network, step.running) == (OLD.os.netplan, NEW.os.netplan)  # type: ignore[attr-defined]


def told(host: Host, verb: Callable[[], object]) -> list[str]:
    """The operations and undoings of which the progress stream tells."""
    events: list[Event] = []
    host.environment = replace(host.environment, progress=events.append)
    with contextlib.suppress(TridentError):
        verb()
    found = []
    for event in events:
        if isinstance(event, OperationBegun):
            found.append(f"{event.operation} {event.steps}")
        elif isinstance(event, Undone):
            found.append(f"undone: {event.outcome}")
    return found


def test_finalizing_is_told_as_one_operation(running: Host) -> None:
    tools = {"url": "http://images.example/tools.raw", "sha384": "ab" * 48}
    extended = HostConfiguration.from_document(
        NEW.to_document() | {"os": NEW.to_document()["os"] | {"sysexts": [tools]}}
    )
    running.update(extended, STAGE)
    assert told(running, lambda: running.update(extended, FINALIZE)) == ["finalize 5"]


def test_undoing_is_told(running: Host) -> None:
    left = [Servicing("apply-netplan-config", "No.")]

    def once(step: Step) -> None:
        if left and step.id == "apply-netplan":
            raise left.pop()

    running.before_step = once
    assert told(running, lambda: running.update(NEW))[-1] == "undone: done"
    cut_off(running, lambda: running.update(NEW), OLD)
    assert told(running, running.commit)[-1] == "undone: failed"
    running.before_step = lambda _step: None
    assert told(running, running.commit)[-1] == "undone: done"
