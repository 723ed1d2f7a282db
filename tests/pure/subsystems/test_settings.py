"""Settings of the target: users, ssh, network, scripts, the agent. What is compiled and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.pure.subsystems.situations import SAMPLE, configuration, install, update
from trident.config.model import HostConfiguration, User
from trident.host.netplan import render
from trident.plan.step import Operation, Phase, Step
from trident.servicing.compile import compile_plan
from trident.servicing.select import select_update
from trident.state.status import ServicingType
from trident.subsystems.management import ManagementSubsystem
from trident.subsystems.network import NetworkSubsystem
from trident.subsystems.osconfig import OsConfigSubsystem
from trident.subsystems.osconfig.sshd import render as render_sshd
from trident.subsystems.osconfig.users import useradd_command, usermod_command
from trident.subsystems.scripts import RunScript, ScriptsSubsystem

FULL = (
    SAMPLE
    + """\
  netplan: {version: 2, ethernets: {lan: {dhcp4: true}}}
  users:
    - {name: ada, sshMode: key-only, sshPublicKeys: [ssh-ed25519 AAAA]}
  additionalFiles:
    - {destination: /etc/motd, content: hello}
    - {destination: /opt/tool, source: /root/tool}
scripts:
  preServicing:
    - {name: look, content: "true", runOn: [all]}
  postProvision:
    - {content: "true", runOn: [clean-install]}
    - {name: move, path: /root/move.sh, runOn: [ab-update]}
  postConfigure:
    - {name: tidy, content: "true", runOn: [clean-install, ab-update]}
    - {name: never, content: "true", runOn: [runtime-update]}
"""
)


def steps(subsystem: object, config: HostConfiguration, *, updating: bool = False) -> list[Step]:
    return list(subsystem.steps(update(config) if updating else install(config)))  # type: ignore[attr-defined]


def ids(subsystem: object, config: HostConfiguration, *, updating: bool = False) -> list[str]:
    return [step.id for step in steps(subsystem, config, updating=updating)]


def forced(old: HostConfiguration, new: HostConfiguration) -> dict[str, ServicingType]:
    _, changes = select_update(old, new)
    return {change.field: change.forces for change in changes}


def test_each_changed_setting_forces_its_kind_of_servicing() -> None:
    """How-Trident-Knows-What-to-Do.md: netplan is a runtime update, everything else an A/B update."""
    old = configuration()
    cases = {
        "os.hostname": ("hostname: host-1", "hostname: host-2", ServicingType.AB_UPDATE),
        "os.users[ada]": (
            "hostname: host-1",
            "hostname: host-1\n  users: [{name: ada}]",
            ServicingType.AB_UPDATE,
        ),
        "os.additionalFiles[/etc/x]": (
            "hostname: host-1",
            "hostname: host-1\n  additionalFiles: [{destination: /etc/x, content: y}]",
            ServicingType.AB_UPDATE,
        ),
        "os.netplan": (
            "hostname: host-1",
            "hostname: host-1\n  netplan: {version: 2}",
            ServicingType.RUNTIME_UPDATE,
        ),
        "os.uefiFallback": (
            "hostname: host-1",
            "hostname: host-1\n  uefiFallback: optimistic",
            ServicingType.NO_ACTIVE_SERVICING,
        ),
        "image.url": ("v1.cosi", "v2.cosi", ServicingType.AB_UPDATE),
    }
    for field, (before, after, kind) in cases.items():
        assert forced(old, configuration(SAMPLE.replace(before, after))) == {field: kind}


def test_a_configuration_with_scripts_is_never_updated_at_run_time() -> None:
    """Upstream: scripts run only while a new target is made."""
    text = SAMPLE + "scripts: {postConfigure: [{content: 'true', runOn: [all]}]}\n"
    old, new = configuration(text), configuration(text.replace("host-1", "host-1\n  netplan: {version: 2}"))
    assert forced(old, new) == {
        "os.netplan": ServicingType.RUNTIME_UPDATE,
        "scripts": ServicingType.AB_UPDATE,
    }
    assert forced(old, old) == {}
    assert forced(configuration(), old) == {"scripts.postConfigure": ServicingType.AB_UPDATE}


def test_the_trident_section_alone_forces_nothing() -> None:
    changed = configuration(SAMPLE + "trident: {phonehome: 'http://x/'}\n")
    assert forced(configuration(), changed) == {"trident.phonehome": ServicingType.NO_ACTIVE_SERVICING}


def test_an_install_names_the_host_and_an_update_keeps_name_and_machine_id() -> None:
    osconfig = OsConfigSubsystem()
    nameless = configuration(SAMPLE.replace("os:\n  hostname: host-1\n", ""))
    assert ids(osconfig, configuration()) == ["write-hostname"]
    assert ids(osconfig, nameless) == []
    assert ids(osconfig, configuration(), updating=True) == ["copy-machine-id", "write-hostname"]
    titles = [step.title for step in steps(osconfig, nameless, updating=True)]
    assert titles == ["Keep the machine id", "Keep the host name"]


def test_files_to_copy_are_looked_at_before_anything_changes() -> None:
    check, *_rest = steps(OsConfigSubsystem(), configuration(FULL))
    assert (check.id, check.phase) == ("check-additional-files", Phase.PRE_SERVICING)


def test_users_come_before_files_that_may_belong_to_what_they_need() -> None:
    assert ids(OsConfigSubsystem(), configuration(FULL)) == [
        "check-additional-files",
        "write-hostname",
        "set-up-user:ada",
        "write-sshd-configuration",
        "write-file:/etc/motd",
        "write-file:/opt/tool",
    ]


def test_scripts_run_on_the_servicings_that_they_name() -> None:
    scripts = ScriptsSubsystem()
    assert ids(scripts, configuration(FULL)) == [
        "script:pre-servicing:0-look",
        "script:post-provision:0",
        "script:post-configure:0-tidy",
    ]
    assert ids(scripts, configuration(FULL), updating=True) == [
        "script:pre-servicing:0-look",
        "check-scripts",
        "script:post-provision:1-move",
        "script:post-configure:0-tidy",
    ]


PRE_REBOOT = (
    SAMPLE
    + """\
scripts:
  preReboot:
    - {name: drain, content: "true", runOn: [all]}
    - {name: tell, path: /root/tell.sh, runOn: [ab-update]}
"""
)


def test_scripts_before_a_reboot_run_when_it_is_finalized() -> None:
    found = steps(ScriptsSubsystem(), configuration(PRE_REBOOT), updating=True)
    assert [(step.id, step.operation) for step in found] == [
        ("check-scripts", Operation.STAGE),
        ("script:pre-reboot:0-drain", Operation.FINALIZE),
        ("script:pre-reboot:1-tell", Operation.FINALIZE),
    ]


def test_scripts_before_a_reboot_run_before_the_firmware_is_told_anything() -> None:
    for situation in (install(configuration(PRE_REBOOT)), update(configuration(PRE_REBOOT))):
        finalize = compile_plan(situation).steps_of({Operation.FINALIZE})
        script = next(index for index, step in enumerate(finalize) if step.id.startswith("script:pre-reboot"))
        assert not any(step.touches for step in finalize[:script])
        assert any("efivars" in path for step in finalize[script:] for path in step.touches)


def test_a_manual_rollback_to_the_other_volume_runs_those_of_all_kinds() -> None:
    situation = replace(update(configuration(PRE_REBOOT)), servicing_type=ServicingType.MANUAL_ROLLBACK_AB)
    (drain,) = ScriptsSubsystem().steps(situation)
    assert drain.id == "script:pre-reboot:0-drain"
    assert isinstance(drain, RunScript)
    assert drain.environment(None)["SERVICING_TYPE"] == "manual_rollback_ab"


@pytest.mark.parametrize("kind", [ServicingType.RUNTIME_UPDATE, ServicingType.MANUAL_ROLLBACK_RUNTIME])
def test_what_changes_the_running_system_runs_no_scripts(kind: ServicingType) -> None:
    situation = replace(update(configuration(PRE_REBOOT)), servicing_type=kind)
    assert list(ScriptsSubsystem().steps(situation)) == []


def test_scripts_know_what_they_are_part_of() -> None:
    text = FULL + "trident: {phonehome: 'http://127.0.0.1/status'}\n"
    found = [
        step
        for step in steps(ScriptsSubsystem(), configuration(text), updating=True)
        if isinstance(step, RunScript)
    ]
    for step in found:
        variables = step.environment(Path("/run/trident/newroot"))
        assert variables["SERVICING_TYPE"] == "ab_update"
        assert variables["PHONEHOME_URL"] == "http://127.0.0.1/status"
    assert [step.environment(Path("/newroot"))["TARGET_ROOT"] for step in found] == ["/", "/newroot", "/"]


@pytest.mark.parametrize(
    "odd",
    [
        "environmentVariables: {A=B: x}",
        "environmentVariables: {'': x}",
        'environmentVariables: {"A\\0": x}',
        'environmentVariables: {A: "x\\0"}',
        'arguments: ["a\\0b"]',
        'interpreter: "/bin/sh\\0"',
    ],
)
def test_a_script_that_cannot_be_started_is_refused_before_anything_is_changed(odd: str) -> None:
    scripts = f"scripts: {{postConfigure: [{{name: tidy, runOn: [clean-install], content: x, {odd}}}]}}\n"
    situation = install(configuration(SAMPLE + scripts))
    (error,) = ScriptsSubsystem().check(situation)
    assert error.code == "invalid-script"
    assert "'tidy'" in error.message


def test_netplan_is_written_as_it_is_given() -> None:
    (write,) = steps(NetworkSubsystem(), configuration(FULL))
    assert (write.id, write.phase) == ("write-netplan", Phase.CONFIGURE)
    network = {"version": 2, "ethernets": {"lan": {"dhcp4": True, "addresses": ["::1/64"], "on": "yes"}}}
    assert yaml.safe_load(render(network)) == {"network": network}


def test_the_agent_is_set_up_or_left_off() -> None:
    management = ManagementSubsystem()
    assert ids(management, configuration()) == ["write-agent-configuration", "enable-agent"]
    assert ids(management, configuration(SAMPLE + "trident: {disable: true}\n")) == ["disable-agent"]


def test_an_update_cannot_move_the_datastore() -> None:
    moved = configuration(SAMPLE + "trident: {datastorePath: /home/trident.sqlite}\n")
    management = ManagementSubsystem()
    (error,) = management.check(update(moved, installed=configuration()))
    paths = {"current": "/var/lib/trident/datastore.sqlite", "new": "/home/trident.sqlite"}
    assert error.details == {"inner": {"datastore-path-changed": paths}}
    assert list(management.check(update(moved, installed=moved))) == []
    assert list(management.check(install(moved))) == []


ADA = User(
    name="ada",
    uid=1234,
    home_directory="/srv/ada",
    primary_group="staff",
    secondary_groups=("sudo", "adm"),
    startup_command="/bin/bash",
)


def test_a_new_user_is_made_with_what_cannot_change_later() -> None:
    assert useradd_command(ADA) == [
        *(
            "useradd",
            "--create-home",
            "--uid",
            "1234",
            "--home-dir",
            "/srv/ada",
            "--gid",
            "staff",
            "--",
            "ada",
        )
    ]
    assert useradd_command(User(name="grace")) == ["useradd", "--create-home", "--", "grace"]


def test_the_password_is_locked_whatever_else_is_set() -> None:
    assert usermod_command(User(name="grace"), existed=False) == ["usermod", "--password", "*", "--", "grace"]
    assert usermod_command(ADA, existed=True) == [
        *("usermod", "--password", "*", "--gid", "staff", "--append", "--groups", "sudo,adm"),
        *("--shell", "/bin/bash", "--", "ada"),
    ]


def test_sshd_lets_some_in_with_keys_and_keeps_others_out() -> None:
    assert render_sshd(("eve", "root"), ("ada", "grace")).splitlines() == [
        "# Written by Trident from 'os.users'.",
        "PermitRootLogin no",
        "DenyUsers eve root",
        "Match User ada,grace",
        "    PubkeyAuthentication yes",
        "    PasswordAuthentication no",
        "    KbdInteractiveAuthentication no",
        "Match all",
    ]
    assert "PermitRootLogin prohibit-password" in render_sshd((), ("root",))
    assert "Match" not in render_sshd(("eve",), ())
