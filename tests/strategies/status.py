"""Host Statuses that fit a configuration."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st

from tests.strategies.words import Draw, words
from trident.config.model import HostConfiguration
from trident.state.status import AbVolume, HostStatus, ServicingState

_SPEC_IS_NEW = {
    ServicingState.AB_UPDATE_STAGED,
    ServicingState.AB_UPDATE_FINALIZED,
    ServicingState.RUNTIME_UPDATE_STAGED,
}
_IS_INSTALLED = {
    ServicingState.PROVISIONED,
    ServicingState.AB_UPDATE_HEALTH_CHECK_FAILED,
    *_SPEC_IS_NEW,
}


def not_provisioned() -> HostStatus:
    """A host without anything on it."""
    return HostStatus()


@st.composite
def provisioned(draw: Draw, running: HostConfiguration) -> HostStatus:
    """A host that runs the configuration, on A or B if it has A/B volume pairs."""
    side = draw(st.sampled_from([AbVolume.A, AbVolume.B])) if running.storage.volume_pairs else None
    return HostStatus(
        spec=running.to_document(),
        servicing_state=ServicingState.PROVISIONED,
        ab_active_volume=side,
        partition_paths=partition_paths(running),
        disk_uuids={disk.id: str(UUID(int=n)) for n, disk in enumerate(running.storage.disks)},
        install_index=draw(st.integers(0, 3)),
        trident_version=draw(st.one_of(st.none(), st.just("0.1.0"))),
    )


@st.composite
def statuses(draw: Draw, running: HostConfiguration, wanted: HostConfiguration | None = None) -> HostStatus:
    """Any status of a host with this configuration; ``wanted`` is what an update under way leads to."""
    state = draw(st.sampled_from([*ServicingState]))
    if state is ServicingState.NOT_PROVISIONED:
        return not_provisioned()
    status = draw(provisioned(running)).evolve(servicing_state=state)
    if state not in _IS_INSTALLED:
        status = status.evolve(ab_active_volume=None) if "clean-install" in state else status
    if state in _SPEC_IS_NEW and wanted is not None:
        status = status.evolve(spec=wanted.to_document(), spec_old=running.to_document())
    if draw(st.booleans()):
        error = {"message": draw(words), "category": "servicing", "error": draw(words)}
        status = status.evolve(last_error=error)
    return status


def partition_paths(configuration: HostConfiguration) -> dict[str, str]:
    """A device path for every partition that is made or adopted."""
    names = [part.id for disk in configuration.storage.disks for part in disk.partitions]
    names += [part.id for disk in configuration.storage.disks for part in disk.adopted_partitions]
    return {name: f"/dev/disk/by-partuuid/{UUID(int=n)}" for n, name in enumerate(names, 1)}
