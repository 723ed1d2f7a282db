"""``trident get`` and ``trident history``: what the datastore holds, for people and programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.pure.repository.project import ROOT
from tests.pure.state.old_files import UPSTREAM, row, write_old
from trident.cli.main import main
from trident.errors import Servicing
from trident.servicing import environment
from trident.state.datastore import Datastore
from trident.state.history import EntryState, NewServicing
from trident.state.status import AbVolume, HostStatus, ServicingState, ServicingType

DOCUMENT = json.loads((ROOT / "docs/history.schema.json").read_text())
SCHEMA = jsonschema.Draft202012Validator(DOCUMENT)
V1 = {"image": {"url": "https://ops:pw@images.example/v1.cosi?key=pw", "sha384": "a" * 96}}
V2 = {"image": {"url": "https://images.example/v2.cosi", "sha384": "b" * 96}}
ERROR = Servicing("write-image", "The image cannot be written.", hint="Look at the disk.", details={"at": 7})

Trident = Callable[..., str]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The agent's settings; its datastore lies beside them."""
    settings = tmp_path / "trident.conf"
    settings.write_text(f"DatastorePath={tmp_path / 'datastore.sqlite'}\n")
    monkeypatch.setattr(environment.Environment.__init__, "__defaults__", (
        settings, *environment.Environment.__init__.__defaults__[1:]))  # type: ignore[index]  # fmt: skip
    return settings


@pytest.fixture
def trident(settings: Path, capsys: pytest.CaptureFixture[str]) -> Trident:
    """Run a command that succeeds; what it prints."""

    def run(*arguments: str) -> str:
        assert main(arguments) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def host(settings: Path) -> Path:
    """The datastore of a host that was installed, updated, and failed to update again."""
    path = settings.with_name("datastore.sqlite")
    a, b, history_states = AbVolume.A, AbVolume.B, EntryState
    with Datastore.create(path) as store:
        history = store.history
        install = history.begin(NewServicing(ServicingType.CLEAN_INSTALL, {}, V1, None, a, to_version="13.1"))
        history.advance(install, history_states.SUCCEEDED, seconds={"stage": 61.2}, bytes_fetched=174 << 20)
        update = history.begin(NewServicing(ServicingType.AB_UPDATE, V1, V2, a, b, to_version="13.2"))
        history.advance(update, history_states.SUCCEEDED, seconds={"stage": 3, "commit": 1})
        failed = history.begin(NewServicing(ServicingType.AB_UPDATE, V2, V1, b, a, target_written=False))
        history.advance(failed, history_states.FAILED, error=ERROR.to_document())
        store.record(
            HostStatus(
                spec=V2,
                servicing_state=ServicingState.PROVISIONED,
                ab_active_volume=b,
                last_error=ERROR.to_document(),
            )
        )
    return path


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("configuration", V2),
        ("last-error", ERROR.to_document()),
        (
            "rollback-chain",
            [{"kind": "ab", "spec": V1, "abActiveVolume": "volume-a", "installIndex": 0}],
        ),
        ("rollback-target", V1),
    ],
)
def test_each_kind_is_told_as_yaml_and_as_json(
    host: Path, trident: Trident, tmp_path: Path, kind: str, expected: object
) -> None:
    assert yaml.safe_load(trident("get", kind)) == expected
    assert json.loads(trident("get", kind, "--output", "json")) == expected
    for output, read in (("text", yaml.safe_load), ("json", json.loads)):
        outfile = tmp_path / "out"
        assert trident("get", kind, "--output", output, "--outfile", str(outfile)) == ""
        assert read(outfile.read_text()) == expected
        assert outfile.stat().st_mode & 0o777 == 0o600, "a Host Configuration can hold secrets"


def test_the_status_is_the_stored_text(host: Path, trident: Trident) -> None:
    with Datastore.open(host, read_only=True) as store:
        assert trident("get") == trident("get", "status") == store.contents()
    assert json.loads(trident("get", "--output", "json"))["servicingState"] == "provisioned"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage {",
        "servicingState: nonsense\n",
        "spec:\n  servicingState: provisioned\n",
        "spec: {}\n",
        "[]",
    ],
)
@pytest.mark.parametrize("output", ["text", "json"])
def test_a_row_that_is_no_status_is_one_clear_error(
    host: Path, capsys: pytest.CaptureFixture[str], text: str, output: str
) -> None:
    with Datastore.open(host) as store:
        store._connection.write("INSERT INTO hoststatus (contents) VALUES (?)", (text,))
    assert main(["get", "status", "--output", output]) == 2
    told = capsys.readouterr()
    if output == "text":
        assert told.out == ""
        assert "error[initialization/parse-host-status]" in told.err
    else:
        assert json.loads(told.out)["error"]["error"] == "parse-host-status"


@pytest.mark.parametrize(
    "text", ["{spec: {}, servicingState: provisioned}\n", "servicingState: !!str provisioned\n"]
)
def test_a_status_is_told_however_it_is_spelt(host: Path, trident: Trident, text: str) -> None:
    with Datastore.open(host) as store:
        store._connection.write("INSERT INTO hoststatus (contents) VALUES (?)", (text,))
    assert trident("get") == text


@pytest.mark.parametrize(("kind", "text"), [("rollback-chain", "[]\n"), ("rollback-target", "{}\n")])
def test_a_host_with_nothing_to_undo_says_so_as_upstream_does(
    settings: Path, trident: Trident, kind: str, text: str
) -> None:
    with Datastore.create(settings.with_name("datastore.sqlite")) as store:
        store.record(HostStatus(servicing_state=ServicingState.PROVISIONED))
    assert trident("get", kind) == text
    assert trident("get", kind, "--output", "json") == text


def test_the_chain_of_a_host_that_upstream_serviced(settings: Path, trident: Trident) -> None:
    states = ServicingState
    rows = [
        row(states.CLEAN_INSTALL_STAGED, 1),
        row(states.PROVISIONED, 1, active=AbVolume.A),
        row(states.AB_UPDATE_STAGED, 2, old=1, active=AbVolume.A),
        row(states.PROVISIONED, 2, active=AbVolume.B),
    ]
    write_old(settings.with_name("datastore.sqlite"), UPSTREAM, rows)
    (item,) = yaml.safe_load(trident("get", "rollback-chain"))
    assert (item["kind"], item["abActiveVolume"]) == ("ab", "volume-a")


def test_the_status_is_told_without_yaml_parser_model_and_history(host: Path, settings: Path) -> None:
    """It has a budget: programs ask for it often, and on small machines."""
    program = (
        "import sys, trident.state.agent as agent, pathlib;"
        "agent.AGENT_CONFIGURATION_PATH = pathlib.Path(sys.argv.pop(1));"
        "from trident.cli.main import main; main(['get']);"
        "print(*{'yaml', 'msgspec', 'hashlib', 'trident.state.history', 'trident.state.chain', "
        "'trident.config.model', 'trident.config.secrets'} & {*sys.modules}, file=sys.stderr)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, settings], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert "servicingState: provisioned" in run.stdout
    assert run.stderr.split() == []


def test_the_history_for_programs(host: Path, trident: Trident, tmp_path: Path) -> None:
    document = json.loads(trident("history", "--output", "json"))
    SCHEMA.validate(document)
    assert document["schemaVersion"] == 1
    failed, updated, installed = document["servicings"]
    assert [item["state"] for item in (installed, updated, failed)] == ["succeeded", "succeeded", "failed"]
    assert installed["from"] == {"volume": None, "image": None, "configuration": {}}
    assert updated["from"]["image"]["version"] == "13.1"
    assert updated["to"] == {
        "volume": "volume-b",
        "image": {"url": "https://images.example/v2.cosi", "sha384": "b" * 96, "version": "13.2"},
        "configuration": V2,
    }
    assert failed["error"] == ERROR.to_document()
    assert not failed["targetWritten"]
    outfile = tmp_path / "audit.json"
    assert trident("history", "--limit", "1", "--output", "json", "--outfile", str(outfile)) == ""
    assert [item["id"] for item in json.loads(outfile.read_text())["servicings"]] == [3]


def test_the_schema_of_the_history_names_all_that_can_be_in_it() -> None:
    servicing = DOCUMENT["$defs"]["servicing"]["properties"]
    assert set(servicing["state"]["enum"]) == {*EntryState}
    assert set(servicing["servicingType"]["enum"]) == {*ServicingType} - {"no-active-servicing"}


def test_the_history_for_people(host: Path, trident: Trident) -> None:
    lines = trident("history").splitlines()
    assert lines[0].split() == ["when", "(UTC)", "what", "from,", "to", "took", "fetched", "outcome"]
    assert "A/B update" in lines[1]
    assert lines[1].endswith("failed")
    assert lines[2] == "    error[servicing/write-image]: The image cannot be written."
    assert lines[3] == "    hint: Look at the disk."
    assert "A 13.1 → B 13.2" in lines[4]
    assert "4.0s" in lines[4]
    assert lines[5].split()[2:] == ["install", "A", "13.1", "1m", "01s", "174", "MiB", "succeeded"]
    assert len(trident("history", "--limit", "1").splitlines()) == 4
    assert trident("history", "--limit", "0") == trident("history")


def test_secrets_in_an_address_are_not_told(host: Path, trident: Trident) -> None:
    assert "pw" not in trident("history")


def test_a_host_without_servicings_says_so(settings: Path, trident: Trident) -> None:
    with Datastore.create(settings.with_name("datastore.sqlite")) as store:
        store.record(HostStatus())
    assert trident("history") == "No servicing of this host is recorded.\n"
    assert json.loads(trident("history", "--output", "json")) == {"schemaVersion": 1, "servicings": []}


@pytest.mark.parametrize("limit", ["-1", "", "all", "1.5", " 3", "1_0", "٣", "9" * 5000, "0x10", "+1"])
def test_a_limit_that_is_no_number_is_refused(
    settings: Path, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["history", f"--limit={limit}"])
    assert caught.value.code == 2
    assert "is not a number of servicings" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["get", "rollback-chain"], ["history"], ["history", "--output", "json"]])
def test_a_damaged_datastore_is_one_clear_error(
    host: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    with Datastore.open(host) as store:
        store._connection.raw.execute("UPDATE history SET state = 'moon'")
    assert main(command) == 2
    assert "error[initialization/load-host-status]" in capsys.readouterr().err
