"""yaml-language-server, which editors run, with the schema that ``trident schema`` prints."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machine.editor.client import LanguageServer

pytestmark = pytest.mark.machine

DOCUMENT = """\
image:
  url: http://images.example/v1.cosi
  sha384: abc
storage:
  disks:
    - id: os
      device: /dev/vda
      partitionTableType: gpt
      partitions:
        - id: root-a
          type: roof
          size: 8G
"""
URI = "file:///tmp/editor/host.yaml"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """A language server that was told where the schema is, with a document in its hands."""
    path = tmp_path_factory.mktemp("schema") / "trident.schema.json"
    command = [sys.executable, "-m", "trident.cli.main", "schema"]
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    server = LanguageServer(path)
    yield server
    server.close()


def at(uri: str, text: str, marker: str, *, after: bool = False) -> dict[str, object]:
    """The position of a marker in a document, as the protocol has it."""
    before = text[: text.index(marker) + (len(marker) if after else 1)]
    position = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
    return {"textDocument": {"uri": uri}, "position": position}


def completions(server: LanguageServer, name: str, text: str) -> dict[str, Any]:
    """What it offers at the end of a document."""
    uri = f"file:///tmp/editor/{name}.yaml"
    server.open(uri, text)
    answer = server.ask("textDocument/completion", at(uri, text, text, after=True))
    return {item["label"]: item for item in answer["items"]}


def documentation(item: dict[str, Any]) -> str:
    """The text that stands beside an offer."""
    text = item["documentation"]
    return str(text["value"] if isinstance(text, dict) else text)


def test_it_points_at_wrong_values(server: LanguageServer) -> None:
    found = {problem["range"]["start"]["line"]: problem["message"] for problem in server.open(URI, DOCUMENT)}
    assert set(found) == {2, 10}
    assert found[2] == "Here must stand 96 hexadecimal digits, or ignored."
    assert '"root"' in found[10]


def test_it_tells_unknown_and_missing_fields(server: LanguageServer) -> None:
    text = DOCUMENT.replace("sha384: abc", "sha385: ignored")
    messages = [problem["message"] for problem in server.open("file:///tmp/editor/fields.yaml", text)]
    assert 'Missing property "sha384".' in messages
    assert "Property sha385 is not allowed." in messages


def test_it_offers_the_fields_below_storage_with_their_meaning(server: LanguageServer) -> None:
    offered = completions(server, "storage", "storage:\n  ")
    assert list(offered)[:2] == ["disks", "encryption"]
    assert set(offered) == {"disks", "encryption", "raid", "abUpdate", "filesystems", "verity", "swap"}
    assert "no other is touched" in documentation(offered["disks"])


def test_it_offers_the_words_of_a_field_with_the_meaning_of_each(server: LanguageServer) -> None:
    offered = completions(server, "words", "storage:\n  filesystems:\n    - source: ")
    assert set(offered) == {"image", "new", "adopted"}
    assert "empty" in documentation(offered["new"])


def test_it_offers_the_fields_of_both_kinds_of_checks(server: LanguageServer) -> None:
    offered = completions(server, "checks", "health:\n  checks:\n    - name: web\n      ")
    assert {"systemdServices", "content", "path", "runOn"} <= set(offered)


def test_it_keeps_to_itself_what_only_tests_of_trident_need(server: LanguageServer) -> None:
    offered = completions(server, "top", "image: {}\n")
    assert "storage" in offered
    assert "internalParams" not in offered


def test_pointing_at_a_field_explains_it(server: LanguageServer) -> None:
    server.open(URI, DOCUMENT)
    shown = server.ask("textDocument/hover", at(URI, DOCUMENT, "size: 8G"))["contents"]["value"]
    assert "`grow`" in shown
    assert "4096" in shown


def test_pointing_at_words_explains_each(server: LanguageServer) -> None:
    text = "storage:\n  filesystems:\n    - source: new\n"
    uri = "file:///tmp/editor/hover.yaml"
    server.open(uri, text)
    shown = server.ask("textDocument/hover", at(uri, text, "source"))["contents"]["value"]
    assert "* `adopted`: " in shown


def test_a_modeline_names_the_schema_too(server: LanguageServer, tmp_path: Path) -> None:
    schema = tmp_path / "other.json"
    command = [sys.executable, "-m", "trident.cli.main", "schema"]
    schema.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    text = f"# yaml-language-server: $schema={schema.as_uri()}\nstorage: 1\n"
    (problem,) = server.open("file:///tmp/editor/modeline.yml", text)
    assert problem["message"] == 'Incorrect type. Expected "Storage".'
