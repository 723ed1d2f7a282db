"""Health: checks that decide whether a new system is kept (upstream: Health-Checks.md)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trident.config.model import Script, SystemdCheck
from trident.errors import HealthChecks, InvalidInput, TridentError
from trident.plan.step import Operation, Phase, ScriptRun, Step
from trident.plan.subsystem import Subsystem
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.plan.session import Session
    from trident.plan.situation import Situation

_log = logging.getLogger(__name__)

# Seconds for a health check's script that names none: a host must not wait for ever to know whether it is
# well, since until then it is neither committed nor does it go back.
DEFAULT_SCRIPT_TIMEOUT = 600

# Of what a service printed, as many lines stand in the error as of a script.
_TAIL_LINES = 5

# What the checks leave in the session for the step that judges.
_FAILURES = "health-check-failures"


@dataclass(frozen=True)
class Failure:
    """A check that failed.

    Attributes:
        name: what the check is called.
        problem: what is wrong, one sentence.
        tail: the last lines of its output.
        report: all that the file beside the datastore tells of it.
    """

    name: str
    problem: str
    tail: str = ""
    report: str = ""


def applicable(situation: Situation) -> Iterator[tuple[int, Script | SystemdCheck]]:
    """Each check that is made after this kind of servicing, with its place in the configuration.

    After a manual A/B rollback there is none: that system has passed its checks before. A manual rollback of
    a runtime update changes the running system as a runtime update does, so it is checked as one.
    """
    kind = ServicingType.RUNTIME_UPDATE if situation.changes_running else situation.servicing_type
    if kind is ServicingType.RUNTIME_UPDATE or situation.deploys:
        for index, check in enumerate(situation.desired.health.checks):
            if check.runs_on(kind):
                yield index, check


class HealthSubsystem(Subsystem):
    """Health checks; a change of them forces nothing."""

    name = "health"

    def check(self, situation: Situation) -> Iterable[TridentError]:
        """Scripts that could not be started."""
        for index, check in applicable(situation):
            if isinstance(check, Script) and not check.can_be_started:
                yield InvalidInput(
                    "invalid-script",
                    f"The health check '{_name(index, check)}' cannot be started: the name of a variable is "
                    "empty or holds '=', or a variable, an argument, the path or the interpreter holds a "
                    "null character.",
                    details={"script_name": _name(index, check)},
                )

    def tools(self, situation: Situation) -> Iterable[str]:
        """``systemctl``, where this system is the one that is checked."""
        asks = any(isinstance(check, SystemdCheck) for _index, check in applicable(situation))
        return {"systemctl"} if asks and situation.changes_running else set()

    def steps(self, situation: Situation) -> Iterator[Step]:
        """One step for each check that is made after this kind of servicing, and one that judges."""
        # Nothing is booted by a runtime update, so nothing is committed after it: finalize checks itself.
        operation = Operation.FINALIZE if situation.changes_running else Operation.COMMIT
        names = []
        for index, check in applicable(situation):
            names.append(_name(index, check))
            if isinstance(check, SystemdCheck):
                yield CheckServices.compile(index, check, operation)
            else:
                yield CheckWithScript.compile(index, check, operation, situation)
        if names:
            yield JudgeHealth.compile(tuple(names), operation, situation.servicing_type)


def _name(index: int, check: Script | SystemdCheck) -> str:
    return check.name or f"check {index + 1}"


def _id(index: int, check: Script | SystemdCheck) -> str:
    return f"health-check:{index}" + (f"-{check.name}" if check.name else "")


def _failures(session: Session) -> list[Failure]:
    found = session.artifacts.setdefault(_FAILURES, [])
    assert isinstance(found, list)
    return found


@dataclass(frozen=True, kw_only=True)
class _HealthCheck(Step):
    """A check. Its failure is kept for the step that judges, so that the checks after it are made too."""

    check_name: str

    def run(self, session: Session) -> None:
        """Make the check; what goes wrong with the check itself counts as a failure of the host."""
        try:
            failure = self.make(session)
        except TridentError as error:
            failure = Failure(self.check_name, f"could not be made: {error.message}")
        if failure is not None:
            _failures(session).append(failure)
            _log.warning("Health check '%s' %s", failure.name, failure.problem)

    def make(self, session: Session) -> Failure | None:
        """The failure, or ``None`` if all is well.

        Raises:
            TridentError: the check could not be made.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class CheckServices(_HealthCheck):
    """See that services are active, and stay so.

    Attributes:
        services: units, as ``systemctl`` takes them.
        timeout: seconds until they are given up; 0 asks once.
        settle: seconds for which they must stay active then.
    """

    services: tuple[str, ...]
    timeout: int
    settle: int

    @classmethod
    def compile(cls, index: int, check: SystemdCheck, operation: Operation) -> CheckServices:
        """The step."""
        settles = f", and for {check.settle_seconds} s on" if check.settle_seconds else ""
        services = ", ".join(check.systemd_services)
        within = f"within {check.timeout_seconds} s" if check.timeout_seconds else "at once"
        return cls(
            id=_id(index, check),
            title=f"Check '{_name(index, check)}': {services} active {within}{settles}",
            operation=operation,
            phase=Phase.HEALTH,
            check_name=_name(index, check),
            services=check.systemd_services,
            timeout=check.timeout_seconds,
            settle=check.settle_seconds,
        )

    def make(self, session: Session) -> Failure | None:
        """Ask the service manager."""
        from trident.host.systemd import status_text, wait_until_healthy

        if not self.services:
            return None
        verdict = wait_until_healthy(self.services, timeout=self.timeout, settle=self.settle)
        if verdict.healthy:
            session.note(f"{', '.join(self.services)}: active")
            return None
        shown = status_text(verdict.units) if verdict.units else ""
        for line in shown.splitlines():
            session.note(line)
        tail = "\n".join(shown.splitlines()[-_TAIL_LINES:])
        return Failure(self.check_name, f"failed: {verdict.problem}.", tail, report=shown)


@dataclass(frozen=True, kw_only=True)
class CheckWithScript(_HealthCheck):
    """Run a script that says whether the host is well.

    Attributes:
        script: what to run; its content and variables may hold secrets, so it is never shown.
        servicing_type: what the script is told it is part of.
        phonehome: URL that the script is told, if configured.
    """

    script: Script = field(repr=False)
    servicing_type: ServicingType
    phonehome: str | None = None

    @classmethod
    def compile(
        cls, index: int, check: Script, operation: Operation, situation: Situation
    ) -> CheckWithScript:
        """The step."""
        return cls(
            id=_id(index, check),
            title=f"Check '{_name(index, check)}': the script ends well",
            operation=operation,
            phase=Phase.HEALTH,
            check_name=_name(index, check),
            script=check,
            servicing_type=situation.servicing_type,
            phonehome=situation.desired.trident.phonehome,
        )

    @property
    def script_run(self) -> ScriptRun:
        """What the plan says of it."""
        return ScriptRun(self.check_name, "health check", "new system")

    def make(self, session: Session) -> Failure | None:
        """Run it to its end, or to that of its time."""
        from trident.host.script import ScriptFile, run_script

        script = self.script
        result = run_script(
            ScriptFile(
                script.content,
                script.path,
                script.interpreter,
                script.arguments,
                script.variables(self.servicing_type, "/", self.phonehome),
            ),
            on_line=session.note,
            timeout=DEFAULT_SCRIPT_TIMEOUT if script.timeout_seconds is None else script.timeout_seconds,
        )
        if not result.problem:
            return None
        return Failure(self.check_name, f"{result.problem}.", result.tail, report=result.tail)


@dataclass(frozen=True, kw_only=True)
class JudgeHealth(Step):
    """Go on if every check before passed.

    Attributes:
        names: what the checks are called, in their order.
        servicing_type: what they are made after.
    """

    names: tuple[str, ...]
    servicing_type: ServicingType

    @classmethod
    def compile(cls, names: tuple[str, ...], operation: Operation, kind: ServicingType) -> JudgeHealth:
        """The step."""
        return cls(
            id="judge-health",
            title="Go on only if every health check passed",
            operation=operation,
            phase=Phase.HEALTH,
            names=names,
            servicing_type=kind,
        )

    def run(self, session: Session) -> None:
        """Judge.

        Raises:
            HealthChecks: ``health-checks-failed``, telling every check that failed.
        """
        failures = _failures(session)
        if not failures:
            return
        error = failed(failures, len(self.names), self.servicing_type)
        directory = session.datastore.path.parent if session.datastore is not None else None
        written = write_report(failures, self.servicing_type, directory) if directory is not None else None
        if written is not None:
            error.hint = f"{written} has the output of each."
        raise error


def failed(failures: list[Failure], made: int, kind: ServicingType) -> HealthChecks:
    """The one error for every check that failed."""
    told = [f"'{one.name}' {one.problem}" + (f"\n{one.tail}" if one.tail else "") for one in failures]
    count = f"{len(failures)} of {made} health checks" if made > 1 else "The health check"
    return HealthChecks(
        "health-checks-failed",
        f"{count} failed after the servicing '{kind}'.\n" + "\n".join(told),
        details={"details": "\n".join(told), "servicing_type": str(kind)},
    )


def write_report(failures: list[Failure], kind: ServicingType, directory: Path) -> Path | None:
    """The failures in a file of their own (0600), named as upstream names it; ``None`` if that fails.

    Args:
        failures: what failed.
        kind: after which kind of servicing.
        directory: where the datastore lies, on a volume that both systems share.
    """
    from datetime import UTC, datetime

    from trident.host.files import write_file
    from trident.host.fulllog import date_last

    now = datetime.now(UTC)
    path = directory / f"trident-health-check-failure-{now:%Y%m%dT%H%M%SZ}.log"
    parts = [f"Health checks after the servicing '{kind}', {now:%Y-%m-%d %H:%M:%S} UTC: failed\n"]
    parts += [f"\n'{one.name}' {one.problem}\n{one.report}".rstrip("\n") + "\n" for one in failures]
    try:
        write_file(path, "".join(parts).encode(errors="replace"), mode=0o600)
        date_last(path)
    except OSError as error:
        _log.warning("The report on the health checks cannot be written to %s: %s.", path, error.strerror)
        return None
    return path
