"""Deployment: which volumes are written, and images that do not belong here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pure.subsystems.situations import SAMPLE, configuration, image_for, install, update
from trident.config.model import OsImage
from trident.errors import TridentError
from trident.image.cosi.metadata import Disk, GptRegion
from trident.plan.situation import Situation
from trident.plan.step import Phase
from trident.subsystems.deployment import DeploymentSubsystem, WriteImage

deployment = DeploymentSubsystem()
WITH_SHARED_IMAGE = SAMPLE.replace(
    "{deviceId: home, source: new, mountPoint: {path: /home", "{deviceId: home, mountPoint: {path: /home"
)


def refused(situation: Situation) -> TridentError:
    (error,) = deployment.check(situation)
    return error


def written(situation: Situation) -> dict[str, str]:
    return {step.id: step.mount_point for step in deployment.steps(situation) if isinstance(step, WriteImage)}


def test_an_install_writes_every_file_system_of_the_image_but_the_esp() -> None:
    config = configuration(WITH_SHARED_IMAGE)
    assert written(install(config)) == {"write-image:root-a": "/", "write-image:home": "/home"}


def test_an_update_writes_the_inactive_side_only() -> None:
    assert written(update(configuration(WITH_SHARED_IMAGE))) == {"write-image:root-b": "/"}


def test_images_are_written_in_the_order_of_the_stream_and_cost_what_is_fetched() -> None:
    config = configuration(WITH_SHARED_IMAGE)
    image = image_for(config)
    home, esp, root = image.filesystems
    regions = (GptRegion(root.image, 3), GptRegion(home.image, 1), GptRegion(esp.image, 2))
    situation = replace(install(config), image=replace(image, disk=Disk(0, 512, regions)))
    steps = [step for step in deployment.steps(situation) if step.phase is Phase.DEPLOY]
    assert [(step.id, step.cost) for step in steps] == [
        ("write-image:root-a", root.image.compressed_size),
        ("write-image:home", home.image.compressed_size),
    ]


def test_another_image_needs_an_ab_update() -> None:
    other = configuration(image=OsImage(url="http://127.0.0.1/v2.cosi", sha384="ignored"))
    (change,) = deployment.changes(configuration(), other)
    assert (change.field, change.forces.value) == ("image.url", "ab-update")
    assert list(deployment.changes(other, other)) == []


def test_without_an_image_there_is_nothing_to_deploy() -> None:
    situation = replace(install(configuration(image=None)), image=None)
    assert refused(situation).code == "missing-os-image"


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_the_image_that_already_runs_is_refused(spelling: object) -> None:
    """Two root file systems with one UUID cannot be told apart by ``root=UUID=``."""
    config = configuration()
    image = image_for(config, generation=0xAB)
    root = image.filesystem_at("/")
    assert root is not None
    running = {"root-a": spelling(root.fs_uuid)}  # type: ignore[operator]
    error = refused(update(config, image=image, volume_uuids=running))
    assert error.code == "duplicate-fs-uuid-ab-update"
    assert error.details["pair_id"] == "root"


def test_the_image_on_the_inactive_side_may_come_again() -> None:
    config = configuration()
    image = image_for(config)
    root = image.filesystem_at("/")
    assert root is not None
    volumes = {"root-a": "something-else", "root-b": root.fs_uuid}
    assert list(deployment.check(update(config, image=image, volume_uuids=volumes))) == []
