"""The command line: every verb, option, default and help text. Upstream's spelling where upstream has it."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

import trident
from trident.errors import ExitCode

DEFAULT_CONFIGURATION_PATH = "/etc/trident/config.yaml"
VERBOSITIES = ("OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")
# The verbs that change a host: logged for later, and not ended by a terminal that goes away.
SERVICING_VERBS = frozenset({"install", "update", "commit", "rollback"})
OPERATIONS = ("stage", "finalize")
GRAPH_FORMATS = ("tree", "mermaid", "dot", "svg", "png")
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
"""Names of the architectures, and what COSI calls them."""
GET_KINDS = ("configuration", "status", "last-error", "rollback-chain", "rollback-target")

_EPILOG = """\
examples:
  trident validate host.yaml          check a Host Configuration, anywhere, as any user
  trident explain storage.disks       what a field means, what it takes, which rules it meets
  trident graph host.yaml             its disks, devices and file systems as a tree
  trident plan host.yaml              what would happen here, why, and how many bytes it fetches
  trident install host.yaml           from a servicing OS in RAM: make this machine what the file says
  trident update host.yaml            on an installed host: stage, finalize, reboot into the new system
  trident get last-error              what went wrong last time
  trident history                     what was done to this host, and how it ended
  trident diagnose -o host.tar.zst    everything that explains this host, without its secrets

exit codes:
  0 done   1 set-up failed   2 failed, see the message   3 the reboot did not happen   130 interrupted
"""


class _Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations, so that a new option never changes what a script means."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.FAILED, f"{self.prog}: {message}\nTry '{self.prog} --help'.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the ``trident`` command; man pages and shell completion are made from it too."""
    parser = _Parser(
        prog="trident",
        description="Install and service Linux systems from one declarative file.",
        epilog=_EPILOG,
    )
    parser.add_argument("-V", "--version", action="version", version=f"trident {trident.__version__}")
    _add_verbosity(parser, default=None)
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True, title="commands")
    _add_install(verbs)
    _add_update(verbs)
    _add_commit(verbs)
    _add_rollback(verbs)
    _add_plan(verbs)
    _add_validate(verbs)
    _add_explain(verbs)
    _add_schema(verbs)
    _add_graph(verbs)
    _add_get(verbs)
    _add_history(verbs)
    _add_diagnose(verbs)
    _add_image(verbs)
    _add_help(verbs)
    return parser


Verbs = argparse._SubParsersAction  # the standard library has no public name for it


def _add_install(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "install",
        help="install the target OS on this machine",
        description="Install the target OS as the Host Configuration says: partition the disks,\n"
        "stream the image, configure the system, and boot it. Runs only from a servicing OS\n"
        "in RAM or on live media.",
    )
    _add_configuration(parser, "the Host Configuration to apply")
    _add_operations(parser)
    _add_confirm(parser)
    _add_reports(parser)
    parser.add_argument(
        "--multiboot", action="store_true", help="install beside another OS (not supported yet)"
    )


def _add_update(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "update",
        help="update this host to a Host Configuration",
        description="Compare the Host Configuration with what the host is and apply the difference in the\n"
        "least disruptive way. Where only extensions and netplan differ, a runtime update changes the\n"
        "running system; for anything else an A/B update streams the new image onto the inactive volume\n"
        "while the host works on, then reboots into it. 'trident plan' tells which, and why. 'stage' and\n"
        "'finalize' can be days apart.",
        epilog="examples:\n"
        "  trident update host.yaml\n"
        "  trident update host.yaml --allowed-operations stage       now\n"
        "  trident update host.yaml --allowed-operations finalize    in the maintenance window\n",
    )
    _add_configuration(parser, "the Host Configuration to apply")
    _add_operations(parser)
    _add_confirm(parser)
    _add_reports(parser)


def _add_commit(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "commit",
        help="after a boot: keep the new system, or record that the old one runs",
        description="Check that the firmware booted the system that was just installed or updated, and make\n"
        "that permanent. The agent's unit runs this at every boot; with nothing to commit it succeeds.",
    )
    _add_reports(parser)


def _add_rollback(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "rollback",
        help="go back to what this host was before its last update",
        description="Undo the last update. Runtime updates are undone one at a time, on the running system,\n"
        "without the network; then the last A/B update, by booting the volume that still holds the\n"
        "previous system. 'trident get rollback-chain' lists what can be undone, 'trident get\n"
        "rollback-target' prints the configuration that comes back.",
        epilog="examples:\n"
        "  trident rollback --check                 ab, runtime or none\n"
        "  trident rollback                         undo the last update\n"
        "  trident rollback --ab                    skip runtime updates, boot the other volume\n"
        "  trident rollback --allowed-operations stage\n"
        "  trident rollback --allowed-operations finalize    later, in the maintenance window\n",
    )
    parser.add_argument(
        "--check", action="store_true", help="only print what would be undone: ab, runtime or none"
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--runtime", action="store_true",
        help="only if the last update was a runtime update; asked when staging, not at finalize",
    )  # fmt: skip
    kinds.add_argument(
        "--ab", action="store_true",
        help="the last A/B update, with every runtime update since; asked when staging, not at finalize",
    )  # fmt: skip
    _add_operations(parser)
    _add_confirm(parser)
    _add_reports(parser)


def _add_plan(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "plan",
        help="show what install or update would do, and why",
        description="Select and compile the servicing for a Host Configuration without doing it: servicing\n"
        "type, the changes that force it, every step, what is written where, bytes to fetch, the\n"
        "disks before and after, and whether it reboots. Changes nothing. With --assume-blank or\n"
        "--status it plans for another machine, on any machine, as any user.",
    )
    _add_configuration(parser, "the Host Configuration to plan for")
    machine = parser.add_mutually_exclusive_group()
    machine.add_argument(
        "--assume-blank", action="store_true", help="plan for a blank machine, of which nothing else is known"
    )
    machine.add_argument(
        "-s", "--status", metavar="STATUS",
        help="plan for the host whose Host Status is in this file, as 'trident get' prints it",
    )  # fmt: skip
    _add_output(parser)
    _add_verbosity(parser)


def _add_validate(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "validate",
        help="check Host Configurations",
        description="Report every mistake in a Host Configuration with file, line and column, and what to\n"
        "write instead. Works on any machine, as any user; '-' reads standard input. With an image: also\n"
        "whether the two fit each other.",
        epilog="examples:\n"
        "  trident validate host.yaml\n"
        "  trident validate fleet/*.yaml            several: a summary at the end\n"
        "  generate-host | trident validate -\n"
        "  trident validate --output json host.yaml | jq '.files[].problems[].path'\n"
        "  trident validate host.yaml --image http://192.0.2.1/v1.cosi\n"
        "  trident validate fleet/*.yaml --own-image --architecture arm64\n",
    )
    parser.add_argument(
        "configs", metavar="CONFIG", nargs="*", default=[DEFAULT_CONFIGURATION_PATH],
        help=f"the Host Configurations to check [default: {DEFAULT_CONFIGURATION_PATH}]",
    )  # fmt: skip
    image = parser.add_mutually_exclusive_group()
    image.add_argument(
        "--image", metavar="IMAGE",
        help="also compare them with the COSI at this path or URL (file, http, https)",
    )  # fmt: skip
    image.add_argument(
        "--own-image", action="store_true", help="also compare each of them with the image that it names"
    )
    parser.add_argument(
        "--architecture", type=str.lower, choices=tuple(ARCHITECTURES),
        help="the machines that the image is for; without it any image will do",
    )  # fmt: skip
    parser.add_argument(
        "--for-update", action="store_true",
        help="check them as 'trident update' does: one without storage keeps the host's",
    )  # fmt: skip
    _add_output(parser)
    _add_verbosity(parser)


def _add_explain(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "explain",
        help="explain a field or a rule of the Host Configuration",
        description="Say what a field of the Host Configuration means: its type, default, values, an\n"
        "example and the rules that it meets; or what the code of a mistake means. Without FIELD:\n"
        "the sections of the file.",
        epilog="examples:\n"
        "  trident explain storage.disks.partitions.size\n"
        "  trident explain partitions.size              the end of a path, where it is clear\n"
        "  trident explain invalid-partition-type       the code of a mistake\n"
        "  trident explain --list | grep -i size        every field, rule and code\n",
    )
    parser.add_argument(
        "topic", metavar="FIELD", nargs="?",
        help="the path of a field, storage.disks[0].id or storage.disks.id; or a rule's code",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="print every name that can be explained")
    _add_output(parser)
    _add_verbosity(parser)


def _add_schema(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "schema",
        help="print the JSON Schema of the Host Configuration, for editors",
        description="Print the JSON Schema (draft 7) of the Host Configuration. Editors with\n"
        "yaml-language-server complete, explain and check by it while you type. It knows the\n"
        "shape of a configuration, not the rules: 'trident validate' has the last word.",
        epilog="examples:\n"
        "  trident schema > trident.schema.json\n"
        "  # yaml-language-server: $schema=trident.schema.json    the first line of host.yaml\n"
        "  check-jsonschema --schemafile trident.schema.json host.yaml\n",
    )
    _add_verbosity(parser)


def _add_graph(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "graph",
        help="draw the storage of a Host Configuration",
        description="Show what is made of what: disks, partitions, arrays, encrypted volumes, A/B pairs,\n"
        "verity devices, swap, file systems and their mount points. Works on any machine, as any user;\n"
        "'-' reads standard input. What is wrong is marked, told on stderr, and makes the exit code 2.\n"
        "svg and png need Graphviz.",
        epilog="examples:\n"
        "  trident graph host.yaml                  a tree on the terminal\n"
        "  trident graph host.yaml -o host.svg      a picture\n"
        "  trident graph host.yaml -f mermaid       text that forges and wikis draw\n"
        "  trident get configuration | trident graph -\n",
    )
    _add_configuration(parser, "the Host Configuration to draw")
    parser.add_argument(
        "-f", "--format", choices=GRAPH_FORMATS,
        help="what to write: %(choices)s [default: by the name of OUTFILE, else tree]",
    )  # fmt: skip
    parser.add_argument("-o", "--outfile", metavar="OUTFILE", help="write to this file instead")
    _add_verbosity(parser)


def _add_get(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "get",
        help="show what this host is",
        description="Print the Host Status, the Host Configuration that the host has, the last error, what\n"
        "can be rolled back (newest first), or the Host Configuration that the next rollback\n"
        "restores.",
        epilog="examples:\n"
        "  trident get                                  the Host Status\n"
        "  trident get configuration > host.yaml        what this host was made from\n"
        "  trident get rollback-target                  what 'trident rollback' would restore\n"
        "  trident get --output json | jq -r .servicingState\n",
    )
    parser.add_argument(
        "kind", metavar="KIND", nargs="?", default="status", choices=GET_KINDS,
        help="what to print: %(choices)s [default: %(default)s]",
    )  # fmt: skip
    parser.add_argument("-o", "--outfile", metavar="OUTFILE", help="write to this file instead")
    _add_output(parser)
    _add_verbosity(parser)


def _add_history(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "history",
        help="show what was done to this host",
        description="List the servicings of this host, newest first: when, what, from and to which volume\n"
        "and image, how long it took, how much it fetched, how it ended, and why it failed. As JSON\n"
        "also the Host Configurations.",
        epilog="examples:\n"
        "  trident history --limit 5\n"
        "  trident history --limit 0 --output json --outfile audit.json      all of it\n",
    )
    parser.add_argument(
        "--limit", metavar="N", type=_count, default=20,
        help="how many, of the newest; 0 for all [default: %(default)s]",
    )  # fmt: skip
    parser.add_argument("-o", "--outfile", metavar="OUTFILE", help="write to this file instead")
    _add_output(parser)
    _add_verbosity(parser)


def _count(text: str) -> int:
    # int() takes more than people write: signs, spaces, underscores, digits of other scripts.
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of servicings, such as 5")
    return int(text)


def _add_diagnose(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "diagnose",
        help="collect what explains this host into one file",
        description="Collect logs, status, history, boot entries, partition tables and more into an archive\n"
        "(.tar.zst) for whoever is to help. Secrets are taken out. It changes nothing, and works on a\n"
        "broken host: what cannot be collected is listed.",
        epilog="examples:\n"
        "  trident diagnose --output /tmp/host.tar.zst\n"
        "  trident diagnose -o /tmp/host.tar.zst --journal --selinux\n"
        "  tar --zstd -xf /tmp/host.tar.zst && less trident-diagnostics/report.json\n",
    )
    parser.add_argument(
        "-o", "--output", dest="outfile", metavar="OUTFILE", required=True, help="the archive"
    )
    parser.add_argument(
        "--journal", action="store_true", help="include the journal of this boot, with the kernel's messages"
    )
    parser.add_argument("--selinux", action="store_true", help="include SELinux' audit log")
    _add_verbosity(parser)


def _add_image(verbs: Verbs[_Parser]) -> None:
    image = verbs.add_parser(
        "image",
        help="build, inspect, verify or write COSI images",
        description="Work with Composable OS Images (COSI).",
    )
    actions = image.add_subparsers(dest="action", metavar="ACTION", required=True, title="actions")
    build = actions.add_parser(
        "build",
        help="make a COSI from a root tree",
        description="Make a COSI 1.2 from a root tree (a directory or a tar archive) and a layout file.\n"
        "The same input gives the same bytes. The layout file is described in docs/image-layout.md.",
    )
    build.add_argument("tree", metavar="TREE", help="the root tree: a directory, or a tar archive")
    build.add_argument("layout", metavar="LAYOUT", help="the layout file (YAML)")
    build.add_argument("-o", "--outfile", metavar="COSI", required=True, help="the image to write")
    inspect = actions.add_parser(
        "inspect", help="show what a COSI holds", description="Show what a COSI holds."
    )
    verify = actions.add_parser(
        "verify",
        help="check every byte of a COSI",
        description="Read a COSI whole: hashes, sizes and the partition table.",
    )
    write = actions.add_parser(
        "write",
        help="write a COSI to a disk or a file",
        description="Lay a whole disk image from a COSI: partition table and file systems.\n"
        "For test machines and flashing; 'trident install' is the way to a serviced host.",
    )
    for parser in (inspect, verify, write):
        parser.add_argument("image", metavar="IMAGE", help="path or URL (file, http, https) of the COSI")
        parser.add_argument(
            "--sha384", default="ignored", help="expected SHA-384 of its metadata [default: %(default)s]"
        )
    write.add_argument("target", metavar="TARGET", help="the disk (or file) to write; its content is lost")
    for parser in (build, inspect, verify, write):
        _add_output(parser)
        _add_verbosity(parser)


def _add_help(verbs: Verbs[_Parser]) -> None:
    parser = verbs.add_parser(
        "help",
        help="show this message or a command's help",
        description="Print the help of trident, or of the given command: 'trident help image build'.",
    )
    parser.add_argument("command", metavar="COMMAND", nargs="*", help="the command to explain")
    _add_verbosity(parser)


def _add_configuration(parser: argparse.ArgumentParser, description: str) -> None:
    parser.add_argument(
        "config", metavar="CONFIG", nargs="?", default=DEFAULT_CONFIGURATION_PATH,
        help=f"{description} [default: %(default)s]",
    )  # fmt: skip


def _operations(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in OPERATIONS:
            raise argparse.ArgumentTypeError(
                f"'{name}' is not an operation; choose from {', '.join(OPERATIONS)} "
                "(CONFIG goes before this option, or write --allowed-operations=stage CONFIG)"
            )
    return names


def _add_operations(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allowed-operations", metavar="OPERATION", nargs="*", type=_operations, default=[OPERATIONS],
        help="comma-separated operations that Trident may perform: stage, finalize [default: stage,finalize]",
    )  # fmt: skip


def _add_confirm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--confirm", action="store_true", help="show the plan first and ask on the terminal whether to go on"
    )


def _add_reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-s", "--status", metavar="STATUS", help="save the resulting Host Status to this file"
    )
    parser.add_argument("-e", "--error", metavar="ERROR", help="save an eventual fatal error to this file")
    parser.add_argument(
        "--progress-fd", metavar="FD", type=int, help="write progress events as JSON Lines to this descriptor"
    )
    _add_output(parser)
    _add_verbosity(parser)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", choices=("text", "json"), default="text", help="what to print [default: %(default)s]"
    )


def _add_verbosity(parser: argparse.ArgumentParser, default: str | None = argparse.SUPPRESS) -> None:
    # On a verb the option has no default of its own, so that 'trident -v INFO get' keeps its INFO.
    parser.add_argument(
        "-v", "--verbosity", metavar="VERBOSITY", type=str.upper, choices=VERBOSITIES, default=default,
        help="what the log on stderr shows: OFF, ERROR, WARN, INFO, DEBUG, TRACE "
        "[default: DEBUG for a servicing in a pipe, else WARN]",
    )  # fmt: skip
