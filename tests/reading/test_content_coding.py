"""Content codings: a body is read as it was before them, and held against what its header says of them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_samples import DONE, FINISH, HELLO, Item, broken, encoded, exchange, stream

from conformance.evidence import Redactor
from conformance.reading import read_completion, read_stream
from conformance.reading.content import ContentDecoder
from conformance.reading.deviation import DeviationLog
from conformance.wire.decompression import MEMBERS, BrokenCodingError, decompressor
from conformance.wire.exchange import EndKind, Exchange, Read

GOOD: tuple[Item, ...] = (*HELLO, FINISH, DONE)
BYTES = stream(*GOOD)
TYPE = ("Content-Type", "text/event-stream")
JSON = (("Content-Type", "application/json"),)
ANY = "gzip, deflate, br"


def coded(coding: str, body: bytes, step: int = 10_000) -> set[str]:
    headers = (TYPE, ("Content-Encoding", coding))
    reads = [Read(1.0, body[start : start + step]) for start in range(0, len(body), step)]
    reading = read_stream(exchange(reads, headers=headers, accept=ANY))
    if not reading.deviations and reading.problem is None:
        assert reading.choices[0].content == "Hello"
    return broken(reading)


@pytest.mark.parametrize("step", [1, 5, 10_000])
def test_coded_content_is_decoded(step: int) -> None:
    bare = zlib.compressobj(wbits=-15)
    assert coded("gzip", gzip.compress(BYTES), step) == set()
    assert coded("x-gzip", gzip.compress(BYTES[:50]) + gzip.compress(BYTES[50:]), step) == set()
    assert coded("deflate", zlib.compress(BYTES), step) == set()
    assert coded("deflate", bare.compress(BYTES) + bare.flush(), step) == {"transport.deflate-wrapped"}
    assert coded("br", brotli.compress(BYTES), step) == set()
    assert coded("br", flushed(*map(encoded, GOOD)), step) == set()
    assert coded("br, gzip", gzip.compress(brotli.compress(BYTES)), step) == set()


def test_content_that_is_not_coded_as_it_says_is_reported() -> None:
    compressed = gzip.compress(BYTES)
    in_zlib = zlib.compress(BYTES)
    assert coded("deflate", in_zlib[:-4] + b"\0\0\0\0") == {"transport.content-encoding"}
    assert "transport.content-encoding" in coded("deflate", in_zlib[:-1])
    assert "transport.content-encoding" in coded("br", brotli.compress(BYTES)[:-1])
    assert "transport.content-encoding" in coded("gzip", compressed[:-20])
    assert "transport.content-encoding" in coded("gzip", compressed[:40] + b"\0\0\0\0" + compressed[44:])
    assert "transport.content-encoding" in coded("gzip", compressed + b"data: x\n\n")
    assert "transport.content-encoding" in coded("gzip", b"d")
    squeezed = brotli.compress(BYTES)
    assert "transport.content-encoding" in coded("br", squeezed[:-20])
    assert "transport.content-encoding" in coded("br", squeezed[:40] + b"\0\0\0\0" + squeezed[44:])
    assert "transport.content-encoding" in coded("br", squeezed + b"data: x\n\n")
    assert "transport.content-encoding" in coded("br", b"d")
    assert "transport.content-encoding" in coded("br, gzip", gzip.compress(BYTES))
    assert "transport.content-encoding" in coded("br", compressed)
    assert "transport.content-encoding" in broken(read_stream(exchange(compressed)))


def test_an_unknown_coding_is_a_problem_and_not_a_fault() -> None:
    headers = (TYPE, ("Content-Encoding", "zstd"))
    reading = read_stream(exchange(b"\x28\xb5\x2f\xfd\0\0\0\0", headers=headers, accept=None))
    assert reading.problem == "the content coding 'zstd' cannot be decoded here"
    assert reading.deviations == ()
    assert "stream.done-once" not in reading.applicable


@pytest.mark.parametrize(
    ("accept", "is_accepted"),
    [
        (None, True),
        ("gzip", True),
        ("*", True),
        ("GZIP;q=0.5", True),
        ("identity", False),
        ("gzip;q=0, *", False),
        ("", False),
    ],
)
def test_a_coding_must_be_one_that_the_request_accepts(accept: str | None, is_accepted: bool) -> None:
    headers = (TYPE, ("Content-Encoding", "gzip"))
    reading = read_stream(exchange(gzip.compress(BYTES), headers=headers, accept=accept))
    assert broken(reading) == (set() if is_accepted else {"transport.content-encoding-accepted"})


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("br", brotli.compress)])
def test_a_decompression_bomb_ends_at_the_limit_in_bounded_pieces(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    bomb = compress(bytes(range(256)) + b"\0" * 3_000_000)
    log = DeviationLog()
    decoder = ContentDecoder((coding,), log, limit=1_000_000)
    sizes = [len(piece) for piece in decoder.feed(bomb)]
    assert sum(sizes) <= 1_000_000
    assert max(sizes) <= 256 * 1024
    assert [one.requirement for one in log.kept] == ["transport.content-bounded"]
    assert list(decoder.feed(bomb)) == []


def flushed(*pieces: bytes) -> bytes:
    """Brotli data as a server makes it that flushes after each piece."""
    compressor = brotli.Compressor()
    body = b"".join(compressor.process(piece) + compressor.flush() for piece in pieces)
    return body + compressor.finish()  # type: ignore[no-any-return]


def test_what_follows_the_end_or_a_mistake_takes_nothing_from_what_came_before() -> None:
    for coding, body in (
        ("br", brotli.compress(BYTES) + b"more"),
        ("gzip", gzip.compress(BYTES) + b"more"),
        ("gzip", gzip.compress(BYTES)[:-8] + b"badcheck"),
        ("br", flushed(BYTES)[:-1] + b"\xff\xff"),
    ):
        reading = read_stream(exchange(body, headers=(TYPE, ("Content-Encoding", coding)), accept=ANY))
        assert reading.choices[0].content == "Hello"
        assert reading.sentinels == 1
        assert broken(reading) == {"transport.content-encoding"}


def test_a_coded_stream_that_its_connection_cut_is_cut_and_nothing_else() -> None:
    whole = flushed(*map(encoded, GOOD))
    for length in range(1, len(whole)):
        one = exchange(whole[:length], headers=(TYPE, ("Content-Encoding", "br")), accept="br", kind=EndKind.TRUNCATED)
        assert "transport.content-encoding" not in broken(read_stream(one)), length
        assert "transport.body-complete" in broken(read_stream(one)), length


def test_an_empty_body_may_be_coded() -> None:
    for coding, body in (("br", brotli.compress(b"")), ("gzip", gzip.compress(b"")), ("deflate", zlib.compress(b""))):
        reading = read_stream(exchange(body, headers=(TYPE, ("Content-Encoding", coding)), accept=ANY))
        assert broken(reading) == {"stream.not-empty", "stream.done-once"}


def test_no_more_codings_are_decoded_than_the_limit() -> None:
    reading = read_stream(exchange(BYTES, headers=(TYPE, ("Content-Encoding", ", ".join(["gzip"] * 5))), accept=ANY))
    assert reading.problem == "the body has 5 content codings, one over the other"
    assert reading.deviations == ()


def test_members_without_end_end_at_a_limit() -> None:
    reading = read_stream(
        exchange(gzip.compress(b"") * (MEMBERS + 1), headers=(TYPE, ("Content-Encoding", "gzip")), accept="gzip")
    )
    assert broken(reading) == {"transport.content-bounded"}
    assert reading.problem == "the decoded content is too large"


@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_are_decoded_alike_however_they_are_cut(coding: str, pieces: list[bytes]) -> None:
    def decoded(*cut: bytes) -> bytes | None:
        decoder = ContentDecoder((coding,), DeviationLog())
        content = b"".join(part for piece in cut for part in decoder.feed(piece))
        content += b"".join(decoder.end())
        return None if decoder.problem else content

    assert decoded(*pieces) == decoded(b"".join(pieces))


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=5), st.binary(min_size=1, max_size=20), st.data())
def test_brotli_gives_all_that_came_before_a_mistake(pieces: list[bytes], junk: bytes, data: st.DataObject) -> None:
    whole = flushed(*pieces)
    body = whole + junk
    cut = data.draw(st.integers(0, len(body)))
    decoder = decompressor("br", body[:2])
    assert decoder is not None
    content = b"".join(piece for part in (body[:cut], body[cut:]) for piece in decoder.feed(part))
    assert content == b"".join(pieces)
    assert (decoder.ended, decoder.rest) == (True, junk)


def test_brotli_distinguishes_a_mistake_from_an_end() -> None:
    decoder = decompressor("br", b"")
    assert decoder is not None
    body = flushed(BYTES)[:-1] + b"\xff" * 20
    came: list[bytes] = []
    with pytest.raises(BrokenCodingError):
        came.extend(decoder.feed(body))
    assert not decoder.ended


# What evidence keeps of a coded body is read for what it was.


def kept(body: bytes, coding: str, *, length: bool = False) -> Exchange:
    """An exchange as it is read after the evidence took the key out of it."""
    headers = (TYPE, ("Content-Encoding", coding), *((("Content-Length", str(len(body))),) if length else ()))
    return Redactor({"api-key": "sk-secret-0123456789"}).exchange(exchange(body, headers=headers, accept=coding))


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("br", brotli.compress)])
def test_a_coded_body_that_was_kept_decoded_is_not_a_fault_of_the_target(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    leaking = stream(*HELLO, b": sk-secret-0123456789\n", FINISH, DONE)
    one = kept(compress(leaking), coding, length=True)
    assert one.redactions
    reading = read_stream(one)
    assert reading.deviations == ()
    assert reading.choices[0].content == "Hello"


@pytest.mark.slow
@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("br", brotli.compress)])
def test_a_bomb_is_a_bomb_also_where_evidence_kept_a_part_of_it(
    coding: str, compress: Callable[[bytes], bytes]
) -> None:
    for body in (stream(*HELLO) + b":" * 10_000_000, b"\0" * 10_000_000):
        reading = read_stream(kept(compress(body), coding))
        assert broken(reading) == {"transport.content-bounded"}
        assert reading.problem == "the decoded content is too large"


@pytest.mark.parametrize("coding", ["zstd", "br, zstd"])
def test_a_body_that_evidence_hides_is_not_a_fault_of_the_target(coding: str) -> None:
    reading = read_stream(kept(b"\x28\xb5\x2f\xfd" * 20, coding))
    assert reading.deviations == ()
    assert reading.problem == f"the content coding '{coding}' cannot be decoded here"
    assert "stream.done-once" not in reading.applicable


def test_of_a_bomb_in_two_codings_nothing_is_kept_which_is_reported() -> None:
    reading = read_stream(kept(gzip.compress(brotli.compress(b"\0" * 10_000_000)), "br, gzip"))
    assert broken(reading) == {"transport.content-bounded"}


def test_a_coded_json_body_is_read_as_well() -> None:
    headers = (*JSON, ("Content-Encoding", "br"))
    assert read_completion(exchange(brotli.compress(b'{"a":1}'), headers=headers, accept="br")).object == {"a": 1}
