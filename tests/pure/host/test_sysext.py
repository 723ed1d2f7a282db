"""What systemd says is merged."""

from __future__ import annotations

from typing import Any

import pytest

from trident.errors import Servicing
from trident.host.sysext import names_merged

# As systemd 252 and 257 print them.
NONE = [
    {"hierarchy": "/opt", "extensions": "none", "since": None},
    {"hierarchy": "/usr", "extensions": "none", "since": None},
]
TWO = [
    {"hierarchy": "/opt", "extensions": ["agents"], "since": 1763736000000000},
    {"hierarchy": "/usr", "extensions": ["agents", "tools"], "since": 1763736000000000},
]


def test_the_names_of_every_hierarchy_count() -> None:
    assert names_merged(TWO) == {"agents", "tools"}


@pytest.mark.parametrize("document", [NONE, [], [{"hierarchy": "/usr", "extensions": None}]])
def test_nothing_may_be_merged(document: Any) -> None:
    assert names_merged(document) == frozenset()


@pytest.mark.parametrize("document", [None, 5, [5], [{}], [{"extensions": 5}], {"a": "b"}])
def test_anything_else_is_an_error(document: Any) -> None:
    with pytest.raises(Servicing):
        names_merged(document)
