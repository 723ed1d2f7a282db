"""The Host Configuration of the lab's machine: one disk, A and B, the agent's state beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab import ssh
from lab.extensions import Extension
from lab.images import Image

USER = "lab"
HOSTNAME = "lab-vm"
PATH = "/etc/trident/config.yaml"

# Where the machine's web server stands, and what a machine asks to know whether its network works.
GATEWAY = "10.0.2.2"


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What a machine's Host Configuration says beyond the template.

    Attributes:
        sysexts: put at their default places.
        confexts: likewise.
        wired: netplan's fields of the machine's one interface, over those of the template.
        checks: entries of ``health.checks``.
        scripts: entries by their point (``preServicing``, …). With any, every update is an A/B update.
    """

    sysexts: Sequence[Extension] = ()
    confexts: Sequence[Extension] = ()
    wired: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[Mapping[str, Any]] = ()
    scripts: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


NOTHING = Additions()

_TEMPLATE = """\
# The Host Configuration of the lab's machine.
image:
  url: {url}
  sha384: "{sha384}"

storage:
  disks:
    - id: disk
      device: /dev/vda
      partitionTableType: gpt
      partitions:
        - {{id: esp, type: esp, size: 512M}}
        - {{id: root-a, type: root, size: 2G}}
        - {{id: root-b, type: root, size: 2G}}
        - {{id: trident, size: 256M}}
  abUpdate:
    volumePairs:
      - {{id: root, volumeAId: root-a, volumeBId: root-b}}
  filesystems:
    - {{deviceId: esp, mountPoint: {{path: /boot/efi, options: umask=0077}}}}
    - {{deviceId: root, mountPoint: /}}
    - {{deviceId: trident, source: new, type: ext4, mountPoint: /var/lib/trident}}

os:
  hostname: {hostname}
  selinux: {{mode: disabled}}
  users:
    - name: {user}
      secondaryGroups: [sudo]
      sshMode: key-only
      sshPublicKeys: [{key}]
  netplan:
    version: 2
    ethernets:
      wired:
        match: {{name: "en*"}}
        dhcp4: true
        dhcp6: false
        accept-ra: false
        link-local: []
  additionalFiles:
    - destination: /etc/sudoers.d/{user}
      content: |
        {user} ALL=(ALL) NOPASSWD: ALL
      permissions: "0440"
"""


def host_configuration(image: Image, url: str) -> str:
    """The YAML for a machine that runs ``image``, fetched from ``url``."""
    return _TEMPLATE.format(
        url=json.dumps(url),
        sha384=image.sha384,
        hostname=HOSTNAME,
        user=USER,
        key=json.dumps(ssh.public_key()),
    )


def with_additions(text: str, additions: Additions, publish: Callable[[Path], str]) -> str:
    """A Host Configuration with more in it.

    Args:
        text: the YAML of one.
        additions: what comes to it.
        publish: serves a file and returns its URL.
    """
    if additions == NOTHING:
        return text
    document: dict[str, Any] = yaml.safe_load(text)
    os = document["os"]
    for name, extensions in (("sysexts", additions.sysexts), ("confexts", additions.confexts)):
        if extensions:
            os[name] = [_entry(found, _DIRECTORIES[name], publish) for found in extensions]
    os["netplan"]["ethernets"]["wired"] |= additions.wired
    if additions.checks:
        document["health"] = {"checks": [dict(check) for check in additions.checks]}
    for point, scripts in additions.scripts.items():
        document.setdefault("scripts", {})[point] = [dict(script) for script in scripts]
    return yaml.safe_dump(document, sort_keys=False)


# Where an extension lies unless its 'path' says otherwise.
_DIRECTORIES = {"sysexts": "/var/lib/extensions", "confexts": "/var/lib/confexts"}


def _entry(extension: Extension, directory: str, publish: Callable[[Path], str]) -> dict[str, str]:
    return {
        "url": publish(extension.path),
        "sha384": extension.sha384,
        "path": f"{directory}/{extension.name}.raw",
    }
