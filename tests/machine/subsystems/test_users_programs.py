"""Health checks and scripts within whole servicings: the verbs, firmware variables and scripts are real."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from trident.config.model import HostConfiguration
from trident.errors import HealthChecks, Servicing
from trident.plan.session import Session
from trident.plan.step import Step
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, ServicingState
from trident.subsystems.health import CheckServices, CheckWithScript, JudgeHealth
from trident.subsystems.scripts import RunScript

__all__ = ["host"]
pytestmark = pytest.mark.machine

THEIRS = (RunScript, CheckWithScript, CheckServices, JudgeHealth)


@pytest.fixture(autouse=True)
def real_scripts(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the host carry out the user's programs, too, but for those that need a mounted target."""
    simulated = host.run_step

    def run_step(step: Step, session: Session) -> None:
        if isinstance(step, THEIRS) and not step.id.startswith("script:post"):
            step.run(session)
        else:
            simulated(step, session)

    monkeypatch.setattr(host, "run_step", run_step)


def with_checks(version: str, *checks: dict[str, Any], **scripts: Any) -> HostConfiguration:
    document = configuration(version, scripts=False).to_document()
    return HostConfiguration.from_document(
        document | {"health": {"checks": list(checks)}} | ({"scripts": scripts} if scripts else {})
    )


def check(content: str, name: str = "web") -> dict[str, Any]:
    return {"name": name, "content": content, "runOn": ["all"]}


def reports(host: Host) -> list[Path]:
    return list(host.environment.datastore_path.parent.glob("trident-health-check-failure-*.log"))


def test_an_update_that_passes_its_checks_is_kept(host: Host) -> None:
    host.update(with_checks("v2", check("true")))
    host.boot()
    assert not host.commit().needs_reboot
    assert host.status().ab_active_volume is AbVolume.B
    assert host.next_boot() == "trident-b"
    assert reports(host) == []


def test_an_update_that_fails_a_check_goes_back_and_says_why(host: Host) -> None:
    host.update(with_checks("v2", check("echo the database is gone; exit 1"), check("exit 2", "second")))
    host.boot()
    assert host.root == "root-b"
    assert host.commit().needs_reboot
    status = host.status()
    assert status.servicing_state is ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED
    assert status.last_error is not None
    assert set(status.last_error["error"]) == {"health-checks-failed"}
    assert "the database is gone" in status.last_error["message"]
    assert "'second'" in status.last_error["message"]
    (report,) = reports(host)
    assert "the database is gone" in report.read_text()

    host.boot()
    assert host.root == "root-a"
    with pytest.raises(HealthChecks):
        host.commit()
    status = host.status()
    assert (status.servicing_state, status.ab_active_volume) == (ServicingState.PROVISIONED, AbVolume.A)
    assert status.spec == configuration().to_document()
    assert host.next_boot() == "trident-a"


@pytest.mark.parametrize("verb", ["update", "rollback"])
def test_a_script_before_the_reboot_that_fails_leaves_the_firmware_as_it_was(
    host: Host, verb: str, tmp_path: Path
) -> None:
    """Once what it found is mended, finalizing completes the work."""
    script = {"name": "drain", "content": f"echo still busy; test -e {tmp_path}/idle", "runOn": ["all"]}
    desired = with_checks("v2", preReboot=[script])
    if verb == "rollback":
        (tmp_path / "idle").touch()
        host.update(desired)
        host.boot()
        host.commit()
        host.update(with_checks("v3"))
        host.boot()
        host.commit()
        (tmp_path / "idle").unlink()
    before = (host.next_boot(), host.variables.boot_order(), host.variables.boot_next())

    def go() -> Any:
        return host.update(desired) if verb == "update" else host.rollback()

    with pytest.raises(Servicing) as caught:
        go()
    assert caught.value.code == "run-pre-reboot-script"
    assert "still busy" in caught.value.message
    assert (host.next_boot(), host.variables.boot_order(), host.variables.boot_next()) == before
    staged = "ab-update-staged" if verb == "update" else "manual-rollback-ab-staged"
    assert host.status().servicing_state == staged
    assert host.status().last_error is not None

    (tmp_path / "idle").touch()
    assert go().needs_reboot
    assert host.next_boot() == "trident-b"


def test_a_script_before_anything_changes_stops_all(host: Host) -> None:
    with pytest.raises(Servicing) as caught:
        host.update(with_checks("v2", preServicing=[check("exit 9", "look")]))
    assert caught.value.code == "run-pre-servicing-script"
    assert host.written == []
    assert host.status().servicing_state is ServicingState.PROVISIONED


def test_a_runtime_update_that_fails_a_check_is_undone(host: Host) -> None:
    plain = with_checks("v1")
    host.update(plain)
    host.boot()
    host.commit()
    running = host.status().spec
    failing = plain.evolve(
        os=plain.os.evolve(netplan={"version": 2}),
        health=with_checks("v1", check("echo no route; exit 1")).health,
    )
    with pytest.raises(HealthChecks) as caught:
        host.update(failing)
    assert "no route" in caught.value.message
    assert "brought back" in caught.value.message
    status = host.status()
    assert (status.servicing_state, status.spec) == (ServicingState.PROVISIONED, running)
    # Written once on the way there, and once on the way back.
    assert host.written.count("/etc/netplan/99-trident.yaml") == 2
    assert len(reports(host)) == 1


def test_an_install_that_fails_a_check_is_not_provisioned(host: Host) -> None:
    """There is nothing to go back to."""
    checked = with_checks("v1", check("exit 1"))
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(
            host.status().evolve(
                spec=checked.to_document(), servicing_state=ServicingState.CLEAN_INSTALL_FINALIZED
            )
        )
    with pytest.raises(HealthChecks):
        host.commit()
    assert host.status().servicing_state is ServicingState.NOT_PROVISIONED
    assert len(reports(host)) == 1
