"""Host Status keeps upstream's shape: what is written can be read again, and old documents too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

plain = st.dictionaries(st.text(min_size=1), st.one_of(st.text(), st.integers(), st.booleans()), max_size=3)
paths = st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=3)


@given(
    st.builds(
        HostStatus,
        spec=plain,
        spec_old=plain,
        servicing_state=st.sampled_from(ServicingState),
        last_error=st.none() | plain,
        partition_paths=paths,
        ab_active_volume=st.none() | st.sampled_from(AbVolume),
        disk_uuids=paths,
        install_index=st.integers(min_value=0, max_value=9),
        is_management_os=st.booleans(),
    )
)
def test_a_status_survives_being_written_and_read(status: HostStatus) -> None:
    assert HostStatus.from_document(status.to_document()) == status


def test_the_document_spells_fields_and_states_as_upstream_does() -> None:
    status = HostStatus(
        spec={"os": {"hostname": "a"}},
        servicing_state=ServicingState.AB_UPDATE_STAGED,
        ab_active_volume=AbVolume.B,
        partition_paths={"root-a": "/dev/vda2"},
    )
    assert status.to_document() == {
        "spec": {"os": {"hostname": "a"}},
        "servicingState": "ab-update-staged",
        "partitionPaths": {"root-a": "/dev/vda2"},
        "abActiveVolume": "volume-b",
        "installIndex": 0,
    }


def test_fields_of_a_newer_version_are_ignored() -> None:
    assert HostStatus.from_document(
        {"servicingState": "provisioned", "moonPhase": "full"}
    ).servicing_state is (ServicingState.PROVISIONED)


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(ValueError, match="half-done"):
        HostStatus.from_document({"servicingState": "half-done"})


def test_of_two_servicing_types_the_more_disruptive_ranks_higher() -> None:
    by_rank = sorted(ServicingType, key=lambda kind: kind.rank)
    assert by_rank[:4] == [
        ServicingType.NO_ACTIVE_SERVICING,
        ServicingType.RUNTIME_UPDATE,
        ServicingType.AB_UPDATE,
        ServicingType.CLEAN_INSTALL,
    ]
