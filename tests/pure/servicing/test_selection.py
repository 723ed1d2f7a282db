"""Selection: which change forces which servicing type, at the field that changed. No field is forgotten."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.pure.servicing.situations import configuration
from trident.config.model import HostConfiguration, Model
from trident.plan.difference import covers
from trident.servicing.concerns import ALL
from trident.servicing.select import FORCES_NOTHING, select_update
from trident.state.status import ServicingType

NOTHING, RUNTIME, AB = (
    ServicingType.NO_ACTIVE_SERVICING,
    ServicingType.RUNTIME_UPDATE,
    ServicingType.AB_UPDATE,
)
OWNED = {path: subsystem.name for subsystem in ALL for path in subsystem.effects}
HASH, OTHER_HASH = "a" * 96, "b" * 96


def fields(model: type[Model], path: str = "") -> Iterator[str]:
    """The path of every field below an object, without those that hold objects themselves."""
    for field in msgspec.structs.fields(model):
        place = f"{path}.{field.encode_name}" if path else field.encode_name
        inner = list(models(field.type))
        if not inner:
            yield place
        for one in inner:
            yield from fields(one, place)


def models(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, Model) and not issubclass(annotation, enum.Enum):
            yield annotation
        return
    for part in typing.get_args(annotation):
        yield from models(part)


def test_the_walk_over_the_model_finds_its_fields() -> None:
    found = set(fields(HostConfiguration))
    assert len(found) > 100
    assert {
        "image.sha384",
        "os.users.sshMode",
        "storage.raid.software.devices",
        "health.checks.runOn",
    } <= found


@pytest.mark.parametrize("field", sorted(set(fields(HostConfiguration))))
def test_every_field_belongs_to_one_concern_or_is_said_to_force_nothing(field: str) -> None:
    owners = [path for path in (*OWNED, *FORCES_NOTHING) if covers(path, field)]
    assert len(owners) == 1, f"{field} is covered by {owners}"


def test_no_entry_of_the_tables_names_a_field_that_does_not_exist() -> None:
    known = set(fields(HostConfiguration))
    for path in (*OWNED, *FORCES_NOTHING):
        assert any(covers(path, field) for field in known), path


def document(**changes: Any) -> HostConfiguration:
    base = configuration(scripts=False).to_document()
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = base
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return HostConfiguration.from_document(base)


def extension(version: int = 1) -> dict[str, str]:
    return {"url": "http://images.example/debug-tools.raw", "sha384": f"{version:096x}"}


USER = {"name": "ops", "sshPublicKeys": ["ssh-ed25519 AAAA ops"]}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {}, []),
        (
            {"os__users": [USER]},
            {"os__users": [USER | {"sshMode": "key-only"}, {"name": "ada"}]},
            [("os.users[ops].sshMode", "changed", AB), ("os.users[ada]", "added", AB)],
        ),
        ({"os__users": [USER]}, {"os__users": []}, [("os.users[ops]", "removed", AB)]),
        (
            {"os__users": [USER, {"name": "ada"}]},
            {"os__users": [{"name": "ada"}, USER]},
            [("os.users", "changed", AB)],
        ),
        ({}, {"os__sysexts": [extension()]}, [("os.sysexts[debug-tools]", "added", RUNTIME)]),
        (
            {"os__sysexts": [extension()]},
            {"os__sysexts": [extension(2)]},
            [("os.sysexts[debug-tools].sha384", "changed", RUNTIME)],
        ),
        ({"os__confexts": [extension()]}, {}, [("os.confexts[debug-tools]", "removed", RUNTIME)]),
        ({}, {"os__netplan": {"version": 2}}, [("os.netplan", "added", RUNTIME)]),
        ({}, {"os__selinux": {"mode": "enforcing"}}, [("os.selinux.mode", "added", AB)]),
        ({}, {"os__services": {"enable": ["a.service"]}}, [("os.services.enable", "added", AB)]),
        ({}, {"os__modules": [{"name": "loop"}]}, [("os.modules[loop]", "added", AB)]),
        ({}, {"storage__swap": ["trident"]}, [("storage.swap[trident]", "added", AB)]),
        ({}, {"os__uefiFallback": "disabled"}, [("os.uefiFallback", "changed", NOTHING)]),
        (
            {},
            {"health__checks": [{"name": "up", "content": "true", "runOn": ["all"]}]},
            [("health.checks[up]", "added", NOTHING)],
        ),
        ({}, {"managementOs__users": [{"name": "ada"}]}, [("managementOs.users[ada]", "added", NOTHING)]),
        ({}, {"internalParams__x": 1}, [("internalParams", "added", NOTHING)]),
        ({}, {"trident__phonehome": "http://x/"}, [("trident.phonehome", "added", NOTHING)]),
        (
            {"scripts__postProvision": [{"name": "one", "content": "true"}]},
            {},
            [("scripts.postProvision[one]", "removed", NOTHING)],
        ),
        # A script without a name: the list differs as a whole.
        (
            {},
            {"scripts__postProvision": [{"content": "true"}]},
            [("scripts.postProvision", "added", AB)],
        ),
        # The SHA-384 tells images apart; where it is ignored, the URL does.
        ({"image__sha384": HASH}, {"image__sha384": OTHER_HASH}, [("image.sha384", "changed", AB)]),
        ({}, {"image__url": "http://images.example/v2.cosi"}, [("image.url", "changed", AB)]),
        (
            {"image__sha384": HASH},
            {"image__sha384": HASH, "image__url": "http://mirror.example/v1.cosi"},
            [("image.url", "changed", NOTHING)],
        ),
    ],
)
def test_a_change_is_named_where_it_is_with_what_it_forces(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, str, ServicingType]]
) -> None:
    selected, changes = select_update(document(**before), document(**after))
    assert [(change.field, change.how, change.forces) for change in changes] == expected
    assert selected is max((kind for _, _, kind in expected), key=lambda kind: kind.rank, default=NOTHING)


def test_every_change_says_why() -> None:
    old, new = document(), document(os__hostname="other", os__netplan={"version": 2}, trident__phonehome="x")
    _, changes = select_update(old, new)
    assert len(changes) == 3
    assert all(change.reason and not change.reason.endswith(".") for change in changes)


def test_scripts_that_are_there_are_named_only_where_nothing_else_decides() -> None:
    one = {"scripts__preServicing": [{"name": "one", "content": "true", "runOn": ["all"]}]}
    _, runtime = select_update(document(**one), document(**one, os__netplan={"version": 2}))
    assert [(change.field, change.how) for change in runtime] == [
        ("os.netplan", "added"),
        ("scripts", "present"),
    ]
    _, other = select_update(document(**one), document(**one, os__hostname="other"))
    assert [change.field for change in other] == ["os.hostname"]
