"""Hosts with extensions: directory trees whose extensions the real steps change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.machine.subsystems import extension_images as images
from tests.pure.subsystems import situations
from trident.config.model import Extension, HostConfiguration
from trident.errors import TridentError
from trident.image.fetch import sha384_of
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import Operation, Step
from trident.progress import Event
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.subsystems.extensions import ExtensionsSubsystem
from trident.subsystems.extensions.kinds import STORE
from trident.subsystems.extensions.settle import EnableMerging, MergeExtensions

OS_RELEASE = "ID=debian\nVERSION_ID=13\n"
SYSEXTS, CONFEXTS = "var/lib/extensions", "var/lib/confexts"


def system(root: Path, os_release: str = OS_RELEASE) -> Path:
    for name in ("etc", "usr/lib", "var/lib"):
        (root / name).mkdir(parents=True)
    (root / "usr/lib/os-release").write_text(os_release)
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    return root


def extension(image: Path | str, path: str | None = None, sha384: str | None = None) -> Extension:
    url = image if isinstance(image, str) else f"file://{image}"
    return Extension(url=url, sha384=sha384 or images.sha384(Path(image)), path=path)


def configuration(
    sysexts: tuple[Extension, ...] = (), confexts: tuple[Extension, ...] = ()
) -> HostConfiguration:
    config = situations.configuration()
    return config.evolve(os=config.os.evolve(sysexts=sysexts, confexts=confexts))


def change(before: HostConfiguration, after: HostConfiguration) -> Situation:
    status = HostStatus(spec=before.to_document(), servicing_state=ServicingState.PROVISIONED)
    return Situation(ServicingType.RUNTIME_UPDATE, after, status, situations.machine(after))


def run(
    situation: Situation,
    host: Path,
    *operations: Operation,
    newroot: Path | None = None,
    events: list[Event] | None = None,
) -> None:
    """The steps of these operations, but for those that ask the build machine's service manager."""
    heard = events if events is not None else []
    session = Session(situation, newroot=newroot, progress=heard.append)
    for step in ExtensionsSubsystem().steps(situation):
        if step.operation in operations and not isinstance(step, EnableMerging | MergeExtensions):
            rooted(step, host).run(session)


def rooted(step: Step, host: Path) -> Step:
    changes: dict[str, Any] = {"running": host}
    return replace(step, **changes)


def stage(before: HostConfiguration, after: HostConfiguration, host: Path) -> None:
    run(change(before, after), host, Operation.STAGE)


def settle(before: HostConfiguration, after: HostConfiguration, host: Path) -> None:
    run(change(before, after), host, Operation.FINALIZE)


def update(before: HostConfiguration, after: HostConfiguration, host: Path) -> None:
    stage(before, after, host)
    settle(before, after, host)


def placed(host: Path, directory: str = SYSEXTS) -> dict[str, str]:
    place = host / directory
    return {path.name: sha384_of(path) for path in sorted(place.iterdir())} if place.is_dir() else {}


def stored(host: Path) -> set[str]:
    top = host / STORE.lstrip("/")
    return (
        {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()} if top.is_dir() else set()
    )


NOTHING = configuration()


def refused(host: Path, *sysexts: Extension, confexts: tuple[Extension, ...] = ()) -> TridentError:
    """The error with which stage refuses them; nothing is in place and nothing of it in the store."""
    with pytest.raises(TridentError) as caught:
        stage(NOTHING, configuration(tuple(sysexts), confexts), host)
    assert placed(host) == {}
    return caught.value
