"""Rules about health checks."""

from __future__ import annotations

from collections.abc import Iterator

from trident.config.model import ServicingTypeSelection, SystemdCheck
from trident.config.problems import Severity
from trident.config.rules.rule import Rule, Violation
from trident.config.rules.subject import Subject

# The unit that makes the checks is part of the boot; what is active after it only cannot be before it.
_AFTER_THE_COMMIT = {"multi-user.target", "graphical.target", "default.target", "trident.service"}
_BOOTED = {ServicingTypeSelection.CLEAN_INSTALL, ServicingTypeSelection.AB_UPDATE, ServicingTypeSelection.ALL}

# Seconds. While a check waits, the host is neither committed nor goes back, and nobody else can service it.
_LONGEST_WAIT = 24 * 60 * 60


def _waits_for_itself(subject: Subject) -> Iterator[Violation]:
    for index, check in enumerate(subject.configuration.health.checks):
        if not isinstance(check, SystemdCheck) or not _BOOTED.intersection(check.run_on):
            continue
        for place, unit in enumerate(check.systemd_services):
            if unit in _AFTER_THE_COMMIT:
                yield Violation(
                    ("health", "checks", index, "systemdServices", place),
                    f"'{unit}' is active only after the health checks, so this one fails after each boot.",
                    "Name the services themselves that must run.",
                )


def _settles_in_time(subject: Subject) -> Iterator[Violation]:
    for index, check in enumerate(subject.configuration.health.checks):
        if isinstance(check, SystemdCheck) and check.settle_seconds > _LONGEST_WAIT:
            yield Violation(
                ("health", "checks", index, "settleSeconds"),
                f"Services cannot be watched for {check.settle_seconds} seconds: "
                f"a day ({_LONGEST_WAIT}) is the most.",
                "A few seconds show whether a service dies right after its start.",
            )


def _ends_in_time(subject: Subject) -> Iterator[Violation]:
    for index, check in enumerate(subject.configuration.health.checks):
        if (check.timeout_seconds or 0) > _LONGEST_WAIT:
            yield Violation(
                ("health", "checks", index, "timeoutSeconds"),
                f"For up to {check.timeout_seconds} seconds, more than a day, an ill host neither goes back "
                "nor can be serviced.",
                "Give the check as long as a healthy host needs.",
            )


RULES = (
    Rule(
        "health-check-waits-for-itself",
        "A systemd check after a boot names no unit that waits for `trident.service`, which makes it.",
        "ours: the unit is wanted by `multi-user.target`, as upstream's is",
        (("health",),),
        _waits_for_itself,
        Severity.WARNING,
        fields=("health.checks.systemdServices",),
    ),
    Rule(
        "health-check-settles-too-long",
        "`settleSeconds` is at most a day: 86400.",
        "ours: upstream has no such field",
        (("health",),),
        _settles_in_time,
        fields=("health.checks.settleSeconds",),
    ),
    Rule(
        "health-check-takes-too-long",
        "`timeoutSeconds` of a health check is at most a day: 86400.",
        "ours: upstream sets no limit",
        (("health",),),
        _ends_in_time,
        Severity.WARNING,
        fields=("health.checks.timeoutSeconds",),
    ),
)
