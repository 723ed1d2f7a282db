"""What every test is held to: a time limit by room, and root where the room needs root."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# Seconds after which a test counts as hung. A machine test may wait for a disk, a VM test for a boot.
LIMITS = {"machine": 300, "vm": 1200}

# How long an example takes says more of the machine than of the code; the limits below find what hangs.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for room, seconds in LIMITS.items():
            if item.get_closest_marker(room) and not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(seconds))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if os.geteuid() != 0 and any(item.get_closest_marker(room) for room in LIMITS):
        pytest.fail("needs root for loop devices, mounts and Debian trees: sudo ./dev test", pytrace=False)


@pytest.fixture(autouse=True, scope="session")
def logs_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Commands that tests run in their own process write neither the machine's log nor its journal."""
    from trident.host.fulllog import FullLog
    from trident.host.journal import Journal

    directory = tmp_path_factory.mktemp("log")
    FullLog.__init__.__defaults__ = (directory / "trident-full.log",)
    Journal.__init__.__defaults__ = (directory / "no-journal",)
