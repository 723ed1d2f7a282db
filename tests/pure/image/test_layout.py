"""The layout file of an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from trident.errors import InvalidInput
from trident.image.build.layout import Architecture, load_layout, parse_layout

SHORT = "id: lab\nversion: '1'\n"


def refused(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_layout(text, "lab.yaml")
    assert caught.value.code == "invalid-image-layout"
    return caught.value


def test_two_lines_are_enough() -> None:
    layout = parse_layout(SHORT)

    assert (layout.id, layout.version) == ("lab", "1")
    assert layout.architecture is Architecture.X86_64
    assert layout.kernel.root
    assert (layout.compression.level, layout.compression.window_log) == (12, 23)


def test_everything_can_be_said() -> None:
    layout = parse_layout(
        """
        id: lab-image
        version: 2024.1~rc1
        architecture: arm64
        kernel:
          commandLine: console=ttyAMA0 quiet
          root: false
          release: 6.12.1-arm64
          uki: boot/my.efi
        esp: {size: 96M}
        root: {size: 2G}
        exclude: [boot/vmlinuz-*, /var/cache/apt]
        sourceDateEpoch: 1700000000
        compression: {level: 3, windowLog: 20}
        """
    )

    assert layout.kernel.command_line == "console=ttyAMA0 quiet"
    assert not layout.kernel.root
    assert layout.kernel.uki == "boot/my.efi"
    assert (layout.esp.size, layout.root.size) == (96 * 1024**2, 2 * 1024**3)
    assert layout.exclude == ("boot/vmlinuz-*", "var/cache/apt")


def test_a_version_that_looks_like_a_number_is_text() -> None:
    assert parse_layout("id: lab\nversion: 1.10\n").version == "1.10"


@pytest.mark.parametrize(
    ("path", "excluded"),
    [
        ("var/cache/apt", True),
        ("var/cache/apt/archives/x.deb", True),
        ("var/cache/aptitude", False),
        ("boot/vmlinuz-6.12", True),
        ("boot/config-6.12", False),
    ],
)
def test_what_an_excluded_directory_holds_is_excluded(path: str, excluded: bool) -> None:
    layout = parse_layout(SHORT + "exclude: [var/cache/apt, boot/vmlinuz-*]\n")

    assert layout.excludes(path) is excluded


@pytest.mark.parametrize(
    "line",
    [
        "id: Lab",
        "id: ../lab",
        "id:",
        "version: 1+2",
        "version: a/b",
        "colour: blue",
        "kernel: {commandline: x}",
        'kernel: {commandLine: "a\\nb"}',
        "kernel: {root: maybe}",
        "architecture: m68k",
        "esp: {size: 12}",
        "esp: {size: 1.5G}",
        "root: {size: 0}",
        "root: 12M",
        "exclude: [../../etc]",
        "exclude: boot",
        "sourceDateEpoch: -1",
        "sourceDateEpoch: yesterday",
        "compression: {level: 99}",
        "compression: {windowLog: 31}",
    ],
)
def test_a_mistake_is_named_with_its_place(line: str) -> None:
    key = line.partition(":")[0]
    text = "\n".join(other for other in ["id: lab", "version: 1"] if not other.startswith(key + ":"))

    error = refused(f"{text}\n{line}\n")

    assert "lab.yaml:" in error.message


def test_all_mistakes_are_in_the_details() -> None:
    error = refused("id: Lab\nversion: 1+1\ncolour: blue\n")

    assert "lab.yaml:1:5" in error.message
    assert "(2 more)" in error.message
    assert len(error.details["mistakes"]) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "id: lab\n", "- id\n", "id: [\n", "\tid: x\n", "id: lab\nid: x\n"]
)
def test_what_is_no_layout_is_refused(text: str) -> None:
    refused(text)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file") as caught:
        load_layout(tmp_path / "absent.yaml")
    assert caught.value.code == "load-image-layout"
