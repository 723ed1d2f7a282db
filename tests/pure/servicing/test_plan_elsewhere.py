"""Plans for a machine that is not this one: its status comes from a file, the rest is assumed and named."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path

import pytest

from tests.pure.servicing import samples
from trident.config.model import HostConfiguration
from trident.errors import InvalidInput
from trident.plan.preview import Preview
from trident.plan.step import Operation
from trident.servicing.assume import BLANK, read_status
from trident.servicing.environment import Environment
from trident.servicing.preview import preview
from trident.state.datastore import dump_yaml
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

SAMPLE = samples.document(samples.SAMPLES[0])
RUNNING = samples.read(samples.SAMPLES[0])
DUAL_BOOT_PATH = next(path for path in samples.SAMPLES if path.stem == "dual-boot")
DUAL_BOOT = samples.read(DUAL_BOOT_PATH)


def wanted(**changes: object) -> Preview:
    """A plan for another host, to whose image there is no way from here."""
    document = SAMPLE | {"image": {"url": "file:///nowhere/v2.cosi", "sha384": "ignored"}} | changes
    config = type(RUNNING).from_document(document)
    return preview(config, Environment(), assumed=samples.provisioned(RUNNING))


def test_a_blank_machine_is_installed() -> None:
    shown = preview(RUNNING.evolve(image=None), Environment(), assumed=BLANK)
    assert shown.plan.servicing_type is ServicingType.CLEAN_INSTALL
    assert [error.code for error in shown.refusals] == ["missing-os-image", "missing-os-image"]
    assert any("/dev/vda" in text for text in shown.assumptions)


def test_a_host_is_updated_and_an_image_out_of_reach_is_an_assumption() -> None:
    shown = wanted()
    assert shown.plan.servicing_type is ServicingType.AB_UPDATE
    assert shown.plan.target_volume is AbVolume.B
    assert shown.refusals == ()
    assert not shown.plan.image_known
    assert shown.to_document()["bytesToFetch"] is None
    assert any("could not be looked at" in text for text in shown.assumptions)


def test_nothing_to_do_needs_no_image() -> None:
    shown = preview(RUNNING, Environment(), assumed=samples.provisioned(RUNNING))
    assert shown.plan.nothing_to_do
    assert shown.plan.changes == ()


def test_a_layout_that_an_update_cannot_change_is_shown_with_its_refusal() -> None:
    storage = json.loads(json.dumps(SAMPLE["storage"]))
    storage["disks"][0]["partitions"][3]["size"] = "512M"
    shown = wanted(storage=storage)
    assert [error.code for error in shown.refusals] == ["invalid-host-configuration-dynamic"]
    assert shown.plan.steps
    assert "storage.disks[os].partitions[trident].size" in [change.field for change in shown.plan.changes]
    (disk,) = shown.disks
    assert disk.before is not None
    assert [part.size for part in disk.before if part.id == "trident"] == [256 * 1024**2]


@pytest.mark.parametrize("assumed", [BLANK, samples.provisioned(DUAL_BOOT)], ids=["install", "update"])
def test_partitions_to_adopt_are_assumed_to_be_there(assumed: HostStatus) -> None:
    document = samples.document(DUAL_BOOT_PATH) | {
        "image": samples.NEXT_IMAGE | {"url": "file:///nowhere/v2.cosi"}
    }
    shown = preview(HostConfiguration.from_document(document), Environment(), assumed=assumed)
    assert shown.refusals == ()
    (disk,) = shown.disks
    adopted = ["esp", "windows-reserved", "windows", "documents"]
    assert disk.before is not None
    assert disk.after is not None
    assert [part.id for part in disk.before][:4] == adopted
    assert [part.id for part in disk.after] == [*adopted, "root-a", "root-b", "trident", "home"]
    assert any("sizes are not known" in text for text in shown.assumptions)


def test_a_server_that_is_not_there_is_asked_a_few_times_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        calls: list[None] = []

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()
                    calls.append(None)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v2.cosi"
        shown = wanted(image={"url": url, "sha384": "ignored"})
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert any("gave up after 3 attempts" in text for text in shown.assumptions)
    assert len(calls) == 3


@pytest.mark.parametrize("write", [dump_yaml, json.dumps], ids=["YAML", "JSON"])
def test_the_status_is_read_as_get_prints_it(tmp_path: Path, write: object) -> None:
    status = samples.provisioned(RUNNING)
    file = tmp_path / "status"
    file.write_text(write(status.to_document()))  # type: ignore[operator]
    assert read_status(str(file)) == status


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "7",
        "servicingState",
        "servicingState: on-fire",
        "servicingState: [provisioned]",
        "servicingState: provisioned\nabActiveVolume: volume-c",
        "servicingState: provisioned\ninstallIndex: many",
        "servicingState: provisioned\ninstallIndex: [1]",
        "storage: {}",
        "servicingState: {a: b",
        "\x00\x01",
        "a: &a [*a]",
    ],
)
def test_a_file_that_is_no_status_is_one_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "status"
    file.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read_status(str(file))
    assert caught.value.code == "parse-host-status-file"


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": {}},
        {"spec": {"no": "such"}},
        {"partition_paths": {}},
        {"servicing_state": ServicingState.CLEAN_INSTALL_STAGED},
        {"servicing_state": ServicingState.MANUAL_ROLLBACK_AB_FINALIZED},
        {"ab_active_volume": None},
    ],
    ids=str,
)
def test_a_status_that_fits_no_update_ends_in_an_error_or_a_refusal(changes: dict[str, object]) -> None:
    from trident.errors import TridentError

    odd: HostStatus = samples.provisioned(RUNNING).evolve(**changes)
    try:
        shown = preview(RUNNING.evolve(image=None), Environment(), assumed=odd)
    except TridentError as error:
        assert error.kind != "internal"
    else:
        assert shown.refusals


@pytest.mark.parametrize("state", [ServicingState.AB_UPDATE_STAGED, ServicingState.AB_UPDATE_FINALIZED])
def test_of_what_is_staged_already_only_finalize_is_left(state: ServicingState) -> None:
    """As ``trident update`` does; the image is not even looked for."""
    document = SAMPLE | {"image": {"url": "file:///nowhere/v2.cosi", "sha384": "ignored"}}
    config = type(RUNNING).from_document(document)
    running = samples.provisioned(RUNNING)
    staged = running.evolve(servicing_state=state, spec=config.to_document(), spec_old=running.spec)
    shown = preview(config, Environment(), assumed=staged)
    assert {step.operation for step in shown.plan.steps} == {Operation.FINALIZE}
    assert (shown.plan.reboots, shown.plan.contents, shown.refusals) == (True, (), ())
    assert not any("could not be looked at" in text for text in shown.assumptions)
    other = config.evolve(image=None)
    assert Operation.STAGE in {
        step.operation for step in preview(other, Environment(), assumed=staged).plan.steps
    }


def test_a_program_that_is_not_installed_here_stands_against_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trident.host.tools.missing", lambda tools, _path: sorted(tools))
    agent = tmp_path / "trident.conf"
    agent.write_text(f"DatastorePath={tmp_path}/datastore.sqlite\n")
    shown = preview(RUNNING.evolve(image=None), Environment(agent, tmp_path / "lock"))
    (refusal,) = (error for error in shown.refusals if error.code == "missing-binary")
    assert "'sfdisk'" in refusal.message
