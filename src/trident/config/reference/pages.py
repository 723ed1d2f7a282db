"""The reference pages of the Host Configuration, all of them written from the model and the rules."""

from __future__ import annotations

from pathlib import Path

from trident.config.model import HostConfiguration
from trident.config.reference import objects
from trident.config.reference.markdown import code, table
from trident.config.reference.objects import FRONT_PAGE, sections
from trident.config.reference.reading_page import reading_page
from trident.config.reference.rules_page import rules_page
from trident.config.reference.storage_rules_page import storage_rules_page

_MARK = "<!-- Written by ./dev docs from the model and the rules: change those instead. -->\n"
_OPENING = """\
# Host Configuration

A Host Configuration is one YAML document that says what state a machine should have.

- `trident validate FILE` judges it on any machine, as any user.
- `trident explain storage.disks.partitions.size` says what a field means, what it takes and which rules it
  meets; `trident explain CODE` explains a mistake.
- `trident schema` prints a JSON Schema, with which editors complete and explain while you type:
  [the command line](../cli.md) shows how.
- [../samples](../samples/) has complete ones, each for a purpose.

Every field that is not marked as required can be left out. A field that is not on these pages is a mistake.

"""
_FURTHER = """
Further pages:

- [Storage rules](storage-rules.md): what may stand on what, table by table
- [Rules](rules.md): every rule by its code
- [How the YAML is read](yaml.md)

"""


def pages() -> dict[str, str]:
    """Each page by its file name."""
    found = {FRONT_PAGE: _front_page()}
    found |= {objects.section_page(key): objects.section(key) for key in sections()}
    found["storage-rules.md"] = storage_rules_page()
    found["rules.md"] = rules_page()
    found["yaml.md"] = reading_page()
    return {name: _MARK + text for name, text in found.items()}


def write(folder: Path) -> None:
    """Write every page into a folder, and remove pages that are no longer written."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = pages()
    for stale in folder.glob("*.md"):
        if stale.name not in texts:
            stale.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _front_page() -> str:
    rows = [
        (f"[{code(key)}]({objects.section_page(key)})", field.description)
        for key, field in sections().items()
    ]
    front = objects.describe(HostConfiguration, FRONT_PAGE)
    return _OPENING + table(("section", "what it says"), rows) + _FURTHER + front
