"""The head of an answer as it came: what lenient clients ignore is reported, and what is allowed is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reading import read_head

GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"

ALLOWED = {
    "an ordinary head": GOOD,
    "no reason, but its space": b"HTTP/1.1 200 \r\n\r\n",
    "an older version": b"HTTP/1.0 404 Not Found\r\n\r\n",
    "a reason beyond ASCII": b"HTTP/1.1 400 Mauvaise requ\xeate\r\n\r\n",
    "any case of names, and no space after the colon": b"HTTP/1.1 200 OK\r\ncontent-TYPE:text/plain\r\n\r\n",
    "an empty value": b"HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Blank: \t \r\n\r\n",
    "tabs and octets beyond ASCII in a value": b"HTTP/1.1 200 OK\r\nX-Odd: a\tb \xe9\xff\r\n\r\n",
    "a list in several fields": b"HTTP/1.1 200 OK\r\nVary: a\r\nVary: b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
    "fields about the connection that it names": (
        b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive, upgrade\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n\r\n"
    ),
    "fields about the connection that a second field names": (
        b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n"
    ),
    "chunked in any case": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
    "an interim answer before": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + GOOD,
    "frames of HTTP/2 behind 101, which the client offered": (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\n\x00\x00d\n\r\n"
    ),
    "a head that broke off in its first line": b"HTTP/1.1 20",
    "an empty line before": b"\r\n" + GOOD,
    "a head that broke off in a line": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.mark.parametrize("head", ALLOWED.values(), ids=ALLOWED)
def test_what_is_allowed_is_not_reported(head: bytes) -> None:
    reading = read_head(head)
    assert reading.deviations == ()
    assert ("transport.status-line" in reading.applicable) is (b"\n" in head)


FAULTS = {
    "no space after the status": (b"HTTP/1.1 200\r\n\r\n", "status-line"),
    "a status of two digits": (b"HTTP/1.1 20 OK\r\n\r\n", "status-line"),
    "no HTTP": (b"hello\r\n\r\n", "status-line"),
    "no line at all": (b'{"id": 1}', "status-line"),
    "a page, whose lines are not judged": (b"<html>\n<p>\n a\n</html>\n", "status-line"),
    "frames of HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "status-line"),
    "LF alone in the head of 101": (
        b"HTTP/1.1 101 Switching\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n\0",
        "line-ends",
    ),
    "LF alone": (GOOD.replace(b"OK\r\n", b"OK\n"), "line-ends"),
    "CR inside a line": (GOOD.replace(b"json", b"js\ron"), "line-ends"),
    "a folded field": (GOOD.replace(b"\r\n\r\n", b"\r\nX-A: b\r\n c\r\n\r\n"), "no-folding"),
    "a space before the colon": (GOOD.replace(b"Length:", b"Length :"), "field-lines"),
    "no colon": (GOOD.replace(b"\r\n\r\n", b"\r\nnonsense\r\n\r\n"), "field-lines"),
    "a name that is not a token": (GOOD.replace(b"\r\n\r\n", b"\r\nX(a): b\r\n\r\n"), "field-lines"),
    "a control character": (GOOD.replace(b"json", b"js\x00on"), "field-lines"),
    "two media types": (GOOD.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain\r\n\r\n"), "singleton-fields"),
    "another transfer coding": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer-coding"),
    "chunked twice": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "transfer-coding"),
    "a length where no body can be": (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "bodiless"),
    "a coding of an interim answer": (b"HTTP/1.1 103 E\r\nTransfer-Encoding: chunked\r\n\r\n" + GOOD, "bodiless"),
    "a timeout that the connection does not name": (
        GOOD.replace(b"\r\n\r\n", b"\r\nKeep-Alive: timeout=5\r\n\r\n"),
        "hop-by-hop",
    ),
    "an upgrade that the connection does not name": (
        GOOD.replace(b"\r\n\r\n", b"\r\nUpgrade: h2c\r\nConnection: keep-alive\r\n\r\n"),
        "hop-by-hop",
    ),
    "a length that is not a number": (GOOD.replace(b": 2", b": two"), "length-truthful"),
    "two lengths in one field": (GOOD.replace(b": 2", b": 2, 3"), "length-truthful"),
}


@pytest.mark.parametrize(("head", "name"), FAULTS.values(), ids=FAULTS)
def test_each_fault_breaks_its_own_requirement(head: bytes, name: str) -> None:
    broken = {one.requirement for one in read_head(head).deviations}
    assert broken == {f"transport.{name}"}


def test_two_different_lengths_break_two_requirements() -> None:
    broken = {
        one.requirement for one in read_head(GOOD.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n")).deviations
    }
    assert broken == {"transport.length-truthful", "transport.singleton-fields"}


def test_a_deviation_says_at_which_byte_of_the_head_it_stands() -> None:
    (one,) = read_head(GOOD.replace(b"Length:", b"Length :")).deviations
    assert GOOD[one.offset :].startswith(b"Content-Length")


def test_without_a_head_no_requirement_applies() -> None:
    assert read_head(b"").applicable == frozenset()


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b"\r", b"\n", b" ", b":", b"a", GOOD]), max_size=30).map(b"".join)
)
def test_any_bytes_can_be_read_and_what_deviates_is_applicable(head: bytes) -> None:
    reading = read_head(head)
    assert {one.requirement for one in reading.deviations} <= reading.applicable
    assert all(one.offset is None or 0 <= one.offset < len(head) for one in reading.deviations)
