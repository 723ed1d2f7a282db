"""Two configurations of one host: what it runs, and what it is to run."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies.configuration import OTHER_SECTIONS, documents_on
from tests.strategies.storage import storages
from tests.strategies.words import Draw
from trident.config.model import HostConfiguration


@st.composite
def changes(draw: Draw) -> tuple[HostConfiguration, HostConfiguration]:
    """The old and the new configuration on one storage; a few sections differ, or none."""
    storage = draw(storages())
    old, other = draw(documents_on(storage)), draw(documents_on(storage))
    new = dict(old)
    for section in draw(st.lists(st.sampled_from(OTHER_SECTIONS), unique=True)):
        if section in other:
            new[section] = other[section]
        elif section != "trident":  # which may name the only place for the datastore
            new.pop(section, None)
    return HostConfiguration.from_document(old), HostConfiguration.from_document(new)
