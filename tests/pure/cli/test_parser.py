"""The command line spells what upstream's spells, and means the same."""

from __future__ import annotations

import pytest

from trident.cli.commands.servicing import operations
from trident.cli.main import main
from trident.cli.parser import build_parser
from trident.plan.step import Operation

STAGE, FINALIZE = Operation.STAGE, Operation.FINALIZE


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["update"], {STAGE, FINALIZE}),
        (["update", "--allowed-operations", "stage"], {STAGE}),
        (["update", "--allowed-operations", "stage,finalize"], {STAGE, FINALIZE}),
        (["update", "--allowed-operations=finalize", "host.yaml"], {FINALIZE}),
        (["update", "host.yaml", "--allowed-operations", "stage", "finalize"], {STAGE, FINALIZE}),
        (["install", "host.yaml", "--allowed-operations"], set()),
    ],
)
def test_allowed_operations(arguments: list[str], expected: set[Operation]) -> None:
    assert operations(build_parser().parse_args(arguments)) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["updat"],
        ["update", "--allowed-operations", "deploy"],
        ["update", "--allowed-op", "stage"],
        ["get", "everything"],
        ["get", "-v", "LOUD"],
        ["image", "build", "tree"],
        ["update", "a.yaml", "b.yaml"],
    ],
)
def test_a_wrong_command_line_exits_with_2_and_points_to_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        build_parser().parse_args(arguments)
    assert caught.value.code == 2
    assert "--help" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["install", "update", "plan"])
def test_the_configuration_defaults_to_the_hosts_own(verb: str) -> None:
    assert build_parser().parse_args([verb]).config == "/etc/trident/config.yaml"


def test_validate_takes_several_configurations_and_defaults_to_the_hosts_own() -> None:
    assert build_parser().parse_args(["validate"]).configs == ["/etc/trident/config.yaml"]
    assert build_parser().parse_args(["validate", "a.yaml", "-"]).configs == ["a.yaml", "-"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["commit"], None),
        (["-v", "WARN", "commit"], "WARN"),
        (["commit", "-v", "WARN"], "WARN"),
        (["-v", "INFO", "commit", "--verbosity", "error"], "ERROR"),
    ],
)
def test_verbosity_stands_before_or_after_the_verb(arguments: list[str], expected: str | None) -> None:
    assert build_parser().parse_args(arguments).verbosity == expected


def test_install_takes_upstreams_options() -> None:
    options = build_parser().parse_args(
        ["install", "-s", "status.yaml", "-e", "error.yaml", "--multiboot", "c.yaml"]
    )
    assert (options.status, options.error, options.multiboot) == ("status.yaml", "error.yaml", True)


def test_get_reads_the_status_by_default() -> None:
    assert build_parser().parse_args(["get"]).kind == "status"


@pytest.mark.parametrize("arguments", [[], ["update"], ["image", "build"]])
def test_help_is_a_command_too(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["help", *arguments])
    assert caught.value.code == 0
    assert " ".join(["usage: trident", *arguments]) in capsys.readouterr().out
