"""A slot's files on the ESP, days after they were staged: whatever happened to them is told by its path."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pure.image.test_build_parts import pe_file
from tests.pure.subsystems.situations import update
from trident.errors import Servicing
from trident.plan.seals import not_whole
from trident.plan.session import Session
from trident.plan.situation import Situation
from trident.plan.step import Operation, Phase, Step
from trident.progress import Event, Notice
from trident.state.status import AbVolume, ServicingType
from trident.subsystems.boot import BootSubsystem
from trident.subsystems.boot.names import Slot
from trident.subsystems.boot.seal import damaged_files, seal_files

boot = BootSubsystem()
A, B = Slot(0, AbVolume.A), Slot(0, AbVolume.B)
UKI = pe_file({".linux": b"kernel" * 1000, ".osrel": b"ID=debian"})
KERNEL = "EFI/Linux/trident-b.efi"
ADD_ON = "EFI/Linux/trident-b.efi.extra.d/quiet.addon.efi"
LOADER = "EFI/trident/trident-b/systemd-bootx64.efi"


@pytest.fixture
def esp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ESP with both slots; this machine's kernel has no vfat, so its steps find a directory."""
    for slot in (A, B):
        for path, content in (
            (slot.uki, UKI),
            (f"{slot.uki}.extra.d/quiet.addon.efi", b"quiet"),
            (f"{slot.directory}/systemd-bootx64.efi", b"loader"),
        ):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)

    @contextlib.contextmanager
    def mounted_esp(_session: Session, _esp_id: str) -> Iterator[Path]:
        yield tmp_path

    monkeypatch.setattr("trident.subsystems.boot.seal.mounted_esp", mounted_esp)
    return tmp_path


def remove(esp: Path, *paths: str) -> None:
    for path in paths:
        (esp / path).unlink()


def directory_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    "the kernel is gone": (lambda esp: (esp / KERNEL).unlink(), {KERNEL: "it is missing"}),
    "a directory stands in its place": (
        lambda esp: directory_instead(esp / KERNEL),
        {KERNEL: "it is missing"},
    ),
    "one bit of the kernel": (
        lambda esp: (esp / KERNEL).write_bytes(UKI[:5000] + bytes([UKI[5000] ^ 1]) + UKI[5001:]),
        {KERNEL: "its content was changed"},
    ),
    "the kernel is cut short": (
        lambda esp: (esp / KERNEL).write_bytes(UKI[:-1]),
        {KERNEL: "its content was changed"},
    ),
    "nothing is left of the kernel": (
        lambda esp: (esp / KERNEL).write_bytes(b""),
        {KERNEL: "its content was changed"},
    ),
    "the boot loader is another": (
        lambda esp: (esp / LOADER).write_bytes(b"Loader"),
        {LOADER: "its content was changed"},
    ),
    "an add-on is gone": (lambda esp: (esp / ADD_ON).unlink(), {ADD_ON: "it is missing"}),
    "somebody added an add-on": (
        lambda esp: (esp / ADD_ON).with_name("debug.addon.efi").write_bytes(b"x"),
        {"EFI/Linux/trident-b.efi.extra.d/debug.addon.efi": "it was added"},
    ),
    "everything is gone": (
        lambda esp: remove(esp, KERNEL, ADD_ON, LOADER),
        dict.fromkeys((KERNEL, ADD_ON, LOADER), "it is missing"),
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_told_by_its_path(esp: Path, name: str) -> None:
    seals = seal_files(esp, B)
    damage, told = DAMAGE[name]
    damage(esp)
    assert damaged_files(esp, B, seals) == told
    error = not_whole(told)
    assert error.details == {"damaged": told}
    assert all(path in error.message for path in told)


def test_what_happens_beside_the_slot_is_no_damage(esp: Path) -> None:
    seals = seal_files(esp, B) | {"volume:root-b": "size=1 uuid=x"}
    (esp / A.uki).unlink()
    (esp / "EFI/Linux/other.efi").touch()
    (esp / "EFI/Linux/trident-b.efi.bak").touch()
    assert damaged_files(esp, B, seals) == {}


def step(situation: Situation, operation: Operation) -> Step:
    phase = Phase.SEAL if operation is Operation.STAGE else Phase.CHECK_STAGED
    (found,) = (step for step in boot.steps(situation) if step.phase is phase)
    assert found.operation is operation
    return found


def test_finalize_knows_what_stage_has_sealed(esp: Path) -> None:
    staging, finalizing = Session(update()), Session(update())
    step(update(), Operation.STAGE).run(staging)
    finalizing.seals = dict(staging.seals)
    check = step(update(), Operation.FINALIZE)
    check.run(finalizing)
    (esp / KERNEL).write_bytes(b"")
    with pytest.raises(Servicing) as caught:
        check.run(finalizing)
    assert caught.value.code == "staged-not-whole"
    assert caught.value.details == {"damaged": {KERNEL: "its content was changed"}}


def test_without_seals_finalize_says_that_it_compares_nothing(esp: Path) -> None:
    """An older version of Trident staged this."""
    said: list[Event] = []
    (esp / KERNEL).unlink()
    step(update(), Operation.FINALIZE).run(Session(update(), progress=said.append))
    (notice,) = said
    assert isinstance(notice, Notice)
    assert "not compared" in notice.text


def rollback() -> Situation:
    return replace(update(), servicing_type=ServicingType.MANUAL_ROLLBACK_AB)


BOTH = pytest.mark.parametrize(
    ("operation", "code"),
    [(Operation.STAGE, "rollback-target-not-bootable"), (Operation.FINALIZE, "staged-not-whole")],
)


@BOTH
def test_a_rollback_wants_the_files_that_its_slot_was_deployed_with(
    esp: Path, operation: Operation, code: str
) -> None:
    session = Session(rollback(), seals=seal_files(esp, B) | seal_files(esp, A))
    check = step(rollback(), operation)
    check.run(session)
    (esp / ADD_ON).unlink()
    with pytest.raises(Servicing) as caught:
        check.run(session)
    assert (caught.value.code, caught.value.details) == (code, {"damaged": {ADD_ON: "it is missing"}})


@BOTH
@pytest.mark.parametrize(
    "kernel",
    [
        None,
        b"",
        b"MZ",
        UKI[:-1],
        UKI[:200],
        pe_file({".osrel": b"ID=debian"}),
        pe_file({".linux": b"kernel"}),
        b"\0" * 5000,
    ],
    ids=[
        "none",
        "empty",
        "two bytes",
        "cut at the end",
        "cut at the front",
        "no kernel in it",
        "an add-on",
        "zeroes",
    ],
)
def test_a_rollback_without_records_wants_a_kernel_at_least(
    esp: Path, operation: Operation, code: str, kernel: bytes | None
) -> None:
    check = step(rollback(), operation)
    check.run(Session(rollback()))
    (esp / KERNEL).unlink()
    if kernel is not None:
        (esp / KERNEL).write_bytes(kernel)
    with pytest.raises(Servicing) as caught:
        check.run(Session(rollback()))
    assert (caught.value.code, list(caught.value.details["damaged"])) == (code, [KERNEL])  # type: ignore[call-overload]
