"""A plan as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from trident.cli import picture
from trident.cli.report import human_bytes
from trident.cli.table import columns, paragraph
from trident.config.problems import escaped
from trident.plan.plan import Plan
from trident.plan.preview import Preview, Undo
from trident.plan.situation import Change
from trident.plan.step import Operation, Step
from trident.state.status import ServicingType

_WHEN = {
    Operation.STAGE: "stage, while the present system runs",
    Operation.FINALIZE: "finalize",
    Operation.COMMIT: "commit, after the boot",
}


def describe(preview: Preview, *, width: int = 80, unicode: bool = True) -> str:
    """The plan for people.

    Args:
        preview: the plan and what belongs to it.
        width: columns to use.
        unicode: whether bars may use more than ASCII.
    """
    plan = preview.plan
    parts = [
        _undone_first(preview.undo, width),
        _head(plan),
        _changes(plan.changes, width),
        _steps(plan, width),
        _volumes(plan, width),
        _scripts(plan, width),
        _disks(preview, width, picture.UNICODE if unicode else picture.ASCII),
        _against(preview, width),
    ]
    # Names and paths come from a file that somebody else may have written: a terminal obeys none of it.
    blocks = ["\n".join(map(escaped, lines)) for part in parts if (lines := list(part))]
    if preview.undo is not None and preview.undo.otherwise is not None:
        blocks.append("If it cannot be undone, this is done instead:")
        blocks.append(describe(preview.undo.otherwise, width=width, unicode=unicode).rstrip("\n"))
    return "\n\n".join(blocks) + "\n"


def _undone_first(undo: Undo | None, width: int) -> Iterator[str]:
    if undo is None:
        return
    yield from paragraph(_CUT_OFF, width, "")
    for number, step in enumerate(undo.steps, start=1):
        yield from paragraph(_step(step), width, f"  {number:2}. ")
    yield ""
    yield "After that:"


_CUT_OFF = (
    "A servicing began to change the running system and did not end. If no other command is at that now, it "
    "was cut off, and is undone first:"
)


def _head(plan: Plan) -> Iterator[str]:
    if plan.nothing_to_do:
        yield "Nothing to do: the host already is what the Host Configuration says."
        return
    yield f"Servicing type:  {plan.servicing_type}"
    if plan.target_volume is not None:
        yield f"Writes volume:   {plan.target_volume.letter.upper()}"
    if plan.image_url is not None:
        yield f"Image:           {plan.image_url}"
    if not plan.image_known:
        yield "To fetch:        not known, the image could not be looked at"
    elif plan.image_url is not None:
        yield f"To fetch:        {human_bytes(plan.bytes_to_fetch)}"
        yield f"To write:        {human_bytes(plan.bytes_to_write)} of file systems"
    yield f"Reboots:         {'yes, after finalize' if plan.reboots else 'no'}"
    if plan.not_yet:
        yield "Supported:       no, install and update refuse it; see below"


def _changes(changes: tuple[Change, ...], width: int) -> Iterator[str]:
    if changes:
        yield "Changes:"
        rows = [(change.field, change.how, _forces(change), change.reason) for change in changes]
        yield from columns(rows, width)


def _forces(change: Change) -> str:
    nothing = change.forces is ServicingType.NO_ACTIVE_SERVICING
    return "forces nothing" if nothing else f"forces {change.forces}"


def _steps(plan: Plan, width: int) -> Iterator[str]:
    number = 0
    for operation, steps in groupby(plan.steps, key=lambda step: step.operation):
        if number:
            yield ""
        yield f"{_when(operation, plan)}:"
        for step in steps:
            number += 1
            yield from paragraph(_step(step), width, f"  {number:2}. ")


def _when(operation: Operation, plan: Plan) -> str:
    if operation is Operation.STAGE and plan.servicing_type is ServicingType.CLEAN_INSTALL:
        return "stage"
    return _WHEN[operation]


def _step(step: Step) -> str:
    cost = f"  ({human_bytes(step.cost)})" if step.cost else ""
    writes = f"  [writes {', '.join(step.touches)}]" if step.touches else ""
    return f"{step.title}{cost}{writes}{'  NOT SUPPORTED YET' if step.not_yet else ''}"


def _volumes(plan: Plan, width: int) -> Iterator[str]:
    if plan.contents:
        yield "What is written to which volume:"
        rows = [
            (
                entry.device,
                human_bytes(entry.size) if entry.size is not None else "",
                entry.mount_point or "",
                f"<- {entry.source}",
            )
            for entry in plan.contents
        ]
        yield from columns(rows, width)


def _scripts(plan: Plan, width: int) -> Iterator[str]:
    if plan.scripts:
        yield "Scripts that run:"
        rows = [(script.moment, script.name, script.where) for script in plan.scripts]
        yield from columns(rows, width)


def _disks(preview: Preview, width: int, pens: picture.Pens) -> Iterator[str]:
    if not preview.disks or not preview.plan.contents:
        return
    commits = preview.plan.servicing_type is ServicingType.AB_UPDATE
    yield f"Disks, before and after{' the commit' if commits else ''}:"
    for number, disk in enumerate(preview.disks):
        if number:
            yield ""
        yield from picture.draw(disk, width, pens)
    key = picture.key(preview.disks, pens)
    if key:
        yield f"  {key}"


def _against(preview: Preview, width: int) -> Iterator[str]:
    if preview.plan.not_yet:
        yield "Not supported yet, so that install and update refuse this configuration:"
        for field in preview.plan.not_yet:
            yield f"  {field}"
    if preview.refusals:
        yield from _gap(preview.plan.not_yet)
        yield "It would be refused:"
        for error in preview.refusals:
            yield from paragraph(f"[{error.kind}/{error.code}] {error.message}", width, "  - ")
            if error.hint:
                yield from paragraph(f"hint: {error.hint}", width, "      ")
    if preview.warnings:
        yield from _gap(preview.plan.not_yet or preview.refusals)
        yield "Odd, and no reason to refuse it:"
        for oddity in preview.warnings:
            yield from paragraph(f"[{oddity.code}] {oddity.message}", width, "  - ")
            if oddity.hint:
                yield from paragraph(f"hint: {oddity.hint}", width, "      ")
    if preview.assumptions:
        yield from _gap(preview.plan.not_yet or preview.refusals or preview.warnings)
        yield "Assumed, because only the machine knows:"
        for text in preview.assumptions:
            yield from paragraph(text, width, "  - ")


def _gap(before: object) -> Iterator[str]:
    if before:
        yield ""
