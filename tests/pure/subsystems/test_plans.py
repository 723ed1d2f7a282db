"""Promises that hold for the plan of every valid configuration."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pure.subsystems.situations import (
    documents,
    install,
    partition_ids,
    secret,
    situations,
    update,
)
from trident.config.model import HostConfiguration
from trident.config.rules import judge
from trident.plan.situation import Situation
from trident.plan.step import Operation, Step
from trident.servicing.compile import compile_plan
from trident.servicing.concerns import ALL, tools_for
from trident.servicing.select import select_update
from trident.state.status import ServicingType
from trident.subsystems.boot.fallback import SetFallback
from trident.subsystems.boot.stage import StageBootFiles
from trident.subsystems.deployment import WriteImage
from trident.subsystems.storage.format import MakeFileSystem
from trident.subsystems.storage.mounts import MountNewroot

many = settings(max_examples=100, deadline=None)


def destructive(step: Step) -> tuple[str, ...]:
    """Partitions whose content a step replaces."""
    if isinstance(step, WriteImage | MakeFileSystem):
        return (step.device_id,)
    if isinstance(step, StageBootFiles):
        return (step.borrowed_id,)
    return ()


@given(documents())
@many
def test_the_strategy_makes_valid_configurations(document: dict[str, object]) -> None:
    assert [violation.message for _rule, violation in judge(HostConfiguration.from_document(document))] == []


@given(situations())
@many
def test_no_plan_names_an_active_volume(situation: Situation) -> None:
    storage = situation.desired.storage
    if situation.servicing_type is not ServicingType.AB_UPDATE:
        return
    active = {storage.resolve_volume(pair.id, situation.target_volume.other) for pair in storage.volume_pairs}
    for step in compile_plan(situation).steps:
        assert not active & set(step.touches), step.id
        assert not active & set(destructive(step)), step.id


@given(situations())
@many
def test_an_update_replaces_nothing_that_both_sides_share(situation: Situation) -> None:
    if situation.servicing_type is not ServicingType.AB_UPDATE:
        return
    storage = situation.desired.storage
    inactive = {storage.resolve_volume(pair.id, situation.target_volume) for pair in storage.volume_pairs}
    plan = compile_plan(situation)
    replaced = {name for step in plan.steps for name in destructive(step)}
    assert replaced <= inactive
    assert not any(step.id.startswith("partition-disk:") for step in plan.steps)


@given(situations())
@many
def test_steps_come_in_an_order_that_works(situation: Situation) -> None:
    plan = compile_plan(situation)
    ids = [step.id for step in plan.steps]
    assert len(set(ids)) == len(ids)
    operations = [step.operation for step in plan.steps]
    assert operations == sorted(operations, key=list(Operation).index)

    def position(prefix: str) -> list[int]:
        return [index for index, step in enumerate(plan.steps) if step.id.startswith(prefix)]

    mount, unmount = position("mount-newroot")[0], position("unmount-newroot")[0]
    written = {name: index for index, step in enumerate(plan.steps) for name in destructive(step)}
    for index, step in enumerate(plan.steps):
        if isinstance(step, StageBootFiles):
            # The borrowed ground is overwritten by the image that belongs there, and the ESP exists.
            assert isinstance(plan.steps[written[step.borrowed_id]], WriteImage)
            assert index < written[step.borrowed_id]
            assert written.get(step.esp_id, -1) < index
        if any(touched.startswith("/etc") for touched in step.touches):
            assert mount < index < unmount
    assert all(index < mount for index in written.values())
    assert all(index < mount for index in position("partition-disk:"))
    assert all(
        index > unmount for index, step in enumerate(plan.steps) if step.operation is not Operation.STAGE
    )


@given(situations())
@many
def test_only_finalize_and_commit_touch_what_the_firmware_starts(situation: Situation) -> None:
    plan = compile_plan(situation)
    for step in plan.steps_of({Operation.STAGE}):
        assert "/sys/firmware/efi/efivars" not in step.touches
        assert not isinstance(step, SetFallback)
    if situation.servicing_type is ServicingType.AB_UPDATE:
        finalize = plan.steps_of({Operation.FINALIZE})
        assert finalize[-1].id == "set-boot-next"
        assert [step.id for step in finalize].count("set-boot-next") == 1
        assert plan.steps_of({Operation.COMMIT})[0].id == "commit-boot-order"
    else:
        assert plan.steps_of({Operation.FINALIZE})[-1].id == "set-boot-order-first"
        assert plan.steps_of({Operation.COMMIT}) == ()


@given(situations())
@many
def test_the_target_is_mounted_from_its_own_volumes_outer_before_inner(situation: Situation) -> None:
    storage = situation.desired.storage
    (mount,) = (step for step in compile_plan(situation).steps if isinstance(step, MountNewroot))
    paths = [entry.path for entry in mount.mounts]
    assert paths[0] == "/"
    for index, path in enumerate(paths):
        assert not any(path.startswith(later.rstrip("/") + "/") for later in paths[index + 1 :])
    for entry in mount.mounts:
        filesystem = storage.filesystem_at(entry.path)
        assert filesystem is not None
        assert filesystem.device_id is not None
        assert entry.device_id == storage.resolve_volume(filesystem.device_id, situation.target_volume)


@given(situations())
@many
def test_what_steps_touch_is_a_known_device_or_an_absolute_path(situation: Situation) -> None:
    known = {*partition_ids(situation.desired), *(disk.id for disk in situation.desired.storage.disks)}
    for step in compile_plan(situation).steps:
        for touched in step.touches:
            assert touched in known or touched.startswith("/")


@given(situations())
@many
def test_the_same_situation_gives_the_same_plan(situation: Situation) -> None:
    assert compile_plan(situation) == compile_plan(situation)
    assert tools_for(situation) == tools_for(situation)


@given(situations())
@many
def test_secrets_are_in_no_plan(situation: Situation) -> None:
    plan = compile_plan(situation)
    assert secret() not in json.dumps(plan.to_document())
    assert secret() not in repr(plan.steps)


@given(situations())
@many
def test_a_plan_that_is_compiled_without_the_image_has_the_same_steps(situation: Situation) -> None:
    """Finalize and commit are compiled when the image is not open any more."""
    from dataclasses import replace

    without = replace(situation, image=None)
    assert {step.id for step in compile_plan(without).steps} == {
        step.id for step in compile_plan(situation).steps
    }


@given(documents(), st.sampled_from([ServicingType.RUNTIME_UPDATE, ServicingType.NO_ACTIVE_SERVICING]))
@many
def test_other_kinds_of_servicing_have_no_steps(document: dict[str, object], kind: ServicingType) -> None:
    from dataclasses import replace

    situation = replace(update(HostConfiguration.from_document(document)), servicing_type=kind)
    assert [step.id for subsystem in ALL for step in subsystem.steps(situation)] == []


@given(documents())
@many
def test_a_valid_configuration_on_a_blank_machine_is_not_refused(document: dict[str, object]) -> None:
    situation = install(HostConfiguration.from_document(document))
    assert [error.message for subsystem in ALL for error in subsystem.check(situation)] == []


@given(documents(), documents())
@many
def test_an_update_to_the_same_configuration_changes_nothing(
    one: dict[str, object], other: dict[str, object]
) -> None:
    old, new = HostConfiguration.from_document(one), HostConfiguration.from_document(other)
    assert select_update(old, old) == (ServicingType.NO_ACTIVE_SERVICING, ())
    assert bool(select_update(old, new)[1]) == (old != new)
