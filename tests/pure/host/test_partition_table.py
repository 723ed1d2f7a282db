"""What sfdisk may print: anything but a whole GPT is one error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trident.errors import Servicing
from trident.host import partitioning


@pytest.mark.parametrize(
    "printed",
    [
        [],
        {},
        {"partitiontable": None},
        {"partitiontable": []},
        {"partitiontable": {"label": "dos", "id": "0x1"}},
        {"partitiontable": {"label": "gpt"}},
        {"partitiontable": {"label": "gpt", "id": "x", "sectorsize": "many"}},
        {"partitiontable": {"label": "gpt", "id": "x", "partitions": {"a": 1}}},
        {"partitiontable": {"label": "gpt", "id": "x", "partitions": [{"node": "/dev/vda?", "start": 1}]}},
    ],
    ids=str,
)
def test_odd_output_of_sfdisk(monkeypatch: pytest.MonkeyPatch, printed: Any) -> None:
    monkeypatch.setattr(partitioning, "run_json", lambda _command: printed)
    with pytest.raises(Servicing) as caught:
        partitioning.read_table(Path("/dev/vda"))
    assert caught.value.code == "read-partition-table"
