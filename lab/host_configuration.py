"""The Host Configuration of the lab's machine: one disk, A and B, the agent's state beside them."""

from __future__ import annotations

import json

from lab import ssh
from lab.images import Image

USER = "lab"
HOSTNAME = "lab-vm"
PATH = "/etc/trident/config.yaml"

_TEMPLATE = """\
# The Host Configuration of the lab's machine.
image:
  url: {url}
  sha384: {sha384}

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

scripts:
  postConfigure:
    - name: note-the-servicing
      runOn: [clean-install, ab-update]
      content: |
        . /etc/os-release
        echo "$IMAGE_ID $IMAGE_VERSION" > /etc/lab-serviced
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
