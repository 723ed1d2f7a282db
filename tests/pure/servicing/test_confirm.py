"""A plan that is shown before it is carried out: the same object, under the lock, and nothing before it."""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import sys
from pathlib import Path

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from trident.cli.commands import servicing
from trident.cli.main import main
from trident.cli.streams import tell
from trident.errors import Initialization, Interrupted, NotConfirmed
from trident.plan.preview import Preview
from trident.plan.step import Operation, Step
from trident.servicing.environment import Environment
from trident.state.lock import servicing_lock
from trident.state.status import ServicingState

__all__ = ["host"]

V2, V3 = configuration("v2"), configuration("v3")


def ask(host: Host, answer: bool) -> list[Preview]:
    """Let the host be asked, and collect what it is shown."""
    shown: list[Preview] = []

    def confirm(preview: Preview) -> bool:
        assert host.written == [], "something was written before the question"
        with pytest.raises(Initialization), servicing_lock("test", host.environment.lock):
            pass
        shown.append(preview)
        return answer

    host.environment = dataclasses.replace(host.environment, confirm=confirm)
    return shown


def test_what_was_shown_is_what_is_executed(host: Host) -> None:
    shown = ask(host, True)
    ran: list[Step] = []
    host.before_step = ran.append
    outcome = host.update(V2)
    (preview,) = shown
    assert outcome.plan is preview.plan
    staged_and_finalized = preview.plan.steps_of({Operation.STAGE, Operation.FINALIZE})
    assert len(ran) == len(staged_and_finalized)
    assert all(one is other for one, other in zip(ran, staged_and_finalized, strict=True))


def test_a_plan_that_is_declined_leaves_the_host_as_it_was(host: Host) -> None:
    before, order = host.status(), host.variables.boot_order()
    ask(host, False)
    with pytest.raises(Interrupted) as caught:
        host.update(V2)
    assert caught.value.code == "not-confirmed"
    assert host.status() == before, "it is no lastError either"
    assert (host.written, host.variables.boot_order(), host.variables.boot_next()) == ([], order, None)


def test_a_pending_update_stays_when_its_replacement_is_declined(host: Host) -> None:
    host.update(V2, frozenset({Operation.STAGE}))
    host.written.clear()
    before = host.status()
    ask(host, False)
    with pytest.raises(Interrupted):
        host.update(V3)
    assert host.status() == before


def test_finalizing_what_was_staged_before_is_asked_for_itself(host: Host) -> None:
    host.update(V2, frozenset({Operation.STAGE}))
    host.written.clear()
    shown = ask(host, False)
    with pytest.raises(Interrupted):
        host.update(V2, frozenset({Operation.FINALIZE}))
    (preview,) = shown
    assert {step.operation for step in preview.plan.steps} == {Operation.FINALIZE}
    assert preview.plan.reboots
    assert (preview.plan.contents, preview.plan.image_url, preview.plan.target_volume) == ((), None, None)
    assert host.status().servicing_state is ServicingState.AB_UPDATE_STAGED
    assert host.variables.boot_next() is None


def test_who_only_stages_is_shown_no_reboot(host: Host) -> None:
    shown = ask(host, True)
    host.update(V2, frozenset({Operation.STAGE}))
    (preview,) = shown
    assert {step.operation for step in preview.plan.steps} == {Operation.STAGE}
    assert not preview.plan.reboots
    assert preview.plan.image_url is not None


def test_ctrl_c_at_the_question_changes_nothing(host: Host) -> None:
    def leave(_preview: Preview) -> bool:
        raise KeyboardInterrupt

    before = host.status()
    host.environment = dataclasses.replace(host.environment, confirm=leave)
    with pytest.raises(Interrupted) as caught:
        host.update(V2)
    assert (caught.value.code, host.status()) == ("not-confirmed", before)


def test_nothing_to_do_asks_nothing(host: Host) -> None:
    shown = ask(host, False)
    host.update(configuration("v1"))
    assert shown == []


def test_an_install_that_was_shown_is_the_one_that_is_executed(host: Host) -> None:
    host.go_blank()
    shown = ask(host, True)
    ran: list[Step] = []
    host.before_step = ran.append
    outcome = host.install(V2)
    (preview,) = shown
    assert outcome.plan is preview.plan
    assert ran == list(preview.plan.steps_of({Operation.STAGE, Operation.FINALIZE}))
    assert host.status().servicing_state is ServicingState.CLEAN_INSTALL_FINALIZED


def test_an_install_that_is_declined_leaves_disk_and_firmware_as_they_were(host: Host) -> None:
    host.go_blank()
    order = host.variables.boot_order()
    ask(host, False)
    with pytest.raises(NotConfirmed):
        host.install(V2)
    assert (host.written, host.variables.boot_order()) == ([], order)
    assert host.status().servicing_state is ServicingState.NOT_PROVISIONED
    assert host.status().last_error is None


def test_finalizing_an_install_that_was_staged_before_is_asked_for_itself(host: Host) -> None:
    host.go_blank()
    host.install(V2, frozenset({Operation.STAGE}))
    host.written.clear()
    shown = ask(host, False)
    with pytest.raises(NotConfirmed):
        host.install(V2, frozenset({Operation.FINALIZE}))
    assert len(shown) == 1
    assert host.written == []
    assert host.status().servicing_state is ServicingState.CLEAN_INSTALL_STAGED


@pytest.mark.parametrize(
    ("answer", "code", "state"),
    [
        (b"y\n", 0, ServicingState.CLEAN_INSTALL_STAGED),
        (b"n\n", 130, ServicingState.NOT_PROVISIONED),
        (b"\x04", 130, ServicingState.NOT_PROVISIONED),
    ],
    ids=["yes", "no", "end of input"],
)
def test_the_command_asks_on_the_terminal(
    host: Host,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: bytes,
    code: int,
    state: ServicingState,
) -> None:
    host.go_blank()
    own = (host.environment.agent_configuration, host.environment.lock)
    defaults = Environment.__init__.__defaults__
    assert defaults is not None
    monkeypatch.setattr(Environment.__init__, "__defaults__", (*own, *defaults[2:]))
    file = tmp_path / "host.yaml"
    file.write_text(json.dumps(V2.to_document()))
    keyboard, screen = pty.openpty()

    def tell_and_type(text: str) -> None:
        tell(text)
        if "[y/N]" in text:
            os.write(keyboard, answer)

    with os.fdopen(screen, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(servicing, "tell", tell_and_type)
        arguments = ["install", str(file), "--confirm", "--allowed-operations", "stage"]
        assert main(arguments) == code
    os.close(keyboard)
    shown = capsys.readouterr()
    assert "Servicing type:  clean-install" in shown.err
    assert "Carry out this plan? [y/N] " in shown.err
    assert ("The install is staged." in shown.out) is (code == 0)
    assert ("Nothing was changed" in shown.err) is (code != 0)
    assert host.status().servicing_state is state
    assert bool(host.written) is (code == 0)
