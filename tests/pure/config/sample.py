"""A small valid configuration, and ways to break it."""

from __future__ import annotations

from trident.config.load import judge_host_configuration
from trident.config.problems import Problem

VALID = """\
image: {url: http://127.0.0.1/v1.cosi, sha384: ignored}
storage:
  disks:
    - id: os
      device: /dev/vda
      partitionTableType: gpt
      partitions:
        - {id: esp, type: esp, size: 64M}
        - {id: root-a, type: root, size: 2G}
        - {id: root-b, type: root, size: 2G}
        - {id: state, size: 128M}
        - {id: data, size: grow}
  abUpdate:
    volumePairs:
      - {id: root, volumeAId: root-a, volumeBId: root-b}
  filesystems:
    - {deviceId: esp, mountPoint: /boot/efi}
    - {deviceId: root, mountPoint: /}
    - {deviceId: state, source: new, mountPoint: /var/lib/trident}
    - {deviceId: data, source: new, type: ext4, mountPoint: {path: /data, options: noatime}}
os:
  hostname: host-1
  users:
    - {name: ada, sshMode: key-only, sshPublicKeys: [ssh-ed25519 AAAA]}
  netplan: {version: 2, ethernets: {lan: {dhcp4: true}}}
  additionalFiles:
    - {destination: /etc/motd, content: hello, permissions: "0644"}
scripts:
  postConfigure:
    - {name: tidy, content: "true", runOn: [all]}
"""


def edited(*edits: tuple[str, str], text: str = VALID) -> str:
    """The text with each ``old`` replaced by ``new``; each ``old`` must stand there exactly once."""
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the sample"
        text = text.replace(old, new)
    return text


def problems_of(text: str | bytes) -> tuple[Problem, ...]:
    return judge_host_configuration(text, "host.yaml").problems


def told(text: str | bytes) -> list[str]:
    """Each problem as ``line:column code message``."""
    return [f"{p.line}:{p.column} {p.code}: {p.message}" for p in problems_of(text)]
