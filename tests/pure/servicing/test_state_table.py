"""What every command does in every servicing state: docs/servicing-states.md, pair by pair.

Each state is reached by the verbs themselves, never written by hand. ``UPDATE_GOLDEN=1`` writes what
happens into the page; then look at what changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import CONFIGURATION, status
from trident.config.model import HostConfiguration
from trident.errors import HealthChecks, Servicing, TridentError
from trident.plan.step import Operation, Phase, Step
from trident.servicing.environment import Outcome
from trident.servicing.get import Kind, get_text
from trident.servicing.history import read_history
from trident.servicing.rollback import Wish, check
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, ServicingState, ServicingType

__all__ = ["host"]

PAGE = Path(__file__).parents[3] / "docs/servicing-states.md"
STAGE, FINALIZE = frozenset({Operation.STAGE}), frozenset({Operation.FINALIZE})
BOTH = STAGE | FINALIZE
_CHECK = {"name": "alive", "content": "true", "runOn": ["all"]}


def _configuration(version: str = "v1", address: str = "192.0.2.1/24") -> HostConfiguration:
    document = CONFIGURATION | {
        "scripts": {},
        "image": {"url": f"http://images.example/{version}.cosi", "sha384": "ignored"},
        "os": CONFIGURATION["os"] | {"netplan": {"ethernets": {"eth0": {"addresses": [address]}}}},
        "health": {"checks": [_CHECK]},
    }
    return HostConfiguration.from_document(document)


V1, V2, NEW_ADDRESS = _configuration(), _configuration("v2"), _configuration(address="192.0.2.2/24")


def _boot(host: Host) -> None:
    """Boot what the firmware starts next; an installed machine with the datastore that it was left."""
    if host.root != "ram":
        host.boot()
    elif _state(host) is ServicingState.CLEAN_INSTALL_FINALIZED:
        host.root = "root-a"
        with Datastore.open(host.environment.datastore_path) as store:
            store.record(store.status().evolve(is_management_os=False))


def _fail_health_checks(host: Host) -> None:
    others = host.before_step

    def fail(step: Step) -> None:
        if step.phase is Phase.HEALTH:
            raise HealthChecks("health-checks-failed", "It is not alive.")
        others(step)

    host.before_step = fail


def _commit_unhealthy(host: Host) -> None:
    host.update(V2)
    host.boot()
    _fail_health_checks(host)
    host.commit()
    host.before_step = lambda _step: None


def _updated(host: Host, desired: HostConfiguration) -> None:
    if host.update(desired).needs_reboot:
        host.boot()
        host.commit()


def _installing(operations: frozenset[Operation] | None) -> Callable[[Host], None]:
    def reach(host: Host) -> None:
        host.go_blank()
        if operations is not None:
            host.install(V1, operations)

    return reach


def _rolling_back(done: HostConfiguration, operations: frozenset[Operation]) -> Callable[[Host], None]:
    def reach(host: Host) -> None:
        _updated(host, done)
        host.rollback(operations=operations)

    return reach


def _half_way(host: Host) -> None:
    """A runtime update was cut off, and what would bring the host back is lost."""

    class Killed(BaseException):
        pass

    is_killed = False

    def kill(step: Step) -> None:
        nonlocal is_killed
        is_killed = is_killed or step.phase is Phase.HEALTH
        if is_killed:
            raise Killed

    def lost(step: Step) -> None:
        if step.id == "apply-netplan" and getattr(step, "network", None) == V1.os.netplan:
            raise Servicing("apply-netplan-config", "The way back is lost.")

    host.before_step = kill
    with pytest.raises(Killed):
        host.update(NEW_ADDRESS)
    host.before_step = lost


# How a host that runs V1 comes into each state.
STATES: Mapping[ServicingState, Callable[[Host], object]] = {
    ServicingState.NOT_PROVISIONED: _installing(None),
    ServicingState.CLEAN_INSTALL_STAGED: _installing(STAGE),
    ServicingState.CLEAN_INSTALL_FINALIZED: _installing(BOTH),
    ServicingState.PROVISIONED: lambda host: _updated(host, V2),
    ServicingState.AB_UPDATE_STAGED: lambda host: host.update(V2, STAGE),
    ServicingState.AB_UPDATE_FINALIZED: lambda host: host.update(V2),
    ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED: _commit_unhealthy,
    ServicingState.RUNTIME_UPDATE_STAGED: lambda host: host.update(NEW_ADDRESS, STAGE),
    ServicingState.MANUAL_ROLLBACK_AB_STAGED: _rolling_back(V2, STAGE),
    ServicingState.MANUAL_ROLLBACK_AB_FINALIZED: _rolling_back(V2, BOTH),
    ServicingState.MANUAL_ROLLBACK_RUNTIME_STAGED: _rolling_back(NEW_ADDRESS, STAGE),
}


def _failed_install(host: Host) -> None:
    """The installed system runs and its health checks failed."""
    _installing(BOTH)(host)
    _boot(host)
    _fail_health_checks(host)
    with pytest.raises(HealthChecks):
        host.commit()
    host.before_step = lambda _step: None


def _in_staged_target(host: Host) -> None:
    """Somebody started the target of an install that was only staged, on which its datastore lies."""
    _installing(STAGE)(host)
    host.root = "root-a"
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(store.status().evolve(is_management_os=False))


# What a section of the page is about: a state, and where it depends on more, what else is so.
BLANK = "`not-provisioned`: nothing is installed"
_STATES = {f"`{state}`": (state, reach) for state, reach in STATES.items()}
SECTIONS: Mapping[str, tuple[ServicingState, Callable[[Host], object]]] = {
    BLANK: _STATES.pop("`not-provisioned`"),
    "`not-provisioned`: the install failed": (ServicingState.NOT_PROVISIONED, _failed_install),
    "`clean-install-staged`": _STATES.pop("`clean-install-staged`"),
    "`clean-install-staged`: the target runs": (ServicingState.CLEAN_INSTALL_STAGED, _in_staged_target),
    **_STATES,
    "Half-way": (ServicingState.RUNTIME_UPDATE_STAGED, _half_way),
}


def _wanted(host: Host) -> HostConfiguration:
    """What waits, or else what the host is: the file that the user gave last."""
    try:
        spec = host.status().spec
    except TridentError:
        spec = {}
    return HostConfiguration.from_document(spec) if spec else V1


def _other(host: Host) -> HostConfiguration:
    return _configuration("v9")


def _commit_after(boot: Callable[[Host], None], *, healthy: bool = True) -> Callable[[Host], Outcome]:
    def run(host: Host) -> Outcome:
        boot(host)
        if not healthy:
            _fail_health_checks(host)
        return host.commit()

    return run


def _boot_the_same(host: Host) -> None:
    if host.root != "ram":
        host.boot(host.root)


COMMANDS: Mapping[str, Callable[[Host], Outcome | str]] = {
    "`install`": lambda host: host.install(_wanted(host)),
    "`install`, stage only": lambda host: host.install(_wanted(host), STAGE),
    "`install`, finalize only": lambda host: host.install(_wanted(host), FINALIZE),
    "`update`, same file": lambda host: host.update(_wanted(host)),
    "`update`, another file": lambda host: host.update(_other(host)),
    "`update`, another file, stage only": lambda host: host.update(_other(host), STAGE),
    "`update`, same file, finalize only": lambda host: host.update(_wanted(host), FINALIZE),
    "`rollback`": lambda host: host.rollback(),
    "`rollback --ab`": lambda host: host.rollback(Wish.AB),
    "`rollback --runtime`": lambda host: host.rollback(Wish.RUNTIME),
    "`rollback --check`": lambda host: check(Wish.NEXT, host.environment),
    "`rollback`, stage only": lambda host: host.rollback(operations=STAGE),
    "`rollback`, finalize only": lambda host: host.rollback(operations=FINALIZE),
    "`commit`, not rebooted": lambda host: host.commit(),
    "reboot, `commit`": _commit_after(_boot),
    "reboot, `commit`, health checks fail": _commit_after(_boot, healthy=False),
    "reboot into what ran before, `commit`": _commit_after(_boot_the_same),
}


def happens(host: Host, section: str, command: str) -> str:
    """What the command does to a host in the state of that section, as the page says it."""
    state = _bring(host, section)
    try:
        outcome = COMMANDS[command](host)
    except TridentError as error:
        after = _state(host)
        return f"`{error.code}`" + ("" if after is state else f" → {after}")
    if isinstance(outcome, str):
        return f"prints {outcome}"
    if outcome.servicing_type is ServicingType.NO_ACTIVE_SERVICING and _state(host) is state:
        return "–"
    return f"→ {_state(host)}" + (", reboots" if outcome.needs_reboot else "")


def _bring(host: Host, section: str) -> ServicingState:
    """Bring a host that runs V1 to where the section begins."""
    state, reach = SECTIONS[section]
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(status(AbVolume.A, V1))
    host.content["root-a"] = V1.to_document()
    reach(host)
    assert _state(host) is state
    return state


def _state(host: Host) -> ServicingState:
    try:
        return host.status().servicing_state
    except TridentError:
        return ServicingState.NOT_PROVISIONED


def _rows(page: str) -> dict[tuple[str, str], str]:
    """What the page says, by state and command."""
    found, section = {}, ""
    for line in page.splitlines():
        if heading := re.fullmatch(r"## (.*)", line):
            section = heading[1]
        elif (row := re.fullmatch(r"\| (.*) \| (.*) \|", line)) and row[1] in COMMANDS:
            found[section, row[1]] = row[2]
    return found


def test_the_page_has_every_state_and_every_command() -> None:
    pairs = [(section, command) for section in SECTIONS for command in COMMANDS]
    assert list(_rows(PAGE.read_text(encoding="utf-8"))) == pairs
    assert {state for state, _reach in SECTIONS.values()} == set(STATES) == set(ServicingState)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("section", SECTIONS)
def test_pair(host: Host, section: str, command: str) -> None:
    done = happens(host, section, command)
    if os.environ.get("UPDATE_GOLDEN"):
        _write(section, command, done)
    assert done == _rows(PAGE.read_text(encoding="utf-8"))[section, command]


@pytest.mark.parametrize("section", SECTIONS)
def test_whoever_only_asks_changes_nothing(host: Host, section: str) -> None:
    _bring(host, section)
    if section == BLANK:
        for ask in (get_text, lambda _kind, environment: read_history(None, environment)):
            with pytest.raises(TridentError) as nothing_there:
                ask(Kind.STATUS, host.environment)
            assert nothing_there.value.code == "datastore-not-found"
    else:
        before = host.status()
        assert str(before.servicing_state) in get_text(Kind.STATUS, host.environment)
        read_history(None, host.environment)
        assert host.status() == before
    assert _state(host) is SECTIONS[section][0]


def _write(section: str, command: str, done: str) -> None:
    before, heading, rest = PAGE.read_text(encoding="utf-8").partition(f"## {section}\n")
    row = re.compile(rf"^\| {re.escape(command)} \| .* \|$", re.MULTILINE)
    PAGE.write_text(before + heading + row.sub(f"| {command} | {done} |", rest, count=1), encoding="utf-8")
