"""Which extension images stay in the store when a servicing is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pure.servicing.situations import configuration, status
from trident.servicing.forget import forget_extensions
from trident.state.datastore import Datastore
from trident.state.history import EntryState, NewServicing
from trident.state.status import AbVolume, ServicingState, ServicingType
from trident.subsystems.extensions.kinds import STORE

NOW, BEFORE, NEXT, STRAY = ("1" * 96, "2" * 96, "3" * 96, "4" * 96)


def document(*hashes: str) -> dict[str, Any]:
    spec = configuration().to_document()
    spec["os"]["sysexts"] = [{"url": f"http://images.example/{one[:3]}.raw", "sha384": one} for one in hashes]
    return spec


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system whose store holds four images."""
    for one in (NOW, BEFORE, NEXT, STRAY):
        directory = tmp_path / STORE.lstrip("/") / "sysexts" / one
        directory.mkdir(parents=True)
        (directory / "tools.raw").write_text("an image")
    return tmp_path


@pytest.fixture
def datastore(tmp_path: Path) -> Iterator[Datastore]:
    """Of a host that came by a runtime update from BEFORE to NOW."""
    with Datastore.create(tmp_path / "state/datastore.sqlite") as found:
        found.history.begin(
            NewServicing(
                ServicingType.RUNTIME_UPDATE,
                from_configuration=document(BEFORE),
                to_configuration=document(NOW),
                from_volume=AbVolume.A,
                to_volume=AbVolume.A,
                install_index=0,
                to_version=None,
                target_written=False,
            )
        )
        entry = found.history.current()
        assert entry is not None
        found.history.advance(entry.id, EntryState.SUCCEEDED)
        found.record(status(AbVolume.A, configuration()).evolve(spec=document(NOW)))
        yield found


def kept(root: Path) -> set[str]:
    return {path.name for path in (root / STORE.lstrip("/") / "sysexts").iterdir()}


def test_what_runs_and_what_a_rollback_leads_to_stays(datastore: Datastore, root: Path) -> None:
    forget_extensions(datastore, root=root)
    assert kept(root) == {NOW, BEFORE}


def test_what_is_about_to_be_staged_stays(datastore: Datastore, root: Path) -> None:
    forget_extensions(datastore, document(NEXT), root=root)
    assert kept(root) == {NOW, BEFORE, NEXT}


@pytest.mark.parametrize(
    "state", [state for state in ServicingState if state is not ServicingState.PROVISIONED]
)
def test_nothing_goes_while_something_is_pending(
    datastore: Datastore, root: Path, state: ServicingState
) -> None:
    datastore.record(datastore.status().evolve(servicing_state=state, spec_old=document(NOW)))
    forget_extensions(datastore, root=root)
    assert kept(root) == {NOW, BEFORE, NEXT, STRAY}


def test_a_store_that_cannot_be_cleaned_up_stops_nothing(
    datastore: Datastore, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    top = root / STORE.lstrip("/")
    top.rename(root / "elsewhere")
    top.symlink_to(STORE)  # to itself
    forget_extensions(datastore, root=root)
    assert "cannot be removed" in caplog.text
