"""``--confirm``: the plan on the terminal, and a question that only yes answers with yes."""

from __future__ import annotations

import argparse
import io
import os
import pty
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.pure.servicing import samples
from trident.cli.commands import servicing
from trident.cli.commands.servicing import asking
from trident.cli.parser import build_parser
from trident.cli.streams import tell
from trident.errors import InvalidInput
from trident.plan.preview import Preview

PREVIEW = samples.install(samples.read(samples.SAMPLES[0]))


def options(*arguments: str) -> argparse.Namespace:
    return build_parser().parse_args(["install", "host.yaml", *arguments])


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], Callable[[Preview], bool]]]:
    """Someone at a terminal who types ``answer`` when the question is there."""
    keyboard, screen = pty.openpty()
    with open(screen, encoding="utf-8", closefd=False) as stdin:

        def typing(answer: bytes, before: bytes = b"") -> Callable[[Preview], bool]:
            def tell_and_type(text: str) -> None:
                tell(text)
                if "[y/N]" in text:
                    os.write(keyboard, answer)

            monkeypatch.setattr(sys, "stdin", stdin)
            monkeypatch.setattr(servicing, "tell", tell_and_type)
            os.write(keyboard, before)
            return asking(options("--confirm"))

        yield typing
    os.close(keyboard)
    os.close(screen)


@pytest.mark.parametrize("answer", [b"y\n", b"Y\n", b"yes\n", b" y \n", b"YES\n"])
def test_yes_carries_the_plan_out(
    terminal: Callable[[bytes], Callable[[Preview], bool]],
    capsys: pytest.CaptureFixture[str],
    answer: bytes,
) -> None:
    assert terminal(answer)(PREVIEW)
    shown = capsys.readouterr()
    assert "Servicing type:  clean-install" in shown.err
    assert shown.err.endswith("Carry out this plan? [y/N] ")
    assert shown.out == "", "stdout is for the outcome"


@pytest.mark.parametrize("answer", [b"\n", b"n\n", b"no\n", b"yess\n", b"ja\n", b"\x04", b"y y\n", b"0\n"])
def test_anything_else_does_not(
    terminal: Callable[[bytes], Callable[[Preview], bool]], answer: bytes
) -> None:
    assert not terminal(answer)(PREVIEW)


def test_what_was_typed_before_the_question_is_no_answer(
    terminal: Callable[..., Callable[[Preview], bool]],
) -> None:
    assert not terminal(b"n\n", before=b"y\n")(PREVIEW)
    assert terminal(b"y\n", before=b"trident get\n")(PREVIEW)


def test_nobody_at_a_terminal_is_an_error_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(InvalidInput) as caught:
        asking(options("--confirm"))
    assert caught.value.code == "confirm-without-terminal"


def test_without_the_option_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert asking(options())(PREVIEW)
    assert capsys.readouterr().err == ""
