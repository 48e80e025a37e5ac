"""What a target sent is cut so that the places of findings stay in sight, and quantities are words."""

from __future__ import annotations

import pytest
import report_sample as sample
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.quoting import visible
from conformance.report.excerpt import excerpt, is_binary, surroundings
from conformance.report.quantities import byte_size, counted, duration, listed


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (byte_size(1), "1 byte"),
        (byte_size(999), "999 bytes"),
        (byte_size(31_249), "31.2 kB"),
        (byte_size(4_700_000), "4.7 MB"),
        (duration(0.3124), "312 ms"),
        (duration(0.9999), "1.0 s"),
        (duration(125), "2 min 05 s"),
        (counted(1, "request"), "1 request"),
        (counted(2000, "request"), "2,000 requests"),
        (listed([]), ""),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (listed(list("abcdefg")), "a, b, c, d, e and 2 more"),
    ],
)
def test_quantities_are_words(shown: str, expected: str) -> None:
    assert shown == expected


@given(st.binary(max_size=3000) | st.text(max_size=900).map(str.encode), st.integers(0, 2000),
       st.lists(st.integers(-5, 4000), max_size=6))  # fmt: skip
@example(b"\x00\x80", 0, [0, 1])
def test_an_excerpt_covers_the_body_and_shows_each_place(data: bytes, limit: int, offsets: list[int]) -> None:
    parts = excerpt(data, limit, offsets)
    position = 0
    for part in parts:
        assert part.offset == position
        following = next((other.offset for other in parts if other.offset > position), len(data))
        position = following if not part.omitted else position + part.omitted
    assert position == len(data)
    marks = [part for part in parts if part.marked]
    assert len(marks) >= (1 if offsets else 0)
    assert sum(len(part.text.encode("utf-8", "replace")) for part in parts) <= 4 * (limit + 900 * max(len(offsets), 1))


@given(st.text(max_size=400), st.integers(0, 500), st.lists(st.integers(0, 900), max_size=4))
def test_no_cut_tears_a_character(text: str, limit: int, offsets: list[int]) -> None:
    shown = "".join(part.text for part in excerpt(text.encode(), max(limit, 2000), offsets))
    assert shown == visible(text)


def test_a_mark_begins_at_the_offset_and_ends_with_the_line() -> None:
    body = b'data: {"a": 1}\n\ndata: [DONE]\n\ndata: [DONE]\n\n'
    marked = [part for part in excerpt(body, 1000, [30]) if part.marked]
    assert [(part.offset, part.text) for part in marked] == [(30, "data: [DONE]")]


def test_an_offset_beyond_the_end_marks_the_end() -> None:
    assert excerpt(b"abc", 100, [99])[-1].marked
    assert excerpt(b"", 100, [0])[-1].marked
    assert surroundings(b"abc", 10**9)[-1].marked


def test_a_far_offset_is_shown_and_the_rest_counted() -> None:
    parts = excerpt(b"x" * 100_000, 1000, [60_000])
    assert [part.omitted for part in parts if part.omitted] == [60_000 - 300 - 1000, 100_000 - 60_000 - 80 - 500]


def test_compressed_bytes_are_not_taken_for_text() -> None:
    assert is_binary(bytes(range(256)))
    assert not is_binary(sample.HOSTILE.encode("utf-8", "replace"))
    assert not is_binary(b"")
