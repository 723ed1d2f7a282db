"""The page of the storage rules, from the tables that the checks read."""

from __future__ import annotations

from trident.config.reference.markdown import table
from trident.config.rules import tables


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def storage_rules_page() -> str:
    """The whole page."""
    devices, referrers = list(tables.DeviceKind), list(tables.ReferrerKind)
    validity = [
        (kind, *(_yes(device in tables.REFERENCE_VALIDITY[kind]) for device in devices)) for kind in referrers
    ]
    per_referrer = [
        (
            kind,
            str(tables.REFERENCE_COUNT[kind]),
            ", ".join(sorted(tables.SHARING_PEERS[kind])) or "none",
            str(tables.ALLOWED_PARTITION_TYPES[kind]),
            _yes(kind in tables.HOMOGENEOUS_PARTITION_TYPES),
            _yes(kind in tables.HOMOGENEOUS_PARTITION_SIZES),
        )
        for kind in referrers
    ]
    usual = [
        (kind, "anywhere" if paths is None else " or ".join(f"`{path}`" for path in paths) or "nowhere")
        for kind, paths in tables.USUAL_MOUNT_PATHS.items()
    ]
    headings = ("referrer", "devices", "may share with", "partition types", "one type", "one size")
    return "\n".join(
        (
            "Who may refer to which kind of block device:\n",
            table(("referrer", *devices), validity),
            "How many devices each refers to, and what the partitions beneath it must be like:\n",
            table(headings, per_referrer),
            "Fields whose value is unique among devices of a kind:\n",
            table(("device", "field"), [(kind, f"`{field}`") for kind, field in tables.UNIQUE_FIELDS]),
            "File system types that need a block device:\n",
            table(("type", "block device"), [(k, _yes(v)) for k, v in tables.EXPECTS_BLOCK_DEVICE.items()]),
            "Where partitions of a type are usually mounted (anything else is a warning):\n",
            table(("partition type", "mount paths"), usual),
        )
    )
