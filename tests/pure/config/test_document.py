"""YAML that cannot be read: one sentence in our words, at its place, without reading more than needed."""

from __future__ import annotations

import pytest

from tests.pure.config.sample import told
from trident.config.document import MAX_BYTES, MAX_DEPTH, MAX_VALUES, read_document
from trident.config.nodes import ScalarNode, find

COLON = "A ':' is not expected here: the line above may be indented differently, or the value needs quotes."
TWICE = "The key 'a' stands twice in the same mapping; the first is on line 1."
TWO_DOCUMENTS = "A second YAML document starts here, but a Host Configuration is one document."
NOT_TEXT = "stands here, which YAML text may not contain."
NO_MEANING = "has no meaning in a Host Configuration."
INNER_MARK = "A byte order mark (U+FEFF) stands here, which nobody sees; it is part of the text around it."
FIRST_MARK = "The file starts with a byte order mark, which moves its first line one column to the right."
EMPTY = "The file is empty; a Host Configuration needs at least an image and storage."

OPENED = " It starts on line 1."

SYNTAX = [
    ("a: [1, 2\n", 2, 1, "A list that starts with '[' is not closed, or a ',' is missing." + OPENED),
    ("a: {b: 1\n", 2, 1, "A mapping that starts with '{' is not closed, or a ',' is missing." + OPENED),
    ("a: 'x\n", 2, 1, "A quoted text is not closed before the end of the file." + OPENED),
    ('a: "x\n---\n', 2, 1, "A quoted text is not closed before the next document starts." + OPENED),
    (
        "a: b: c\n",
        1,
        5,
        COLON,
    ),
    ("a:\n\t- b\n", 2, 1, "A tab stands where spaces are needed."),
    ("a:\n  b: 1\n\tc: 2\n", 3, 1, "A tab stands where spaces are needed."),
    ("a: 1\n b: 2\n", 2, 3, COLON),
    ("a:\n  - 1\n c: 2\n", 3, 2, "This does not fit into the mapping around it."),
    ("- 1\nb: 2\n", 2, 1, "This does not fit into the list around it."),
    ("a: 1\nb\nc: 3\n", 3, 1, "A key without ':' stands here, or the text before it is not finished."),
    ("a: @x\n", 1, 4, "The character '@' cannot start a value."),
    ("a: `x`\n", 1, 4, "The character '`' cannot start a value."),
    ("a: %x\n", 1, 4, "The character '%' cannot start a value."),
    ("a: }\n", 1, 4, "A value is missing here."),
    ("a: *\n", 1, 5, "The name of an anchor ('&') or alias ('*') consists of letters, digits, '-' and '_'."),
    ('a: "\\q"\n', 1, 5, "This backslash escape does not exist in double-quoted text."),
    ('a: "\\xzz"\n', 1, 7, "This escape needs hexadecimal digits of an existing character."),
    ('a: "\\ud800"\n', 1, 7, "This escape needs hexadecimal digits of an existing character."),
    ('a: "\\U00110000"\n', 1, 7, "This escape needs hexadecimal digits of an existing character."),
    ('a: "\\UFFFFFFFF"\n', 1, 7, "This escape needs hexadecimal digits of an existing character."),
    ("a: |0\n  x\n", 1, 5, "The header of this block text ('|' or '>') is not valid."),
    ("a: - b\n", 1, 4, "A list item ('- ') is not expected here."),
    ("%YAML 3.0\n---\na: 1\n", 1, 1, "This directive ('%') cannot be read."),
    ("{a: 1}\n}\n", 2, 1, "This does not belong to the document above it."),
    ("a: !x!y z\n", 1, 4, "This tag ('!') cannot be read."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "column", "message"), SYNTAX)
def test_a_syntax_error_is_told_in_our_words(text: str, line: int, column: int, message: str) -> None:
    assert told(text) == [f"{line}:{column} yaml-syntax: {message}"]


MISTAKES: list[tuple[str | bytes, str]] = [
    ("a: 1\nb: 2\na: 3\n", f"3:1 yaml-duplicate-key: {TWICE}"),
    ('"a": 1\na: 3\n', f"2:1 yaml-duplicate-key: {TWICE}"),
    ("a: *b\n", "1:4 yaml-unknown-anchor: The alias '*b' refers to an anchor that does not stand above it."),
    ("a: &b [*b]\n", "1:8 yaml-recursive-alias: The alias '*b' stands inside of what it refers to."),
    ("x: &b {c: 1}\nos:\n  <<: *b\n", "3:3 unknown-field: The os section has no field '<<'."),
    ("? [1, 2]\n: 3\n", "1:3 yaml-key-not-text: A key must be text, but here it is a list or a mapping."),
    ("? {a: 1}\n: 3\n", "1:3 yaml-key-not-text: A key must be text, but here it is a list or a mapping."),
    ("a: 1\n---\nb: 2\n", f"2:1 yaml-several-documents: {TWO_DOCUMENTS}"),
    ("a: 1\n...\n---\n", f"3:1 yaml-several-documents: {TWO_DOCUMENTS}"),
    ("a: !vault x\n", f"1:4 yaml-tag: The tag '!vault' {NO_MEANING}"),
    ("a: !!binary aGk=\n", f"1:4 yaml-tag: The tag '!!binary' {NO_MEANING}"),
    ("a: !!python/name:os.system\n", f"1:4 yaml-tag: The tag '!!python/name:os.system' {NO_MEANING}"),
    ("a: \x07\n", f"1:4 yaml-invalid-character: The character U+0007 {NOT_TEXT}"),
    ("a: 1\nb: \x00\n", f"2:4 yaml-invalid-character: The character U+0000 {NOT_TEXT}"),
    ("a: \ud800\n", f"1:4 yaml-invalid-character: The character U+D800 {NOT_TEXT}"),
    ("a: \ufeffb\n", f"1:4 yaml-byte-order-mark: {INNER_MARK}"),
    ("\ufeffa: 1\nb: 2\n", f"1:1 yaml-byte-order-mark: {FIRST_MARK}"),
    ("\ufeff---\na: 1\n", f"1:1 yaml-byte-order-mark: {FIRST_MARK}"),
    (b"a: 1\nb: caf\xe9\n", "2:7 yaml-not-utf-8: The file is not UTF-8: byte 0xe9 stands here."),
    ("a: 1".encode("utf-16"), "1:1 yaml-not-utf-8: The file is not UTF-8: it starts like UTF-16 or UTF-32."),
    (b"a: 1\n\xc3", "2:1 yaml-not-utf-8: The file is not UTF-8: byte 0xc3 stands here."),
    ("", f"1:1 yaml-empty: {EMPTY}"),
    ("# only a comment\n", f"1:1 yaml-empty: {EMPTY}"),
    ("---\n", f"1:1 yaml-empty: {EMPTY}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "first"), MISTAKES)
def test_a_mistake_beyond_syntax_is_told_where_it_is(text: str | bytes, first: str) -> None:
    assert first in told(text)


@pytest.mark.parametrize("text", ["{a: *b}\n", "# a comment\n a: *b\n", "\n  a: *b\n"])
def test_a_byte_order_mark_is_a_warning_where_it_moves_nothing(text: str) -> None:
    document = read_document("\ufeff" + text)
    first, second = document.findings
    assert (first.code, first.line, first.column, first.is_warning) == ("yaml-byte-order-mark", 0, 0, True)
    assert document.line(second.line)[second.column :].startswith("*b")


def test_several_mistakes_are_told_together() -> None:
    text = "a: 1\na: 2\nb: *x\nc: !t 1\n"
    assert [f.code for f in read_document(text).findings] == [
        "yaml-duplicate-key",
        "yaml-unknown-anchor",
        "yaml-tag",
    ]


def test_columns_count_characters_not_bytes() -> None:
    assert [f.column for f in read_document("k: [ünïcödé, *x]\n").findings] == [13]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_every_line_break_of_yaml_is_one(line_break: str) -> None:
    document = read_document(line_break.join(["a: 1", "b: &x 2", "c: *y"]))
    assert [(f.line, document.line(f.line)) for f in document.findings] == [(2, "c: *y")]


def test_aliases_that_explode_are_stopped_before_they_are_expanded() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    (finding,) = read_document("\n".join(levels)).findings
    assert (finding.code, finding.line) == ("yaml-too-many-values", 5)


def test_depth_is_bounded_for_brackets_and_for_indentation() -> None:
    brackets = "a: " + "[" * 100_000
    assert [f.code for f in read_document(brackets).findings] == ["yaml-too-deep"]
    indented = "".join(f"{' ' * n}a:\n" for n in range(MAX_DEPTH + 10))
    assert [(f.code, f.line) for f in read_document(indented).findings] == [("yaml-too-deep", MAX_DEPTH)]


def test_depth_counts_what_an_alias_brings() -> None:
    text = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, MAX_DEPTH + 5))
    (finding,) = read_document(text).findings
    assert (finding.code, finding.line) == ("yaml-too-deep", MAX_DEPTH - 1)


def test_as_many_values_and_levels_as_promised_are_read() -> None:
    assert read_document("- 1\n" * (MAX_VALUES - 1)).findings == []
    assert read_document("[" * MAX_DEPTH + "]" * MAX_DEPTH).findings == []


def test_one_value_too_many_is_told_where_it_stands() -> None:
    (finding,) = read_document("- 1\n" * MAX_VALUES + "- 1\n").findings
    assert (finding.code, finding.line) == ("yaml-too-many-values", MAX_VALUES)


def test_a_file_that_is_too_large_is_not_even_parsed() -> None:
    (finding,) = read_document(b"#" * (MAX_BYTES + 1)).findings
    assert finding.message == "The file is larger than 8 MiB, which no Host Configuration needs to be."


def test_a_hundred_thousand_mistakes_stay_a_list_that_can_be_read() -> None:
    assert len(read_document("a: 1\n" * 100_000).findings) == 1000


def test_a_tag_is_kept_beside_the_value_and_does_not_change_how_it_was_written() -> None:
    root = read_document("a: !!str 12\nb: !!int '12'\nc: ! 12\nd: 12\n").root
    nodes = [find(root, (key,))[1] for key in "abcd"]
    found = [(node.plain, node.tag) for node in nodes if isinstance(node, ScalarNode)]
    core = "tag:yaml.org,2002:"
    assert found == [(True, core + "str"), (False, core + "int"), (True, "!"), (True, "")]


def test_an_alias_is_the_value_that_it_names() -> None:
    root = read_document("a: &x [1, 2]\nb: *x\n").root
    assert find(root, ("b",))[1] is find(root, ("a",))[1]


def test_without_libyaml_the_same_mistakes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    for text, line, _column, message in SYNTAX:
        (finding,) = read_document(text).findings
        bare = message.removesuffix(OPENED)  # It may find the mistake on that very line.
        assert (finding.code, finding.message.removesuffix(OPENED)) == ("yaml-syntax", bare), text
        assert finding.line + 1 in (line - 1, line), text
    for source, first in MISTAKES:
        assert first in told(source), source
