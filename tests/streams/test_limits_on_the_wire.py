"""Answers without an end: each is read to its limit, has an outcome, and never fills the memory."""

from __future__ import annotations

import itertools
import json
import re
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import brotli
import pytest
from raw_deployment import Deployment, Script, StreamRequest
from stream_judge import PATIENT, judge

from conformance.suite.expect import Judgement

pytestmark = pytest.mark.network

MEGABYTE = 1024 * 1024
ENDS = ("stream.ends", "stream.done-once", "stream.id-constant")


@contextmanager
def bounded(megabytes: float) -> Iterator[None]:
    """Fails if the peak of memory exceeds the present use by more than this."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        peak = (tracemalloc.get_traced_memory()[1] - before) / MEGABYTE
    finally:
        tracemalloc.stop()
    assert peak < megabytes, f"{peak:.0f} MB"


def on_streams(script: Script, request: StreamRequest, *, writes: Iterable[bytes | float]) -> Script:
    return replace(script, writes=writes) if request.streamed else script


def outcome_of(judgements: Mapping[str, Judgement], name: str) -> tuple[str, str]:
    return judgements[name].outcome.value, judgements[name].messages[0]


def test_a_stream_that_never_ends_is_read_to_its_limit(tmp_path: Path) -> None:
    def endless(script: Script, request: StreamRequest) -> Script:
        first, *_ = (write for write in script.writes if isinstance(write, bytes))
        text = first.replace(b'"content": ""', b'"content": " more"')
        return on_streams(script, request, writes=itertools.chain([first], itertools.repeat(text)))

    limits = replace(PATIENT, max_body=30_000)
    with bounded(150):
        judgements = judge(Deployment(script=endless), tmp_path, ENDS, limits)
    outcome, message = outcome_of(judgements, "stream.ends")
    assert outcome == "failed"
    assert re.match(r"stream/plain#1, event \d{3}, byte 30000, \d+ ms: expected .* its end; got too-large", message)
    assert judgements["stream.id-constant"].outcome == "passed"
    # What the rest of the stream would have shown is unknown: it passes nothing, and is not ignored either.
    outcome, message = outcome_of(judgements, "stream.done-once")
    assert outcome == "inconclusive"
    assert "too-large" in message


def test_many_streams_without_end_fill_no_more_memory_than_the_run_keeps(tmp_path: Path) -> None:
    def endless(script: Script, request: StreamRequest) -> Script:
        first, *_ = (write for write in script.writes if isinstance(write, bytes))
        return on_streams(script, request, writes=itertools.chain([first], itertools.repeat(b": " + b"x" * 60_000)))

    limits = replace(PATIENT, max_body=4 * MEGABYTE, max_bodies=8 * MEGABYTE, small_body=100_000, concurrency=2)
    with bounded(60):
        judgements = judge(Deployment(script=endless), tmp_path, ENDS, limits)
    # Those that were read to the limit of one body are reported; the others decide nothing.
    assert judgements["stream.ends"].outcome == "failed"
    assert 1 <= len(judgements["stream.ends"].findings) <= 2
    assert "the bodies of this run take all that is kept" not in judgements["stream.ends"].messages[0]


def test_nothing_passes_on_what_was_not_kept(tmp_path: Path) -> None:
    limits = replace(PATIENT, max_bodies=0, small_body=300)
    judgements = judge(Deployment(), tmp_path, (*ENDS, "completion.json", "completion.usage-sum"), limits)
    for name, judgement in judgements.items():
        assert judgement.outcome == "inconclusive", name
        assert "the bodies of this run take all that is kept" in judgement.messages[0], name


def test_a_trickle_of_bytes_is_read_until_the_deadline(tmp_path: Path) -> None:
    def trickle(script: Script, request: StreamRequest) -> Script:
        body = b"".join(write for write in script.writes if isinstance(write, bytes))
        return on_streams(script, request, writes=(part for byte in body for part in (bytes([byte]), 0.1)))

    limits = replace(PATIENT, deadline=1.0)
    with bounded(50):
        judgements = judge(Deployment(script=trickle), tmp_path, ENDS, limits)
    lines = (tmp_path / "evidence" / "exchanges.jsonl").read_text("utf-8").splitlines()
    ends = [one["ending"] for one in map(json.loads, lines) if one.get("ending")]
    assert "deadline" in {one["kind"] for one in ends}
    assert max(one["at"] for one in ends) < 3  # each by itself, however many waves there are
    outcome, message = outcome_of(judgements, "stream.done-once")
    assert outcome == "blocked"
    assert message == "stream/plain#1: the answer to a request for a stream has no readable chunk"


def test_a_line_of_100_megabytes_is_abandoned_and_reported(tmp_path: Path) -> None:
    def long_line(script: Script, request: StreamRequest) -> Script:
        if request.body.get("max_tokens") != 1:
            return script
        line = itertools.repeat(b"a" * MEGABYTE, 100)
        return on_streams(script, request, writes=itertools.chain([b"data: "], line, [b"\n\n"]))

    with bounded(400):
        judgements = judge(
            Deployment(script=long_line), tmp_path, ("stream.line-length",), replace(PATIENT, deadline=60.0)
        )
    outcome, message = outcome_of(judgements, "stream.line-length")
    assert outcome == "warning"
    assert re.match(r"stream/one-token#1, (event 0, )?byte \d+, \d+ ms: expected .*; got", message), message


def bomb(megabytes: int, line: bytes) -> bytes:
    coder = zlib.compressobj(9, wbits=31)
    return b"".join([*(coder.compress(line) for _ in range(megabytes)), coder.flush()])


def brotli_bomb(megabytes: int) -> bytes:
    coder = brotli.Compressor(quality=1)
    pieces = [coder.process(b" " * MEGABYTE) for _ in range(megabytes)]
    return b"".join([*pieces, coder.finish()])


def test_bombs_are_defused_on_a_stream_and_on_a_document(tmp_path: Path) -> None:
    on_stream, on_document = bomb(200, b":" * MEGABYTE + b"\n"), brotli_bomb(200)

    def changed(script: Script, request: StreamRequest) -> Script:
        if request.streamed and request.headers.get("accept-encoding") == "gzip":
            return replace(script, writes=(on_stream,), headers=(*script.headers, ("Content-Encoding", "gzip")))
        if not request.streamed and request.prompt.startswith("Count") and request.body.get("max_tokens") == 1:
            length = ("Content-Length", str(len(on_document)))
            headers = (("Content-Type", "application/json"), length, ("Content-Encoding", "br"))
            return replace(script, writes=(on_document,), headers=headers)
        return script

    with bounded(400):
        judgements = judge(Deployment(script=changed), tmp_path, ("transport.content-*",))
    found = {one.exchange: one.actual for one in judgements["transport.content-bounded"].findings}
    bounded_at = "more than 8388608 bytes; nothing after it was read"
    assert found == dict.fromkeys(("stream/gzip#1", "completion/one-token#1"), bounded_at)
    assert judgements["transport.content-bounded"].outcome == "warning"
    assert judgements["transport.content-encoding"].outcome == "passed"
