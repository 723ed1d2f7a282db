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


@pytest.mark.parametrize("content", [b"DatastorePath=relative.sqlite\n", b"DatastorePath=\n", b"\xff\xfe\n"])
def test_a_bad_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trident.conf"
    path.write_bytes(content)
    with pytest.raises(Initialization) as caught:
        read_agent_configuration(path)
    assert caught.value.code == "agent-configuration"
