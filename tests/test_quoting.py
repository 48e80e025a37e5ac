"""What a target wrote is quoted short and harmless in messages, and shown with nothing hidden elsewhere."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.quoting import as_json, as_path, one_line, quoted, visible

any_text = st.text(st.characters(categories=None), max_size=60)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(any_text, inner, max_size=30),
)


@given(any_text)
def test_visible_text_has_no_character_that_acts(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    kinds = {unicodedata.category(character) for character in shown if character not in "\t\n\u200c\u200d"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ufeff")


@given(any_text)
def test_visible_text_is_stable(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_words_of_all_scripts_stay_as_they_are() -> None:
    text = "Grüße, 世界 — नमस्ते, עברית, 👩‍👩‍👧 \t and\nlines"
    assert visible(text) == text


def test_escapes_name_the_character() -> None:
    assert visible("\x1b[0m\x00\r\x9b\u202e\ud83d\U000e0041") == "\\x1b[0m\\x00\\r\\x9b\\u202e\\ud83d\\U000e0041"
    assert one_line("a\nb\tc") == "a\\nb\\tc"
    assert one_line("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("it's", '"it\'s"'),
        ("naïve\n", "'na\\xefve\\n'"),
        (b"ok\xff", "'ok\\\\xff'"),
        ("a" * 81, f"'{'a' * 80}'… (81 characters in all)"),
        (b"a" * 400, f"'{'a' * 80}'… (400 bytes in all)"),
        (None, "null"),
        ({"a": [1, True]}, '{"a": [1, true]}'),
        (["é"], '["\\u00e9"]'),
        (["a"] * 100, '["a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a"…'),
    ],
)
def test_a_message_quotes_text_in_marks_and_other_values_as_json(value: Any, expected: str) -> None:
    assert quoted(value) == expected


@given(any_json, st.integers(1, 200))
def test_json_in_a_message_is_ascii_and_bounded(value: Any, limit: int) -> None:
    text = as_json(value, limit)
    assert len(text) <= limit
    assert text.removesuffix("…").isascii()
    assert "\x7f" not in text


def test_a_deep_or_huge_value_costs_nothing() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert as_json(deep).startswith("[[[")
    assert as_json({"a": "x" * 10_000_000}).endswith("…")


def test_paths_are_written_as_people_write_them() -> None:
    assert as_path(()) == ""
    assert as_path(("choices", 0, "delta", "x-y")) == "choices[0].delta.x-y"
    assert as_path((0, "a b")) == '[0]["a b"]'
