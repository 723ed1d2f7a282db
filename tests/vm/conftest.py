"""Machines that start where a test begins, and their consoles in the report of a test that fails.

The first test that needs an image or a machine "installed with v1" makes it; afterwards it comes from the
cache as long as neither Trident nor the lab has changed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import images, life
from lab.http import Server
from lab.images import Image
from lab.machine import Machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has the longest limit is begun first, or one worker would be at it alone in the end."""
    items.sort(key=_limit, reverse=True)


def _limit(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:  # type: ignore[attr-defined]
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, Machine):
                report.sections.append((f"console of '{name}'", value.console.tail(80)))  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="session")
def v1() -> Image:
    return images.good(1)


@pytest.fixture(scope="session")
def v2() -> Image:
    return images.good(2)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def blank() -> Iterator[Machine]:
    """A machine with a blank disk, the servicing OS up."""
    with life.in_servicing_os().resume("blank") as machine:
        machine.wait_for_ssh()
        yield machine


@pytest.fixture
def runs_v1(v1: Image) -> Iterator[Machine]:
    """A machine that was installed with v1 and runs it from A, committed."""
    with life.installed(v1).resume("runs-v1") as machine:
        machine.wait_for_ssh()
        yield machine


@pytest.fixture
def runs_v2(v1: Image, v2: Image) -> Iterator[Machine]:
    """A machine that was installed with v1, updated to v2 and runs it from B, committed."""
    with life.updated(v1, v2).resume("runs-v2") as machine:
        machine.wait_for_ssh()
        yield machine
