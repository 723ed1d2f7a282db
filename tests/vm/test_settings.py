"""An install that uses much of the Host Configuration, beside a partition that is to stay as it is."""

from __future__ import annotations

import pytest

from lab import life
from lab.host_configuration import PATH, host_configuration
from lab.http import Server
from lab.images import Image
from lab.machine import Machine

pytestmark = pytest.mark.vm

# What another system left on the disk: an ESP, and data at the end that is to stay.
_OTHERS = r"""
set -eu
sfdisk --quiet /dev/vda <<'TABLE'
label: gpt
1 : start=2048, size=204800, type=U, name="EFI system partition"
9 : start=15728640, size=524288, name="data of others"
TABLE
udevadm settle
mkfs.vfat /dev/vda1
mkfs.ext4 -q /dev/vda9
mkdir -p /tmp/others
mount /dev/vda9 /tmp/others
echo kept > /tmp/others/file
umount /tmp/others
"""
_ENTRY = "sfdisk --dump /dev/vda | grep '^/dev/vda9 :'"
_CHECKSUM = "sha256sum /dev/vda9 | cut -d' ' -f1"

_ADOPTED = """\
      adoptedPartitions:
        - {id: others, matchLabel: data of others}
"""
_PARTITIONS = """\
        - {id: swap, type: swap, size: 128M}
        - {id: data, size: grow}
        - {id: spare, type: 3b8f8425-20e0-4f3b-907f-1a25a76f98e8, size: grow}
"""
_FILESYSTEMS = """\
    - {deviceId: data, source: new, type: xfs, mountPoint: {path: /srv/data, options: noatime}}
    - {deviceId: others, source: adopted, mountPoint: {path: /srv/others, options: ro}}
    - {source: new, type: tmpfs, mountPoint: {path: /srv/scratch, options: size=16M}}
  swap: [swap]
"""
_SETTINGS = """\
  modules: [{name: loop, loadMode: always, options: {max_loop: "3"}}]
  services: {enable: [lab-mark.service], disable: [remote-fs.target]}
  kernelCommandLine: {extraCommandLine: [lab.extra=1]}
"""
_UNIT = """\
    - destination: /etc/systemd/system/lab-mark.service
      content: |
        [Service]
        Type=oneshot
        RemainAfterExit=true
        ExecStart=/bin/true
        [Install]
        WantedBy=multi-user.target
"""
_TRIDENT = """\
trident:
  datastorePath: /srv/data/state/trident.sqlite
  phonehome: http://10.0.2.2/installed
scripts:
  preReboot:
    - name: tell
      runOn: [clean-install]
      interpreter: /usr/bin/python3
      arguments: [first, second]
      environmentVariables: {GREETING: hello-there}
      content: |
        import os, sys
        print("lab:", len(sys.argv), os.environ["SERVICING_TYPE"], os.environ["PHONEHOME_URL"])
        print("lab:", os.environ["TARGET_ROOT"], len(os.environ["GREETING"]))
"""


def configuration(image: Image, url: str) -> str:
    """The lab's Host Configuration with everything above in its place."""
    text = host_configuration(image, url)
    for place, addition in (
        ("  abUpdate:\n", _PARTITIONS + _ADOPTED),
        ("\nos:\n", _FILESYSTEMS),
    ):
        assert text.count(place) == 1
        text = text.replace(place, addition + place)
    return text + _UNIT + _SETTINGS + _TRIDENT


def test_what_is_configured_is_there_and_what_was_there_is_kept(
    blank: Machine, server: Server, v1: Image
) -> None:
    machine = blank
    machine.run(_OTHERS)
    entry, checksum = machine.read(_ENTRY), machine.read(_CHECKSUM)
    machine.put(configuration(v1, server.publish(v1.path)), PATH)

    life.servicing(machine, f"trident install {PATH}")
    life.boot_from_disk(machine)

    assert life.standing(machine).servicing_state == "provisioned"
    assert machine.read(_ENTRY) == entry
    assert machine.read(_CHECKSUM) == checksum
    assert machine.read("cat /srv/others/file") == "kept"
    mounts = machine.read("findmnt --noheadings --raw --output TARGET,FSTYPE,SOURCE | grep ^/srv | sort")
    assert mounts.splitlines() == [
        "/srv/data xfs /dev/vda6",
        "/srv/others ext4 /dev/vda9",
        "/srv/scratch tmpfs tmpfs",
    ]
    sizes = machine.read("cat /sys/class/block/vda6/size /sys/class/block/vda7/size").split()
    assert sizes[0] == sizes[1]
    assert machine.read("tail -n +2 /proc/swaps").split()[:2] == ["/dev/vda5", "partition"]
    assert machine.read("cat /sys/module/loop/parameters/max_loop") == "3"
    assert "lab.extra=1" in machine.read("cat /proc/cmdline").split()
    units = machine.read(
        "systemctl is-active lab-mark.service; systemctl is-enabled remote-fs.target || true"
    )
    assert units.split() == ["active", "disabled"]
    # Host Status came from a datastore elsewhere, and beside it lies what the script said.
    assert machine.read("ls /var/lib/trident") == "lost+found"
    said = machine.read("cat /srv/data/state/trident-clean-install-finalized-*.log")
    assert "lab: 3 clean_install http://10.0.2.2/installed" in said
    assert "lab: / 11" in said
