"""Promises of every plan, whatever valid configuration and status it is made from."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pure.repository.project import ROOT
from tests.pure.servicing import samples
from tests.strategies import changes, configurations, statuses
from tests.strategies.status import provisioned
from trident.cli.describe import describe
from trident.config.model import HostConfiguration, Storage
from trident.errors import TridentError
from trident.plan.preview import Preview
from trident.plan.situation import Situation
from trident.plan.step import Operation, content, device
from trident.servicing.assume import assumed_facts
from trident.servicing.compile import compile_plan, refusals
from trident.servicing.environment import Environment
from trident.servicing.picture import disk_pictures
from trident.servicing.preview import preview
from trident.servicing.select import select_update
from trident.state.status import AbVolume, HostStatus, ServicingType
from trident.subsystems.boot.names import Slot, boot_files

many = settings(max_examples=20, deadline=None)
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/plan.schema.json").read_text()))


@st.composite
def situations(draw: st.DrawFn, kinds: tuple[ServicingType, ...] = ()) -> Situation:
    """What an install or an update of any kind is planned from."""
    kind = draw(st.sampled_from(kinds or (*_PLANNED,)))
    if kind is ServicingType.CLEAN_INSTALL:
        return situation(kind, draw(configurations()), HostStatus())
    running, wanted = draw(changes())
    return situation(kind, wanted, draw(provisioned(running)))


_PLANNED = (ServicingType.CLEAN_INSTALL, ServicingType.AB_UPDATE, ServicingType.RUNTIME_UPDATE)
AB_UPDATES = (ServicingType.AB_UPDATE,)


def situation(kind: ServicingType, config: HostConfiguration, status: HostStatus) -> Situation:
    image = None if kind is ServicingType.RUNTIME_UPDATE else samples.image_for(config)
    facts, _ = assumed_facts(config, status, image)
    return Situation(kind, config, status, facts, image)


def active_devices(case: Situation) -> set[str]:
    """Every device that the host runs from, down to the partitions: one side of each pair, and the root."""
    storage, active = case.desired.storage, case.target_volume.other
    found = {name for pair in storage.volume_pairs for name in storage.devices_behind(pair.id, active)}
    root = storage.filesystem_at("/")
    assert root is not None
    return found | set(storage.devices_behind(str(root.device_id), active))


@given(situations(AB_UPDATES))
@many
def test_no_plan_names_an_active_volume_as_a_target(case: Situation) -> None:
    plan = compile_plan(case)
    active = active_devices(case)
    for step in plan.steps:
        assert not active & set(step.touches), step.id
        assert not active & {entry.device for entry in step.contents}, step.id


@given(st.sampled_from(AbVolume), changes())
@many
def test_the_side_that_is_written_is_the_one_that_does_not_run(
    active: AbVolume, pair: tuple[HostConfiguration, HostConfiguration]
) -> None:
    running, wanted = pair
    status = samples.provisioned(running, active)
    plan = compile_plan(situation(ServicingType.AB_UPDATE, wanted, status))
    assert plan.target_volume is active.other


@given(situations(AB_UPDATES))
@many
def test_an_update_replaces_nothing_that_both_sides_share(case: Situation) -> None:
    storage = case.desired.storage
    inactive = {
        name for pair in storage.volume_pairs for name in storage.devices_behind(pair.id, case.target_volume)
    }
    esp = storage.esp
    files_only = {esp.device_id} if esp else set()
    for entry in compile_plan(case).contents:
        assert entry.device in inactive | files_only


def given_before(case: Situation) -> set[str]:
    """What is there before the first step."""
    storage = case.desired.storage
    found = {device(disk.id) for disk in storage.disks}
    found |= {device(part.id) for disk in storage.disks for part in disk.adopted_partitions}
    found |= {content(part.id) for disk in storage.disks for part in disk.adopted_partitions}
    if case.servicing_type is ServicingType.CLEAN_INSTALL:
        return found
    found |= {device(name) for name in devices(storage)}
    # A file system that both sides share is there; one on a side that is written is not, nor is its slot.
    found |= {content(name) for name in devices(storage) if not storage.is_ab(name)}
    for pair in storage.volume_pairs:
        target = storage.devices_behind(pair.id, case.target_volume)
        found -= {content(name) for name in target}
    return found | {boot_files(Slot(case.status.install_index, case.target_volume.other))}


def devices(storage: Storage) -> list[str]:
    """Every block device that a configuration names."""
    encrypted = storage.encryption.volumes if storage.encryption else ()
    return [
        *(part.id for disk in storage.disks for part in disk.partitions),
        *(array.id for array in storage.raid.software),
        *(volume.id for volume in encrypted),
        *(pair.id for pair in storage.volume_pairs),
        *(verity.id for verity in storage.verity),
    ]


@given(situations())
@many
def test_each_step_comes_after_everything_that_it_needs(case: Situation) -> None:
    there = given_before(case)
    for step in compile_plan(case).steps:
        assert step.needs <= there, f"{step.id} lacks {sorted(step.needs - there)}"
        there = there - step.ends | step.provides


@given(situations())
@many
def test_operations_do_not_mix_and_ids_are_unique(case: Situation) -> None:
    steps = compile_plan(case).steps
    operations = [step.operation for step in steps]
    assert operations == sorted(operations, key=list(Operation).index)
    assert len({step.id for step in steps}) == len(steps)


def rebuilt(case: Situation) -> Situation:
    """The same situation from its documents, nothing shared with the first."""
    config = HostConfiguration.from_document(json.loads(json.dumps(case.desired.to_document())))
    status = HostStatus.from_document(json.loads(json.dumps(case.status.to_document())))
    return replace(case, desired=config, status=status)


@given(situations())
@many
def test_compiling_twice_gives_equal_plans(case: Situation) -> None:
    assert compile_plan(case) == compile_plan(rebuilt(case))


@given(situations())
@many
def test_a_plan_has_steps_or_is_refused_for_the_lack_of_a_volume(case: Situation) -> None:
    plan = compile_plan(case)
    codes = {error.code for error in refusals(case, plan)}
    if case.servicing_type is not ServicingType.RUNTIME_UPDATE:
        assert bool(plan.steps) != bool(codes & {"root-not-from-image", "root-not-on-ab-volume"})


@given(changes())
@many
def test_a_runtime_update_is_selected_only_with_something_to_do_at_run_time(
    pair: tuple[HostConfiguration, HostConfiguration],
) -> None:
    running, wanted = pair
    kind, found = select_update(running, wanted)
    assert (kind is ServicingType.NO_ACTIVE_SERVICING) == all(
        change.forces is ServicingType.NO_ACTIVE_SERVICING for change in found
    )
    if kind is ServicingType.RUNTIME_UPDATE:
        plan = compile_plan(situation(kind, wanted, samples.provisioned(running)))
        assert plan.steps
        assert not any(step.devices for step in plan.steps)


@given(situations())
@many
def test_every_plan_can_be_read_and_fits_its_schema(case: Situation) -> None:
    plan = compile_plan(case)
    preview = Preview(plan, disk_pictures(case, plan))
    assert describe(preview, width=60, unicode=False)
    SCHEMA.validate(preview.to_document())


@given(situations())
@many
def test_partitions_in_a_picture_lie_side_by_side_on_the_disk(case: Situation) -> None:
    for disk in disk_pictures(case, compile_plan(case)):
        for parts in (disk.before, disk.after):
            end = 0
            for part in parts or ():
                assert part.start >= end
                end = part.start + part.size
            assert disk.size is None or end <= disk.size


@given(st.data(), changes())
@many
def test_any_status_of_a_host_can_be_planned_from_or_is_refused(
    data: st.DataObject, pair: tuple[HostConfiguration, HostConfiguration]
) -> None:
    running, wanted = pair
    status = data.draw(statuses(running, wanted))
    try:
        shown = preview(wanted.evolve(image=None), Environment(), assumed=status)
    except TridentError as error:
        assert error.kind != "internal"
    else:
        stages = bool(shown.plan.steps_of({Operation.STAGE}))
        assert shown.plan.nothing_to_do or shown.refusals or not shown.plan.reboots or not stages
        SCHEMA.validate(shown.to_document())
