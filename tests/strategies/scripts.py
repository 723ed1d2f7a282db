"""``scripts`` and ``health``."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies.words import absolute_paths, ascii_names, merged, some, texts, words

run_on = st.lists(
    st.sampled_from(["clean-install", "ab-update", "runtime-update", "all"]), unique=True, max_size=3
)
variables = st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,8}", fullmatch=True), texts, max_size=3)
scripts = merged(
    some("name", words),
    some("runOn", run_on),
    some("interpreter", absolute_paths),
    st.one_of(
        st.builds(lambda text: {"content": text}, texts),
        st.builds(lambda path: {"path": path}, absolute_paths),
    ),
    some("arguments", st.lists(texts, max_size=3)),
    some("environmentVariables", variables),
    some("timeoutSeconds", st.integers(1, 2**40)),
)
lists_of_scripts = st.lists(scripts, max_size=2)
sections = merged(
    some("preServicing", lists_of_scripts),
    some("postProvision", lists_of_scripts),
    some("postConfigure", lists_of_scripts),
    some("preReboot", lists_of_scripts),
)

services = ascii_names.map("{}.service".format)
systemd_checks = merged(
    some("name", words),
    st.builds(lambda names: {"systemdServices": names}, st.lists(services, max_size=3)),
    some("timeoutSeconds", st.integers(0, 2**40)),
    some("settleSeconds", st.integers(0, 24 * 60 * 60)),
    some("runOn", run_on),
)
health = some("checks", st.lists(st.one_of(scripts, systemd_checks), max_size=3))
