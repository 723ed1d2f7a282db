"""Scripts of the Host Configuration, run at four moments of a servicing.

Three are upstream's (Script-Hooks.md); ``preReboot`` is Trident's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from trident.config.model import Script, Scripts
from trident.errors import InvalidInput, Servicing
from trident.plan.situation import Change, Effect
from trident.plan.step import Operation, Phase, ScriptRun, Step
from trident.plan.subsystem import EffectRule, Subsystem, changes_of
from trident.state.status import ServicingType

if TYPE_CHECKING:
    from trident.config.model import HostConfiguration
    from trident.errors import TridentError
    from trident.plan.session import Session
    from trident.plan.situation import Situation


@dataclass(frozen=True)
class _Moment:
    """When scripts run: the step's phase, its name in ids and error codes, and where they run."""

    name: str
    phase: Phase
    inside_target: bool = False
    sees_newroot: bool = False
    operation: Operation = Operation.STAGE
    hint: str = "Correct the script, then run the command again."

    @property
    def where(self) -> str:
        """Where they run, for people."""
        if self.inside_target:
            return "inside the target OS"
        return "servicing OS, with the target mounted" if self.sees_newroot else "servicing OS"


_PRE_SERVICING = _Moment("pre-servicing", Phase.PRE_SERVICING)
_POST_PROVISION = _Moment("post-provision", Phase.POST_PROVISION, sees_newroot=True)
_POST_CONFIGURE = _Moment("post-configure", Phase.POST_CONFIGURE, inside_target=True)
_PRE_REBOOT = _Moment(
    "pre-reboot",
    Phase.PRE_REBOOT,
    operation=Operation.FINALIZE,
    hint="What the firmware boots was not changed. Mend what the script found, then finalize again.",
)


def _effect(old: HostConfiguration, new: HostConfiguration) -> Effect:
    if new.scripts == Scripts():
        return Effect(ServicingType.NO_ACTIVE_SERVICING, "a script that is gone has nothing left to do")
    return Effect(ServicingType.AB_UPDATE, "scripts run while a new target is made")


class ScriptsSubsystem(Subsystem):
    """What the user wants done at certain moments."""

    name = "scripts"
    effects: ClassVar[Mapping[str, EffectRule]] = {"scripts": _effect}

    def changes(self, old: HostConfiguration, new: HostConfiguration) -> Iterator[Change]:
        """Scripts run only while a new target is made; a configuration with scripts is updated that way."""
        yield from changes_of(self.effects, old, new)
        if old != new and new.scripts != Scripts():
            yield Change(
                "scripts",
                ServicingType.AB_UPDATE,
                "it has scripts, which run only while a new target is made",
                "present",
            )

    def check(self, situation: Situation) -> Iterable[TridentError]:
        """Scripts that could not be started; their files are looked at by a step, before anything changes."""
        for step in self.steps(situation):
            if isinstance(step, RunScript) and not step.script.can_be_started:
                yield InvalidInput(
                    "invalid-script",
                    f"The {step.moment.name} script '{step.script_name}' cannot be started: the name of a "
                    "variable is empty or holds '=', or a variable, an argument, the path or the interpreter "
                    "holds a null character.",
                    details={"script_name": step.script_name},
                )

    def tools(self, situation: Situation) -> Iterable[str]:
        """Scripts inside the target are started through chroot."""
        return {"chroot"} if situation.deploys else set()

    def steps(self, situation: Situation) -> Iterator[Step]:
        """One step for each script that runs on this kind of servicing.

        The host is about to boot another system in a manual A/B rollback too, so scripts run before it.
        """
        scripts = situation.desired.scripts
        before_reboot = list(RunScript.compile(situation, _PRE_REBOOT, scripts.pre_reboot))
        if situation.servicing_type is ServicingType.MANUAL_ROLLBACK_AB:
            yield from before_reboot
        if not situation.deploys:
            return
        yield from RunScript.compile(situation, _PRE_SERVICING, scripts.pre_servicing)
        later = [
            *RunScript.compile(situation, _POST_PROVISION, scripts.post_provision),
            *RunScript.compile(situation, _POST_CONFIGURE, scripts.post_configure),
            *before_reboot,
        ]
        paths = tuple(step.script.path for step in later if step.script.path is not None)
        if paths:
            yield CheckScripts.compile(paths)
        yield from later


@dataclass(frozen=True, kw_only=True)
class CheckScripts(Step):
    """See that later scripts can be read, while nothing has been changed yet.

    Attributes:
        paths: files on the servicing OS.
    """

    paths: tuple[str, ...]

    @classmethod
    def compile(cls, paths: tuple[str, ...]) -> CheckScripts:
        """The step."""
        return cls(
            id="check-scripts",
            title=f"See that {len(paths)} script files can be read",
            operation=Operation.STAGE,
            phase=Phase.PRE_SERVICING,
            paths=paths,
        )

    def run(self, session: Session) -> None:
        """Read each file."""
        from trident.host.script import read_script

        for path in self.paths:
            read_script(path)


@dataclass(frozen=True, kw_only=True)
class RunScript(Step):
    """Run one script and show what it prints.

    Attributes:
        script: what to run; its content and variables may hold secrets, so it is never shown.
        script_name: how people call it.
        moment: when, and so where.
        servicing_type: what the script is told it is part of.
        phonehome: URL that the script is told, if configured.
    """

    script: Script = field(repr=False)
    script_name: str
    moment: _Moment
    servicing_type: ServicingType
    phonehome: str | None = None

    @classmethod
    def compile(cls, situation: Situation, moment: _Moment, scripts: Iterable[Script]) -> Iterator[RunScript]:
        """A step for each script whose ``runOn`` names this kind of servicing."""
        for index, script in enumerate(scripts):
            if not script.runs_on(situation.servicing_type):
                continue
            name = script.name or f"script {index + 1}"
            yield cls(
                id=f"script:{moment.name}:{index}" + (f"-{script.name}" if script.name else ""),
                title=f"Run the {moment.name} script '{name}'",
                operation=moment.operation,
                phase=moment.phase,
                script=script,
                script_name=name,
                moment=moment,
                servicing_type=situation.servicing_type,
                phonehome=situation.desired.trident.phonehome,
            )

    @property
    def script_run(self) -> ScriptRun:
        """What the plan says of it."""
        return ScriptRun(self.script_name, self.moment.name, self.moment.where)

    def run(self, session: Session) -> None:
        """Run it to its end; a failure ends the servicing.

        Raises:
            Servicing: ``run-…-script`` if it failed, with its last lines.
            InvalidInput: its file cannot be read.
        """
        from trident.host.script import ScriptFile, run_script

        newroot = session.mounted_newroot() if self.moment.inside_target or self.moment.sees_newroot else None
        script = self.script
        result = run_script(
            ScriptFile(
                script.content,
                script.path,
                script.interpreter,
                script.arguments,
                self.environment(newroot),
            ),
            root=newroot if self.moment.inside_target else None,
            on_line=session.note,
            timeout=script.timeout_seconds,
        )
        if result.left:
            ended = "was ended" if self.moment.inside_target else "goes on"
            session.note(
                f"What the script '{self.script_name}' left running {ended}: {', '.join(result.left)}"
            )
        if result.problem:
            raise Servicing(
                f"run-{self.moment.name}-script",
                f"The {self.moment.name} script '{self.script_name}' {result.problem}"
                + (f": {result.tail}" if result.tail else "."),
                hint=self.moment.hint,
                details={"script_name": self.script_name},
            )

    def environment(self, newroot: Path | None) -> Mapping[str, str]:
        """Variables for the script: its own, and over them those that Trident always sets."""
        outside = newroot is not None and self.moment.sees_newroot
        return self.script.variables(self.servicing_type, str(newroot) if outside else "/", self.phonehome)
