"""Which health checks are made after which servicing, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pure.subsystems.situations import SAMPLE, configuration, install, update
from trident.plan.situation import Situation
from trident.plan.step import Operation
from trident.servicing.compile import compile_plan
from trident.state.status import ServicingType
from trident.subsystems.health import CheckServices, HealthSubsystem

CHECKED = configuration(
    SAMPLE
    + """\
health:
  checks:
    - {name: every, runOn: [all], content: "true"}
    - {name: new, runOn: [clean-install, ab-update], systemdServices: [a.service, b.service]}
    - {name: now, runOn: [runtime-update], systemdServices: [c.service], timeoutSeconds: 0, settleSeconds: 9}
    - {name: never, content: "true"}
"""
)


def situation(kind: ServicingType) -> Situation:
    if kind is ServicingType.CLEAN_INSTALL:
        return install(CHECKED)
    return replace(update(CHECKED), servicing_type=kind)


@pytest.mark.parametrize(
    ("kind", "operation", "checks"),
    [
        (ServicingType.CLEAN_INSTALL, Operation.COMMIT, ["0-every", "1-new"]),
        (ServicingType.AB_UPDATE, Operation.COMMIT, ["0-every", "1-new"]),
        (ServicingType.RUNTIME_UPDATE, Operation.FINALIZE, ["0-every", "2-now"]),
        (ServicingType.MANUAL_ROLLBACK_RUNTIME, Operation.FINALIZE, ["0-every", "2-now"]),
    ],
)
def test_checks_are_made_where_their_servicing_ends(
    kind: ServicingType, operation: Operation, checks: list[str]
) -> None:
    steps = list(HealthSubsystem().steps(situation(kind)))
    assert [step.id for step in steps] == [*(f"health-check:{check}" for check in checks), "judge-health"]
    assert {step.operation for step in steps} == {operation}


@pytest.mark.parametrize("kind", [ServicingType.MANUAL_ROLLBACK_AB, ServicingType.NO_ACTIVE_SERVICING])
def test_where_nothing_new_runs_nothing_is_checked(kind: ServicingType) -> None:
    assert list(HealthSubsystem().steps(situation(kind))) == []


def test_nothing_is_judged_where_nothing_is_checked() -> None:
    assert list(HealthSubsystem().steps(install())) == []


def test_the_checks_come_before_the_commit_that_they_decide_on() -> None:
    ids = [step.id for step in compile_plan(situation(ServicingType.AB_UPDATE)).steps_of({Operation.COMMIT})]
    assert ids.index("judge-health") < ids.index("commit-boot-order")


def test_the_plan_says_how_long_services_are_asked() -> None:
    titles = [
        step.title
        for kind in (ServicingType.AB_UPDATE, ServicingType.RUNTIME_UPDATE)
        for step in HealthSubsystem().steps(situation(kind))
        if isinstance(step, CheckServices)
    ]
    assert titles == [
        "Check 'new': a.service, b.service active within 30 s",
        "Check 'now': c.service active at once, and for 9 s on",
    ]


@pytest.mark.parametrize("odd", ["environmentVariables: {A=B: x}", 'arguments: ["a\\0b"]'])
def test_a_script_that_cannot_be_started_is_refused_before_anything_is_changed(odd: str) -> None:
    text = f"health: {{checks: [{{name: web, runOn: [all], content: x, {odd}}}]}}\n"
    (error,) = HealthSubsystem().check(install(configuration(SAMPLE + text)))
    assert error.code == "invalid-script"
    assert "'web'" in error.message


def test_a_path_with_a_null_character_is_refused_too() -> None:
    text = 'health: {checks: [{name: web, runOn: [all], path: "/a\\0"}]}\n'
    assert [error.code for error in HealthSubsystem().check(install(configuration(SAMPLE + text)))] == [
        "invalid-script"
    ]
