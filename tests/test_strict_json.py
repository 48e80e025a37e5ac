"""JSON is read strictly: one document by RFC 8259, and everything that lenient parsers let pass is named."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.strict_json import MAX_DEPTH, JsonRule, parse

SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["a:", '":', '" :', "{[", "\\", " :"])
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXTS, children, max_size=4),
    max_leaves=12,
)


def rules(source: str | bytes) -> list[JsonRule]:
    return [fault.rule for fault in parse(source).faults]


@given(VALUES, st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]), st.booleans())
def test_every_json_text_is_read_without_a_fault(value: Any, separators: tuple[str, str], ascii_only: bool) -> None:
    text = json.dumps(value, separators=separators, ensure_ascii=ascii_only)
    assert parse(text) == parse(f" \r\n\t{text}\n") == parse(text.encode())
    assert parse(text) == (value, True, ())


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("", JsonRule.SYNTAX),
        (" \n", JsonRule.SYNTAX),
        ("{", JsonRule.SYNTAX),
        ("[1,]", JsonRule.SYNTAX),
        ('{"a":1,}', JsonRule.SYNTAX),
        ("{'a':1}", JsonRule.SYNTAX),
        ("{a:1}", JsonRule.SYNTAX),
        ('"a\nb"', JsonRule.SYNTAX),
        ("01", JsonRule.ONE_DOCUMENT),
        ("\ufeff{}", JsonRule.SYNTAX),
        ("\u00a0{}", JsonRule.SYNTAX),
        ("data: {}", JsonRule.SYNTAX),
        ("error: engine failed", JsonRule.SYNTAX),
        ("{}{}", JsonRule.ONE_DOCUMENT),
        ('{"a":1}\n{"b":2}', JsonRule.ONE_DOCUMENT),
        ('{"a":1} x', JsonRule.ONE_DOCUMENT),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), JsonRule.DEPTH),
        ("[" * 1_000_000, JsonRule.DEPTH),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, JsonRule.DEPTH),
    ],
)
def test_a_text_that_is_not_one_document_is_unreadable(source: str, rule: JsonRule) -> None:
    document = parse(source)
    assert not document.readable
    assert document.value is None
    assert [fault.rule for fault in document.faults] == [rule]


@pytest.mark.parametrize(
    ("source", "value", "rule"),
    [
        ("NaN", None, JsonRule.SYNTAX),
        ('{"a":[Infinity,-Infinity]}', {"a": [None, None]}, JsonRule.SYNTAX),
        ('{"a":1,"a":2}', {"a": 2}, JsonRule.UNIQUE_NAMES),
        ('{"a" :1,"a":2}', {"a": 2}, JsonRule.UNIQUE_NAMES),
        ('{"a":":","a":2}', {"a": 2}, JsonRule.UNIQUE_NAMES),
        ('{"a":"b","c":{"d":1,"\\u0064":2}}', {"a": "b", "c": {"d": 2}}, JsonRule.UNIQUE_NAMES),
        ('{"a"\n:1,"a":"\\":"}', {"a": '":'}, JsonRule.UNIQUE_NAMES),
        ('["\\ud83d"]', ["\ufffd"], JsonRule.SURROGATES),
        ('{"\\uDE00":1}', {"\ufffd": 1}, JsonRule.SURROGATES),
        ('"\\ude00\\ud83d"', "\ufffd\ufffd", JsonRule.SURROGATES),
        ("1e999", sys.float_info.max, JsonRule.NUMBERS),
        ('{"a":-1e999}', {"a": -sys.float_info.max}, JsonRule.NUMBERS),
        ("9" * 400, int(sys.float_info.max), JsonRule.NUMBERS),
        ('{"a":[-' + "9" * 5000 + "]}", {"a": [-int(sys.float_info.max)]}, JsonRule.NUMBERS),
        (b"\xef\xbb\xbf{}", {}, JsonRule.BYTE_ORDER_MARK),
        (b'{"a":"\xff"}', {"a": "\ufffd"}, JsonRule.ENCODING),
        (b'{"a":"\xed\xa0\x80"}', {"a": "\ufffd\ufffd\ufffd"}, JsonRule.ENCODING),
    ],
)
def test_what_lenient_parsers_ignore_is_named(source: str | bytes, value: Any, rule: JsonRule) -> None:
    document = parse(source)
    assert document.readable
    assert document.value == value
    assert [fault.rule for fault in document.faults] == [rule]


def test_several_faults_of_one_document_are_all_named() -> None:
    assert rules(b'\xef\xbb\xbf{"a":NaN,"a":"\\ud800\xff"}') == [
        JsonRule.BYTE_ORDER_MARK,
        JsonRule.ENCODING,
        JsonRule.SYNTAX,
        JsonRule.UNIQUE_NAMES,
        JsonRule.SURROGATES,
    ]


@pytest.mark.parametrize(
    "text",
    [
        '"\\ud83d\\ude00"',
        '{"a":"x: y, \\":\\" z"}',
        '{"a":"[[[[{{{{' + "[" * 500 + '"}',
        "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        "[" + ",".join(["{}"] * 500) + "]",
        str(int(sys.float_info.max)),
        "-1.7976931348623157e308",
        '{"a":1,"b":{"a":2}}',
        '{"":0}',
    ],
)
def test_what_only_looks_suspicious_has_no_fault(text: str) -> None:
    assert parse(text) == (json.loads(text), True, ())


@given(st.text() | st.text(alphabet='{}[]":,\\u0d8ae1-. NaN\n'))
@example('{"a":1,"a":1}')
def test_a_text_without_fault_is_one_that_a_parser_with_every_check_accepts(text: str) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("duplicate")
        return dict(pairs)

    def refuse(name: str) -> None:
        raise ValueError(name)

    document = parse(text)
    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        assert document.faults
    else:
        assert document == (value, True, ())


@given(st.binary())
def test_any_bytes_give_a_document_or_faults(source: bytes) -> None:
    document = parse(source)
    assert document.readable or document.faults
    assert all(fault.actual.isprintable() for fault in document.faults)
