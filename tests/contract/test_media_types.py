"""Media types are compared without their parameters and in any letter case."""

from __future__ import annotations

import pytest

from conformance.contract.media_types import essence, is_event_stream, is_json, parameters


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (None, ""),
        ("", ""),
        ("Application/JSON", "application/json"),
        (" text/event-stream ; charset=utf-8", "text/event-stream"),
    ],
)
def test_the_essence_is_the_type_in_lower_case(declared: str | None, expected: str) -> None:
    assert essence(declared) == expected


def test_parameters_have_names_in_lower_case_and_values_without_quotation_marks() -> None:
    assert parameters('text/plain; Charset="UTF-8"; ; q = 1') == {"charset": "UTF-8", "q": "1"}
    assert parameters(None) == {}


def test_json_is_itself_or_a_suffix() -> None:
    assert is_json("application/json; charset=utf-8")
    assert is_json("application/problem+json")
    assert not is_json("text/json")
    assert not is_json(None)


def test_an_event_stream_is_one_by_its_essence_alone() -> None:
    assert is_event_stream("Text/Event-Stream; charset=utf-8")
    assert not is_event_stream("application/json; note=text/event-stream")
