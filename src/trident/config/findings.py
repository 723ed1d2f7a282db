"""What is wrong with a text, before it is known what the text says."""

from __future__ import annotations

import msgspec

MAX_FINDINGS = 1000


class Finding(msgspec.Struct, frozen=True):
    """Something wrong at a place of the text (line and column counted from 0)."""

    code: str
    message: str
    line: int
    column: int
    width: int = 1
    suggestion: str | None = None
    is_warning: bool = False


class Findings(list[Finding]):
    """Findings, of which only the first thousand are kept."""

    def add(self, finding: Finding) -> None:
        """Note one."""
        if len(self) < MAX_FINDINGS:
            self.append(finding)
