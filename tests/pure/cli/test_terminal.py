"""What comes from a file, an image or a file name is shown on a terminal, never obeyed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pure.config.sample import VALID
from trident.cli.main import main

ESCAPE = "\x1b]0;owned\a\x1b[8m"


def configuration(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.mark.parametrize("verb", ["validate", "plan", "graph", "explain", "install"])
@pytest.mark.parametrize("output", ["name of a file", "name of nothing"])
def test_names_of_files(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    output: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"{ESCAPE}.yaml"
    if output == "name of a file":
        (tmp_path / name).write_text("storrage: {}\n")
    main([verb, name])
    told = "".join(capsys.readouterr())
    assert "\x1b" not in told
    assert "\a" not in told


def test_the_name_of_a_valid_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", configuration(tmp_path, f"{ESCAPE}.yaml", VALID)]) == 0
    assert "\\x1b[8m.yaml is a valid Host Configuration." in capsys.readouterr().out


def test_ids_paths_and_names_in_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quoted = ESCAPE.encode("unicode_escape").decode()
    text = (
        VALID.replace("http://127.0.0.1", "file:///nowhere")
        .replace("root-b", f'"root\\n-b{quoted}"')
        .replace("/dev/vda", f'"/dev/vda{quoted}"')
    )
    main(["plan", "--assume-blank", configuration(tmp_path, "host.yaml", text)])
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert "root\\n-b\\x1b]0;owned" in told.out
