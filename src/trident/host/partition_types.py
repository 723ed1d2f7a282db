"""Partition type GUIDs (UAPI.2 Discoverable Partitions Specification)."""

from __future__ import annotations

_ANY_ARCHITECTURE = {
    "esp": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
    "xbootldr": "bc13c2ff-59e6-4262-a352-b275fd6f7172",
    "swap": "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
    "home": "933ac7e1-2eb4-4f13-b844-0e14e2aef915",
    "srv": "3b8f8425-20e0-4f3b-907f-1a25a76f98e8",
    "var": "4d21b016-b534-45c2-a9fb-5c16e091fd2d",
    "tmp": "7ec6f557-3bc5-4aca-b293-16ef5df639d1",
    "linux-generic": "0fc63daf-8483-4772-8e79-3d69d8477de4",
}

_BY_ARCHITECTURE = {
    "x86_64": {
        "root": "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
        "root-verity": "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5",
        "usr": "8484680c-9521-48c6-9c11-b0720656f69e",
        "usr-verity": "77ff5f63-e7b6-4633-acf4-1565b864c0e6",
    },
    "arm64": {
        "root": "b921b045-1df0-41c3-af44-4c6f280d3fae",
        "root-verity": "df3300ce-d69f-4c92-978c-9bfb0f38d820",
        "usr": "b0e01050-ee5f-4390-949a-9101b17104e9",
        "usr-verity": "6e11a4e7-fbca-4ded-b9e9-e1a512bb664e",
    },
}


def partition_type_guid(name: str, architecture: str) -> str:
    """The type GUID, in lower case, of a partition type by its name in the specification.

    Args:
        name: such as ``esp`` or ``root``; a GUID is returned as it is.
        architecture: ``x86_64`` or ``arm64``, for the types that depend on it.

    Raises:
        KeyError: the name or architecture is unknown.
    """
    if len(name) == 36 and name.count("-") == 4:
        return name.lower()
    return _ANY_ARCHITECTURE.get(name) or _BY_ARCHITECTURE[architecture][name]


def partition_type_of(kind: str) -> tuple[str, str | None] | None:
    """The name of a partition type, and the architecture that it belongs to if it depends on one.

    Args:
        kind: a name (then no architecture is known) or a GUID in either case. ``None`` if it is neither.
    """
    if kind in _ANY_ARCHITECTURE or kind in _BY_ARCHITECTURE["x86_64"]:
        return kind, None
    guid = kind.lower()
    for name, known in _ANY_ARCHITECTURE.items():
        if known == guid:
            return name, None
    for architecture, types in _BY_ARCHITECTURE.items():
        for name, known in types.items():
            if known == guid:
                return name, architecture
    return None
