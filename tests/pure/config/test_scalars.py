"""What plain YAML scalars mean, case by case, as serde_yaml 0.9 reads them."""

from __future__ import annotations

import math

import pytest

from trident.config.scalars import integer, meaning

TEXT = [
    "yes", "no", "on", "off", "y", "n", "Yes", "ON", "tRUE", "nUll", "NaN", "nan", "inf", "Infinity",
    "0755", "00", "-01", "+007", "1_000", "1,000", "0X1F", "0x", "0o8", "0b2", "0xfg", "++1", "+-1", "--1",
    "1-", "12:30", "12:30:45", "2024-01-31", "2024-01-31T10:00:00Z", "1.2.3", "1e", "e1", ".", "..", "+",
    "-", "+.", "1e999", "10.0.0.1/24", "52:54:00:12:34:56", "=", "<<", "0x-1", "0x+1", "1 2", "٣", "½",
    "１２", "1\n2",
]  # fmt: skip

VALUES = [
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False),
    ("0", 0), ("-0", 0), ("12", 12), ("+12", 12), ("-12", -12), ("0x1F", 31), ("0xff", 255), ("-0x1f", -31),
    ("0o17", 15), ("0o755", 493), ("+0o17", 15), ("0b101", 5), ("18446744073709551615", 2**64 - 1),
    (str(2**128 - 1), 2**128 - 1), (str(-(2**127)), -(2**127)),
    ("1.5", 1.5), ("-1.5", -1.5), ("+1.5", 1.5), ("1.", 1.0), (".5", 0.5), ("-.5", -0.5), ("1e3", 1000.0),
    ("1E3", 1000.0), ("1e-3", 0.001), ("1.e+3", 1000.0), ("00.5", 0.5), ("12e03", 12000.0),
    (".inf", math.inf), ("+.INF", math.inf), ("-.Inf", -math.inf), (str(2**128), float(2**128)),
]  # fmt: skip


@pytest.mark.parametrize("text", TEXT)
def test_it_is_text(text: str) -> None:
    assert meaning(text) == text


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_it_is_a_value(text: str, value: object) -> None:
    found = meaning(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_one_value_of_its_own() -> None:
    assert str(meaning(".nan")) == "nan"


def test_a_number_of_a_million_digits_is_read_in_no_time_as_text() -> None:
    assert meaning("9" * 1_000_000) == "9" * 1_000_000
    assert integer("9" * 1_000_000) is None
