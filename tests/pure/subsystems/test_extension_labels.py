"""What extensions are called in ids and titles of steps."""

from __future__ import annotations

import pytest

from trident.config.model import Extension
from trident.subsystems.extensions.kinds import labels


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("tools", "more"), ("tools", "more")),
        (("tools", "tools", "tools"), ("tools", "tools (2)", "tools (3)")),
        (("tools", "tools", "tools (2)"), ("tools", "tools (2)", "tools (2) (2)")),
        (("tools (2)", "tools", "tools"), ("tools (2)", "tools", "tools (3)")),
    ],
)
def test_no_two_extensions_are_called_the_same(names: tuple[str, ...], expected: tuple[str, ...]) -> None:
    extensions = [Extension(url=f"file:///{name}.raw", sha384=f"{n:096x}") for n, name in enumerate(names)]
    assert tuple(label for label, _ in labels(extensions)) == expected
