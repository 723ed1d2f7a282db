"""A user's script, run by its interpreter here and inside a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from trident.host.script import ScriptFile, run_script

pytestmark = pytest.mark.machine


@pytest.mark.parametrize("root", [None, Path("/")], ids=["here", "inside a target"])
def test_a_scripts_own_path_is_for_the_script_alone(root: Path | None) -> None:
    lines: list[str] = []
    script = ScriptFile("echo $PATH", None, interpreter="sh", environment={"PATH": "/opt/tools"})
    result = run_script(script, root=root, on_line=lines.append, timeout=60)
    assert (result.problem, lines) == ("", ["/opt/tools"])
