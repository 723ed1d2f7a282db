"""Mistakes made in a document: something dropped, repeated, replaced or made to refer to something else."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

from tests.strategies.configuration import documents
from tests.strategies.words import MISLEADING, Document, Draw
from trident.config.model import HostConfiguration
from trident.config.suggestion import places

KEYS = sorted({key for _place, key in places(HostConfiguration)})
KINDS = ["replace", "drop", "repeat", "rename", "retarget"]

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=8),
    st.sampled_from([*MISLEADING, *KEYS]),
)  # fmt: skip
anything = st.one_of(scalars, st.sampled_from([[], {}, [[]], [{}], {"a": []}, ["x"]]))


@st.composite
def mistaken(draw: Draw) -> Document:
    """A valid document with one to three changes, each of which may well be a mistake."""
    document: Document = json.loads(json.dumps(draw(documents())))  # no part of it is shared
    for _ in range(draw(st.integers(1, 3))):
        spots = list(_spots(document))
        holder, key = draw(st.sampled_from(spots))
        _make(draw, draw(st.sampled_from(KINDS)), document, holder, key)
    return document


def _spots(value: Any) -> Any:
    """Every place of a document: what holds it, and its key or index there."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _spots(value[key])


def _make(draw: Draw, kind: str, document: Document, holder: Any, key: Any) -> None:
    if kind == "drop":
        del holder[key]
    elif kind == "repeat" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif kind == "rename" and isinstance(holder, dict):
        holder[draw(st.sampled_from(KEYS))] = holder.pop(key)
    elif kind == "retarget":
        elsewhere, other = draw(st.sampled_from([*_spots(document)]))
        holder[key] = copy.deepcopy(elsewhere[other])
    else:
        holder[key] = draw(anything)
