"""Copies of what the host keeps, without its secrets: text, logs, YAML, and the datastore."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trident.config.secrets import HIDDEN, Redactor
from trident.state.text import dump_yaml, parse_yaml

_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")
_KEY_END = "-----END "
_KEY_CUT = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY")
# A private key has fewer lines; if its end is missing, the text goes on behind them.
_KEY_LINES = 200
_CHUNK_LINES = 1000
# Older rows say nothing that the newer ones, history and logs do not.
_KEPT_ROWS = 500
_LARGEST_DATASTORE = 256 * 1024 * 1024
_WAIT = 3.0


def scrubbed_text(text: str, redactor: Redactor) -> str:
    """Text without secrets, a private key over many lines too."""
    lines = list(_without_keys(text.splitlines(keepends=True)))
    chunks = ("".join(lines[start : start + _CHUNK_LINES]) for start in range(0, len(lines), _CHUNK_LINES))
    return "".join(map(redactor.text, chunks))


def _without_keys(lines: list[str]) -> Iterator[str]:
    inside, cut = 0, _cut_key(lines)
    if cut:
        yield f"{HIDDEN}\n"
    for line in lines[cut:]:
        if inside:
            inside = 0 if _KEY_END in line else inside - 1
            continue
        if _KEY_BEGIN.search(line) and _KEY_END not in line:
            inside = _KEY_LINES
            yield _KEY_BEGIN.split(line)[0] + f"{HIDDEN}\n"
            continue
        yield line


def _cut_key(lines: list[str]) -> int:
    """How many lines belong to a private key whose beginning is cut off: of a long text the end is taken."""
    for count, line in enumerate(lines[:_KEY_LINES], start=1):
        if _KEY_BEGIN.search(line):
            break
        if _KEY_CUT.search(line):
            return count
    return 0


def scrubbed_log(text: str, redactor: Redactor) -> str:
    """JSON Lines without secrets; a line that is no JSON is treated as text."""
    # Not str.splitlines(), which also splits at characters that a JSON string may hold, such as U+2028.
    lines = text.removesuffix("\n").split("\n") if text else ()
    return "".join(_scrubbed_line(line, redactor) for line in lines)


def _scrubbed_line(line: str, redactor: Redactor) -> str:
    try:
        document = json.loads(line)
    except ValueError:
        return scrubbed_text(line, redactor) + "\n"
    return json.dumps(redactor.document(document), ensure_ascii=False) + "\n"


def parsed(text: str) -> Any:
    """The document that a YAML or JSON text holds.

    Raises:
        ValueError: it is neither.
    """
    # What stands behind a tag nobody can judge.
    return parse_yaml(text, tags=False)


def scrubbed_yaml(text: str, redactor: Redactor) -> str:
    """YAML without secrets.

    Raises:
        ValueError: it is no YAML, so that nobody can say where a secret stands.
    """
    return dump_yaml(redactor.document(parsed(text)))


def datastore_documents(path: Path) -> Iterator[Any]:
    """Every Host Status and Host Configuration in a datastore, newest first; none if it cannot be read."""
    with (
        contextlib.suppress(sqlite3.Error, OSError, UnicodeError),
        contextlib.closing(_opened(path)) as store,
    ):
        tables = {row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in sorted({"hoststatus", "configurations"} & tables):
            rows = store.execute(f"SELECT DISTINCT contents FROM {table} ORDER BY id DESC LIMIT {_KEPT_ROWS}")
            for (text,) in rows:
                with contextlib.suppress(ValueError):
                    yield parsed(str(text))


def scrubbed_datastore(path: Path, redactor: Redactor) -> bytes:
    """A copy of a datastore with the secrets taken out of every row.

    Raises:
        OSError: it cannot be read, or is too large.
        sqlite3.Error: it is damaged; what is in it cannot be told apart then, so it is not copied.
    """
    if path.stat().st_size > _LARGEST_DATASTORE:
        raise OSError(f"{path} is larger than {_LARGEST_DATASTORE >> 20} MiB")
    with (
        contextlib.closing(_opened(path)) as source,
        contextlib.closing(sqlite3.connect(":memory:")) as copy,
    ):
        source.backup(copy)
        for (trigger,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {_name(trigger)}")
        tables = copy.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        for (table,) in tables.fetchall():
            _scrub_table(copy, table, redactor)
        copy.commit()
        copy.execute("VACUUM")  # What was deleted or replaced must not linger in free pages.
        return copy.serialize()


def _scrub_table(copy: sqlite3.Connection, table: str, redactor: Redactor) -> None:
    name = _name(table)
    if table == "hoststatus":
        copy.execute(
            f"DELETE FROM {name} WHERE rowid NOT IN "
            f"(SELECT rowid FROM {name} ORDER BY rowid DESC LIMIT {_KEPT_ROWS})"
        )
    columns = [_name(row[1]) for row in copy.execute(f"PRAGMA table_info({name})")]
    for column in columns:
        texts = copy.execute(
            f"SELECT rowid, {column} FROM {name} WHERE typeof({column}) IN ('text', 'blob')"
        ).fetchall()
        for row, value in texts:
            scrubbed = _scrubbed_cell(value, redactor)
            if scrubbed != value:
                copy.execute(f"UPDATE {name} SET {column} = ? WHERE rowid = ?", (scrubbed, row))


def _scrubbed_cell(value: str | bytes, redactor: Redactor) -> str:
    if isinstance(value, bytes):
        return HIDDEN
    with contextlib.suppress(ValueError):
        document = json.loads(value)
        return (
            json.dumps(redactor.document(document))
            if isinstance(document, dict | list)
            else redactor.text(value)
        )
    try:
        document = parsed(value)
    except ValueError:
        # Several lines that are no document: a configuration that nobody can read any more.
        return HIDDEN if "\n" in value else redactor.text(value)
    if isinstance(document, dict | list):
        return scrubbed_yaml(value, redactor)
    return redactor.text(value)


def _opened(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even what a killed writer left half done."""
    quoted = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(f"file:{quoted}?mode=ro", uri=True, timeout=_WAIT)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection = sqlite3.connect(f"file:{quoted}?mode=ro&immutable=1", uri=True, timeout=_WAIT)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
