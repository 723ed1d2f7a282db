"""The small values: ids, paths, digests, URLs, texts."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]
Draw = st.DrawFn

# Texts that a careless reader of YAML takes for something else. Quoted, they are texts like any other.
MISLEADING = [
    "null",
    "~",
    "true",
    "no",
    "on",
    "0755",
    "1e3",
    "12",
    ".inf",
    "2026-11-21",
    "- a",
    "a: b",
    "#",
    "",
]
LETTERS = string.ascii_lowercase + string.digits

flags = st.booleans()
words = st.text(LETTERS, min_size=1, max_size=8)
texts = st.one_of(
    words, st.sampled_from(MISLEADING), st.text(string.printable.replace("\x0b", ""), max_size=20)
)
ascii_names = st.from_regex(r"[a-z][a-z0-9-]{0,10}[a-z0-9]", fullmatch=True)
host_names = st.lists(ascii_names, min_size=1, max_size=3).map(".".join)
digests = st.integers(0, 2**384 - 1).map("{:096x}".format)
urls = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["http", "https"]),
    host_names,
    st.from_regex(r"[a-z]{1,8}\.img", fullmatch=True),
)
absolute_paths = st.lists(
    st.one_of(words, st.sampled_from(["é", "with space", "a.b", "...", "@", "%20"])), min_size=1, max_size=4
).map(lambda parts: "/" + "/".join(parts))

FASHIONS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "with a space": lambda stem: f"{stem} 1",
    "with punctuation": lambda stem: f"#{stem}: [*&!",
    "beyond ASCII": lambda stem: f"{stem}-é\u6f22",
}
"""Ways of writing ids; whatever is printable is an id."""

fashions = st.sampled_from([*FASHIONS])


def some(field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    """The field with a value, or not at all."""
    return st.one_of(st.just({}), st.builds(lambda value: {field: value}, values))


def merged(*parts: st.SearchStrategy[Document]) -> st.SearchStrategy[Document]:
    """One document of several."""

    def merge(documents: tuple[Document, ...]) -> Document:
        whole: Document = {}
        for document in documents:
            whole |= document
        return whole

    return st.tuples(*parts).map(merge)


def spellings_of_uuid(uuid: str) -> st.SearchStrategy[str]:
    """The ways in which a UUID can be written."""
    bare = uuid.replace("-", "")
    return st.sampled_from([uuid, uuid.upper(), bare, "{" + uuid + "}", f"urn:uuid:{uuid}"])
