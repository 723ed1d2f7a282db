"""EFI variables that cannot be written, by a file system that is mounted so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from trident.errors import Servicing
from trident.host.efi import GLOBAL_GUID, EfiVariables
from trident.host.process import run

pytestmark = pytest.mark.machine


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[EfiVariables]:
    """Variables with a BootOrder and without a BootNext, mounted read-only."""
    run(["mount", "-t", "tmpfs", "tmpfs", tmp_path])
    try:
        (tmp_path / f"BootOrder-{GLOBAL_GUID}").write_bytes(b"\7\0\0\0\1\0")
        run(["mount", "-o", "remount,ro", tmp_path])
        yield EfiVariables(tmp_path)
    finally:
        run(["umount", tmp_path])


def test_removing_a_variable_that_is_not_there_is_no_write(read_only: EfiVariables) -> None:
    """So a finalize that failed there can be taken back, and the status is true."""
    read_only.clear_boot_next()


def test_removing_one_that_is_there_is_refused(read_only: EfiVariables) -> None:
    with pytest.raises(Servicing, match="Read-only file system"):
        read_only.delete("BootOrder")
    assert read_only.boot_order() == (1,)
