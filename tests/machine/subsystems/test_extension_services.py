"""systemd's services that merge extensions: enabled for the first extension, disabled after the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.subsystems.extension_hosts import NOTHING, change, configuration, extension, rooted
from trident.config.model import HostConfiguration
from trident.errors import Servicing
from trident.host import units
from trident.host.units import switch_unit
from trident.plan.session import Session
from trident.plan.step import Operation
from trident.subsystems.extensions import ExtensionsSubsystem
from trident.subsystems.extensions.kinds import KINDS
from trident.subsystems.extensions.settle import DisableMerging, EnableMerging
from trident.subsystems.extensions.store import Store

SYSEXT, CONFEXT = (kind.service for kind in KINDS)
ONE = configuration((extension("http://x/y.raw", sha384="ab" * 48),))
TWO = configuration(ONE.os.sysexts, (extension("http://x/z.raw", sha384="cd" * 48),))


@pytest.fixture
def host(small_system: Path) -> Path:
    """A system that has both services, disabled."""
    directory = small_system / "etc/systemd/system"
    directory.mkdir(parents=True)
    (small_system / "var/lib").mkdir(parents=True)
    for kind in KINDS:
        (directory / kind.service).write_text(
            "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=sysinit.target\n"
        )
    return small_system


def enabled(host: Path) -> set[str]:
    wants = host / "etc/systemd/system/sysinit.target.wants"
    return {path.name for path in wants.iterdir()} if wants.is_dir() else set()


def finalize(host: Path, before: HostConfiguration, after: HostConfiguration) -> None:
    """What a runtime update's finalize does with the services."""
    situation = change(before, after)
    for step in ExtensionsSubsystem().steps(situation):
        if step.operation is Operation.FINALIZE and isinstance(step, EnableMerging | DisableMerging):
            rooted(step, host).run(Session(situation))


def test_undoing_the_first_extension_leaves_the_services_as_they_were(host: Path) -> None:
    finalize(host, NOTHING, ONE)
    assert enabled(host) == {SYSEXT, CONFEXT}
    for _again in range(2):
        finalize(host, ONE, NOTHING)
        assert enabled(host) == set()
        assert Store(host).enabled() == frozenset()


def test_a_service_that_was_enabled_before_stays_enabled(host: Path) -> None:
    switch_unit(host, "enable", SYSEXT)
    finalize(host, NOTHING, ONE)
    finalize(host, ONE, NOTHING)
    assert enabled(host) == {SYSEXT}


def test_as_long_as_an_extension_is_left_the_services_stay_enabled(host: Path) -> None:
    finalize(host, NOTHING, TWO)
    finalize(host, TWO, ONE)
    assert enabled(host) == {SYSEXT, CONFEXT}
    finalize(host, ONE, NOTHING)
    assert enabled(host) == set()


def test_cut_off_before_the_second_service_is_enabled_it_is_undone_all_the_same(
    host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = units.switch_unit

    def cut(root: Path, verb: str, name: str) -> bool:
        if (verb, name) == ("enable", CONFEXT):
            raise Servicing("command-failed", "The power is gone.")
        return real(root, "enable" if verb == "enable" else "disable", name)

    monkeypatch.setattr(units, "switch_unit", cut)
    with pytest.raises(Servicing):
        finalize(host, NOTHING, ONE)
    assert enabled(host) == {SYSEXT}
    finalize(host, ONE, NOTHING)
    assert enabled(host) == set()


def test_a_service_that_cannot_be_disabled_stands_in_the_way_of_no_undo(
    host: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    finalize(host, NOTHING, ONE)

    def refuse(*_: object) -> bool:
        raise Servicing("command-failed", "Read-only file system.")

    with monkeypatch.context() as patch:
        patch.setattr(units, "switch_unit", refuse)
        finalize(host, ONE, NOTHING)
    assert "Read-only file system" in caplog.text
    assert enabled(host) == {SYSEXT, CONFEXT}

    finalize(host, ONE, NOTHING)
    assert enabled(host) == set(), "it is remembered until it is done"
