"""The reference page of these rules, and what ``trident explain`` says of one.

``python -m trident.crosscheck.reference FILE`` writes the page; ``./dev docs`` calls it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from trident.config.reference.markdown import marked
from trident.crosscheck import all_rules

_OPENING = """\
# Configuration and image

A Host Configuration says where file systems lie, an image brings what is in them. These rules say when the
two fit each other. `trident plan`, `install` and `update` apply all of them before anything is touched and
name every mismatch at once; a warning goes to the log. `trident validate` applies them on any machine:

```sh
trident validate host.yaml --image http://192.0.2.1/v1.cosi   # or a path, or file://
trident validate fleet/*.yaml --own-image                     # each with the image that it names
trident validate fleet/*.yaml --own-image --architecture arm64
```

Only the metadata is read: one or two requests, whatever the size of the image, and one image is read once
for any number of configurations. An image that cannot be read is a problem like any other. Mismatches are
told at the field that is to blame, among all other mistakes; where only the image can be mended, its path
or URL stands in place of the file, without a line.

What `validate` cannot know, it does not judge:

- **The machine's architecture.** A laptop may check the configurations of a fleet. `--architecture` says what
  the fleet is; without it an image for any architecture will do.
- **Install or update.** An update writes A/B volumes only, so its image may lack what an install needs. A
  file system outside of any A/B volume pair that the image lacks is a warning then.
- **The disk.** A partition of size `grow` is measured by `plan`, `install` and `update`, which see the disk.

Whether the images themselves are intact, `trident image verify` says.

*This page is written by `./dev docs`; change the rules in `src/trident/crosscheck` instead.*
"""


def page() -> str:
    """The whole page."""
    sections = (
        f"## {rule.code}\n\n{marked(rule.sentence)}\n\n- {rule.severity}\n- source: {rule.source}\n"
        for rule in all_rules()
    )
    return "\n".join((_OPENING, *sections))


def codes() -> tuple[str, ...]:
    """The codes of all rules."""
    return tuple(rule.code for rule in all_rules())


def explained(code: str) -> dict[str, Any] | None:
    """What ``trident explain`` prints of a rule, or ``None`` if there is none of this code."""
    rule = next((rule for rule in all_rules() if rule.code == code), None)
    if rule is None:
        return None
    return {
        "kind": "image-rule",
        "code": rule.code,
        "severity": str(rule.severity),
        "sentence": rule.sentence,
        "advice": None,
        "source": rule.source,
        "fields": [],
        "tables": [],
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m trident.crosscheck.reference FILE")
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
