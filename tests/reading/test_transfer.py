"""The transfer layer: what an HTTP message says of its body is held against the body."""

from __future__ import annotations

import pytest
from stream_samples import DONE, FINISH, HELLO, broken, exchange, read, stream

from conformance.reading import read_completion, read_error
from conformance.wire.exchange import EndKind, Read

GOOD = (*HELLO, FINISH, DONE)
BYTES = stream(*GOOD)
TYPE = ("Content-Type", "text/event-stream")
JSON = (("Content-Type", "application/json"),)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (str(len(BYTES)), set()),
        (f"{len(BYTES)}, {len(BYTES)}", set()),
        (f"00{len(BYTES)}", set()),
        (str(len(BYTES) + 1), {"transport.length-truthful"}),
        (f"{len(BYTES)}, 7", {"transport.length-truthful"}),
        (f"+{len(BYTES)}", {"transport.length-truthful"}),
        ("", {"transport.length-truthful"}),
        ("²", {"transport.length-truthful"}),
    ],
)
def test_a_content_length_is_the_length_of_the_body(length: str, expected: set[str]) -> None:
    assert broken(read(*GOOD, headers=(TYPE, ("Content-Length", length)))) == expected


def test_a_message_shows_its_end_in_one_way() -> None:
    headers = (TYPE, ("Content-Length", str(len(BYTES))), ("Transfer-Encoding", "chunked"))
    assert broken(read(*GOOD, headers=headers)) == {"transport.single-framing"}


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_another_message_in_the_body_is_seen_however_it_is_cut(step: int) -> None:
    body = b'{"a":1}\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
    reads = [Read(1.0, body[start : start + step]) for start in range(0, len(body), step)]
    reading = read_completion(exchange(reads, headers=JSON))
    (found,) = reading.broke("transport.single-message")
    assert found.offset == 9


def test_another_message_at_the_start_of_the_body_is_seen() -> None:
    reading = read_completion(exchange(b"HTTP/1.0 502 Bad Gateway\r\n\r\n", headers=JSON))
    assert [one.offset for one in reading.broke("transport.single-message")] == [0]


def test_a_completion_is_one_strict_json_document() -> None:
    reading = read_completion(
        exchange(b' \n{"id":"c","n":1.0}\n', headers=(("Content-Type", "application/JSON; charset=x"),))
    )
    assert (reading.value, reading.object, reading.deviations) == ({"id": "c", "n": 1.0}, {"id": "c", "n": 1.0}, ())


@pytest.mark.parametrize(
    ("body", "is_readable"),
    [
        (b"\xef\xbb\xbf{}", True),
        (b'{"a":NaN}', True),
        (b'{"a":"\xff"}', True),
        (b"{}{}", False),
        (b"", False),
        (b"<html>", False),
    ],
)
def test_what_is_not_strict_json_is_reported_for_completions_and_errors(body: bytes, is_readable: bool) -> None:
    for reader, section in ((read_completion, "completion"), (read_error, "error")):
        reading = reader(exchange(body, headers=JSON))
        assert [one.requirement for one in reading.deviations] == [f"{section}.json"]
        assert reading.is_readable is is_readable
        assert (reading.problem is None) is is_readable


@pytest.mark.parametrize("body", [b'{"a":1,"a":2}', b'{"a":"\\ud83d"}', b'{"a":1e999}'])
def test_what_parsers_read_differently_is_reported_apart(body: bytes) -> None:
    for reader in (read_completion, read_error):
        reading = reader(exchange(body, headers=JSON))
        assert [one.requirement for one in reading.deviations] == ["completion.json-interoperable"]


def test_a_reset_after_a_refusal_that_did_not_read_the_body_is_not_blamed() -> None:
    closing = (*JSON, ("Connection", "close"))
    large = {"messages": "a" * 100_000}
    refused = exchange(b"{}", headers=closing, status=400, kind=EndKind.RESET, request=large)
    assert not read_error(refused).broke("transport.body-complete")
    for other in (
        exchange(b"{}", headers=JSON, status=400, kind=EndKind.RESET, request=large),
        exchange(b"{}", headers=closing, status=400, kind=EndKind.RESET),
        exchange(b"{}", headers=closing, kind=EndKind.RESET, request=large),
    ):
        assert read_error(other).broke("transport.body-complete")


def test_a_json_body_that_was_cut_is_not_read() -> None:
    for kind in (EndKind.TRUNCATED, EndKind.IDLE_TIMEOUT):
        reading = read_completion(exchange(b'{"a":', headers=JSON, kind=kind))
        assert reading.broke("transport.body-complete")
        assert not reading.is_readable
    assert read_completion(exchange(b'{"a":', headers=JSON, kind=EndKind.DEADLINE)).deviations == ()


def test_another_media_type_is_named() -> None:
    (found,) = read_error(exchange(b"{}", headers=(("Content-Type", "text/html"),))).deviations
    assert (found.requirement, found.actual) == ("error.media-type", "Content-Type: 'text/html'")
    assert read_completion(exchange(b"{}", headers=())).deviations[0].actual == "no Content-Type"
