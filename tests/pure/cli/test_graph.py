"""``trident graph``: formats, where they go, and what is said when something is wrong."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.pure.cli.test_streams import SAMPLE, shell
from tests.pure.config.sample import VALID, edited
from trident.cli.main import main
from trident.host import process

STARTS = {
    "tree": b"NAME",
    "mermaid": b"flowchart LR\n",
    "dot": b"digraph storage {\n",
    "svg": b"<?xml",
    "png": b"\x89PNG\r\n",
}


def told(capfd: pytest.CaptureFixture[str]) -> str:
    """The first line on stderr, and nothing on stdout."""
    done = capfd.readouterr()
    assert done.out == ""
    return done.err.splitlines()[0]


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A configuration that refers to a device that is not there."""
    path = tmp_path / "wrong.yaml"
    path.write_text(edited(("{deviceId: data, source", "{deviceId: date, source")))
    return path


def test_a_tree_is_what_a_terminal_gets(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(SAMPLE)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[1].split() == ["os", "disk", "/dev/vda"]
    assert lines[2].split() == ["├─esp", "partition", "256M", "esp"]


@pytest.mark.parametrize("kind", STARTS)
def test_every_format_goes_to_stdout(kind: str) -> None:
    done = shell(f'$T graph "$1" --format {kind}', SAMPLE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(STARTS[kind])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "tree"), ("a.mmd", "mermaid"), ("a.mermaid", "mermaid"), ("a.dot", "dot"), ("a.gv", "dot"),
        ("a.svg", "svg"), ("a.PNG", "png"),
    ],
)  # fmt: skip
def test_the_name_of_the_file_says_the_format(name: str, kind: str, tmp_path: Path) -> None:
    assert main(["graph", str(SAMPLE), "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_bytes().startswith(STARTS[kind])


def test_an_option_says_it_louder(tmp_path: Path) -> None:
    assert main(["graph", str(SAMPLE), "-f", "mermaid", "-o", str(tmp_path / "a.svg")]) == 0
    assert (tmp_path / "a.svg").read_bytes().startswith(STARTS["mermaid"])


@pytest.mark.parametrize("name", ["a", "a.jpg", ".svg", "a.svg.", "svg", "a.pdf"])
def test_a_name_that_says_no_format(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(SAMPLE), "-o", str(tmp_path / name)]) == 2
    assert told(capfd).startswith("error[invalid-input/unknown-graph-format]: ")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        assert main(["graph", str(SAMPLE), "-o", str(tmp_path / "a.svg")]) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.svg").stat().st_mode) == 0o640


def test_standard_input_is_read() -> None:
    assert shell('$T graph - <"$1"', SAMPLE).stdout == shell('$T graph "$1"', SAMPLE).stdout


def test_what_is_wrong_is_drawn_told_and_refused(wrong: Path) -> None:
    done = shell('$T graph "$1" -f tree', wrong)
    assert done.returncode == 2
    assert b"error[non-existent-reference]: There is no block device 'date'." in done.stderr
    assert b"WRONG" in done.stdout
    assert b"/data" in done.stdout


def test_what_cannot_be_read_whole_is_drawn_in_part(tmp_path: Path) -> None:
    path = tmp_path / "host.yaml"
    path.write_text(edited(("{id: state, size: 128M}", "{id: state, size: big}")))
    done = shell('$T graph "$1"', path)
    assert done.returncode == 2
    assert b"'big'" in done.stderr
    assert b"root-a" in done.stdout


@pytest.mark.parametrize("text", ["", "[", "storage: 5", "storage:\n  disks: many\n"])
def test_what_cannot_be_read_at_all_is_only_told(
    text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "host.yaml"
    path.write_text(text)
    assert main(["graph", str(path)]) == 2
    assert told(capfd).startswith("error[")


def test_a_configuration_without_storage_has_no_picture(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "host.yaml"
    path.write_text("image: {url: http://127.0.0.1/v1.cosi, sha384: ignored}\n")
    assert main(["graph", str(path)]) == 2
    assert "no-storage" in told(capfd)


def test_graphviz_is_asked_for_where_it_is_missing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SEARCH_PATH", str(tmp_path))
    assert main(["graph", str(SAMPLE), "-f", "svg"]) == 2
    done = capfd.readouterr()
    assert "missing-binary]: 'dot' is not installed" in done.err
    assert "apt-get install graphviz" in done.err
    for kind in ("tree", "mermaid", "dot"):
        assert main(["graph", str(SAMPLE), "-f", kind]) == 0


@pytest.mark.parametrize(
    "place", ["missing/a.svg", "file/a.svg", "directory.svg", "x" * 300 + ".svg", "\0.svg"]
)
def test_a_file_that_cannot_be_written(place: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "directory.svg").mkdir()
    assert main(["graph", str(SAMPLE), "-o", str(tmp_path / place)]) == 2
    assert told(capfd).startswith("error[invalid-input/write-output-file]: ")


def test_a_failed_picture_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = tmp_path / "a.svg"
    picture.write_text("the old one")
    monkeypatch.setattr(process, "SEARCH_PATH", str(tmp_path))
    assert main(["graph", str(SAMPLE), "-o", str(picture)]) == 2
    assert picture.read_text() == "the old one"


@pytest.mark.parametrize("kind", STARTS)
def test_stdout_that_is_closed_full_or_left(kind: str) -> None:
    assert shell(f'$T graph "$1" -f {kind} >&-', SAMPLE).returncode == 0
    full = shell(f'$T graph "$1" -f {kind} >/dev/full', SAMPLE)
    assert full.returncode == 2
    assert full.stderr.startswith(b"error[execution-environment-misconfiguration/write-output]: ")
    left = shell(f'(sleep 0.3; $T graph "$1" -f {kind}; echo $? >&2) | true', SAMPLE)
    assert left.stderr == b"0\n"


def test_a_terminal_without_unicode_gets_ascii_branches() -> None:
    done = shell('$T graph "$1"', SAMPLE, PYTHONIOENCODING="ascii")
    assert b"\n|-esp" in done.stdout
    assert b"\\u" not in done.stdout
    mermaid = shell('$T graph "$1" -f mermaid', SAMPLE, PYTHONIOENCODING="ascii")
    assert mermaid.stdout == shell('$T graph "$1" -f mermaid', SAMPLE).stdout


def test_a_terminal_gets_no_png(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["graph", str(SAMPLE), "-f", "png"]) == 2
    assert "binary-output" in told(capfd)


def test_a_large_configuration_is_drawn_whole(tmp_path: Path) -> None:
    lines = "".join(f"        - {{id: p{number}, size: 1M}}\n" for number in range(5000))
    path = tmp_path / "host.yaml"
    path.write_text(edited(("        - {id: state", f"{lines}        - {{id: state"), text=VALID))
    for kind in ("tree", "mermaid", "dot"):
        assert shell(f'$T graph "$1" -f {kind}', path).stdout.count(b"p4999") == 1


def test_graphviz_is_not_waited_for_without_end(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trident.host.graphviz._MOST_SECONDS", 0.0)
    assert main(["graph", str(SAMPLE), "-f", "svg"]) == 2
    assert told(capfd).startswith("error[invalid-input/graph-too-large]: ")
