"""Every cell of the storage tables, each with a configuration that it decides."""

from __future__ import annotations

import pytest

from tests.pure.config.sample import edited, problems_of
from trident.config.model import FileSystemSource, FileSystemType, PartitionType
from trident.config.problems import Severity
from trident.config.rules import tables
from trident.config.rules.tables import DeviceKind, ReferrerKind

DEVICE_OF = {DeviceKind.DISK: "os", DeviceKind.PARTITION: "spare", DeviceKind.AB_VOLUME: "spare-pair"}
SPARE = """\
        - {{id: spare, size: 4K, type: {type}}}
        - {{id: spare-a, size: 4K, type: {type}}}
        - {{id: spare-b, size: 4K, type: {type}}}
        - {{id: fifth, size: 4K, type: {type}}}
  abUpdate:
    volumePairs:
      - {{id: spare-pair, volumeAId: spare-a, volumeBId: spare-b}}
"""
FILESYSTEM_LINE = {
    ReferrerKind.FILESYSTEM_NEW: "    - {{deviceId: {device}, source: new, mountPoint: /spare}}\n",
    ReferrerKind.FILESYSTEM_IMAGE: "    - {{deviceId: {device}, mountPoint: /spare}}\n",
    ReferrerKind.FILESYSTEM_ESP: (
        "    - {{deviceId: {device}, mountPoint: /spare, overrideEspMount: override}}\n"
    ),
}


def with_referrer(kind: ReferrerKind, device: str, partition_type: str = "linux-generic") -> str:
    """The sample with spare devices, and one referrer of a kind on one of them."""
    spare = SPARE.format(type=partition_type)
    edits = [("  abUpdate:\n    volumePairs:\n", spare)]
    if kind is ReferrerKind.AB_VOLUME:
        edits.append(
            (
                "  filesystems:\n",
                f"      - {{id: tested, volumeAId: {device}, volumeBId: fifth}}\n  filesystems:\n",
            )
        )
        return edited(*edits)
    if kind is ReferrerKind.FILESYSTEM_ESP:
        edits.append(("mountPoint: /boot/efi}", "mountPoint: /boot/efi, overrideEspMount: block}"))
    edits.append(("  filesystems:\n", "  filesystems:\n" + FILESYSTEM_LINE[kind].format(device=device)))
    return edited(*edits)


@pytest.mark.parametrize("kind", ReferrerKind)
@pytest.mark.parametrize("device", DeviceKind)
def test_each_cell_of_reference_validity(kind: ReferrerKind, device: DeviceKind) -> None:
    partition_type = "esp" if kind is ReferrerKind.FILESYSTEM_ESP else "linux-generic"
    codes = {p.code for p in problems_of(with_referrer(kind, DEVICE_OF[device], partition_type))}
    assert ("invalid-reference-kind" in codes) is (device not in tables.REFERENCE_VALIDITY[kind])


@pytest.mark.parametrize("kind", ReferrerKind)
@pytest.mark.parametrize("partition_type", PartitionType)
def test_each_cell_of_allowed_partition_types(kind: ReferrerKind, partition_type: PartitionType) -> None:
    codes = {p.code for p in problems_of(with_referrer(kind, "spare", partition_type))}
    is_allowed = tables.ALLOWED_PARTITION_TYPES[kind].contains(partition_type)
    assert ("invalid-partition-type" in codes) is not is_allowed


@pytest.mark.parametrize("partition_type", PartitionType)
@pytest.mark.parametrize("path", ["/spare", "/boot", "/efi", "/home", "/srv", "/usr", "/var", "/var/tmp"])
def test_each_cell_of_usual_mount_paths(partition_type: PartitionType, path: str) -> None:
    text = with_referrer(ReferrerKind.FILESYSTEM_IMAGE, "spare", partition_type)
    problems = problems_of(edited(("mountPoint: /spare", f"mountPoint: {path}"), text=text))
    usual = tables.USUAL_MOUNT_PATHS[partition_type]
    is_unusual = usual is not None and path not in usual
    found = {problem.code: problem.severity for problem in problems}
    assert found.get("unusual-mount-path") == (Severity.WARNING if is_unusual else None)


SHARERS = [
    (ReferrerKind.FILESYSTEM_NEW, "state", ()),
    (ReferrerKind.FILESYSTEM_NEW, "root-a", ()),
    (ReferrerKind.FILESYSTEM_NEW, "esp", ()),
    (ReferrerKind.FILESYSTEM_IMAGE, "state", ()),
    (ReferrerKind.FILESYSTEM_IMAGE, "root-b", ()),
    (ReferrerKind.FILESYSTEM_IMAGE, "root", ()),
    (ReferrerKind.FILESYSTEM_IMAGE, "esp", ()),
    (ReferrerKind.FILESYSTEM_ESP, "esp", ()),
    (ReferrerKind.FILESYSTEM_ESP, "root-a", ()),
    (ReferrerKind.AB_VOLUME, "root-a", ()),
    (ReferrerKind.AB_VOLUME, "state", ()),
    (ReferrerKind.AB_VOLUME, "esp", ()),
]


@pytest.mark.parametrize(("kind", "device", "peers"), SHARERS)
def test_no_two_referrers_share_a_device(kind: ReferrerKind, device: str, peers: tuple[()]) -> None:
    assert tables.SHARING_PEERS[kind] == frozenset(peers)
    assert "referrer-forbidden-sharing" in {p.code for p in problems_of(with_referrer(kind, device))}


@pytest.mark.parametrize("kind", ReferrerKind)
def test_each_referrer_refers_to_as_many_devices_as_its_fields_can_name(kind: ReferrerKind) -> None:
    expected = {
        ReferrerKind.AB_VOLUME: (2, 2),
        ReferrerKind.FILESYSTEM_NEW: (0, 1),
        ReferrerKind.FILESYSTEM_IMAGE: (1, 1),
        ReferrerKind.FILESYSTEM_ESP: (1, 1),
    }
    count = tables.REFERENCE_COUNT[kind]
    assert (count.least, count.most) == expected[kind]


@pytest.mark.parametrize("source", FileSystemSource)
@pytest.mark.parametrize("kind", FileSystemType)
def test_each_file_system_type_needs_a_block_device(source: FileSystemSource, kind: FileSystemType) -> None:
    if source != "image" and not tables.EXPECTS_BLOCK_DEVICE[kind]:
        return
    line = f"    - {{source: {source}, mountPoint: /x{f', type: {kind}' if source != 'image' else ''}}}\n"
    codes = {p.code for p in problems_of(edited(("  filesystems:\n", "  filesystems:\n" + line)))}
    assert codes == {"filesystem-missing-block-device-id"}
