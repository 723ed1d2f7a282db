"""Which accelerator runs this firmware here: KVM where it really does, TCG anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from lab import emulator
from lab.cache import cached, digest

TCG = ("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,la57=off")
KVM = ("-accel", "kvm", "-cpu", "host")
_PROBE_SECONDS = 12.0


def options() -> tuple[str, ...]:
    """QEMU's options for the accelerator and processor; ``TRIDENT_LAB_ACCEL=tcg|kvm`` overrides."""
    return KVM if name() == "kvm" else TCG


def name() -> str:
    """``kvm`` or ``tcg``. Probed once per kernel and firmware, then remembered in the cache."""
    forced = os.environ.get("TRIDENT_LAB_ACCEL")
    if forced in {"kvm", "tcg"}:
        return forced
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    key = digest(boot, os.uname().release, str(emulator.firmware_code()))
    answer = cached("accelerator", key, lambda path: _write(path, "kvm" if _kvm_runs_firmware() else "tcg"))
    return answer.read_text(encoding="ascii")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")


def _kvm_runs_firmware() -> bool:
    """Start the firmware with nothing to boot and see whether it gets as far as saying so.

    Nested and restricted KVMs open ``/dev/kvm`` happily and then die in the firmware's 16-bit start-up
    code, or spin in it for ever.
    """
    with tempfile.TemporaryDirectory() as scratch:
        variables, console = Path(scratch) / "vars.fd", Path(scratch) / "console.log"
        shutil.copyfile(emulator.blank_variables(), variables)
        with subprocess.Popen(
            [
                *emulator.system(), "-machine", "q35", *KVM, "-m", "256",
                "-nodefaults", "-display", "none", "-serial", f"file:{console}",
                "-drive", f"if=pflash,format=raw,readonly=on,file={emulator.firmware_code()}",
                "-drive", f"if=pflash,format=raw,file={variables}",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            try:
                return _speaks(process, console)
            finally:
                process.kill()


def _speaks(process: subprocess.Popen[bytes], console: Path) -> bool:
    deadline = time.monotonic() + _PROBE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if console.exists() and b"BdsDxe" in console.read_bytes():
            return True
        time.sleep(0.2)
    return False
