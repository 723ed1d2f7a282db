"""A large Host Configuration that uses every object of the API, in the style in which people write them."""

from __future__ import annotations

_TEXT = """\
image: {url: 'http://127.0.0.1/image.cosi', sha384: ignored}
storage:
  disks:
    - id: os
      device: /dev/vda
      partitionTableType: gpt
      partitions:
        - {id: esp, type: esp, size: 512M}
        - {id: root-data-a, type: root, size: 8G}
        - {id: root-data-b, type: root, size: 8G}
        - {id: root-hash-a, type: root-verity, size: 128M}
        - {id: root-hash-b, type: root-verity, size: 128M}
        - {id: boot-a, type: xbootldr, size: 1G}
        - {id: boot-b, type: xbootldr, size: 1G}
        - {id: overlay-a, size: 1G}
        - {id: overlay-b, size: 1G}
        - {id: trident, size: 1G}
        - {id: swap, type: swap, size: 4G}
PARTITIONS
      adoptedPartitions:
        - id: windows
          matchLabel: Windows
  raid:
    syncTimeout: 180
    software:
ARRAYS
  encryption:
    pcrs: [secure-boot-policy]
    volumes:
ENCRYPTED
  abUpdate:
    volumePairs:
      - {id: root-data, volumeAId: root-data-a, volumeBId: root-data-b}
      - {id: root-hash, volumeAId: root-hash-a, volumeBId: root-hash-b}
      - {id: boot, volumeAId: boot-a, volumeBId: boot-b}
      - {id: overlay, volumeAId: overlay-a, volumeBId: overlay-b}
PAIRS
  verity:
    - id: root
      name: root
      dataDeviceId: root-data
      hashDeviceId: root-hash
      corruptionOption: panic
  swap: [swap]
  filesystems:
    - deviceId: esp
      mountPoint: {path: /boot/efi, options: umask=0077}
    - deviceId: root
      mountPoint: {path: /, options: ro}
    - {deviceId: boot, mountPoint: /boot}
    - {deviceId: windows, source: adopted}
    - {deviceId: overlay, source: new, mountPoint: /var/lib/trident-overlay}
    - {deviceId: trident, source: new, type: ext4, mountPoint: /var/lib/trident}
    - {source: new, type: tmpfs, mountPoint: /var/tmp}
FILESYSTEMS
os:
  hostname: large
  selinux: {mode: disabled}
  uefiFallback: optimistic
  kernelCommandLine:
    extraCommandLine: [console=ttyS0, quiet]
  users:
USERS
  additionalFiles:
FILES
  modules:
MODULES
  services:
    enable:
SERVICES
  sysexts:
    - {url: 'https://images.example/tools.raw', sha384: DIGEST, path: /etc/extensions/tools.raw}
  confexts:
    - {url: 'https://images.example/site.raw', sha384: DIGEST, path: /usr/lib/confexts/site.raw}
  netplan:
    version: 2
    ethernets:
INTERFACES
scripts:
  postConfigure:
SCRIPTS
health:
  checks:
CHECKS
managementOs:
  users:
    - name: ops
trident:
  phonehome: https://fleet.example
"""

_EACH = {
    "PARTITIONS": """\
        - {{id: array{0}a-1, size: 512M}}
        - {{id: array{0}a-2, size: 512M}}
        - {{id: array{0}b-1, size: 512M}}
        - {{id: array{0}b-2, size: 512M}}
        - id: secret{0}-luks
          type: linux-generic
          size: 1G
          label: secret{0}
""",
    "ARRAYS": """\
      - id: array{0}a
        name: array{0}a
        level: raid1
        devices: [array{0}a-1, array{0}a-2]
      - id: array{0}b
        name: array{0}b
        level: raid1
        devices: [array{0}b-1, array{0}b-2]
""",
    "ENCRYPTED": "      - {{id: secret{0}, deviceName: secret{0}, deviceId: secret{0}-luks}}\n",
    "PAIRS": "      - {{id: data{0}, volumeAId: array{0}a, volumeBId: array{0}b}}\n",
    "FILESYSTEMS": """\
    - deviceId: data{0}
      mountPoint: /srv/data{0}
    - deviceId: secret{0}
      source: new
      type: xfs
      mountPoint:
        path: /srv/secret{0}
        options: noatime
""",
    "USERS": """\
    - name: user{0}
      secondaryGroups: [adm]
      sshMode: key-only
      sshPublicKeys:
        - ssh-ed25519 AAAA user{0}
""",
    "FILES": """\
    - destination: /etc/large/{0}.conf
      permissions: '0644'
      content: |
        [section]
        key={0}
""",
    "MODULES": "    - {{name: module{0}, loadMode: always, options: {{size: '{0}'}}}}\n",
    "SERVICES": "      - service{0}.service\n",
    "INTERFACES": """\
      lan{0}:
        dhcp4: true
        match: {{name: 'enp{0}s*'}}
""",
    "SCRIPTS": """\
    - name: script{0}
      runOn: [clean-install, ab-update]
      content: |
        set -e
        echo {0}
      environmentVariables:
        A_VARIABLE: value
""",
    "CHECKS": """\
    - name: check{0}
      systemdServices: [service{0}]
      runOn: [ab-update]
""",
}
"""What every volume brings: its devices and file systems, and one of everything else there can be many of."""


def configuration(lines: int) -> str:
    """A valid configuration of about ``lines`` lines."""
    fixed = _TEXT.count("\n") - len(_EACH)
    volumes = max(1, (lines - fixed) // sum(part.count("\n") for part in _EACH.values()))
    text = _TEXT.replace("DIGEST", "0" * 96)
    for word, part in _EACH.items():
        text = text.replace(f"{word}\n", "".join(part.format(number) for number in range(volumes)))
    return text
