"""The firmware refuses a call somewhere in a verb: what boots next is still what Host Status says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.pure.servicing.hosts import Host, host
from tests.pure.servicing.situations import configuration
from tests.pure.servicing.test_power_cuts import assert_true
from trident.errors import Servicing, TridentError
from trident.host.efi import EfiVariables
from trident.servicing.pending import pending

__all__ = ["host"]

V1, V2, V3 = configuration("v1"), configuration("v2"), configuration("v3")


def _provisioned(_host: Host) -> None:
    pass


def _finalized(host: Host) -> None:
    host.update(V2)


def _booted(host: Host) -> None:
    host.update(V2)
    host.boot()


def _not_booted(host: Host) -> None:
    host.update(V2)
    host.boot("root-a")


def _updated(host: Host) -> None:
    _booted(host)
    host.commit()


VERBS: Mapping[str, tuple[Callable[[Host], None], Callable[[Host], object]]] = {
    "an update": (_provisioned, lambda host: host.update(V2)),
    "an update over one that waits": (_finalized, lambda host: host.update(V3)),
    "withdrawing an update": (_finalized, lambda host: host.update(V1)),
    "the commit of an update": (_booted, lambda host: host.commit()),
    "the commit of an update that did not boot": (_not_booted, lambda host: host.commit()),
    "a rollback": (_updated, lambda host: host.rollback()),
}


@pytest.mark.parametrize("once", [True, False], ids=["once", "from then on"])
@pytest.mark.parametrize("moment", range(1, 46, 11))
@pytest.mark.parametrize("verb", VERBS)
def test_it_leads_to_what_host_status_says(
    host: Host, monkeypatch: pytest.MonkeyPatch, verb: str, moment: int, once: bool
) -> None:
    prepare, carry_out = VERBS[verb]
    prepare(host)
    with monkeypatch.context() as patch:
        _refuse(patch, moment, once=once)
        with contextlib.suppress(TridentError):
            carry_out(host)
    waiting = pending(host.status())
    if waiting is None or not waiting.finalized:
        assert host.next_boot() == host.root.replace("root", "trident")
    host.boot()
    assert_true(host)
    assert_true(host)


def _refuse(patch: pytest.MonkeyPatch, moment: int, *, once: bool) -> None:
    """Let so many calls of the firmware through, then refuse."""
    calls = 0

    def refusing(call: Callable[..., Any]) -> Callable[..., Any]:
        def calling(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == moment + 1 or (calls > moment and not once):
                raise Servicing("set-efi-variable", "The firmware refuses.")
            return call(*arguments, **options)

        return calling

    for name in ("read", "write", "delete"):
        patch.setattr(EfiVariables, name, refusing(getattr(EfiVariables, name)))
