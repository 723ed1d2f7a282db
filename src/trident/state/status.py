"""Host Status: what the machine is, in upstream's shape and spelling (trident_api ``status.rs``)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar


class ServicingType(enum.StrEnum):
    """Kinds of servicing, least to most disruptive in ``rank`` order."""

    NO_ACTIVE_SERVICING = "no-active-servicing"
    RUNTIME_UPDATE = "runtime-update"
    AB_UPDATE = "ab-update"
    CLEAN_INSTALL = "clean-install"
    MANUAL_ROLLBACK_AB = "manual-rollback-ab"
    MANUAL_ROLLBACK_RUNTIME = "manual-rollback-runtime"

    @property
    def rank(self) -> int:
        """Position by disruption: of several changes, the one with the highest rank decides."""
        return list(ServicingType).index(self)


class ServicingState(enum.StrEnum):
    """How far a servicing has come."""

    NOT_PROVISIONED = "not-provisioned"
    CLEAN_INSTALL_STAGED = "clean-install-staged"
    AB_UPDATE_STAGED = "ab-update-staged"
    MANUAL_ROLLBACK_AB_STAGED = "manual-rollback-ab-staged"
    MANUAL_ROLLBACK_RUNTIME_STAGED = "manual-rollback-runtime-staged"
    RUNTIME_UPDATE_STAGED = "runtime-update-staged"
    CLEAN_INSTALL_FINALIZED = "clean-install-finalized"
    AB_UPDATE_FINALIZED = "ab-update-finalized"
    MANUAL_ROLLBACK_AB_FINALIZED = "manual-rollback-ab-finalized"
    PROVISIONED = "provisioned"
    AB_UPDATE_HEALTH_CHECK_FAILED = "ab-update-health-check-failed"


class AbVolume(enum.StrEnum):
    """One side of every A/B volume pair."""

    A = "volume-a"
    B = "volume-b"

    @property
    def other(self) -> AbVolume:
        """The opposite side."""
        return AbVolume.B if self is AbVolume.A else AbVolume.A

    @property
    def letter(self) -> str:
        """``a`` or ``b``, as it stands in file names on the ESP."""
        return self.value[-1]


@dataclass(frozen=True)
class HostStatus:
    """The actual state of the machine.

    ``spec`` and ``spec_old`` are Host Configurations as plain data, so that reading a status needs no
    model and old documents stay readable.
    """

    spec: Mapping[str, Any] = field(default_factory=dict)
    spec_old: Mapping[str, Any] = field(default_factory=dict)
    servicing_state: ServicingState = ServicingState.NOT_PROVISIONED
    last_error: Mapping[str, Any] | None = None
    partition_paths: Mapping[str, str] = field(default_factory=dict)
    ab_active_volume: AbVolume | None = None
    disk_uuids: Mapping[str, str] = field(default_factory=dict)
    install_index: int = 0
    is_management_os: bool = False
    trident_version: str | None = None

    def evolve(self, **changes: Any) -> HostStatus:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_document(self) -> dict[str, Any]:
        """The status as upstream serialises it; optional fields that hold their default are left out."""
        document: dict[str, Any] = {"spec": dict(self.spec)}
        if self.spec_old:
            document["specOld"] = dict(self.spec_old)
        document["servicingState"] = str(self.servicing_state)
        if self.last_error is not None:
            document["lastError"] = dict(self.last_error)
        if self.partition_paths:
            document["partitionPaths"] = dict(sorted(self.partition_paths.items()))
        if self.ab_active_volume is not None:
            document["abActiveVolume"] = str(self.ab_active_volume)
        if self.disk_uuids:
            document["diskUuids"] = dict(sorted(self.disk_uuids.items()))
        document["installIndex"] = self.install_index
        if self.is_management_os:
            document["isManagementOs"] = True
        if self.trident_version is not None:
            document["tridentVersion"] = self.trident_version
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> HostStatus:
        """Read a status that :meth:`to_document` or upstream wrote. Unknown fields are ignored.

        Raises:
            ValueError: it has no state, a state or volume name is not one of the known ones, or a value is of
                another kind than the field; the message is a clause for people.
        """
        paths = _of(document, "partitionPaths", dict, {})
        active = _of(document, "abActiveVolume", str, None)
        state = _of(document, "servicingState", str, None)
        index = _of(document, "installIndex", int, 0)
        if state is None:
            # Upstream always writes it. A host must not be taken for a blank one because a text is cut.
            raise ValueError("it has no 'servicingState'")
        if not all(isinstance(path, str) for path in paths.values()):
            raise ValueError("a path in its 'partitionPaths' is not text")
        if index < 0:
            raise ValueError("its 'installIndex' is negative")
        return cls(
            spec=_of(document, "spec", dict, {}),
            spec_old=_of(document, "specOld", dict, {}),
            servicing_state=_known(ServicingState, "servicingState", state),
            last_error=_of(document, "lastError", dict, None),
            partition_paths=paths,
            ab_active_volume=None if active is None else _known(AbVolume, "abActiveVolume", active),
            disk_uuids=_of(document, "diskUuids", dict, {}),
            install_index=index,
            is_management_os=_of(document, "isManagementOs", bool, False),
            trident_version=document.get("tridentVersion"),
        )


_KINDS = {dict: "a mapping", str: "text", int: "a whole number", bool: "true or false"}


def _of(document: Mapping[str, Any], field: str, kind: type, default: Any) -> Any:
    """A field of a document; ``null`` means not given, as upstream writes what it does not know."""
    value = document.get(field)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"its '{field}' is not {_KINDS[kind]}")
    return value


_Name = TypeVar("_Name", ServicingState, AbVolume)


def _known(names: type[_Name], field: str, text: str) -> _Name:
    try:
        return names(text)
    except ValueError:
        raise ValueError(f"its '{field}' is '{text}', which is none of {', '.join(names)}") from None
