"""The kernel's options: a PE file that a second reader understands, and what is refused."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest

from tests.pure.subsystems.situations import SAMPLE, configuration, install, update
from trident.config.model import HostConfiguration
from trident.errors import Servicing, UnsupportedConfiguration
from trident.state.status import AbVolume
from trident.subsystems.boot import BootSubsystem
from trident.subsystems.boot.addon import NAME, WriteCommandLineAddon, build_addon, write_addon
from trident.subsystems.boot.names import Slot

boot = BootSubsystem()
SLOT = Slot(0, AbVolume.A)
MARK = "#### LoaderInfo: systemd-stub {} ####"


def with_options(*options: str) -> HostConfiguration:
    config = configuration(SAMPLE + "  kernelCommandLine: {extraCommandLine: [placeholder]}\n")
    line = config.os.kernel_command_line.evolve(extra_command_line=options)
    return config.evolve(os=config.os.evolve(kernel_command_line=line))


def esp_with_kernel(path: Path, stub: str) -> Path:
    kernel = path / SLOT.uki
    kernel.parent.mkdir(parents=True)
    kernel.write_bytes(b"MZ" + bytes(5000) + stub.encode() + bytes(5000))
    return path


@pytest.mark.parametrize("line", ["console=ttyS0 quiet", "größe=1", "x" * 2048])
def test_a_second_reader_finds_the_options(tmp_path: Path, line: str) -> None:
    file = tmp_path / "addon.efi"
    file.write_bytes(build_addon(line, "x86_64"))
    headers = subprocess.run(["objdump", "-p", "-h", file], check=True, capture_output=True, text=True).stdout
    assert "pei-x86-64" in headers
    assert re.search(r"Subsystem\s+0000000a\s+\(EFI application\)", headers)
    found = re.search(r"^\s*\d+ \.cmdline\s+([0-9a-f]+)\s+\S+\s+\S+\s+([0-9a-f]+)", headers, re.MULTILINE)
    assert found is not None
    offset, size = int(found[2], 16), len(line.encode())
    assert int(found[1], 16) >= size
    assert file.read_bytes()[offset : offset + size] == line.encode()


def test_the_code_in_it_only_returns(tmp_path: Path) -> None:
    file = tmp_path / "addon.efi"
    file.write_bytes(build_addon("quiet", "x86_64"))
    code = subprocess.run(["objdump", "-d", file], check=True, capture_output=True, text=True).stdout
    assert re.search(r"31 c0\s+xor\s+%eax,%eax", code)
    assert re.search(r"c3\s+ret", code)


@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", 0x8664), ("arm64", 0xAA64)])
def test_it_is_for_the_machine(architecture: str, machine: int) -> None:
    content = build_addon("quiet", architecture)
    at = struct.unpack_from("<I", content, 0x3C)[0]
    assert content[at : at + 4] == b"PE\0\0"
    assert struct.unpack_from("<H", content, at + 4)[0] == machine


def test_it_lies_beside_the_slots_kernel(tmp_path: Path) -> None:
    esp = esp_with_kernel(tmp_path, MARK.format("257.7-1"))
    write_addon(esp, SLOT, ("a=1", "b"), "x86_64")
    write_addon(esp, SLOT, ("a=1", "b"), "x86_64")
    assert [path.name for path in (esp / f"{SLOT.uki}.extra.d").iterdir()] == [NAME]
    assert (esp / f"{SLOT.uki}.extra.d" / NAME).read_bytes() == build_addon("a=1 b", "x86_64")


@pytest.mark.parametrize("stub", [MARK.format("252.39-1~deb12u2"), "something else"])
def test_a_kernel_that_reads_no_addon_is_refused(tmp_path: Path, stub: str) -> None:
    esp = esp_with_kernel(tmp_path, stub)
    with pytest.raises(UnsupportedConfiguration) as caught:
        write_addon(esp, SLOT, ("quiet",), "x86_64")
    assert caught.value.code == "kernel-command-line-stub"
    assert not (esp / f"{SLOT.uki}.extra.d").exists()


def test_without_a_kernel_there_is_nothing_to_add_to(tmp_path: Path) -> None:
    with pytest.raises(Servicing) as caught:
        write_addon(tmp_path, SLOT, ("quiet",), "x86_64")
    assert caught.value.code == "deploy-esp-images"


def test_the_options_come_right_after_the_boot_files_of_the_slot() -> None:
    ids = [step.id for step in boot.steps(update(with_options("console=ttyS0", " quiet ", "")))]
    assert ids[:2] == ["stage-boot-files:trident-b", "write-kernel-command-line:trident-b"]
    (step,) = (
        step
        for step in boot.steps(install(with_options("console=ttyS0", " quiet ", "")))
        if isinstance(step, WriteCommandLineAddon)
    )
    assert step.title == "Add console=ttyS0 quiet to the kernel command line of trident-a"
    assert step.touches == ("esp",)


def test_no_options_are_no_step() -> None:
    assert not any(isinstance(step, WriteCommandLineAddon) for step in boot.steps(install(with_options(""))))


@pytest.mark.parametrize(
    "options", [("a\nb",), ("a\0",), ("a\x1b[31m",), ("a\tb",), ("x" * 2049,), ("x" * 1024, "y" * 1024)]
)
def test_what_no_command_line_can_hold_is_refused(options: tuple[str, ...]) -> None:
    assert [error.code for error in boot.check(install(with_options(*options)))] == [
        "invalid-kernel-command-line"
    ]


def test_secure_boot_would_not_read_them() -> None:
    (error,) = boot.check(install(with_options("quiet"), secure_boot=True))
    assert error.code == "kernel-command-line-secure-boot"
    assert list(boot.check(install(with_options(""), secure_boot=True))) == []
