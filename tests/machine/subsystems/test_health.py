"""Health checks on this machine: real scripts, the error that tells of all of them, and the report."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from tests.pure.subsystems.situations import SAMPLE, configuration, install
from trident.errors import HealthChecks
from trident.plan.session import Session
from trident.progress import Event, Notice
from trident.servicing.compile import compile_plan
from trident.servicing.execute import execute
from trident.state.datastore import Datastore

pytestmark = pytest.mark.machine


class Host:
    """Executes the checks of a configuration, as a commit after a boot does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.said: list[str] = []

    def check(self, checks: str) -> None:
        situation = install(configuration(SAMPLE + f"health:\n  checks:\n{checks}"))
        steps = [step for step in compile_plan(situation).steps if "health" in step.id]
        with Datastore.create(self.directory / "datastore.sqlite") as datastore:
            execute(steps, Session(situation, datastore=datastore, progress=self._listen), datastore)

    def failing(self, checks: str) -> HealthChecks:
        with pytest.raises(HealthChecks) as caught:
            self.check(checks)
        assert caught.value.code == "health-checks-failed"
        return caught.value

    def reports(self) -> list[Path]:
        return sorted(self.directory.glob("trident-health-check-failure-*.log"))

    def _listen(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.said.append(event.text)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


GOOD = "    - {name: good, runOn: [all], content: 'echo fine'}\n"


def test_a_host_that_passes_leaves_no_report(host: Host) -> None:
    host.check(GOOD)
    assert host.said == ["fine"]
    assert host.reports() == []


def test_every_check_is_made_and_every_failure_told(host: Host) -> None:
    error = host.failing(
        "    - {name: first, runOn: [all], content: 'echo no answer from the db >&2; exit 3'}\n"
        + GOOD
        + "    - {runOn: [all], content: 'kill -9 $$'}\n"
        + "    - {name: elsewhere, runOn: [runtime-update], content: 'exit 1'}\n"
    )
    assert host.said == ["no answer from the db", "fine"]
    assert error.message.startswith("2 of 3 health checks failed after the servicing 'clean-install'.")
    assert "'first' failed with exit code 3.\nno answer from the db" in error.message
    assert "'check 3' was killed by signal SIGKILL." in error.message
    assert error.details["servicing_type"] == "clean-install"


def test_the_report_lies_beside_the_datastore_for_root_only(host: Host) -> None:
    error = host.failing("    - {name: web, runOn: [all], content: 'echo on fire; exit 1'}\n")
    (report,) = host.reports()
    assert re.fullmatch(r"trident-health-check-failure-\d{8}T\d{6}Z\.log", report.name)
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "'web' failed with exit code 1.\non fire\n" in report.read_text()
    assert error.hint is not None
    assert str(report) in error.hint


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("path: /no/such/script", "could not be made: The script /no/such/script cannot be read"),
        ("path: /etc", "could not be made: The script /etc cannot be read: Is a directory"),
        ("content: x, interpreter: /no/python", "cannot be started: this system has no interpreter"),
        ("content: x, interpreter: /etc/passwd", "'/etc/passwd' of this system is not an executable file"),
        (
            "content: 'sleep 600', timeoutSeconds: 1",
            "did not end within 1 seconds and was killed",
        ),
        ("systemdServices: [no-such.service], timeoutSeconds: 0", "failed: not healthy: "),
    ],
)
def test_a_check_that_cannot_be_made_is_a_failed_one_and_hides_no_other(
    host: Host, check: str, told: str
) -> None:
    error = host.failing(f"    - {{name: odd, runOn: [all], {check}}}\n" + GOOD)
    assert told in error.message
    assert "1 of 2 health checks failed" in error.message
    assert "fine" in host.said


def test_a_script_knows_what_it_is_part_of(host: Host) -> None:
    host.check(
        "    - {runOn: [all], environmentVariables: {SITE: north, TARGET_ROOT: mine}, arguments: [a b],\n"
        "       content: 'echo $SERVICING_TYPE $TARGET_ROOT $SITE $1 $HOME; pwd; umask'}\n"
    )
    assert host.said == ["clean_install / north a b /root", "/", "0022"]


def test_a_check_of_no_service_passes(host: Host) -> None:
    host.check("    - {name: nothing, runOn: [all], systemdServices: []}\n")


def test_a_report_that_cannot_be_written_is_no_error_of_its_own(host: Host) -> None:
    from trident.subsystems.health import Failure, write_report

    failure = Failure("web", "failed.")
    assert write_report([failure], install().servicing_type, host.directory / "absent") is None
