"""Rules about scripts."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model import Script
from trident.config.nodes import Path
from trident.config.problems import Severity
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject

_SCRIPTS: tuple[Path, ...] = (("scripts",), ("health",))
_LATER = ("postProvision", "postConfigure", "preReboot")


def _each(subject: Subject) -> Iterator[tuple[Path, Script]]:
    scripts = subject.configuration.scripts
    moments = {
        "preServicing": scripts.pre_servicing,
        "postProvision": scripts.post_provision,
        "postConfigure": scripts.post_configure,
        "preReboot": scripts.pre_reboot,
    }
    for moment, items in moments.items():
        for index, script in enumerate(items):
            yield ("scripts", moment, index), script
    for index, check in enumerate(subject.configuration.health.checks):
        if isinstance(check, Script):
            yield ("health", "checks", index), check


def _label(path: Path, script: Script) -> str:
    return f"The script '{script.name}'" if script.name else f"Script {int(path[2]) + 1} of '{path[1]}'"


def _one_origin(subject: Subject) -> Iterator[Violation]:
    for path, script in _each(subject):
        if (script.content is None) == (script.path is None):
            has = "neither 'content' nor 'path'" if script.content is None else "both 'content' and 'path'"
            yield Violation(path, f"{_label(path, script)} has {has}.", "Write exactly one of them.")


def _path_is_absolute(subject: Subject) -> Iterator[Violation]:
    for path, script in _each(subject):
        if script.path is not None and path[1] in _LATER and not script.path.startswith("/"):
            yield Violation((*path, "path"), f"The path of a script is absolute, and '{script.path}' is not.")


def _runs_sometime(subject: Subject) -> Iterator[Violation]:
    for path, script in _each(subject):
        if not script.run_on:
            message = f"{_label(path, script)} never runs, because its 'runOn' names no servicing type."
            yield Violation(
                path, message, "Add 'runOn: [all]', or name clean-install, ab-update, runtime-update."
            )


def _has_time(subject: Subject) -> Iterator[Violation]:
    for path, script in _each(subject):
        if script.timeout_seconds == 0:
            yield Violation(
                (*path, "timeoutSeconds"),
                f"{_label(path, script)} has no time to run: its 'timeoutSeconds' is 0.",
                "Give it some, or leave it out.",
            )


RULES = (
    Rule(
        "script-content-or-path",
        "A script has either 'content' or 'path'.",
        "upstream, Script",
        _SCRIPTS,
        _one_origin,
        fields=(
            "scripts.preServicing.content",
            "scripts.preServicing.path",
            "scripts.postProvision.content",
            "scripts.postProvision.path",
            "scripts.postConfigure.content",
            "scripts.postConfigure.path",
            "scripts.preReboot.content",
            "scripts.preReboot.path",
            "health.checks.content",
            "health.checks.path",
        ),
    ),
    Rule(
        "script-path-not-absolute",
        "The path of a script in 'postProvision', 'postConfigure' or 'preReboot' is absolute.",
        "upstream, `path-not-absolute`; for 'preReboot' ours",
        _SCRIPTS,
        _path_is_absolute,
        fields=(
            "scripts.postProvision.path",
            "scripts.postConfigure.path",
            "scripts.preReboot.path",
        ),
    ),
    Rule(
        "script-without-time",
        "A script that has 'timeoutSeconds' has at least one second.",
        "ours: upstream has no such field",
        _SCRIPTS,
        _has_time,
        fields=(
            "scripts.preServicing.timeoutSeconds",
            "scripts.postProvision.timeoutSeconds",
            "scripts.postConfigure.timeoutSeconds",
            "scripts.preReboot.timeoutSeconds",
            "health.checks.timeoutSeconds",
        ),
    ),
    Rule(
        "script-never-runs",
        "A script names the servicing types in which it runs.",
        "upstream, Script: an empty 'runOn' selects nothing",
        _SCRIPTS,
        _runs_sometime,
        Severity.WARNING,
        fields=(
            "scripts.preServicing.runOn",
            "scripts.postProvision.runOn",
            "scripts.postConfigure.runOn",
            "scripts.preReboot.runOn",
            "health.checks.runOn",
        ),
    ),
)
