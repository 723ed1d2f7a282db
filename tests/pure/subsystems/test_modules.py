"""Kernel modules: what each load mode does to the three files, and what is refused."""

from __future__ import annotations

import pytest

from trident.config.model import LoadMode, Module
from trident.errors import InvalidInput
from trident.subsystems.osconfig.modules import DISABLED, LOAD, OPTIONS, changed_files, check_modules

EMPTY = {LOAD: "", DISABLED: "", OPTIONS: ""}


def after(*modules: Module, **before: str) -> tuple[str, str, str]:
    """The three files afterwards; given as ``load``, ``disabled`` and ``options`` before."""
    names = {"load": LOAD, "disabled": DISABLED, "options": OPTIONS}
    files = changed_files(EMPTY | {names[name]: text for name, text in before.items()}, modules)
    return files[LOAD], files[DISABLED], files[OPTIONS]


def module(name: str, mode: LoadMode, **options: str) -> Module:
    return Module(name=name, load_mode=mode, options=options)


@pytest.mark.parametrize(
    ("mode", "load", "disabled"),
    [
        (LoadMode.ALWAYS, "br_netfilter\n", ""),
        (LoadMode.AUTO, "", ""),
        (LoadMode.DISABLE, "", "blacklist br_netfilter\n"),
        (LoadMode.INHERIT, "", ""),
    ],
)
def test_what_a_load_mode_writes(mode: LoadMode, load: str, disabled: str) -> None:
    assert after(module("br_netfilter", mode)) == (load, disabled, "")


def test_always_and_auto_lift_a_ban_of_the_image_and_inherit_keeps_it() -> None:
    ban = "# by the image\nblacklist nfs\n"
    assert after(module("nfs", LoadMode.ALWAYS), disabled=ban)[:2] == ("nfs\n", "# by the image\n")
    assert after(module("nfs", LoadMode.AUTO), disabled=ban)[:2] == ("", "# by the image\n")
    assert after(module("nfs", LoadMode.INHERIT), disabled=ban)[:2] == ("", ban)


def test_disabling_takes_a_module_out_of_what_is_loaded_at_boot() -> None:
    assert after(module("nfs", LoadMode.DISABLE), load="loop\nnfs\n")[:2] == ("loop\n", "blacklist nfs\n")


def test_dash_and_underscore_are_one_module() -> None:
    text = after(module("br-netfilter", LoadMode.DISABLE), load="br_netfilter\n")
    assert text[:2] == ("", "blacklist br-netfilter\n")
    assert after(module("br_netfilter", LoadMode.ALWAYS), disabled=text[1])[:2] == ("br_netfilter\n", "")


def test_options_are_merged_with_those_that_the_image_gives() -> None:
    before = "options other x=1\noptions loop max_part=4 flag max_loop=8\n"
    assert after(module("loop", LoadMode.INHERIT, max_loop="16", new="y"), options=before)[2] == (
        "options other x=1\noptions loop max_part=4 flag max_loop=16 new=y\n"
    )


def test_doing_it_twice_changes_nothing_more() -> None:
    modules = (module("a", LoadMode.ALWAYS, x="1"), module("b", LoadMode.DISABLE), module("c", LoadMode.AUTO))
    once = changed_files(EMPTY, modules)
    assert changed_files(once, modules) == once


def test_of_two_entries_for_a_module_the_later_wins() -> None:
    both = (module("a", LoadMode.DISABLE), module("a", LoadMode.ALWAYS))
    assert after(*both) == ("a\n", "", "")
    assert after(*reversed(both)) == ("", "blacklist a\n", "")


def test_options_for_a_module_that_the_image_disables_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        after(module("nfs", LoadMode.INHERIT, x="1"), disabled="blacklist nfs\n")
    assert caught.value.code == "disabled-module-options"
    assert caught.value.hint is not None
    assert "loadMode" in caught.value.hint


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (module("", LoadMode.ALWAYS), "invalid-module"),
        (module("a b", LoadMode.ALWAYS), "invalid-module"),
        (module("a\nblacklist b", LoadMode.ALWAYS), "invalid-module"),
        (module("a\0", LoadMode.ALWAYS), "invalid-module"),
        (Module(name="a", options={"x": "1\ninstall a /bin/sh"}), "invalid-module"),
        (Module(name="a", options={"x\ny": "1"}), "invalid-module"),
        (module("a", LoadMode.DISABLE, x="1"), "disabled-module-options"),
    ],
)
def test_what_no_line_can_hold_is_refused_with_its_place(bad: Module, code: str) -> None:
    (error,) = check_modules((module("fine", LoadMode.ALWAYS, x="a,b=c"), bad))
    assert error.code == code
    assert error.message.startswith("os.modules[1]: ")
