"""Scripts of the Host Configuration, run at three moments of a servicing (upstream: Script-Hooks.md)."""

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

_DEFAULT_INTERPRETER = "/bin/sh"

# Inside the target this is on a fresh tmpfs: nothing of the script stays on the target's volumes.
_SCRIPT_DIRECTORY = "/run/trident"


@dataclass(frozen=True)
class _Moment:
    """When scripts run: the step's phase, its name in ids and error codes, and where they run."""

    name: str
    phase: Phase
    inside_target: bool = False
    sees_newroot: bool = False

    @property
    def where(self) -> str:
        """Where they run, for people."""
        if self.inside_target:
            return "inside the target OS"
        return "servicing OS, with the target mounted" if self.sees_newroot else "servicing OS"


_PRE_SERVICING = _Moment("pre-servicing", Phase.PRE_SERVICING)
_POST_PROVISION = _Moment("post-provision", Phase.POST_PROVISION, sees_newroot=True)
_POST_CONFIGURE = _Moment("post-configure", Phase.POST_CONFIGURE, inside_target=True)


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
            if isinstance(step, RunScript) and not _can_be_started(step.script):
                yield InvalidInput(
                    "invalid-script",
                    f"The {step.moment.name} script '{step.script_name}' cannot be started: the name of a "
                    "variable is empty or holds '=', or a variable, an argument or the interpreter holds a "
                    "null character.",
                    details={"script_name": step.script_name},
                )

    def tools(self, situation: Situation) -> Iterable[str]:
        """Scripts inside the target are started through chroot."""
        return {"chroot"} if situation.deploys else set()

    def steps(self, situation: Situation) -> Iterator[Step]:
        """One step for each script that runs on this kind of servicing."""
        if not situation.deploys:
            return
        scripts = situation.desired.scripts
        yield from RunScript.compile(situation, _PRE_SERVICING, scripts.pre_servicing)
        later = [
            *RunScript.compile(situation, _POST_PROVISION, scripts.post_provision),
            *RunScript.compile(situation, _POST_CONFIGURE, scripts.post_configure),
        ]
        paths = tuple(step.script.path for step in later if step.script.path is not None)
        if paths:
            yield CheckScripts.compile(paths)
        yield from later


def _can_be_started(script: Script) -> bool:
    """Whether the kernel takes what the script is started with (execve(2), environ(7))."""
    variables = script.environment_variables
    texts = (*variables, *variables.values(), *script.arguments, script.interpreter or "")
    return not any("\0" in text for text in texts) and all(name and "=" not in name for name in variables)


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
        for path in self.paths:
            _read(path)


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

    ENVIRONMENT_SERVICING_TYPE: ClassVar[str] = "SERVICING_TYPE"
    ENVIRONMENT_TARGET_ROOT: ClassVar[str] = "TARGET_ROOT"

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
                operation=Operation.STAGE,
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
        """Run it to its end; a failure ends the servicing."""
        from trident.host.process import run

        newroot = session.mounted_newroot() if self.moment.inside_target or self.moment.sees_newroot else None
        content = self.script.content if self.script.content is not None else _read(str(self.script.path))
        inside = newroot if self.moment.inside_target else None
        path = _put(inside, content)
        try:
            run(
                [self.script.interpreter or _DEFAULT_INTERPRETER, path, *self.script.arguments],
                root=inside,
                environment=self.environment(newroot),
                on_line=session.note,
                secret=len(self.script.arguments),
            )
        except Servicing as error:
            raise Servicing(
                f"run-{self.moment.name}-script",
                f"The {self.moment.name} script '{self.script_name}' failed. {error.message}",
                hint="Correct the script, then run the command again.",
                details={"script_name": self.script_name},
            ) from error
        finally:
            _take_away(inside, path)

    def environment(self, newroot: Path | str | None) -> Mapping[str, str]:
        """Variables for the script: its own, and over them those that Trident always sets."""
        variables = {"HOME": "/root", **self.script.environment_variables}
        variables[self.ENVIRONMENT_SERVICING_TYPE] = str(self.servicing_type).replace("-", "_")
        outside = newroot is not None and self.moment.sees_newroot
        variables[self.ENVIRONMENT_TARGET_ROOT] = str(newroot) if outside else "/"
        if self.phonehome is not None:
            variables["PHONEHOME_URL"] = self.phonehome
        return variables


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise InvalidInput(
            "invalid-host-configuration-dynamic",
            f"The script {path} cannot be read: {error.strerror}.",
            details={"inner": {"load-script": {"path": path}}},
        ) from error


def _put(root: Path | None, content: str) -> str:
    """Write the script where its interpreter finds it; returns the path as the interpreter sees it."""
    import secrets

    from trident.host.files import Tree

    path = f"{_SCRIPT_DIRECTORY}/script-{secrets.token_hex(4)}"
    Tree(root or Path("/")).write(path, content.encode(errors="surrogateescape"), mode=0o700)
    return path


def _take_away(root: Path | None, path: str) -> None:
    from trident.host.files import Tree

    Tree(root or Path("/")).remove(path)
