"""Network settings: netplan's own judgement, and the file on a target and on a system that runs.

'netplan apply' would change the network of the machine that tests. A program that notes how it was called
stands for it; virtual machines show the rest.
"""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pure.subsystems.situations import configuration, install, update
from trident.errors import Servicing
from trident.host import netplan
from trident.host.chroot import furnished
from trident.host.mount import mounted
from trident.host.tools import SEARCH_PATH
from trident.plan.session import Session
from trident.plan.step import Operation
from trident.state.status import ServicingType
from trident.subsystems.network import NetworkSubsystem, WriteNetplan

pytestmark = pytest.mark.machine

Network = dict[str, Any] | None
SECRET = "correct-horse-battery-staple"
ONE: Network = {"version": 2, "ethernets": {"lan": {"match": {"name": "en*"}, "dhcp4": True}}}
BRIDGED: Network = {"version": 2, "bridges": {"br0": {"addresses": ["192.0.2.1/24"]}}}
BAD: Network = {
    "version": 2,
    "wifis": {"w": {"access-points": {"home": {"password": SECRET}}, "dhcp4": "maybe"}},
}


def test_a_target_gets_its_file_for_root_only_and_its_netplan_reads_it(small_system: Path) -> None:
    (small_system / "etc/cloud/cloud.cfg.d").mkdir(parents=True)
    shutil.copy("/etc/ld.so.cache", small_system / "etc")  # netplan looks its library up there
    assert ONE is not None
    with furnished(small_system):
        WriteNetplan.compile(ONE).run(Session(install(), newroot=small_system))
        assert list((small_system / "run/systemd/network").glob("*netplan-lan.network"))
    path = small_system / "etc/netplan/99-trident.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text()) == {"network": ONE}
    assert (small_system / "etc/cloud/cloud.cfg.d/99-use-trident-networking.cfg").exists()


def test_a_target_without_netplan_is_told(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    with pytest.raises(Servicing) as caught:
        WriteNetplan.compile({"version": 2}).run(Session(install(), newroot=tmp_path))
    assert caught.value.code == "generate-netplan-config"
    assert "has no netplan" in caught.value.message


class Host:
    """A running system below a directory, whose network is brought from one configuration to another."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "etc/netplan/99-trident.yaml"
        self.calls = root.parent / "calls"

    def change(self, before: Network, after: Network, *operations: Operation) -> None:
        old, new = configuration(), configuration()
        old, new = (one.evolve(os=one.os.evolve(netplan=net)) for one, net in ((old, before), (new, after)))
        kind = ServicingType.RUNTIME_UPDATE
        situation = replace(update(new, installed=old), servicing_type=kind)
        session = Session(situation)
        for step in NetworkSubsystem().steps(situation):
            if step.operation in (operations or tuple(Operation)):
                step.run(session)

    def holds(self) -> Any:
        return yaml.safe_load(self.file.read_text())["network"] if self.file.exists() else None

    def applied(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    root = tmp_path / "host"
    (root / "etc/netplan").mkdir(parents=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    real = next(path for path in SEARCH_PATH.split(":") if (Path(path) / "netplan").exists())
    script = (
        f'#!/bin/sh\n[ $1 = apply ] || exec {real}/netplan "$@"\n'
        f"[ -e {tmp_path}/fails ] && {{ cat {tmp_path}/fails >&2; exit 78; }}\n"
        f"echo $1 $2 $(cat $3/etc/netplan/*.yaml | grep -c -e br0) >> {tmp_path}/calls\n"
    )
    for name, text in {"netplan": script, "networkctl": "#!/bin/sh\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setattr("trident.host.process.SEARCH_PATH", f"{programs}:{SEARCH_PATH}")
    monkeypatch.setattr("trident.subsystems.network._ROOT", root)
    return Host(root)


def test_the_file_is_written_for_root_only_and_applied(host: Host) -> None:
    host.change(None, ONE)
    assert host.holds() == ONE
    assert stat.S_IMODE(host.file.stat().st_mode) == 0o600
    assert host.applied() == ["apply --state 0"]


def test_virtual_devices_of_before_are_named_to_netplan_so_that_it_removes_them(host: Host) -> None:
    host.change(None, BRIDGED)
    host.change(BRIDGED, ONE)
    assert host.applied() == ["apply --state 0", "apply --state 1"]


def test_cloud_init_is_kept_off_the_network_as_long_as_trident_has_settings(host: Host) -> None:
    directory = host.root / "etc/cloud/cloud.cfg.d"
    directory.mkdir(parents=True)
    host.change(None, ONE)
    assert [path.name for path in directory.iterdir()] == ["99-use-trident-networking.cfg"]
    host.change(ONE, None)
    assert list(directory.iterdir()) == []


def test_settings_that_are_gone_take_the_file_with_them(host: Host) -> None:
    host.change(None, ONE)
    host.change(ONE, None)
    assert not host.file.exists()
    assert len(host.applied()) == 2


@pytest.mark.parametrize("after", [ONE, None])
@pytest.mark.parametrize("there", ["nothing", "the old one", "the new one", "somebody's", "no netplan file"])
def test_finalizing_ends_the_same_whatever_an_earlier_attempt_left(
    host: Host, there: str, after: Network
) -> None:
    left = {
        "the old one": netplan.render(BRIDGED or {}),
        "the new one": netplan.render(ONE or {}),
        "somebody's": "network: {version: 2, ethernets: {x: {}}}\n",
        "no netplan file": "\0{[",
    }
    if there in left:
        host.file.write_text(left[there])
    for _again in range(2):
        host.change(BRIDGED, after, Operation.FINALIZE)
        assert host.holds() == after


def test_staging_changes_nothing(host: Host) -> None:
    before = set(Path("/run/trident").glob("netplan-*"))
    host.file.write_text(netplan.render(ONE or {}))
    host.change(ONE, BRIDGED, Operation.STAGE)
    assert host.holds() == ONE
    assert host.applied() == []
    assert set(Path("/run/trident").glob("netplan-*")) <= before
    assert sorted(path.name for path in (host.root / "etc/netplan").iterdir()) == ["99-trident.yaml"]
    assert sorted(path.name for path in host.root.iterdir()) == ["etc"]


def test_what_netplan_does_not_accept_is_told_at_stage_without_secrets(host: Host) -> None:
    with pytest.raises(Servicing) as caught:
        host.change(None, BAD)
    error = caught.value
    assert error.code == "generate-netplan-config"
    assert "/etc/netplan/99-trident.yaml:" in error.message
    assert "invalid boolean value" in error.message
    assert SECRET not in str(error.to_document())
    assert "/run/trident" not in error.message
    assert host.holds() is None


def test_another_file_of_the_host_that_does_not_fit_is_named(host: Host) -> None:
    (host.root / "etc/netplan/10-site.yaml").write_text("network: {version: 2, ethernets: [1]}\n")
    with pytest.raises(Servicing) as caught:
        host.change(None, ONE)
    assert "/etc/netplan/10-site.yaml:1:" in caught.value.message


def test_other_files_of_the_host_are_judged_together_with_it(host: Host) -> None:
    """The bridge's member stands in a file of the image, which is no other's business."""
    (host.root / "lib/netplan").mkdir(parents=True)
    (host.root / "lib/netplan/00-image.yaml").write_text("network: {version: 2, ethernets: {port: {}}}\n")
    bridge: Network = {"version": 2, "bridges": {"br0": {"interfaces": ["port"]}}}
    host.change(None, bridge)
    assert host.holds() == bridge


def test_a_file_that_somebody_changed_is_told_and_replaced(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.file.write_text("network: {version: 2, ethernets: {mine: {dhcp4: true}}}\n")
    with caplog.at_level(logging.WARNING):
        host.change(ONE, BRIDGED)
    assert "somebody changed it" in caplog.text
    assert host.holds() == BRIDGED


def test_a_file_that_says_the_same_in_other_words_is_nobodys_change(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    host.file.write_text("network:\n  ethernets: {lan: {dhcp4: yes, match: {name: 'en*'}}}\n  version: 2\n")
    with caplog.at_level(logging.WARNING):
        host.change(ONE, BRIDGED)
    assert caplog.text == ""


def test_an_apply_that_fails_is_told_without_secrets(host: Host) -> None:
    (host.root.parent / "fails").write_text(
        f"/etc/netplan/99-trident.yaml:3:7: Error in network definition: it is wrong\n  password: {SECRET}\n"
    )
    with pytest.raises(Servicing) as caught:
        host.change(None, ONE)
    assert caught.value.code == "apply-netplan-config"
    assert caught.value.message.endswith("99-trident.yaml:3:7: Error in network definition: it is wrong")
    assert SECRET not in str(caught.value.to_document())


def test_an_apply_without_a_place_in_a_file_tells_its_exit_code_only(host: Host) -> None:
    (host.root.parent / "fails").write_text(f"Traceback: {SECRET}\n")
    with pytest.raises(Servicing) as caught:
        host.change(None, ONE)
    assert caught.value.message.endswith("'netplan' failed with exit code 78.")


def test_a_read_only_etc_is_told_before_anything_changes(host: Host) -> None:
    with mounted(host.root / "etc", host.root / "etc", options=("bind",)):
        subprocess.run(["mount", "-o", "remount,bind,ro", host.root / "etc"], check=True)
        with pytest.raises(Servicing) as caught:
            host.change(None, ONE)
    assert caught.value.code == "write-netplan-config"
    assert "read-only" in caught.value.message
    assert host.applied() == []


@pytest.fixture
def merged(host: Host, tmp_path: Path) -> Iterator[Path]:
    """Configuration extensions over the host's /etc, as systemd mounts them; gives their directory."""
    extension = tmp_path / "extension"
    (extension / "netplan").mkdir(parents=True)
    (extension / "site.conf").write_text("of the extension\n")
    overlay = ["mount", "-t", "overlay", "-o", f"ro,lowerdir={extension}:{host.root}/etc", "confext"]
    again = f"umount {host.root}/etc && {' '.join(overlay)} {host.root}/etc"
    refresh = tmp_path / "programs/systemd-confext"
    refresh.write_text(f"#!/bin/sh\n[ $2 = refresh ] && {again}\n")
    refresh.chmod(0o755)
    subprocess.run([*overlay, host.root / "etc"], check=True)
    yield extension
    subprocess.run(["umount", host.root / "etc"], check=True)


def test_the_file_is_written_beneath_configuration_extensions_and_seen(host: Host, merged: Path) -> None:
    for before, after in ((None, ONE), (ONE, BRIDGED), (BRIDGED, None)):
        host.change(before, after)
        assert host.holds() == after
    assert (host.root / "etc/site.conf").exists()
    assert not (merged / "netplan/99-trident.yaml").exists()
    assert len(host.applied()) == 3
    assert not os.path.ismount("/run/trident/beneath")


def test_an_extension_that_brings_the_file_itself_is_told(host: Host, merged: Path) -> None:
    (merged / "netplan/99-trident.yaml").write_text("network: {version: 2}\n")
    with pytest.raises(Servicing) as caught:
        host.change(None, ONE, Operation.FINALIZE)
    assert caught.value.code == "write-netplan-config"
    assert "configuration extension has a file of that name" in caught.value.message
    assert host.applied() == []
