"""Secrets inside bodies that come in a content coding: found where they can be decoded, and else withheld."""

from __future__ import annotations

import gzip
import time
import zlib

import brotli
import pytest
from exchange_samples import KEY, SECRETS, body_of, delta, events, exchange, forms

from conformance.evidence import Redactor
from conformance.wire.decompression import MOST_DECODED
from conformance.wire.exchange import BodyKept

REDACTOR = Redactor(SECRETS)
B = KEY.encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
        ("gzip", lambda data: gzip.compress(b"first ") + gzip.compress(data)),
        ("gzip", lambda data: gzip.compress(data)[:-8] + b"bad-crc!"),
        ("gzip", lambda data: gzip.compress(data)[:-2]),
        ("", gzip.compress),
        ("br", brotli.compress),
        ("br, gzip", lambda data: gzip.compress(brotli.compress(data))),
        ("br", lambda data: brotli.compress(data) + b"more"),
        ("br", lambda data: brotli.compress(data)[:-1]),
        ("br", lambda data: flushed(data) + b"\xff" * 40),
        ("br", lambda data: brotli.compress(bytes(range(256)) * 20_000 + data)),
    ],
)
def test_a_key_inside_a_coded_body_is_not_kept(coding: str, compress: object) -> None:
    coded: bytes = compress(b'{"k": "%s"}' % B)  # type: ignore[operator]
    redacted = REDACTOR.exchange(exchange(coded[:20], coded[20:], headers=(("Content-Encoding", coding),)))
    assert redacted.answer is not None
    assert len(redacted.answer.reads) == 1
    assert redacted.answer.reads[0].at == 0.2
    assert body_of(redacted).endswith(b'{"k": "' + b"*" * len(B) + b'"}')
    assert forms(redacted) == {"plain", f"content-coding {coding or 'gzip'}"}


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("br", brotli.compress)])
def test_a_coded_stream_with_a_split_key_is_not_kept(coding: str, compress: object) -> None:
    coded: bytes = compress(events(*map(delta, KEY)))  # type: ignore[operator]
    redacted = REDACTOR.exchange(exchange(coded, headers=(("content-encoding", coding),)))
    assert body_of(redacted).count(b"*") == len(KEY)


@pytest.mark.parametrize("compress", [gzip.compress, lambda data: data])
def test_a_coded_body_without_a_key_stays_as_it_is(compress: object) -> None:
    coded: bytes = compress(b'{"k": 1}')  # type: ignore[operator]
    redacted = REDACTOR.exchange(exchange(coded, headers=(("Content-Encoding", "gzip"),)))
    assert body_of(redacted) == coded
    assert forms(redacted) == set()


def test_of_a_bomb_only_what_was_searched_is_kept() -> None:
    bomb = gzip.compress(b"\0" * (4 * MOST_DECODED) + B)
    began = time.process_time()
    redacted = REDACTOR.exchange(exchange(bomb, headers=(("Content-Encoding", "gzip"),)))
    assert time.process_time() - began < 2
    kept = body_of(redacted)
    assert len(kept) == len(bomb)
    assert kept.startswith(bomb[:1000])
    assert kept.endswith(b"*" * 1000)
    assert forms(redacted) == {"content-coding gzip, withheld: beyond the bound"}


def test_a_gzip_body_of_countless_members_is_decoded_to_a_limit() -> None:
    body = gzip.compress(b"") * 50_000 + gzip.compress(B)
    redacted = REDACTOR.exchange(exchange(body, headers=(("Content-Encoding", "gzip"),)))
    assert body_of(redacted).endswith(b"****")


@pytest.mark.parametrize("coding", ["zstd", "gzip, zstd", "gzip, gzip, gzip, gzip, gzip"])
def test_a_coding_that_cannot_be_decoded_is_withheld(coding: str) -> None:
    redacted = REDACTOR.exchange(exchange(b"\x28\xb5\x2fkey", headers=(("Content-Encoding", coding),)))
    assert body_of(redacted) == b"******"
    assert forms(redacted) == {f"content-coding {coding}, withheld: not decoded here"}
    assert redacted.body_kept is BodyKept.HIDDEN
    kept = Redactor({}).exchange(exchange(b"\x28\xb5\x2fkey", headers=(("Content-Encoding", coding),)))
    assert body_of(kept) == b"\x28\xb5\x2fkey"


@pytest.mark.slow
def test_of_a_brotli_bomb_only_what_was_searched_is_kept() -> None:
    bomb = brotli.compress(bytes(range(256)) * 16 + b"\0" * (3 * MOST_DECODED) + B)
    began = time.process_time()
    redacted = REDACTOR.exchange(exchange(bomb, headers=(("Content-Encoding", "br"),)))
    assert time.process_time() - began < 2
    kept = body_of(redacted)
    assert len(kept) == len(bomb)
    assert kept.endswith(b"***")
    assert B not in decoded_as_far_as_possible(kept)
    assert forms(redacted) == {"content-coding br, withheld: beyond the bound"}
    assert redacted.body_kept is BodyKept.IN_PART


def flushed(data: bytes) -> bytes:
    """Coded data without its end."""
    compressor = brotli.Compressor()
    coded: bytes = compressor.process(data) + compressor.flush()
    return coded


def decoded_as_far_as_possible(coded: bytes) -> bytes:
    decoder = brotli.Decompressor()
    clear = b""
    for byte in coded:
        try:
            clear += decoder.process(bytes([byte]))
        except brotli.error:
            break
    return clear
