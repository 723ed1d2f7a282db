"""Configurations with ten thousand of one thing, valid and with the same mistake ten thousand times."""

# ruff: noqa: E501 (one configuration a line)

from __future__ import annotations

MANY = 10_000

DISK = """\
storage:
  disks:
    - id: os
      device: /dev/vda
      partitionTableType: gpt
      partitions:
        - {id: esp, type: esp, size: 64M}
        - {id: root, type: root, size: 2G}
"""
FILESYSTEMS = (
    "  filesystems:\n    - {deviceId: esp, mountPoint: /boot/efi}\n    - {deviceId: root, mountPoint: /}\n"
)


def text(
    *, partitions: str = "", adopted: str = "", sections: str = "", filesystems: str = "", after: str = ""
) -> str:
    """A valid configuration with more lines in its parts."""
    adopted = f"      adoptedPartitions:\n{adopted}" if adopted else ""
    return f"{DISK}{partitions}{adopted}{sections}{FILESYSTEMS}{filesystems}{after}"


def lines(line: str, count: int = MANY) -> str:
    """The line ``count`` times, with ``{0}`` for its number and ``{1}`` for the next."""
    return "".join(line.format(number, number + 1) for number in range(count))


PARTITION = "        - {{id: p{0}, size: 4096}}\n"
TWO = "        - {{id: p{0}a, size: 4096}}\n        - {{id: p{0}b, size: 4096}}\n"
PAIRS = "  abUpdate:\n    volumePairs:\n"
ARRAYS = "  raid:\n    software:\n"
VOLUMES = "  encryption:\n    pcrs: [7]\n    volumes:\n"
EXTENSION = "    - {{url: 'http://a/{0}.raw', sha384: '{0:096x}', path: /var/lib/extensions/e{0}.raw}}\n"

CASES: dict[str, tuple[str, str]] = {
    "partitions": (text(partitions=lines(PARTITION)), ""),
    "partitions of one id": (text(partitions=lines(PARTITION.replace("p{0}", "same"))), "duplicate-device-id"),
    "partitions of one uuid": (
        text(partitions=lines("        - {{id: p{0}, size: 1M, uuid: 4f68bce3-e8cd-4db1-96e7-fbcaf984b709}}\n")),
        "unique-field-constraint-error",
    ),
    "partitions that grow": (text(partitions=lines("        - {{id: p{0}, size: grow}}\n")), ""),
    "partitions of no size": (text(partitions=lines("        - {{id: p{0}, size: 4097}}\n")), "invalid-value"),
    "adopted partitions": (text(adopted=lines("        - {{id: p{0}, matchLabel: l{0}}}\n")), ""),
    "adopted partitions of one label": (
        text(adopted=lines("        - {{id: p{0}, matchLabel: same}}\n")),
        "unique-field-constraint-error",
    ),
    "pairs": (
        text(
            partitions=lines(TWO, MANY // 2),
            sections=PAIRS + lines("      - {{id: v{0}, volumeAId: p{0}a, volumeBId: p{0}b}}\n", MANY // 2),
        ),
        "",
    ),
    "pairs of nothing": (
        text(sections=PAIRS + lines("      - {{id: v{0}, volumeAId: x{0}, volumeBId: y{0}}}\n")),
        "non-existent-reference",
    ),
    "pairs in a chain": (
        text(sections=PAIRS + lines("      - {{id: v{0}, volumeAId: v{1}, volumeBId: esp}}\n")),
        "invalid-reference-kind",
    ),
    "arrays": (
        text(
            partitions=lines(TWO, MANY // 2),
            sections=ARRAYS
            + lines("      - {{id: r{0}, name: r{0}, level: raid1, devices: [p{0}a, p{0}b]}}\n", MANY // 2),
        ),
        "",
    ),
    "arrays of one name": (
        text(
            partitions=lines(TWO, MANY // 2),
            sections=ARRAYS
            + lines("      - {{id: r{0}, name: same, level: raid1, devices: [p{0}a, p{0}b]}}\n", MANY // 2),
        ),
        "unique-field-constraint-error",
    ),
    "arrays of themselves": (
        text(sections=ARRAYS + lines("      - {{id: r{0}, name: r{0}, level: raid1, devices: [r{0}, r{1}]}}\n")),
        "invalid-reference-kind",
    ),
    "an array of ten thousand": (
        text(
            partitions=lines(PARTITION),
            sections=ARRAYS
            + f"      - {{id: r, name: r, level: raid0, devices: [{', '.join(f'p{n}' for n in range(MANY))}]}}\n",
            filesystems="    - {deviceId: r, source: new, mountPoint: /srv}\n",
        ),
        "",
    ),
    "pairs that grow": (
        text(
            partitions=lines(TWO.replace("4096", "grow"), MANY // 2),
            sections=PAIRS + lines("      - {{id: v{0}, volumeAId: p{0}a, volumeBId: p{0}b}}\n", MANY // 2),
        ),
        "partition-size-not-fixed",
    ),
    "encrypted volumes": (
        text(
            partitions=lines(PARTITION),
            sections=VOLUMES + lines("      - {{id: e{0}, deviceName: e{0}, deviceId: p{0}}}\n"),
        ),
        "",
    ),
    "encrypted volumes of one another": (
        text(sections=VOLUMES + lines("      - {{id: e{0}, deviceName: e{0}, deviceId: e{1}}}\n")),
        "invalid-reference-kind",
    ),
    "verity devices": (
        text(
            partitions=lines(TWO, MANY // 2),
            sections="  verity:\n"
            + lines("    - {{id: v{0}, name: v{0}, dataDeviceId: p{0}a, hashDeviceId: p{0}b}}\n", MANY // 2),
        ),
        "unsupported-verity-devices",
    ),
    "swap areas": (
        text(
            partitions=lines("        - {{id: p{0}, size: 4096, type: swap}}\n"),
            sections="  swap:\n" + lines("    - p{0}\n"),
        ),
        "",
    ),
    "swap areas on one partition": (
        text(
            partitions="        - {id: p, size: 4096, type: swap}\n",
            sections="  swap:\n" + lines("    - p\n"),
        ),
        "referrer-forbidden-sharing",
    ),
    "file systems": (
        text(
            partitions=lines(PARTITION),
            filesystems=lines("    - {{deviceId: p{0}, source: new, mountPoint: /m/{0}}}\n"),
        ),
        "",
    ),
    "file systems one below the other": (
        text(filesystems=lines("    - {{source: new, type: tmpfs, mountPoint: /m/{0}/{1}}}\n")),
        "",
    ),
    "file systems at one place": (
        text(filesystems=lines("    - {{source: new, type: tmpfs, mountPoint: /m}}\n")),
        "duplicate-mount-point",
    ),
    "file systems that are all the ESP": (
        text(
            partitions=lines("        - {{id: p{0}, type: esp, size: 4096}}\n"),
            filesystems=lines("    - {{deviceId: p{0}, mountPoint: /m/{0}, overrideEspMount: override}}\n"),
        ),
        "filesystem-esp-multiple",
    ),
    "users": (text(after="os:\n  users:\n" + lines("    - {{name: u{0}}}\n")), ""),
    "users of one name": (text(after="os:\n  users:\n" + lines("    - {{name: ada}}\n")), "duplicate-usernames"),
    "extensions": (text(after="os:\n  sysexts:\n" + lines(EXTENSION)), ""),
    "extensions of one digest": (
        text(after="os:\n  sysexts:\n" + lines(EXTENSION.replace("{0:096x}", "a" * 96))),
        "duplicate-extension-image",
    ),
    "files": (
        text(after="os:\n  additionalFiles:\n" + lines("    - {{destination: /f{0}, content: a}}\n")),
        "",
    ),
    "modules": (text(after="os:\n  modules:\n" + lines("    - {{name: m{0}}}\n")), ""),
    "services": (text(after="os:\n  services:\n    enable:\n" + lines("      - s{0}.service\n")), ""),
    "options of the kernel": (
        text(after="os:\n  kernelCommandLine:\n    extraCommandLine:\n" + lines("      - o{0}=1\n")),
        "",
    ),
    "scripts": (
        text(after="scripts:\n  postConfigure:\n" + lines("    - {{name: s{0}, content: a, runOn: [all]}}\n")),
        "",
    ),
    "health checks": (text(after="health:\n  checks:\n" + lines("    - {{name: c{0}, systemdServices: [a]}}\n")), ""),
    "disks": (
        text(sections=lines("    - {{id: d{0}, device: /dev/d{0}, partitionTableType: gpt, partitions: []}}\n")),
        "",
    ),
    "disks of one device": (
        text(sections=lines("    - {{id: d{0}, device: /dev/d, partitionTableType: gpt, partitions: []}}\n")),
        "unique-field-constraint-error",
    ),
    "an array of one partition ten thousand times": (
        text(sections=ARRAYS + f"      - {{id: r, name: r, level: raid0, devices: [{'root, ' * MANY}]}}\n"),
        "duplicate-target-id",
    ),
    "extensions and file systems": (
        text(
            sections=PAIRS.replace("\n    volumePairs:\n", "\n    volumePairs: []\n"),
            filesystems=lines("    - {{source: new, type: tmpfs, mountPoint: /var/lib/extensions/{0}}}\n"),
            after="os:\n  sysexts:\n" + lines(EXTENSION.replace("/e{0}.raw", "/{0}/e.raw")),
        ),
        "extension-image-invalid-directory",
    ),
    "interfaces": (
        text(after="os:\n  netplan:\n    version: 2\n    ethernets:\n" + lines("      e{0}: {{dhcp4: true}}\n")),
        "",
    ),
    "interfaces of odd names": (
        text(after="os:\n  netplan:\n    version: 2\n    ethernets:\n" + lines("      'e {0}*': {{dhcp4: true}}\n")),
        "invalid-interface-name",
    ),
    "unknown fields of one object": (
        text(after="os:\n" + lines("  hostnme{0}: a\n")),
        "unknown-field",
    ),
}  # fmt: skip
