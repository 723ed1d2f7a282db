"""The images that machines are installed and updated with: a good one for each version, and broken ones.

Every image is the lab's Debian with the agent's package, made by the product's own image builder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import agent, debian, system
from lab.cache import cached, digest
from trident.image.build.build import build_image
from trident.image.build.layout import parse_layout
from trident.image.cosi.reader import open_cosi

# A system that dies must come back by itself: the kernel restarts the machine after a panic.
COMMAND_LINE = "console=ttyS0 quiet systemd.show_status=no panic=3"

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Image:
    """A COSI and what a Host Configuration says of it."""

    path: Path
    sha384: str
    root_uuid: str

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size


def good(version: int) -> Image:
    """A version that works."""
    return _image(str(version), "good", lambda tree: None)


def panics(version: int) -> Image:
    """A version whose kernel starts and whose PID 1 dies at once, so that the kernel panics."""
    return _image(str(version), "panics", _kill_init)


def hangs(version: int) -> Image:
    """A version whose PID 1 hangs early; only the hardware watchdog ends that."""
    return _image(str(version), "hangs", _hang_init)


def unhealthy(version: int) -> Image:
    """A version that boots, and on which nothing works that a health check could ask for.

    ``lab-worker.service`` dies a second after each of its starts, ``lab-late.service`` never starts, and
    ``/usr/lib/lab/healthy`` fails. In a good version all three are well.
    """
    return _image(str(version), "unhealthy", _make_unhealthy)


def boots_root_of(version: int, other: Image) -> Image:
    """A version that is healthy, but whose kernel command line names the root file system of ``other``."""
    return _image(
        str(version), f"root-{other.root_uuid}", lambda tree: None, root=f"root=UUID={other.root_uuid} ro"
    )


def _kill_init(tree: Path) -> None:
    init = tree / "usr/lib/systemd/systemd"
    init.unlink()
    system.write(tree, "usr/lib/systemd/systemd", "#!/bin/sh\necho 'lab: this system cannot start'\n", 0o755)


_HANG_UNIT = """\
[Unit]
Description=Hang PID 1 once the watchdog watches it
DefaultDependencies=no
After=systemd-udevd.service systemd-modules-load.service
Before=sysinit.target

[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/usr/lib/lab/hang

[Install]
WantedBy=sysinit.target
"""

# A crashed systemd freezes: it neither works nor ends. The watchdog is armed once its driver is loaded.
_HANG_SCRIPT = """\
#!/bin/sh
modprobe i6300esb
until [ "$(cat /sys/class/watchdog/watchdog0/state 2>/dev/null)" = active ]; do sleep 1; done
echo 'lab: PID 1 hangs now' > /dev/console
kill -SEGV 1
exec sleep infinity
"""


def _hang_init(tree: Path) -> None:
    system.write(tree, "usr/lib/systemd/system/lab-hang.service", _HANG_UNIT)
    system.write(tree, "usr/lib/lab/hang", _HANG_SCRIPT, 0o755)
    wants = tree / "usr/lib/systemd/system/sysinit.target.wants"
    (wants / "lab-hang.service").symlink_to("../lab-hang.service")


_WORKER = "sleep 1; echo 'lab: the worker dies'; exit 1"


def _make_unhealthy(tree: Path) -> None:
    system.write(tree, "usr/lib/lab/worker", f"#!/bin/sh\n{_WORKER}\n", 0o755)
    system.write(tree, "usr/lib/lab/late", "#!/bin/sh\nexit 1\n", 0o755)
    system.write(tree, "usr/lib/lab/healthy", "#!/bin/sh\necho 'lab: the disk hums'\nexit 1\n", 0o755)


def _image(version: str, what: str, change: Change, root: str = "") -> Image:
    deb = agent.package()
    base = system.archive(deb)
    layout = f"""
id: lab
version: "{version}"
kernel:
  root: {"false" if root else "true"}
  commandLine: {f"{root} {COMMAND_LINE}".strip()}
exclude: [boot/*, initrd.img*, vmlinuz*]
compression: {{level: 3}}
"""

    def build(path: Path) -> None:
        tree = debian.unpack(base, path.with_name("tree"))
        agent.install(tree, deb)
        system.add_overlay(tree, "image")
        level = system.EXTENSION_LEVEL
        system.set_os_release(
            tree, VERSION_ID=f"13.{version}", VARIANT=what, SYSEXT_LEVEL=level, CONFEXT_LEVEL=level
        )
        change(tree)
        path.mkdir()
        build_image(tree, parse_layout(layout), path / f"v{version}.cosi")
        shutil.rmtree(tree)

    key = digest(base.name, deb, layout, system.OVERLAY / "image", Path(__file__))
    made = cached(f"image-v{version}-{what}", key, build)
    cosi = made / f"v{version}.cosi"
    with open_cosi(str(cosi), "ignored") as opened:
        filesystem = opened.metadata.filesystem_at("/")
        assert filesystem is not None
        return Image(cosi, opened.metadata_sha384, filesystem.fs_uuid)
