"""Where fuzzing starts, and what it once found. The tests give each of these to every target."""

# ruff: noqa: E501 (one input a line)

from __future__ import annotations

from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "docs/samples"

INPUTS: dict[str, bytes] = {
    "nothing": b"",
    "a byte order mark": b"\xef\xbb\xbfimage: {}\n",
    "UTF-16": "image: {}\n".encode("utf-16"),
    "a bad byte": b"image:\n  url: \xff\n",
    "tabs": b"storage:\n\tdisks: []\n",
    "line ends of every kind": "a: 1\r\nb: 2\rc: 3\u2028d: 4\n".encode(),
    "duplicate keys": b"os: {hostname: a}\nos: {hostname: b}\n",
    "aliases": b"os: &a {hostname: x}\nmanagementOs: *a\nhealth: *b\n",
    "an alias of itself": b"a: &a [*a]\n",
    "merge keys": b"os:\n  <<: {hostname: a}\n",
    "tags": b"os: !!map {hostname: !!int 1, users: !odd []}\n",
    "two documents": b"---\nos: {}\n---\nos: {}\n",
    "directives": b"%YAML 1.2\n%TAG ! tag:x:\n---\nos: {}\n...\n",
    "questions": b"? a\n: b\n? [c]\n: d\n",
    "block scalars": b"scripts:\n  postConfigure:\n    - {runOn: [all], content: 1}\n    - content: |2-\n         a\n",
    "an unfinished text": b'image: {url: "http://',
    "an unfinished mapping": b"image: {url:  http://",
    "deep": b"[" * 200,
    "numbers": b"storage: {disks: [{id: 1, device: 0x1, partitions: [{id: 1e9, size: 1e99}, {id: +1, size: .5}]}]}\n",
    "storage as a list": b"storage: []\nos: 1\nscripts: {postConfigure: {}}\nhealth: {checks: [1]}\n",
    "a device of itself": (
        b"storage:\n  raid: {software: [{id: r, name: r, level: raid1, devices: [r, r]}]}\n"
        b"  abUpdate: {volumePairs: [{id: p, volumeAId: q, volumeBId: p}, {id: q, volumeAId: p, volumeBId: q}]}\n"
        b"  encryption: {pcrs: [7], volumes: [{id: e, deviceName: e, deviceId: e}]}\n"
        b"  verity: [{id: v, name: root, dataDeviceId: v, hashDeviceId: v}]\n"
        b"  filesystems: [{deviceId: v, mountPoint: {path: /, options: ro}}]\n  swap: [e, {deviceId: e}]\n"
    ),
    "a field": b"storage.disks.partitions.size",
    "a rule": b"duplicate-device-id",
}
"""Inputs by what is special about them."""


def inputs() -> dict[str, bytes]:
    """All inputs: those above, and the samples of the documentation."""
    samples = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.yaml"))}
    return INPUTS | samples
