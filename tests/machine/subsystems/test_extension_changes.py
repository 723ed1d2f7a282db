"""Extensions that come, go, change and come back, and those of a new target."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.machine.image.server import serving
from tests.machine.subsystems import extension_images as images
from tests.machine.subsystems.extension_hosts import (
    CONFEXTS,
    NOTHING,
    SYSEXTS,
    change,
    configuration,
    extension,
    placed,
    refused,
    rooted,
    run,
    settle,
    stage,
    stored,
    system,
    update,
)
from tests.pure.subsystems import situations
from trident.config.model import Extension, HostConfiguration
from trident.errors import TridentError
from trident.host.mount import mounted
from trident.host.units import unit_state
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import Operation
from trident.progress import Event, Notice
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.subsystems.extensions import ExtensionsSubsystem, prune_store
from trident.subsystems.extensions.kinds import KINDS, STORE
from trident.subsystems.extensions.settle import EnableMerging, MergeExtensions

pytestmark = [pytest.mark.machine, pytest.mark.usefixtures("nothing_is_left")]

MIB = 1024 * 1024
UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=sysinit.target\n"


def versions(work: Path) -> tuple[Extension, Extension]:
    """Two versions of one extension: one name, two images."""
    return tuple(  # type: ignore[return-value]
        extension(images.pack(images.tree(work, "tools", content=text))) for text in ("one", "two")
    )


def test_an_image_is_replaced_and_the_old_one_comes_back_without_the_network(host: Path, work: Path) -> None:
    old, new = versions(work)
    before, after = configuration((old,)), configuration((new,))
    update(NOTHING, before, host)
    update(before, after, host)
    assert placed(host) == {"tools.raw": new.sha384}
    shutil.rmtree(work)
    settle(after, before, host)
    assert placed(host) == {"tools.raw": old.sha384}


def test_an_extension_is_removed_and_comes_back(host: Path, work: Path) -> None:
    there = configuration((extension(images.pack(images.tree(work))),))
    update(NOTHING, there, host)
    update(there, NOTHING, host)
    assert placed(host) == {}
    shutil.rmtree(work)
    settle(NOTHING, there, host)
    assert list(placed(host)) == ["tools.raw"]


def test_an_extension_moves_to_another_directory(host: Path, work: Path) -> None:
    image = images.pack(images.tree(work))
    before, after = (
        configuration((extension(image),)),
        configuration((extension(image, "/etc/extensions/tools.raw"),)),
    )
    update(NOTHING, before, host)
    shutil.rmtree(work)
    update(before, after, host)
    assert placed(host) == {}
    assert placed(host, "etc/extensions") == {"tools.raw": after.os.sysexts[0].sha384}
    settle(after, before, host)
    assert placed(host, "etc/extensions") == {}
    assert list(placed(host)) == ["tools.raw"]


def test_every_half_way_state_leads_to_the_same_end(host: Path, work: Path) -> None:
    """The steps of finalize are cut after each one; then they are done again, or undone."""
    old, new = versions(work)
    more = extension(images.pack(images.tree(work, "more")))
    site = extension(images.pack(images.tree(work, "site", confext=True)))
    before, after = configuration((old,), (site,)), configuration((new, more))
    update(NOTHING, before, host)
    stage(before, after, host)
    was = (placed(host), placed(host, CONFEXTS))
    situation = change(before, after)
    steps = [
        rooted(step, host)
        for step in ExtensionsSubsystem().steps(situation)
        if step.operation is Operation.FINALIZE and not isinstance(step, EnableMerging | MergeExtensions)
    ]
    for count in range(len(steps) + 1):
        for step in steps[:count]:
            step.run(Session(situation))
        settle(before, after, host)
        assert set(placed(host)) == {"more.raw", "tools.raw"}
        assert placed(host)["tools.raw"] == new.sha384
        settle(after, before, host)
        for step in steps[:count]:
            step.run(Session(situation))
        settle(after, before, host)
        assert (placed(host), placed(host, CONFEXTS)) == was


def test_a_host_that_cannot_be_brought_back_is_brought_to_anything(host: Path, work: Path) -> None:
    """Finalize is cut after each step and the store emptied; then an update goes on from there."""
    old, new = versions(work)
    more, other = (extension(images.pack(images.tree(work, name))) for name in ("more", "other"))
    before, after, third = configuration((old, more)), configuration((new,)), configuration((old, other))
    for count in range(5):
        for desired in (before, after, third):
            shutil.rmtree(host / STORE.lstrip("/"), ignore_errors=True)
            shutil.rmtree(host / SYSEXTS, ignore_errors=True)
            update(NOTHING, before, host)
            stage(before, after, host)
            situation = change(before, after)
            steps = [
                rooted(step, host)
                for step in ExtensionsSubsystem().steps(situation)
                if step.operation is Operation.FINALIZE
                and not isinstance(step, EnableMerging | MergeExtensions)
            ]
            assert len(steps) == 4
            for step in steps[:count]:
                step.run(Session(situation))
            shutil.rmtree(host / STORE.lstrip("/"))
            forward = replace(change(before, desired), unsettled=(after.to_document(),))
            run(forward, host, Operation.STAGE)
            run(forward, host, Operation.FINALIZE)
            assert sorted(placed(host).values()) == sorted(x.sha384 for x in desired.os.sysexts)


def test_an_image_that_is_in_the_store_is_not_fetched_again(host: Path, work: Path) -> None:
    there = configuration((extension(images.pack(images.tree(work))),))
    stage(NOTHING, there, host)
    shutil.rmtree(work)
    stage(NOTHING, there, host)
    settle(NOTHING, there, host)
    assert list(placed(host)) == ["tools.raw"]


def test_an_image_that_only_lies_in_its_place_is_kept_for_the_way_back(host: Path, work: Path) -> None:
    """As on a host whose extensions another agent put there."""
    old, new = versions(work)
    (host / SYSEXTS).mkdir(parents=True)
    shutil.copy(old.url.removeprefix("file://"), host / SYSEXTS / "tools.raw")
    before, after = configuration((old,)), configuration((new,))
    update(before, after, host)
    assert placed(host) == {"tools.raw": new.sha384}
    shutil.rmtree(work)
    settle(after, before, host)
    assert placed(host) == {"tools.raw": old.sha384}


def test_what_cannot_come_back_is_told(host: Path, work: Path) -> None:
    lost = configuration((extension(images.pack(images.tree(work))),))
    events: list[Event] = []
    run(change(lost, NOTHING), host, Operation.STAGE, Operation.FINALIZE, events=events)
    assert any(isinstance(event, Notice) and "cannot bring it back" in event.text for event in events)


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_finalize_refuses_what_is_not_whole_any_more(host: Path, work: Path, damage: str) -> None:
    wanted = configuration((extension(images.pack(images.tree(work))),))
    stage(NOTHING, wanted, host)
    file = next((host / STORE.lstrip("/") / "sysexts").rglob("*.raw"))
    if damage == "gone":
        file.unlink()
    else:
        with file.open("r+b") as handle:
            handle.seek(100)
            handle.write(b"\xff" * 10)
    with pytest.raises(TridentError) as caught:
        settle(NOTHING, wanted, host)
    assert caught.value.code == "staged-not-whole"
    assert placed(host) == {}
    stage(NOTHING, wanted, host)
    settle(NOTHING, wanted, host)
    assert list(placed(host)) == ["tools.raw"]


def test_what_a_killed_stage_left_is_removed(host: Path, work: Path) -> None:
    incoming = host / STORE.lstrip("/") / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "image").write_bytes(b"half")
    (incoming / "directory").mkdir()
    stage(NOTHING, configuration((extension(images.pack(images.tree(work))),)), host)
    assert list(incoming.iterdir()) == []


def test_pruning_keeps_what_is_needed_and_nothing_else(host: Path, work: Path) -> None:
    old, new = versions(work)
    before, after = configuration((old,)), configuration((new,))
    update(NOTHING, before, host)
    update(before, after, host)
    prune_store([after.to_document(), before.to_document()], host)
    assert len(stored(host)) == 2
    prune_store([after.to_document()], host)
    assert stored(host) == {f"sysexts/{new.sha384}/tools.raw"}
    assert placed(host) == {"tools.raw": new.sha384}
    prune_store([], host)
    assert stored(host) == set()
    prune_store([], host / "nowhere")


def test_a_second_file_system_gets_a_copy(host: Path, work: Path) -> None:
    (host / "etc/extensions").mkdir()
    wanted = configuration((extension(images.pack(images.tree(work)), "/etc/extensions/tools.raw"),))
    with mounted("tmpfs", host / "etc/extensions", fstype="tmpfs", options=("size=1M",)):
        update(NOTHING, wanted, host)
        assert placed(host, "etc/extensions") == {"tools.raw": wanted.os.sysexts[0].sha384}
        assert stat.S_IMODE((host / "etc/extensions/tools.raw").stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_refused_at_stage(host: Path, work: Path) -> None:
    (host / "etc/extensions").mkdir()
    wanted = extension(images.pack(images.tree(work)), "/etc/extensions/tools.raw")
    with mounted("tmpfs", host / "etc/extensions", fstype="tmpfs", options=("ro",)):
        error = refused(host, wanted)
    assert error.code == "set-up-extension-images"
    assert "read-only" in error.message


@pytest.mark.parametrize("full", [f"{STORE.lstrip('/')}", "etc/extensions"])
def test_too_little_room_is_told_before_anything_is_fetched(host: Path, work: Path, full: str) -> None:
    (host / full).mkdir(parents=True)
    files = images.tree(work)
    (files / "usr/share/much").write_bytes(os.urandom(2 * MIB))
    image = images.pack(files)
    with (
        mounted("tmpfs", host / full, fstype="tmpfs", options=("size=1M",)),
        serving(image.read_bytes()) as server,
    ):
        wanted = extension(server.url, "/etc/extensions/tools.raw", images.sha384(image))
        error = refused(host, wanted)
        assert error.code == "no-space-for-extension"
        assert str(image.stat().st_size) in error.message
        assert len(server.requests) == 1, "only the size was asked for"


def test_directories_that_are_links_stay_inside_the_system(host: Path, work: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (host / SYSEXTS).symlink_to(outside)
    wanted = configuration((extension(images.pack(images.tree(work))),))
    with pytest.raises(TridentError) as caught:
        update(NOTHING, wanted, host)
    assert caught.value.code == "create-extension-image-directories"
    assert list(outside.iterdir()) == []
    (host / SYSEXTS).unlink()
    (host / "srv").mkdir()
    (host / SYSEXTS).symlink_to("/srv")
    update(NOTHING, wanted, host)
    assert list(placed(host, "srv")) == ["tools.raw"]


def test_a_link_at_the_place_is_replaced_and_not_followed(host: Path, work: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("untouched")
    (host / SYSEXTS).mkdir()
    (host / SYSEXTS / "tools.raw").symlink_to(precious)
    update(NOTHING, configuration((extension(images.pack(images.tree(work))),)), host)
    assert precious.read_text() == "untouched"
    assert not (host / SYSEXTS / "tools.raw").is_symlink()


def test_a_pipe_beside_the_extensions_holds_nothing_up(host: Path, work: Path) -> None:
    old, new = versions(work)
    (host / SYSEXTS).mkdir(parents=True)
    os.mkfifo(host / SYSEXTS / "a.raw")
    shutil.copy(old.url.removeprefix("file://"), host / SYSEXTS / "tools.raw")
    stage(configuration((old,)), configuration((new,)), host)
    assert {Path(name).parent.name for name in stored(host)} == {old.sha384, new.sha384}


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_what_trident_did_not_put_into_the_store_is_replaced(host: Path, work: Path, kind: str) -> None:
    wanted = extension(images.pack(images.tree(work)))
    place = host / STORE.lstrip("/") / "sysexts" / wanted.sha384 / "tools.raw"
    place.parent.mkdir(parents=True)
    if kind == "link":
        place.symlink_to("/nowhere")
    else:
        place.mkdir()
    update(NOTHING, configuration((wanted,)), host)
    assert placed(host) == {"tools.raw": wanted.sha384}


def test_a_directory_at_the_place_is_one_clear_error(host: Path, work: Path) -> None:
    (host / SYSEXTS / "tools.raw").mkdir(parents=True)
    with pytest.raises(TridentError) as caught:
        update(NOTHING, configuration((extension(images.pack(images.tree(work))),)), host)
    assert caught.value.code == "set-up-extension-images"
    assert [path.name for path in (host / SYSEXTS).iterdir()] == ["tools.raw"]


def deploying(wanted: HostConfiguration, running: HostConfiguration | None = None) -> Situation:
    status = HostStatus()
    kind = ServicingType.CLEAN_INSTALL
    if running is not None:
        status = HostStatus(spec=running.to_document(), servicing_state=ServicingState.PROVISIONED)
        kind = ServicingType.AB_UPDATE
    return Situation(kind, wanted, status, situations.machine(wanted))


def test_an_install_puts_extensions_and_a_store_into_the_target(
    host: Path, work: Path, tmp_path: Path
) -> None:
    newroot = system(tmp_path / "newroot")
    wanted = configuration((extension(images.pack(images.tree(work))),))
    run(deploying(wanted), host, Operation.STAGE, newroot=newroot)
    assert list(placed(newroot)) == ["tools.raw"]
    assert stored(host) == set()
    assert len(stored(newroot)) == 1


def test_an_update_takes_images_from_the_running_system(host: Path, work: Path, tmp_path: Path) -> None:
    newroot = system(tmp_path / "newroot")
    wanted = configuration((extension(images.pack(images.tree(work))),))
    update(NOTHING, wanted, host)
    shutil.rmtree(work)
    run(deploying(wanted, wanted), host, Operation.STAGE, newroot=newroot)
    assert placed(newroot) == placed(host)


def test_extensions_must_fit_the_target_and_not_the_running_system(
    host: Path, work: Path, tmp_path: Path
) -> None:
    wanted = configuration((extension(images.pack(images.tree(work))),))
    update(NOTHING, wanted, host)
    newroot = system(tmp_path / "newroot", "ID=debian\nVERSION_ID=14\n")
    with pytest.raises(TridentError, match="VERSION_ID '13'"):
        run(deploying(wanted, wanted), host, Operation.STAGE, newroot=newroot)


def test_an_install_sees_first_whether_images_can_be_had(host: Path, work: Path) -> None:
    situation = deploying(configuration((extension(f"file://{work}/absent.raw", sha384="ab" * 48),)))
    first = next(iter(ExtensionsSubsystem().steps(situation)))
    with pytest.raises(TridentError) as caught:
        rooted(first, host).run(Session(situation))
    assert caught.value.code == "load-extension-image"


def test_the_services_that_merge_at_boot_are_enabled(small_system: Path) -> None:
    units = small_system / "etc/systemd/system"
    units.mkdir(parents=True)
    for kind in KINDS:
        (units / kind.service).write_text(
            "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=sysinit.target\n"
        )
    wanted = configuration((extension("http://x/y.raw", sha384="ab" * 48),))
    enabling = [
        step for step in ExtensionsSubsystem().steps(deploying(wanted)) if isinstance(step, EnableMerging)
    ]
    for _again in range(2):
        enabling[0].run(Session(deploying(wanted), newroot=small_system))
        links = {path.name for path in (units / "sysinit.target.wants").iterdir()}
        assert links == {"systemd-sysext.service", "systemd-confext.service"}


def test_a_target_that_could_not_merge_at_boot_is_refused(host: Path, small_system: Path) -> None:
    """Debian 12 knows no confexts."""
    wanted = configuration((), (extension("http://x/y.raw", sha384="ab" * 48),))
    situation = deploying(wanted)
    step = EnableMerging.compile(situation, (KINDS[1],))
    if unit_state(small_system, KINDS[1].service) is not None:
        (small_system / "etc/systemd/system").mkdir(parents=True)
        (small_system / "etc/systemd/system" / KINDS[1].service).symlink_to("/dev/null")
    with pytest.raises(TridentError) as caught:
        step.run(Session(situation, newroot=small_system))
    assert caught.value.code == "extension-service-not-found"


def test_what_systemd_does_not_merge_is_an_error_with_its_name(host: Path, work: Path) -> None:
    """The image says that it fits; the system became another one since."""
    wanted = configuration((extension(images.pack(images.tree(work))),))
    update(NOTHING, wanted, host)
    (host / "usr/lib/os-release").write_text("ID=fedora\nVERSION_ID=50\n")
    step = MergeExtensions.compile(change(NOTHING, wanted), KINDS[0])
    with pytest.raises(TridentError) as caught:
        rooted(step, host).run(Session(change(NOTHING, wanted)))
    assert caught.value.code == "extension-not-merged"
    assert "'tools'" in caught.value.message
