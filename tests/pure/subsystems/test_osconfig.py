"""Services, modules and SELinux: which steps a configuration takes, in which order, and what forces them."""

from __future__ import annotations

import pytest

from tests.pure.subsystems.situations import SAMPLE, configuration, install, update
from trident.config.model import HostConfiguration
from trident.plan.situation import Situation
from trident.plan.step import Phase
from trident.state.status import ServicingType
from trident.subsystems.osconfig import OsConfigSubsystem
from trident.subsystems.osconfig.files import WriteFile
from trident.subsystems.osconfig.selinux import LabelFiles
from trident.subsystems.osconfig.services import SwitchServices

osconfig = OsConfigSubsystem()

SETTINGS = {
    "os.services": "services: {enable: [nginx.service, ssh], disable: [Cups.service]}",
    "os.modules": "modules: [{name: br_netfilter, loadMode: always}, {name: floppy, loadMode: disable}]",
    "os.selinux": "selinux: {mode: enforcing}",
}


def with_settings(*settings: str) -> HostConfiguration:
    return configuration(SAMPLE + "".join(f"  {setting}\n" for setting in settings))


def titles(situation: Situation) -> dict[str, str]:
    return {step.id: step.title for step in osconfig.steps(situation)}


def test_each_setting_is_a_step() -> None:
    assert titles(install(with_settings(*SETTINGS.values()))) == {
        "write-hostname": "Name the host host-1",
        "configure-modules": "Configure the kernel modules br_netfilter, floppy",
        "switch-services": "Enable nginx.service, ssh and disable Cups.service",
        "set-selinux-mode": "Set SELinux to enforcing",
        "label-files": "Label the target's files for SELinux",
    }


@pytest.mark.parametrize("field", SETTINGS)
def test_a_changed_setting_needs_a_new_target(field: str) -> None:
    changes = list(osconfig.changes(configuration(), with_settings(SETTINGS[field])))
    assert changes
    assert all(change.field.startswith(field) for change in changes)
    assert {change.forces for change in changes} == {ServicingType.AB_UPDATE}


def test_only_one_side_may_be_given() -> None:
    (step,) = (
        step
        for step in osconfig.steps(install(with_settings("services: {disable: [cups.service]}")))
        if isinstance(step, SwitchServices)
    )
    assert (step.title, step.enable) == ("Disable cups.service", ())


def test_what_runs_inside_the_target_needs_chroot() -> None:
    for setting in ("services: {enable: [a]}", "selinux: {mode: permissive}", "users: [{name: ada}]"):
        assert set(osconfig.tools(install(with_settings(setting)))) == {"chroot"}
    for setting in ("selinux: {mode: disabled}", "modules: [{name: a}]"):
        assert set(osconfig.tools(install(with_settings(setting)))) == set()


def test_a_module_that_cannot_be_written_is_refused_before_anything_is_touched() -> None:
    config = with_settings('modules: [{name: "a b"}]')
    assert [error.code for error in osconfig.check(install(config))] == ["invalid-module"]


def labelling(situation: Situation) -> LabelFiles:
    (step,) = (step for step in osconfig.steps(situation) if isinstance(step, LabelFiles))
    return step


def test_labels_come_last_and_leave_out_what_is_not_written() -> None:
    config = with_settings("selinux: {mode: permissive}")
    passing = {"/dev", "/proc", "/run", "/sys", "/tmp"}
    assert labelling(install(config)).phase is Phase.POST_CONFIGURE
    assert set(labelling(install(config)).excluded) == passing | {"/boot/efi"}
    shared = {"/boot/efi", "/home", "/var/lib/trident"}
    assert set(labelling(update(config)).excluded) == passing | shared


def test_nothing_is_labelled_where_selinux_is_disabled() -> None:
    assert "label-files" not in titles(install(with_settings("selinux: {mode: disabled}")))


def test_of_several_files_for_one_place_the_last_one_is_written() -> None:
    files = "additionalFiles: [" + ", ".join(
        f"{{destination: {place}, content: {text}}}" for place, text in (("/a", 1), ("/b", 2), ("/a", 3))
    )
    written = [
        step for step in osconfig.steps(install(with_settings(files + "]"))) if isinstance(step, WriteFile)
    ]
    assert [(step.destination, step.content) for step in written] == [("/a", "3"), ("/b", "2")]
