"""A Host Status from a file: a plan is made from a whole one, and anything else is one clear error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pure.servicing.situations import configuration
from trident.errors import InvalidInput
from trident.servicing.assume import read_status
from trident.state.status import AbVolume, ServicingState

SPEC = configuration("v1").to_document()
WHOLE = {"spec": SPEC, "servicingState": "provisioned", "abActiveVolume": "volume-b", "installIndex": 0}


def read(tmp_path: Path, content: Any) -> Any:
    path = tmp_path / "status"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_status(str(path))


def test_a_whole_status_is_read(tmp_path: Path) -> None:
    status = read(tmp_path, WHOLE)
    assert (status.servicing_state, status.ab_active_volume) == (ServicingState.PROVISIONED, AbVolume.B)


def test_a_blank_machine_needs_no_more_than_its_state(tmp_path: Path) -> None:
    assert read(tmp_path, "servicingState: not-provisioned").spec == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"servicingState": None}, "it has no 'servicingState'"),
        ({"servicingState": "half-done"}, "its 'servicingState' is 'half-done', which is none of"),
        ({"servicingState": ["provisioned"]}, "its 'servicingState' is not text"),
        ({"abActiveVolume": "volume-c"}, "its 'abActiveVolume' is 'volume-c', which is none of"),
        ({"abActiveVolume": None}, "no 'abActiveVolume' says which half runs"),
        ({"spec": "text"}, "its 'spec' is not a mapping"),
        ({"spec": {}}, "no 'spec' says which Host Configuration the host runs"),
        ({"servicingState": "ab-update-staged"}, "no 'specOld' says which Host Configuration the host runs"),
        ({"partitionPaths": ["/dev/vda1"]}, "its 'partitionPaths' is not a mapping"),
        ({"partitionPaths": {"esp": 3}}, "a path in its 'partitionPaths' is not text"),
        ({"installIndex": "0"}, "its 'installIndex' is not a whole number"),
        ({"installIndex": True}, "its 'installIndex' is not a whole number"),
        ({"installIndex": -1}, "its 'installIndex' is negative"),
        ({"isManagementOs": "false"}, "its 'isManagementOs' is not true or false"),
        ({"lastError": "broken"}, "its 'lastError' is not a mapping"),
    ],
)
def test_what_does_not_say_what_the_host_is_gives_no_plan(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, WHOLE | change)
    assert caught.value.code == "parse-host-status-file"
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it has no 'servicingState'."),
        ("[]", "it has no"),
        ('{"spec":', "in line 1: "),
        ("\0", "in line 1: "),
    ],
)
def test_what_is_no_document_is_called_so(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, text)
    assert words in caught.value.message


@pytest.mark.parametrize("name", ["", "missing", ".", "a\0b", "x" * 300])
def test_a_file_that_cannot_be_read_is_not_called_a_host_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        read_status(name)
    assert caught.value.code == "load-host-status-file"
    assert caught.value.message.startswith("The Host Status ")
