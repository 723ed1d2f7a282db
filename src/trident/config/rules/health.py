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
)
