"""Health: checks that decide whether a new system is kept. Planned; this version cannot make them yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trident.config.model import Script, SystemdCheck
from trident.plan.step import Operation, PendingStep, Phase, ScriptRun
from trident.plan.subsystem import Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.plan.situation import Situation


class HealthSubsystem(Subsystem):
    """Health checks; a change of them forces nothing."""

    name = "health"

    def steps(self, situation: Situation) -> Iterator[PendingStep]:
        """One step for each check that is made after this kind of servicing."""
        # Nothing is booted by a runtime update, so nothing is committed after it: finalize checks itself.
        operation = Operation.FINALIZE if situation.changes_running else Operation.COMMIT
        kind = ServicingType.RUNTIME_UPDATE if situation.changes_running else situation.servicing_type
        for index, check in enumerate(situation.desired.health.checks):
            if check.runs_on(kind):
                yield _step(index, check, operation)


def _step(index: int, check: Script | SystemdCheck, operation: Operation) -> PendingStep:
    name = check.name or f"check {index + 1}"
    script = isinstance(check, Script)
    if isinstance(check, SystemdCheck):
        services = ", ".join(check.systemd_services)
        title = f"Check '{name}': {services} active, within {check.timeout_seconds} s"
    else:
        title = f"Check '{name}': the script ends well"
    return PendingStep(
        id=f"health-check:{index}" + (f"-{check.name}" if check.name else ""),
        title=title,
        operation=operation,
        phase=Phase.HEALTH,
        runs=ScriptRun(name, "health check", "new system") if script else None,
        fields=("health.checks",),
    )
