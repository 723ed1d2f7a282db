"""A diagnostics bundle holds what explains a host, whatever is broken there, and none of its secrets."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sqlite3
import stat
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
import zstandard

from trident.config.model import HostConfiguration
from trident.errors import ExecutionEnvironment, Servicing
from trident.servicing.diagnose import collect
from trident.servicing.diagnose.collect import Collector
from trident.servicing.diagnose.scrub import scrubbed_datastore, scrubbed_log, scrubbed_text, scrubbed_yaml
from trident.servicing.diagnose.verb import Diagnosis, diagnose
from trident.state.datastore import Datastore
from trident.state.history import NewServicing
from trident.state.status import HostStatus, ServicingState, ServicingType
from trident.state.text import dump_yaml

MARK = "s3cr3t"
PEM = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{MARK}AAAA\n{MARK}BBBB\n-----END OPENSSH PRIVATE KEY-----\n"
SPEC: dict[str, Any] = {
    "image": {"url": f"https://ops:{MARK}-url@images.example/v1.cosi?sig={MARK}-sig", "sha384": "ignored"},
    "storage": {"encryption": {"recoveryKeyUrl": f"file:///key?{MARK}-key"}},
    "os": {
        "sysexts": [{"url": f"https://h/x.raw?token={MARK}-sysext", "sha384": "0" * 96}],
        "users": [{"name": "ops", "sshPublicKeys": ["ssh-ed25519 AAAA ops"]}],
        "additionalFiles": [{"destination": "/etc/app.conf", "content": f"a\n{MARK} in a file\n"}],
        "netplan": {
            "version": 2,
            "wifis": {"wlan0": {"access-points": {"net": {"password": f"{MARK}-wifi"}}}},
            "ethernets": {"eth0": {"auth": {"method": "eap", "password": f"{MARK}-eap"}}},
        },
    },
    "scripts": {
        "postConfigure": [
            {
                "name": "join",
                "content": f"#!/bin/sh\njoin {MARK} in a script\n",
                "environmentVariables": {"JOIN_AS": f"{MARK}-variable"},
                "arguments": [f"--as={MARK}-argument"],
            }
        ]
    },
    "health": {"checks": [{"name": "probe", "content": f"curl {MARK} in a check", "runOn": ["all"]}]},
    "trident": {"phonehome": f"http://ops:{MARK}-phone@192.0.2.1/x"},
}
# Where a secret of the configuration shows up outside of it.
SPOKEN = [f"{MARK}-{name}" for name in ("url", "sig", "sysext", "wifi", "eap", "variable", "phone")]


def put(root: Path, name: str, text: str) -> Path:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with a secret in every place that has room for one."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    root = tmp_path / "root"
    error = Servicing("boom", f"It broke: password={MARK}-in-error").to_document()
    with Datastore.create(root / "var/lib/trident/datastore.sqlite") as store:
        older = {
            "scripts": {
                "postConfigure": [
                    {"content": f"{MARK} of old", "environmentVariables": {"A": f"{MARK}-older"}}
                ]
            }
        }
        store.record(HostStatus(spec=older, servicing_state=ServicingState.PROVISIONED))
        entry = store.history.begin(NewServicing(ServicingType.AB_UPDATE, older, SPEC))
        store.history.advance(entry, error=error)
        store.record(
            HostStatus(
                spec=SPEC, spec_old=older, last_error=error, servicing_state=ServicingState.AB_UPDATE_STAGED
            )
        )
        store.note("stage", f"script:{MARK}-variable", "failed")
    lines = "".join(
        json.dumps({"level": "debug", "message": f"it said {word}"}) + "\n"
        for word in [*SPOKEN, f"{MARK}-older"]
    )
    lines += json.dumps({"message": f"key:\n{PEM}"}) + "\n" + f"not json: token={MARK}\n"
    put(root, "/var/log/trident-full.log", lines)
    put(root, "/var/lib/trident/trident-ab-update-staged-20260101T000000Z.log", lines)
    put(root, "/var/lib/trident/trident-health-check-failure-20260101T000000Z.log", f"'web' said\n{PEM}")
    put(root, "/var/log/audit/audit.log", f"type=AVC msg=psk={MARK}-wifi\n")
    put(root, "/etc/fstab", f"//nas/x /mnt cifs username=ops,password={MARK} 0 0\n")
    put(root, "/etc/os-release", 'PRETTY_NAME="Debian 13"\n')
    put(root, "/etc/trident/config.yaml", dump_yaml(SPEC))
    put(root, "/etc/netplan/50-wifi.yaml", dump_yaml({"network": SPEC["os"]["netplan"]}))
    put(
        root,
        "/etc/netplan/60-tunnel.yaml",
        f"tunnels: {{wg0: {{key: {MARK}-wireguard, peers: [{{keys: {{shared: {MARK}-peer}}}}]}}}}\n",
    )
    put(
        root, "/proc/cmdline", f"root=UUID=1 rd.iscsi.password={MARK} systemd.set_credential=x:{MARK} quiet\n"
    )
    return root


def unpacked(bundle: Path) -> dict[str, bytes]:
    tar = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(bundle.read_bytes())).read()
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        assert all(entry.name.startswith("trident-diagnostics/") for entry in archive)
        assert {entry.mode for entry in archive} == {0o600}
        files = {
            entry.name.removeprefix("trident-diagnostics/"): archive.extractfile(entry) for entry in archive
        }
        return {name: file.read() for name, file in files.items() if file is not None}


def made(
    root: Path, *, journal: bool = False, selinux: bool = False
) -> tuple[Diagnosis, dict[str, bytes], dict[str, Any]]:
    diagnosis = diagnose(root.parent / "host.tar.zst", root=root, journal=journal, selinux=selinux)
    files = unpacked(diagnosis.path)
    return diagnosis, files, json.loads(files["report.json"])


def test_no_secret_of_the_host_is_in_the_bundle(root: Path) -> None:
    planted = [path for path in root.rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]
    assert len(planted) >= 8, "the test plants what it looks for"
    _, files, _ = made(root, selinux=True)
    assert {name for name, content in files.items() if MARK.encode() in content} == set()


def test_what_is_no_secret_is_there(root: Path) -> None:
    diagnosis, files, report = made(root, selinux=True)
    assert set(files) >= {
        "report.json",
        "logs/trident-full.log",
        "logs/historical/trident-ab-update-staged-20260101T000000Z.log",
        "logs/historical/trident-health-check-failure-20260101T000000Z.log",
        "datastore.sqlite",
        "history.json",
        "files/fstab",
        "files/cmdline",
        "files/os-release",
        "files/host-configuration.yaml",
        "files/netplan/etc-netplan-50-wifi.yaml",
        "selinux/audit.log",
    }
    assert diagnosis.files == len(files)
    assert files["files/fstab"] == b"//nas/x /mnt cifs username=ops,password=*** 0 0\n"
    assert files["files/cmdline"].startswith(b"root=UUID=1 rd.iscsi.password=*** ")
    assert b"access-points" in files["files/netplan/etc-netplan-50-wifi.yaml"]
    assert [line["level"] for line in map(json.loads, files["logs/trident-full.log"].splitlines()[:3])] == [
        "debug"
    ] * 3
    assert json.loads(files["history.json"])["servicings"][0]["servicingType"] == "ab-update"
    assert report["hostStatus"]["servicingState"] == "ab-update-staged"
    assert report["hostStatus"]["spec"]["image"]["url"] == "https://***@images.example/v1.cosi?***"
    assert report["hostStatus"]["spec"]["os"]["users"][0]["sshPublicKeys"] == ["ssh-ed25519 AAAA ops"]


def test_the_report_has_upstreams_fields(root: Path) -> None:
    _, files, report = made(root)
    assert list(report) == [
        "timestamp",
        "version",
        "hostDescription",
        "hostStatus",
        "collectedFiles",
        "collectionFailures",
    ]
    assert set(report["hostDescription"]) == {
        "isContainer",
        "isVirtual",
        "virtType",
        "platformInfo",
        "blockdevInfo",
        "mountInfo",
        "healthCheckStatus",
        "pcrlockLog",
        "tridentService",
    }
    assert report["hostDescription"]["platformInfo"]["os_release"] == "Debian 13"
    assert {entry["path"]: entry["sizeBytes"] for entry in report["collectedFiles"]} == {
        name: len(content) for name, content in files.items() if name != "report.json"
    }
    assert all(set(failure) == {"item", "error"} for failure in report["collectionFailures"])


def test_the_copy_of_the_datastore_is_one(root: Path, tmp_path: Path) -> None:
    _, files, _ = made(root)
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(files["datastore.sqlite"])
    with Datastore.open(copy, read_only=True) as store:
        assert store.status().servicing_state is ServicingState.AB_UPDATE_STAGED
        assert store.status().spec["scripts"]["postConfigure"][0]["content"] == "***"
        assert [entry.servicing_type for entry in store.history.entries()] == [ServicingType.AB_UPDATE]


def test_a_bundle_changes_nothing_on_the_host(root: Path) -> None:
    before = {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()
    }
    made(root)
    assert {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()
    } == before


def test_a_datastore_elsewhere_comes_along(root: Path) -> None:
    put(root, "/etc/trident/trident.conf", "DatastorePath=/srv/trident/state.sqlite\n")
    (root / "srv/trident").mkdir(parents=True)
    (root / "var/lib/trident/datastore.sqlite").rename(root / "srv/trident/state.sqlite")
    _, files, report = made(root)
    assert "datastore-configured.sqlite" in files
    assert "datastore.sqlite" not in files
    assert report["hostStatus"]["servicingState"] == "ab-update-staged"
    assert MARK.encode() not in b"".join(files.values())


def fail_reasons(report: dict[str, Any]) -> dict[str, str]:
    return {failure["item"]: failure["error"] for failure in report["collectionFailures"]}


@pytest.mark.parametrize("damage", ["garbage", "half", "empty", "directory", "gone", "locked"])
def test_a_broken_datastore_is_told_of_and_leaks_nothing(root: Path, damage: str) -> None:
    path = root / "var/lib/trident/datastore.sqlite"
    with contextlib.ExitStack() as stack:
        if damage == "garbage":
            path.write_bytes(b"SQLite format 3\0" + os.urandom(100) + MARK.encode() + os.urandom(9000))
        elif damage == "half":
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        elif damage == "empty":
            path.write_bytes(b"")
        elif damage == "locked":
            writer = stack.enter_context(contextlib.closing(sqlite3.connect(path)))
            writer.execute("BEGIN EXCLUSIVE")
        else:
            path.unlink()
            if damage == "directory":
                path.mkdir()
        _, files, report = made(root)
    if damage != "locked":
        assert "history.json" in fail_reasons(report) or "datastore.sqlite" in fail_reasons(report)
    assert "logs/trident-full.log" in files
    assert MARK.encode() not in files.get("datastore.sqlite", b"")


def test_a_status_that_nobody_can_read_is_left_out(root: Path) -> None:
    path = root / "var/lib/trident/datastore.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as store, store:
        store.execute("INSERT INTO hoststatus (contents) VALUES (?)", (f"spec: [\n  content: |\n  {MARK}",))
        store.execute("INSERT INTO hoststatus (contents) VALUES (?)", (f"{MARK}\x00".encode(),))
        store.execute("INSERT INTO hoststatus (contents) VALUES (?)", (f'"psk={MARK}"',))
    collector = Collector(root, (path,))
    collector.learn_secrets()
    assert MARK.encode() not in scrubbed_datastore(path, collector.redactor)


def test_netplan_that_nobody_can_read_is_left_out(root: Path) -> None:
    put(root, "/etc/netplan/70-broken.yaml", f"network: [\n  password: |\n    {MARK}\n")
    put(root, "/etc/netplan/80-tagged.yaml", f"network: {{tunnels: {{gre: {{key: !Simple {MARK}}}}}}}\n")
    _, files, report = made(root)
    assert MARK.encode() not in b"".join(files.values())
    assert {"files/netplan/etc-netplan-70-broken.yaml", "files/netplan/etc-netplan-80-tagged.yaml"} <= set(
        fail_reasons(report)
    )


def test_an_empty_host_still_gives_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "root").mkdir()
    _, files, report = made(tmp_path / "root", journal=True, selinux=True)
    assert report["hostStatus"] is None
    assert {"host status", "datastore.sqlite", "logs/trident-full.log", "selinux/audit.log"} <= set(
        fail_reasons(report)
    )
    assert "report.json" in files


def test_a_place_that_never_answers_is_not_waited_for(root: Path) -> None:
    collector = Collector(root, ())
    assert collector.attempt("dead disk", threading.Event().wait, seconds=0.05) is None
    assert collector.failures == [{"item": "dead disk", "error": "it took longer than 0.05 seconds"}]
    os.mkfifo(root / "pipe")
    assert collector.attempt("pipe", lambda: collector.text(root / "pipe")) is None


def test_a_defect_costs_one_item_only(root: Path) -> None:
    def defect() -> str:
        raise ZeroDivisionError(f"password={MARK}")

    collector = Collector(root, ())
    assert collector.attempt("x", defect) is None
    assert collector.failures == [{"item": "x", "error": "ZeroDivisionError: password=***"}]


def test_what_programs_print_is_searched_too(root: Path) -> None:
    collector = Collector(root, ())
    collector.redactor.learn(SPEC)
    put(
        root,
        "journal",
        f"Nov 21 host app[1]: {MARK}-variable\n"
        + "".join(f"Nov 21 host app[1]: {line}\n" for line in PEM.splitlines()),
    )
    assert MARK not in collector.output("cat", str(root / "journal"))
    assert MARK not in json.dumps(collector.json("echo", json.dumps({"password": MARK, "x": f"{MARK}-wifi"})))


def test_of_a_very_long_log_the_end_is_taken(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "LARGEST_TEXT", 1000)
    path = put(root, "long", "".join(f"line {number}\n" for number in range(1000)))
    text = Collector(root, ()).file(path)
    assert text.endswith("line 999\n")
    assert text.startswith("line ")
    assert len(text) <= 1000


def test_a_private_key_without_an_end_does_not_hide_the_rest_for_ever() -> None:
    redactor = Collector(Path("/"), ()).redactor
    text = "a\n-----BEGIN RSA PRIVATE KEY-----\n" + f"{MARK}\n" * 100 + "b\n" * 300
    scrubbed = scrubbed_text(text, redactor)
    assert MARK not in scrubbed
    assert scrubbed.startswith("a\n***\n")
    assert scrubbed.endswith("b\n" * 90)


def test_a_private_key_whose_beginning_was_cut_off_is_hidden() -> None:
    redactor = Collector(Path("/"), ()).redactor
    text = f"{MARK}\n-----END CERTIFICATE-----\n{MARK}\n-----END RSA PRIVATE KEY-----\nb\n"
    assert scrubbed_text(text, redactor) == "***\nb\n"
    assert scrubbed_text(f"a\n{PEM}b\n", redactor) == "a\n***\nb\n"


def test_a_line_of_a_log_stays_one_whatever_characters_it_holds() -> None:
    redactor = Collector(Path("/"), ()).redactor
    line = json.dumps({"message": "a\u2028b\x85c"}, ensure_ascii=False)
    assert scrubbed_log(f"{line}\n{line}\n", redactor) == f"{line}\n{line}\n"


def test_netplans_pipe_keeps_nobody_from_learning_what_stands_beside_it(root: Path) -> None:
    os.mkfifo(root / "etc/netplan/40-pipe.yaml")
    collector = Collector(root, ())
    collector.learn_secrets()
    assert collector.redactor.text(f"{MARK}-wireguard") == "***"
    assert collector.failures == []


def test_documents_stay_documents() -> None:
    redactor = Collector(Path("/"), ()).redactor
    assert scrubbed_yaml("a: {password: x, n: 1}\n", redactor) == "a:\n  password: '***'\n  n: 1\n"
    assert json.loads(scrubbed_log('{"line": 7, "message": "x"}\n', redactor)) == {"line": 7, "message": "x"}
    with pytest.raises(ValueError, match="no YAML"):
        scrubbed_yaml("a: [", redactor)


def test_the_bundle_is_for_its_owner_alone_and_replaces_an_older_one(root: Path, tmp_path: Path) -> None:
    put(tmp_path, "host.tar.zst", "old").chmod(0o644)
    diagnosis, _, _ = made(root)
    assert stat.S_IMODE(diagnosis.path.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["host.tar.zst", "root"]


@pytest.mark.parametrize("kind", ["no directory", "directory", "device", "pipe", "null"])
def test_a_place_that_cannot_be_written_is_one_clear_error(root: Path, tmp_path: Path, kind: str) -> None:
    output = tmp_path / "none" / "host.tar.zst" if kind == "no directory" else tmp_path / "there"
    if kind == "directory":
        output.mkdir()
    elif kind == "pipe":
        os.mkfifo(output)
    elif kind == "device":
        output = Path("/dev/full")
    elif kind == "null":
        output = Path("a\0b")
    with pytest.raises(ExecutionEnvironment) as caught:
        diagnose(output, root=root)
    assert caught.value.code == "generate-diagnostics-bundle"
    assert caught.value.hint


def test_a_full_disk_leaves_no_half_a_bundle_and_the_old_one_alone(root: Path, tmp_path: Path) -> None:
    put(root, "/var/log/trident-full.log", os.urandom(2_000_000).hex() + "\n")
    output = put(tmp_path, "host.tar.zst", "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(ExecutionEnvironment) as caught:
            diagnose(output, root=root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.code == "generate-diagnostics-bundle"
    assert output.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["host.tar.zst", "root"]


def test_only_root_can_make_one(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ExecutionEnvironment) as caught:
        diagnose(tmp_path / "host.tar.zst", root=root)
    assert caught.value.code == "check-root-privileges"


def test_a_configuration_of_the_model_hides_its_secrets_too() -> None:
    """The sample above is plain data; this one the model has read and written."""
    configuration = HostConfiguration.from_document({"image": SPEC["image"], "scripts": SPEC["scripts"]})
    redacted = Collector(Path("/"), ()).redactor.document(configuration.to_document())
    assert MARK not in json.dumps(redacted)
