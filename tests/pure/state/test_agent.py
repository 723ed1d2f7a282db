"""The agent's settings file."""

from __future__ import annotations

from pathlib import Path

import pytest

from trident.errors import Initialization
from trident.state.agent import DEFAULT_DATASTORE_PATH, read_agent_configuration


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read_agent_configuration(tmp_path / "trident.conf").datastore_path == DEFAULT_DATASTORE_PATH


def test_the_datastore_path_is_read_among_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "trident.conf"
    path.write_text("# settings\nOther=1\n\nDatastorePath = /data/trident.sqlite\n")
    assert read_agent_configuration(path).datastore_path == Path("/data/trident.sqlite")


def test_of_several_datastore_paths_the_last_counts(tmp_path: Path) -> None:
    """So it does upstream."""
    path = tmp_path / "trident.conf"
    path.write_text("DatastorePath=/a.sqlite\nDatastorePath=/b.sqlite\n")
    assert read_agent_configuration(path).datastore_path == Path("/b.sqlite")


@pytest.mark.parametrize(
    "content",
    [
        "# datastorepath=/x\n; Datastore\n\n[Trident]\nDatabase=/x\nMoonPhase\n",
        "\ufeff",
        "\ufeff# settings\r\n",
    ],
)
def test_what_is_about_something_else_is_passed_over(tmp_path: Path, content: str) -> None:
    path = tmp_path / "trident.conf"
    path.write_text(content + "DatastorePath=/data/trident.sqlite\r\n")
    assert read_agent_configuration(path).datastore_path == Path("/data/trident.sqlite")


@pytest.mark.parametrize(
    "content",
    [
        b"DatastorePath=relative.sqlite\n",
        b"DatastorePath=\n",
        b"\xff\xfe\n",
        b'DatastorePath="/x.sqlite"\n',
        b"DatastorePath=/x.sqlite # on the shared volume\n",
        b"DatastorePath=/a\0b\n",
        b"datastorepath=/x.sqlite\n",
        b"datastore_path=/x.sqlite\n",
        b"DataStorePath = /x.sqlite\n",
        b"Datastore=/x.sqlite\n",
        b"DatastorePath /x.sqlite\n",
        b"DatastorePath: /x.sqlite\n",
        b"DatastorePath=/x.sqlite\ndatastorepath=/y.sqlite\n",
    ],
)
def test_a_file_that_may_mean_another_datastore_is_refused(tmp_path: Path, content: bytes) -> None:
    """The agent would look in the usual place, and say that this host was never installed."""
    path = tmp_path / "trident.conf"
    path.write_bytes(content)
    with pytest.raises(Initialization) as caught:
        read_agent_configuration(path)
    assert caught.value.code == "agent-configuration"
    assert str(path) in caught.value.message
    assert caught.value.hint
