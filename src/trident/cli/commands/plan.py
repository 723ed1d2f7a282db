"""``trident plan``."""

from __future__ import annotations

import argparse

from trident.cli.commands.servicing import load
from trident.cli.report import human_bytes, print_json
from trident.cli.streams import say
from trident.errors import ExitCode
from trident.plan.plan import Plan
from trident.servicing.environment import Environment
from trident.servicing.preview import preview


def run(options: argparse.Namespace) -> int:
    """Print what install or update would do."""
    plan = preview(load(options.config, storage_may_be_missing=True), Environment())
    if options.output == "json":
        print_json(plan.to_document())
    else:
        say(describe(plan))
    return ExitCode.SUCCESS


def describe(plan: Plan) -> str:
    """The plan for people."""
    if plan.nothing_to_do:
        return "Nothing to do: the host already is what the Host Configuration says.\n"
    lines = [f"Servicing type: {plan.servicing_type}"]
    if plan.target_volume is not None:
        lines.append(f"Writes volume:  {plan.target_volume.letter.upper()}")
    if plan.image_url is not None:
        lines.append(f"Image:          {plan.image_url}")
    lines.append(f"To fetch:       {human_bytes(plan.bytes_to_fetch)}")
    lines.append(f"Reboots:        {'yes, after finalize' if plan.reboots else 'no'}")
    if plan.changes:
        lines += ["", "Because of:"]
        lines += [f"  {change.field}: {change.reason} → {change.forces}" for change in plan.changes]
    operation = None
    for number, step in enumerate(plan.steps, start=1):
        if step.operation != operation:
            operation = step.operation
            lines += ["", f"{operation}:"]
        cost = f"  ({human_bytes(step.cost)})" if step.cost else ""
        writes = f"  [writes {', '.join(step.touches)}]" if step.touches else ""
        lines.append(f"  {number:2}. {step.title}{cost}{writes}")
    return "\n".join(lines) + "\n"
