"""A user's script: where it lies while it runs, what hands it on, and what is told when it cannot run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trident.errors import InvalidInput
from trident.host.script import interpreter_problem, read_script


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A target with a shell, a link to it, a file that is no program, and a directory."""
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/dash").write_text("a program")
    (tmp_path / "usr/bin/dash").chmod(0o755)
    (tmp_path / "bin").symlink_to("usr/bin")
    (tmp_path / "usr/bin/sh").symlink_to("/usr/bin/dash")
    (tmp_path / "usr/bin/plain").write_text("no program")
    (tmp_path / "usr/bin/dangling").symlink_to("/no/where")
    return tmp_path


@pytest.mark.parametrize("interpreter", ["/bin/sh", "sh", "/usr/bin/dash", "bin/sh"])
def test_an_interpreter_is_looked_for_inside_the_target(tree: Path, interpreter: str) -> None:
    assert interpreter_problem(interpreter, tree) == ""


@pytest.mark.parametrize(
    ("interpreter", "problem"),
    [
        ("/usr/bin/python3", "the target OS has no interpreter '/usr/bin/python3'"),
        ("perl", "the target OS has no interpreter 'perl'"),
        ("/usr/bin/dangling", "the target OS has no interpreter '/usr/bin/dangling'"),
        ("/usr/bin/plain", "the interpreter '/usr/bin/plain' of the target OS is not an executable file"),
        ("plain", "the interpreter '/usr/bin/plain' of the target OS is not an executable file"),
        ("/usr/bin", "the interpreter '/usr/bin' of the target OS is not an executable file"),
        ("/", "the interpreter '/' of the target OS is not an executable file"),
    ],
)
def test_an_interpreter_that_runs_nothing_is_named(tree: Path, interpreter: str, problem: str) -> None:
    assert interpreter_problem(interpreter, tree) == problem


def test_on_the_running_system_it_is_looked_for_there() -> None:
    assert interpreter_problem("sh") == ""
    assert interpreter_problem("/no/such/thing") == "this system has no interpreter '/no/such/thing'"


def test_a_script_is_read_from_a_file_and_not_from_a_pipe_that_may_stay_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InvalidInput) as caught:
            read_script(str(path))
        assert caught.value.code == "invalid-host-configuration-dynamic"
        assert "it is no regular file" in caught.value.message
