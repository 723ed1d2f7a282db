"""Settings written into a system by the real account tools, service manager and interpreters."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.pure.subsystems.situations import SAMPLE, configuration, install
from trident.config.model import User
from trident.errors import InvalidInput, Servicing, TridentError
from trident.host.chroot import furnished
from trident.plan.session import Session
from trident.plan.step import Step
from trident.progress import Event, Notice
from trident.subsystems.management import SwitchAgent, WriteAgentConfiguration
from trident.subsystems.osconfig import OsConfigSubsystem
from trident.subsystems.osconfig.identity import copy_machine_id, write_hostname
from trident.subsystems.osconfig.sshd import DROP_IN, write_sshd_configuration
from trident.subsystems.osconfig.users import find_account, set_up_user
from trident.subsystems.scripts import ScriptsSubsystem

pytestmark = pytest.mark.machine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKx ada@example"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJy else@example"


@pytest.fixture
def newroot(small_system: Path) -> Path:
    """A small system with the account files of a fresh Debian."""
    etc = small_system / "etc"
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/bash\nimaged:x:900:900::/var/imaged:/bin/sh\n")
    (etc / "shadow").write_text("root:!:20000:0:99999:7:::\nimaged:!:20000:0:99999:7:::\n")
    (etc / "group").write_text("root:x:0:\nsudo:x:27:\nadm:x:4:\nimaged:x:900:\nstaff:x:50:\n")
    (etc / "gshadow").write_text("root:*::\nsudo:*::\nadm:*::\nimaged:!::\nstaff:*::\n")
    (etc / "login.defs").write_text("UID_MIN 1000\nUID_MAX 60000\nUSERGROUPS_ENAB yes\nUMASK 022\n")
    (etc / "pam.d").mkdir()
    for service in ("useradd", "usermod", "other"):
        (etc / "pam.d" / service).write_text("auth required pam_permit.so\naccount required pam_permit.so\n")
    (small_system / "home").mkdir()
    (small_system / "var").mkdir()
    return small_system


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def session(newroot: Path, said: list[str]) -> Session:
    def listen(event: Event) -> None:
        if isinstance(event, Notice):
            said.append(event.text)

    return Session(install(), newroot=newroot, progress=listen)


def shadow(root: Path, name: str) -> str:
    return next(
        line.split(":")[1]
        for line in (root / "etc/shadow").read_text().splitlines()
        if line.startswith(f"{name}:")
    )


def test_a_user_is_made_with_home_groups_and_keys(newroot: Path) -> None:
    user = User(
        name="ada", secondary_groups=("sudo", "adm"), ssh_public_keys=(KEY,), startup_command="/bin/bash"
    )
    set_up_user(newroot, user)
    account = find_account(newroot, "ada")
    assert account is not None
    assert account.uid >= 1000
    assert shadow(newroot, "ada") == "*"
    assert "sudo:x:27:ada" in (newroot / "etc/group").read_text()
    assert "/home/ada:/bin/bash" in (newroot / "etc/passwd").read_text()
    keys = newroot / "home/ada/.ssh/authorized_keys"
    assert keys.read_text() == KEY + "\n"
    for path, mode in ((keys, 0o600), (keys.parent, 0o700)):
        found = path.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (mode, account.uid, account.gid)


def test_setting_up_a_user_twice_changes_nothing(newroot: Path) -> None:
    user = User(
        name="ada", uid=4711, home_directory="/srv/ada", primary_group="staff", ssh_public_keys=(KEY,)
    )
    set_up_user(newroot, user)
    before = {name: (newroot / "etc" / name).read_text() for name in ("passwd", "group", "shadow")}
    set_up_user(newroot, user)
    assert {name: (newroot / "etc" / name).read_text() for name in before} == before
    assert (newroot / "srv/ada/.ssh/authorized_keys").read_text() == KEY + "\n"
    assert "ada:x:4711:50:" in before["passwd"]


def test_a_user_keeps_its_id_over_an_update_unless_somebody_else_has_it(
    newroot: Path, tmp_path: Path
) -> None:
    running = tmp_path / "running"
    (running / "etc").mkdir(parents=True)
    passwd = "ada:x:1777:1777::/home/ada:/bin/sh\ngrace:x:900:900::/home/grace:/bin/sh\n"
    (running / "etc/passwd").write_text(passwd)
    set_up_user(newroot, User(name="ada"), running=running)
    set_up_user(newroot, User(name="grace"), running=running)
    ada, grace = find_account(newroot, "ada"), find_account(newroot, "grace")
    assert ada is not None
    assert grace is not None
    assert ada.uid == 1777
    assert grace.uid not in {900, 1777}


def test_a_user_of_the_image_keeps_its_keys_and_is_locked(newroot: Path) -> None:
    directory = newroot / "var/imaged/.ssh"
    directory.mkdir(parents=True)
    (directory / "authorized_keys").write_text(OTHER_KEY + "\n\n")
    set_up_user(newroot, User(name="imaged", ssh_public_keys=(KEY, OTHER_KEY), secondary_groups=("sudo",)))
    assert (directory / "authorized_keys").read_text() == f"{OTHER_KEY}\n{KEY}\n"
    assert shadow(newroot, "imaged") == "*"


def test_keys_of_root_go_to_its_home(newroot: Path) -> None:
    (newroot / "root").mkdir()
    set_up_user(newroot, User(name="root", ssh_public_keys=(KEY,)))
    assert (newroot / "root/.ssh/authorized_keys").read_text() == KEY + "\n"


@pytest.mark.parametrize(
    "user", [User(name="imaged", uid=901), User(name="imaged", home_directory="/home/imaged")]
)
def test_a_user_of_the_image_cannot_become_another(newroot: Path, user: User) -> None:
    with pytest.raises(InvalidInput) as caught:
        set_up_user(newroot, user)
    assert caught.value.code == "user-exists"


@pytest.mark.parametrize(
    "user",
    [
        User(name="ada", secondary_groups=("nonsense",)),
        User(name="Bad Name"),
        User(name="ada", primary_group="none"),
    ],
)
def test_what_the_account_tools_refuse_is_told(newroot: Path, user: User) -> None:
    with pytest.raises(Servicing) as caught:
        set_up_user(newroot, user)
    assert caught.value.code == "set-up-users"
    assert user.name in caught.value.message


def test_a_home_directory_that_leads_out_of_the_target_stays_inside(newroot: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (newroot / "home/ada").symlink_to(outside)
    with pytest.raises(TridentError):
        set_up_user(newroot, User(name="ada", ssh_public_keys=(KEY,)))
    assert list(outside.iterdir()) == []


def test_sshd_reads_the_drop_in_before_all_else(newroot: Path) -> None:
    main = newroot / "etc/ssh/sshd_config"
    main.parent.mkdir()
    main.write_text("PermitRootLogin yes\n")
    for _again in range(2):
        assert write_sshd_configuration(newroot, ("root",), ("ada",))
    assert main.read_text() == f"# Added by Trident.\nInclude {DROP_IN}\n\nPermitRootLogin yes\n"
    main.write_text("Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n")
    write_sshd_configuration(newroot, ("root",), ("ada",))
    assert main.read_text() == "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n"


@pytest.mark.skipif(shutil.which("sshd") is None, reason="needs sshd to read the configuration")
def test_sshd_understands_the_drop_in(newroot: Path) -> None:
    key = newroot / "etc/ssh/key"
    (newroot / "etc/ssh").mkdir()
    (newroot / "run/sshd").mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(key)], check=True)
    (newroot / "etc/ssh/sshd_config").write_text(
        "Include /etc/ssh/sshd_config.d/*.conf\nHostKey /etc/ssh/key\nPasswordAuthentication yes\n"
    )
    (newroot / "etc/passwd").open("a").write("sshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n")
    write_sshd_configuration(newroot, ("root", "eve"), ("ada",))

    def settings(user: str) -> list[str]:
        command = ["chroot", str(newroot), "/usr/sbin/sshd", "-T", "-C", f"user={user},host=h,addr=127.0.0.1"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    with furnished(newroot):
        (newroot / "run/sshd").mkdir()
        assert "passwordauthentication no" in settings("ada")
        assert "passwordauthentication yes" in settings("somebody")
        assert {"permitrootlogin no", "denyusers root", "denyusers eve"} <= set(settings("somebody"))


def test_users_who_may_log_in_need_an_sshd(newroot: Path) -> None:
    assert not write_sshd_configuration(newroot, ("eve",), ())
    with pytest.raises(InvalidInput) as caught:
        write_sshd_configuration(newroot, (), ("ada",))
    assert caught.value.code == "sshd-not-found"


def test_the_machine_keeps_its_id_and_name(newroot: Path, tmp_path: Path) -> None:
    running = tmp_path / "running"
    (running / "etc").mkdir(parents=True)
    (running / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (running / "etc/hostname").write_text("old-name\n")
    copy_machine_id(running, newroot)
    assert (newroot / "etc/machine-id").read_text() == "0123456789abcdef0123456789abcdef\n"
    assert stat.S_IMODE((newroot / "etc/machine-id").stat().st_mode) == 0o444
    write_hostname(running, newroot, None)
    assert (newroot / "etc/hostname").read_text() == "old-name\n"
    write_hostname(running, newroot, "new-name")
    assert (newroot / "etc/hostname").read_text() == "new-name\n"


def test_a_machine_without_an_id_cannot_keep_it(newroot: Path, tmp_path: Path) -> None:
    with pytest.raises(Servicing) as caught:
        copy_machine_id(tmp_path, newroot)
    assert caught.value.code == "copy-machine-id"


def file_steps(text: str) -> list[Step]:
    found = OsConfigSubsystem().steps(install(configuration(SAMPLE + "  additionalFiles:\n" + text)))
    return [step for step in found if step.id != "write-hostname"]


def test_additional_files_get_the_permissions_of_the_reference(
    session: Session, newroot: Path, tmp_path: Path
) -> None:
    source = tmp_path / "tool"
    source.write_bytes(b"\0binary\xff")
    source.chmod(0o750)
    for step in file_steps(
        "    - {destination: /etc/inline, content: hello}\n"
        "    - {destination: /etc/exact, content: hello, permissions: '0600'}\n"
        f"    - {{destination: /opt/bin/tool, source: {source}}}\n"
        f"    - {{destination: /opt/bin/other, source: {source}, permissions: '0444'}}\n"
    ):
        step.run(session)
    modes = {
        path: stat.S_IMODE((newroot / path).stat().st_mode)
        for path in ("etc/inline", "etc/exact", "opt/bin/tool", "opt/bin/other")
    }
    assert modes == {"etc/inline": 0o644, "etc/exact": 0o600, "opt/bin/tool": 0o750, "opt/bin/other": 0o444}
    assert (newroot / "opt/bin/tool").read_bytes() == b"\0binary\xff"


def test_a_file_that_is_missing_is_told_before_anything_is_written(session: Session) -> None:
    check, _write = file_steps("    - {destination: /etc/x, source: /no/such/file}\n")
    with pytest.raises(InvalidInput) as caught:
        check.run(session)
    assert caught.value.details == {"inner": {"load-additional-file": {"path": "/no/such/file"}}}


def scripts(moment: str, script: str) -> list[Step]:
    config = configuration(SAMPLE + f"scripts: {{{moment}: [{script}]}}\n")
    return list(ScriptsSubsystem().steps(install(config)))


def run_all(steps: list[Step], session: Session) -> None:
    for step in steps:
        step.run(session)


def test_a_script_inside_the_target_sees_it_as_its_root(
    session: Session, newroot: Path, said: list[str]
) -> None:
    content = "echo $TARGET_ROOT $SERVICING_TYPE $COLOUR $1; cat /etc/passwd | head -1; touch /etc/been-here"
    script = (
        f"{{content: '{content}', arguments: [first], environmentVariables: {{COLOUR: red}}, runOn: [all]}}"
    )
    with furnished(newroot):
        run_all(scripts("postConfigure", script), session)
    assert said == ["/ clean_install red first", "root:x:0:0:root:/root:/bin/bash"]
    assert (newroot / "etc/been-here").exists()
    assert not (newroot / "run/trident").exists()


def test_a_script_outside_sees_where_the_target_is(session: Session, newroot: Path, said: list[str]) -> None:
    run_all(scripts("postProvision", "{content: 'echo $TARGET_ROOT', runOn: [all]}"), session)
    assert said == [str(newroot)]


def test_a_script_from_a_file_with_its_own_interpreter(
    session: Session, said: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "script.py"
    path.write_text("import os, sys\nprint(sys.argv[1:], os.environ['TARGET_ROOT'])\n")
    script = f"{{path: {path}, interpreter: /usr/bin/python3, arguments: [a b], runOn: [all]}}"
    run_all(scripts("preServicing", script), session)
    assert said == ["['a b'] /"]


def test_a_script_that_fails_ends_the_servicing_with_its_last_words(session: Session) -> None:
    script = "{name: broken, content: 'echo almost; echo no such thing >&2; exit 7', runOn: [all]}"
    with pytest.raises(Servicing) as caught:
        run_all(scripts("preServicing", script), session)
    assert caught.value.code == "run-pre-servicing-script"
    assert caught.value.details == {"script_name": "broken"}
    assert "no such thing" in caught.value.message
    assert "exit code 7" in caught.value.message
    assert [path.name for path in Path("/run/trident").glob("script-*")] == []


def test_a_script_file_that_is_missing_is_told_first(session: Session) -> None:
    first, *_rest = scripts("postConfigure", "{path: /no/such/script, runOn: [all]}")
    with pytest.raises(InvalidInput) as caught:
        first.run(session)
    assert caught.value.details == {"inner": {"load-script": {"path": "/no/such/script"}}}


UNIT = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


def test_the_agents_service_is_enabled_by_the_targets_systemctl(session: Session, newroot: Path) -> None:
    units = newroot / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "trident.service").write_text(UNIT)
    with furnished(newroot):
        for _again in range(2):
            SwitchAgent.compile(enable=True).run(session)
        assert (units / "multi-user.target.wants/trident.service").is_symlink()
        SwitchAgent.compile(enable=False).run(session)
        assert not (units / "multi-user.target.wants/trident.service").is_symlink()


def test_an_image_without_the_agent_is_refused_unless_it_is_not_wanted(session: Session) -> None:
    SwitchAgent.compile(enable=False).run(session)
    with pytest.raises(InvalidInput) as caught:
        SwitchAgent.compile(enable=True).run(session)
    assert caught.value.code == "image-bad-agent-configuration"


def test_the_agent_is_told_where_its_datastore_is(session: Session, newroot: Path) -> None:
    path = newroot / "etc/trident/trident.conf"
    WriteAgentConfiguration.compile("/var/lib/trident/datastore.sqlite").run(session)
    assert not path.exists()
    for _again in range(2):
        WriteAgentConfiguration.compile("/data/trident.sqlite").run(session)
    assert path.read_text() == "DatastorePath=/data/trident.sqlite\n"
    with pytest.raises(InvalidInput) as caught:
        WriteAgentConfiguration.compile("/elsewhere/trident.sqlite").run(session)
    assert caught.value.code == "image-bad-agent-configuration"
