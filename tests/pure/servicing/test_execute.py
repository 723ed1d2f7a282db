"""The executor: journal around each step, progress in order, everything undone, errors recorded."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from trident.config.model import HostConfiguration
from trident.errors import Internal, Interrupted, Servicing, TridentError
from trident.plan.session import Session
from trident.plan.situation import BootType, Facts, Situation
from trident.plan.step import Operation, Phase, Step
from trident.progress import Event, StepBegun, StepEnded
from trident.servicing.execute import execute, execute_all, recording_errors
from trident.state.datastore import Datastore
from trident.state.status import HostStatus, ServicingType

UNDONE: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Scripted(Step):
    """A step that enters a mount-like context and then raises, or not."""

    raises: BaseException | None = None

    def run(self, session: Session) -> None:
        session.mounts.callback(UNDONE.append, self.id)
        if self.raises is not None:
            raise self.raises


def step(name: str, raises: BaseException | None = None, phase: Phase = Phase.DEPLOY) -> Scripted:
    return Scripted(id=name, title=name, operation=Operation.STAGE, phase=phase, raises=raises)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Datastore]:
    UNDONE.clear()
    with Datastore.create(tmp_path / "datastore.sqlite") as store:
        yield store


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def session(events: list[Event]) -> Session:
    situation = Situation(
        ServicingType.CLEAN_INSTALL,
        HostConfiguration(),
        HostStatus(),
        Facts(BootType.RAM_DISK, "x86_64", uefi=True),
    )
    return Session(situation, progress=events.append)


def journal(store: Datastore) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        return connection.execute("SELECT step, event FROM journal ORDER BY id").fetchall()


def test_each_step_is_journalled_before_and_after(store: Datastore, session: Session) -> None:
    execute([step("one"), step("two")], session, store)
    assert journal(store) == [("one", "begin"), ("one", "done"), ("two", "begin"), ("two", "done")]


def test_progress_counts_the_steps(store: Datastore, session: Session, events: list[Event]) -> None:
    execute([step("one"), step("two")], session, store)
    assert [(e.step, e.index, e.total) for e in events if isinstance(e, StepBegun)] == [
        ("one", 1, 2),
        ("two", 2, 2),
    ]
    assert [e.outcome for e in events if isinstance(e, StepEnded)] == ["done", "done"]


def test_a_failed_step_ends_the_plan_and_undoes_mounts_in_reverse(store: Datastore, session: Session) -> None:
    plan = [step("one"), step("two", Servicing("boom", "It broke.")), step("three")]
    with pytest.raises(Servicing, match="It broke"):
        execute(plan, session, store)
    assert UNDONE == ["two", "one"]
    assert journal(store)[-1] == ("two", "failed")


def test_an_interrupted_step_is_journalled_as_such(store: Datastore, session: Session) -> None:
    with pytest.raises(KeyboardInterrupt):
        execute([step("one", KeyboardInterrupt())], session, store)
    assert journal(store)[-1] == ("one", "interrupted")
    assert UNDONE == ["one"]


def test_an_error_is_recorded_as_last_error_and_goes_on(store: Datastore) -> None:
    with pytest.raises(Servicing), recording_errors(store, "update"):
        raise Servicing("boom", "It broke.", hint="Mend it.", details={"path": "/x"})
    last_error = store.status().last_error
    assert last_error is not None
    assert last_error["category"] == "servicing"
    assert last_error["error"] == {"boom": {"path": "/x"}}
    assert last_error["message"] == "It broke."


def test_ctrl_c_becomes_an_error_of_a_named_kind(store: Datastore) -> None:
    with pytest.raises(Interrupted) as caught, recording_errors(store, "update"):
        raise KeyboardInterrupt
    assert caught.value.code == "interrupted"
    last_error = store.status().last_error
    assert last_error is not None
    assert last_error["error"] == "interrupted"


def test_a_journal_that_cannot_be_written_stops_the_plan_before_the_step(
    store: Datastore, session: Session
) -> None:
    store._connection.raw.execute("PRAGMA query_only = ON")
    with pytest.raises(TridentError) as caught:
        execute([step("one")], session, store)
    assert caught.value.code == "write-to-datastore"
    assert UNDONE == []


def test_a_health_check_is_made_without_a_journal_and_what_it_decides_on_is_not(
    store: Datastore, session: Session
) -> None:
    store._connection.raw.execute("PRAGMA query_only = ON")
    with pytest.raises(TridentError) as caught:
        execute([step("check", phase=Phase.HEALTH), step("commit", phase=Phase.COMMIT)], session, store)
    assert caught.value.code == "write-to-datastore"
    assert UNDONE == ["check"]


def test_a_health_check_without_a_journal_may_fail_as_any_other(store: Datastore, session: Session) -> None:
    store._connection.raw.execute("PRAGMA query_only = ON")
    with pytest.raises(Servicing, match="It broke"):
        execute([step("check", Servicing("boom", "It broke."), Phase.HEALTH)], session, store)


def test_undoing_goes_on_behind_steps_that_fail_and_tells_them_all(
    store: Datastore, session: Session, events: list[Event]
) -> None:
    first, defect = Servicing("boom", "It broke.", hint="Mend it."), ZeroDivisionError("oops")
    with pytest.raises(Servicing) as caught:
        execute_all([step("one", first), step("two"), step("three", defect), step("four")], session, store)
    assert caught.value is first
    assert caught.value.message.startswith("It broke. Also: ")
    assert "oops" in caught.value.message
    assert UNDONE == ["four", "three", "two", "one"]
    assert [e.outcome for e in events if isinstance(e, StepEnded)] == ["failed", "done", "failed", "done"]
    assert events[-1].outcome == "failed"  # type: ignore[union-attr]
    assert [line for line in journal(store) if line[1] != "begin"] == [
        ("one", "failed"),
        ("two", "done"),
        ("three", "failed"),
        ("four", "done"),
    ]


def test_a_defect_alone_in_undoing_is_an_error_of_its_kind(store: Datastore, session: Session) -> None:
    with pytest.raises(Internal, match="oops"):
        execute_all([step("one", ZeroDivisionError("oops"))], session, store)


def test_an_interrupt_ends_undoing(store: Datastore, session: Session) -> None:
    """What comes next undoes it all."""
    with pytest.raises(KeyboardInterrupt):
        execute_all(
            [step("one", Servicing("boom", "No.")), step("two", KeyboardInterrupt()), step("three")],
            session,
            store,
        )
    assert journal(store)[-1] == ("two", "interrupted")
    assert UNDONE == ["two", "one"]


def test_undoing_needs_no_journal(store: Datastore, session: Session) -> None:
    store._connection.raw.execute("PRAGMA query_only = ON")
    execute_all([step("one"), step("two")], session, store)
    assert UNDONE == ["two", "one"]
