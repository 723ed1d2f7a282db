"""Whole Host Configurations."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st

from tests.strategies import os, scripts
from tests.strategies.storage import Storage, storages
from tests.strategies.words import Document, Draw, digests, flags, merged, some, urls, words
from trident.config.model import HostConfiguration

images = st.builds(
    lambda url, sha384: {"url": url, "sha384": sha384}, urls, st.one_of(st.just("ignored"), digests)
)
OTHER_SECTIONS = ("image", "os", "scripts", "managementOs", "health", "trident", "internalParams")


@st.composite
def documents_on(draw: Draw, storage: Storage) -> Document:
    """A document with that storage; the other sections are drawn."""
    return {
        "storage": storage.document,
        **draw(
            merged(
                some("image", images),
                some("os", os.os_sections(storage)),
                some("scripts", scripts.sections),
                some("managementOs", os.management_os),
                some("health", scripts.health),
                _trident(storage),
                some("internalParams", _internal(storage)),
            )
        ),
    }


def _trident(storage: Storage) -> st.SearchStrategy[Document]:
    usual = f"{storage.datastore}/datastore.sqlite"
    paths = [{"datastorePath": usual}, {"datastorePath": f"{storage.datastore}/a b/é.sqlite"}]
    if storage.datastore == "/var/lib/trident":
        paths.append({})
    on = merged(
        st.sampled_from(paths),
        some("disable", st.just(False)),
        some("phonehome", urls),
        some("logstream", urls),
    )
    off = st.just({"disable": True})
    return st.one_of(on, off).map(lambda section: {"trident": section} if section else {})


def _internal(storage: Storage) -> st.SearchStrategy[dict[str, Any]]:
    values = st.one_of(flags, st.integers(0, 9), words, st.lists(words, max_size=2))
    upgrade = st.just({}) if storage.has_root_verity else some("selfUpgradeTrident", flags)
    return merged(some("allowUnusedFilesystems", flags), some("anything", values), upgrade)


@st.composite
def documents(draw: Draw) -> Document:
    """A valid Host Configuration as plain data."""
    return draw(documents_on(draw(storages())))


def configurations() -> st.SearchStrategy[HostConfiguration]:
    """A valid Host Configuration."""
    return documents().map(HostConfiguration.from_document)


@st.composite
def texts(draw: Draw) -> str:
    """A valid Host Configuration as YAML, in block or flow style, with its keys in any order."""
    document = draw(documents())
    ordered = {key: document[key] for key in draw(st.permutations([*document]))}
    return spelled(ordered, flow=draw(st.sampled_from([False, None, True])), width=draw(st.integers(20, 200)))


def spelled(document: Document, *, flow: bool | None = False, width: int = 100) -> str:
    """Plain data as YAML."""
    text = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=width
    )
    assert isinstance(text, str)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes no anchors. It quotes by YAML 1.1, and quotes what YAML 1.2 takes for a number besides."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    from trident.config.scalars import meaning

    style = None if meaning(text) == text else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
