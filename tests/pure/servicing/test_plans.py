"""Plans of one small machine: what they write, in which order, and what they are refused for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.pure.servicing import situations
from trident.config.model import Extension
from trident.errors import TridentError
from trident.plan.plan import Plan
from trident.plan.situation import Situation
from trident.plan.step import Operation
from trident.servicing.compile import compile_plan, refusals, refuse
from trident.servicing.select import select_update
from trident.state.status import AbVolume, ServicingType


def update_plan(active: AbVolume = AbVolume.A) -> Plan:
    _, changes = select_update(situations.configuration("v1"), situations.configuration("v2"))
    return compile_plan(situations.ab_update(active), changes)


def test_compiling_twice_gives_equal_plans() -> None:
    assert update_plan() == update_plan()


def test_credentials_and_signatures_of_urls_are_not_shown() -> None:
    situation = situations.clean_install()
    url = "https://somebody:hidden@images.example/x.raw?signature=hidden"
    extension = Extension(url=url, sha384="ab" * 48)
    desired = situation.desired.evolve(
        image=situation.desired.image.evolve(url=url) if situation.desired.image else None,
        os=situation.desired.os.evolve(sysexts=(extension,)),
    )
    shown = str(compile_plan(replace(situation, desired=desired)).to_document())
    assert shown.count("https://images.example/x.raw?") == 2
    assert "hidden" not in shown


@pytest.mark.parametrize("active", list(AbVolume))
def test_an_update_writes_the_inactive_side_only(active: AbVolume) -> None:
    touched = {name for step in update_plan(active).steps for name in step.touches}
    assert f"root-{active.other.letter}" in touched
    assert f"root-{active.letter}" not in touched


def test_boot_next_is_the_last_thing_that_finalize_does() -> None:
    assert update_plan().steps_of({Operation.FINALIZE})[-1].id == "set-boot-next"


def test_an_install_keeps_its_record_before_it_touches_the_boot_order() -> None:
    finalize = [step.id for step in compile_plan(situations.clean_install()).steps_of({Operation.FINALIZE})]
    assert finalize[:3] == ["check-boot-files:trident-a", "check-staged-volumes", "persist-datastore"]


def test_stage_writes_nothing_that_is_booted_from() -> None:
    staged = update_plan().steps_of({Operation.STAGE})
    assert not any("efivars" in name for step in staged for name in step.touches)


def test_the_bytes_to_fetch_are_those_of_the_images() -> None:
    assert update_plan().bytes_to_fetch == 230 * situations.MIB


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ServicingType.NO_ACTIVE_SERVICING),
        ({"hostname": "web-2"}, ServicingType.AB_UPDATE),
        ({"netplan": {"version": 2}}, ServicingType.RUNTIME_UPDATE),
        ({"users": []}, ServicingType.AB_UPDATE),
        ({"hostname": "web-2", "netplan": {"version": 2}}, ServicingType.AB_UPDATE),
    ],
)
def test_the_most_disruptive_change_decides(change: dict[str, Any], expected: ServicingType) -> None:
    old, new = situations.configuration(scripts=False), situations.configuration(scripts=False, **change)
    selected, changes = select_update(old, new)
    assert selected is expected
    assert bool(changes) == bool(change)


def test_a_host_with_scripts_is_not_updated_at_runtime() -> None:
    """Scripts run while a new target is made, and only then (upstream: the hooks subsystem)."""
    selected, _ = select_update(situations.configuration(), situations.configuration(netplan={"version": 2}))
    assert selected is ServicingType.AB_UPDATE


def test_an_update_to_the_image_that_runs_is_refused() -> None:
    situation = situations.ab_update()
    running = situation.image.filesystems[1].fs_uuid if situation.image else ""
    facts = situations.facts()
    same = Situation(
        situation.servicing_type,
        situation.desired,
        situation.status,
        type(facts)(
            facts.boot_type,
            facts.architecture,
            uefi=True,
            disks=facts.disks,
            volume_uuids={"root-a": running},
        ),
        situation.image,
    )
    with pytest.raises(TridentError) as caught:
        refuse(same, compile_plan(same))
    assert caught.value.code == "duplicate-fs-uuid-ab-update"


def test_a_target_without_an_agent_is_left_no_datastore() -> None:
    """Its path then says nothing; it may even lie on a volume that A and B do not share."""
    situation = situations.clean_install()
    disabled = replace(
        situation, desired=situation.desired.evolve(trident=situation.desired.trident.evolve(disable=True))
    )
    assert "persist-datastore" not in [step.id for step in compile_plan(disabled).steps]


def test_an_update_without_a_pair_for_the_root_is_refused_and_has_no_steps() -> None:
    """Nothing may take its way over the volume that runs, not even the ESP's files."""
    situation = situations.ab_update()
    storage = situation.desired.storage
    root = storage.filesystem_at("/")
    assert root is not None
    others = tuple(fs for fs in storage.filesystems if fs is not root)
    unpaired = storage.evolve(ab_update=None, filesystems=(*others, root.evolve(device_id="root-a")))
    case = replace(situation, desired=situation.desired.evolve(storage=unpaired))
    plan = compile_plan(case)
    assert plan.steps == ()
    assert "root-not-on-ab-volume" in [error.code for error in refusals(case, plan)]
