"""The power goes after every single write of an update and its commit: what then boots tells the truth."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.pure.servicing.half_way_hosts import NEW, OLD, OTHER, cut_off
from tests.pure.servicing.half_way_hosts import V2 as NEXT
from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration, status
from trident.errors import Servicing, TridentError
from trident.host.efi import EfiVariables
from trident.plan.step import Operation, Step
from trident.servicing.half_way import given_up, was_cut_off
from trident.servicing.pending import baseline, pending
from trident.state.connection import Connection
from trident.state.datastore import Datastore
from trident.state.status import AbVolume, ServicingState

__all__ = ["host"]

V2, V3 = configuration("v2"), configuration("v3")
MOMENTS = 76  # more than an update has writes


class PowerCut(BaseException):
    """Nothing is written any more."""


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Cut the power after so many writes to the datastore and the firmware; repaired by ``cut(-1)``."""
    left = -1

    def counted(write: Callable[..., Any]) -> Callable[..., Any]:
        def writing(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            if left == 0:
                raise PowerCut
            result = write(*arguments, **options)
            left -= 1
            return result

        return writing

    together = Connection.together

    @contextlib.contextmanager
    def transaction(connection: Connection) -> Iterator[None]:
        nonlocal left
        outermost = connection._depth == 0
        with together(connection):
            yield
            if outermost and left == 0:
                raise PowerCut
        left -= outermost

    monkeypatch.setattr(Connection, "together", transaction)
    for name in ("write", "delete"):
        monkeypatch.setattr(EfiVariables, name, counted(getattr(EfiVariables, name)))

    def set_left(count: int) -> None:
        nonlocal left
        left = count

    return set_left


def until_the_cut(verb: Callable[[], object]) -> None:
    try:
        verb()
    except (PowerCut, TridentError):
        return


def assert_true(host: Host) -> None:
    """After the boot and the agent's commit, Host Status is that of the system that runs."""
    until_the_cut(host.commit)
    status = host.status()
    active = {"root-a": AbVolume.A, "root-b": AbVolume.B}[host.root]
    assert status.ab_active_volume is active
    running = status.spec_old if pending(status) else status.spec
    assert running == host.content[host.root]
    assert host.next_boot() == host.root.replace("root", "trident")


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_update(host: Host, cut: Callable[[int], None], moment: int) -> None:
    cut(moment)
    until_the_cut(lambda: host.update(V2))
    cut(-1)
    host.boot()
    assert_true(host)
    if host.root == "root-a":
        assert host.update(V2).needs_reboot
        host.boot()
        assert_true(host)
    assert host.status().spec == V2.to_document()


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_update_over_one_that_waits_for_its_boot(host: Host, cut: Callable[[int], None], moment: int) -> None:
    host.update(V3)
    cut(moment)
    until_the_cut(lambda: host.update(V2))
    cut(-1)
    host.boot()
    assert_true(host)


@pytest.mark.parametrize("moment", range(12))
@pytest.mark.parametrize("then", ["root-a", "root-b"])
def test_commit(host: Host, cut: Callable[[int], None], moment: int, then: str) -> None:
    """Whichever of the two boots after the cut, be it chosen by hand."""
    host.update(V2)
    host.boot()
    cut(moment)
    until_the_cut(host.commit)
    cut(-1)
    committed = host.status().servicing_state is ServicingState.PROVISIONED
    host.boot(then)
    if committed and then == "root-a":
        with pytest.raises(TridentError):
            host.commit()
        return
    assert_true(host)
    assert host.update(V3).needs_reboot


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_rollback(host: Host, cut: Callable[[int], None], moment: int) -> None:
    host.update(V2)
    host.boot()
    host.commit()
    cut(moment)
    until_the_cut(host.rollback)
    cut(-1)
    host.boot()
    assert_true(host)
    if host.root == "root-b":
        assert host.rollback().needs_reboot
        host.boot()
        assert_true(host)
    assert host.status().spec == configuration().to_document()


def test_the_moments_reach_the_end_of_an_update(host: Host, cut: Callable[[int], None]) -> None:
    cut(MOMENTS - 1)
    assert host.update(V2).needs_reboot


@pytest.mark.parametrize("moment", range(46))
@pytest.mark.parametrize("desired", ["a runtime update", "what should run", "an A/B update"])
def test_update_of_a_host_that_is_half_way(
    host: Host, cut: Callable[[int], None], moment: int, desired: str
) -> None:
    """Whenever it is cut, what may be left is known until it is gone, and the same command completes."""
    with Datastore.open(host.environment.datastore_path) as store:
        store.record(status(AbVolume.A, OLD))
    host.content["root-a"], host.network = OLD.to_document(), OLD.os.netplan
    cut_off(host, lambda: host.update(NEW), OLD)
    if desired == "what should run":
        host.before_step = lambda step: finds_what_was_lost(host, step)
    wanted = {"a runtime update": OTHER, "what should run": OLD, "an A/B update": NEXT}[desired]
    cut(moment)
    until_the_cut(lambda: host.update(wanted))
    cut(-1)

    host.boot()
    assert_known(host)
    until_the_cut(host.commit)
    assert_known(host)
    host.before_step = lambda _step: None
    until_the_cut(host.commit)
    host.update(wanted)
    if host.root == "root-a" and wanted is NEXT:
        host.boot()
        host.commit()
    assert host.status().spec == wanted.to_document()
    assert host.status().servicing_state is ServicingState.PROVISIONED
    if wanted is not NEXT:
        assert host.network == wanted.os.netplan


def finds_what_was_lost(host: Host, step: Step) -> None:
    if step.operation is Operation.STAGE:
        host.before_step = lambda _step: None
    elif step.id == "apply-netplan":
        raise Servicing("set-up-extension-images", "The image is not in the store.")


def assert_known(host: Host) -> None:
    """A running system that is of no configuration is not taken for whole."""
    if host.root != "root-a":
        return
    with Datastore.open(host.environment.datastore_path) as store:
        now = store.status()
        running = baseline(now)
        is_known = was_cut_off(now, store) or given_up(running, store)
    assert is_known or host.network == running.spec["os"]["netplan"]
