"""The power goes after every single write of an update and its commit: what then boots tells the truth."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from trident.errors import TridentError
from trident.host.efi import EfiVariables
from trident.servicing.pending import pending
from trident.state.connection import Connection
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
