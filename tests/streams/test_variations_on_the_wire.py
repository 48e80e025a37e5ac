"""Allowed variations, served on a socket: they look wrong, but a run must have no finding."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from raw_deployment import Deployment, Item, Script, StreamRequest, encoded
from stream_judge import ALL_BUT_THE_SCHEMA, WAITING, broken, judge, troubled

pytestmark = pytest.mark.network


def joined(script: Script) -> bytes:
    return b"".join(write for write in script.writes if isinstance(write, bytes))


def in_pieces(body: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(body[start : start + size] for start in range(0, len(body), size))


def framed(change: Any) -> Deployment:
    """Changes the bytes of every stream, write by write."""

    def script(good: Script, request: StreamRequest) -> Script:
        if not request.streamed:
            return good
        return replace(
            good, writes=tuple(change(write) if isinstance(write, bytes) else write for write in good.writes)
        )

    return Deployment(script=script)


def written(change: Any) -> Deployment:
    """Turns the whole body of every stream into its writes."""
    return Deployment(
        script=lambda good, request: replace(good, writes=change(joined(good))) if request.streamed else good
    )


def chunks(change: Any) -> Deployment:
    """Replaces each chunk of every stream by another, or by several."""

    def all_of_them(good: list[Item], request: StreamRequest) -> list[Item]:
        changed: list[Item] = []
        for number, item in enumerate(good):
            made = change(item, number, request) if isinstance(item, dict) else item
            changed += made if isinstance(made, list) else [made]
        return changed

    return Deployment(items=all_of_them)


def choice_with(item: Any, **changes: Any) -> Item:
    return {**item, "choices": [{**choice, **changes} for choice in item["choices"]]}


def delta_with(item: Any, **changes: Any) -> Item:
    return {**item, "choices": [{**choice, "delta": {**choice["delta"], **changes}} for choice in item["choices"]]}


def finishes(item: Any) -> bool:
    return any(choice["finish_reason"] for choice in item["choices"])


def usage_on_the_finish(good: list[Item], request: StreamRequest) -> list[Item]:
    if not request.wants_usage:
        return good
    return [*good[:-3], {**good[-3], "usage": good[-2]["usage"]}, good[-1]]


def text_on_the_finish(good: list[Item], request: StreamRequest) -> list[Item]:
    """Sends the last text together with the finish."""
    ends = [number for number, item in enumerate(good) if isinstance(item, dict) and finishes(item)]
    if request.n > 1 or ends[0] < 2:
        return good
    text, finish = good[ends[0] - 1]["choices"][0], good[ends[0]]["choices"][0]
    merged = {
        **good[ends[0]],
        "choices": [{**finish, **{name: text[name] for name in text if name != "finish_reason"}}],
    }
    return [*good[: ends[0] - 1], merged, *good[ends[0] + 1 :]]


def azure(good: list[Item], _: StreamRequest) -> list[Item]:
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{}]}
    return [first, *good]


def in_bursts(body: bytes) -> tuple[bytes | float, ...]:
    half = len(body) // 2
    return 0.05, body[:half], 0.05, body[half:]


def compressed(script: Script, request: StreamRequest) -> Script:
    if request.headers.get("accept-encoding") != "gzip" or not request.streamed:
        return script
    coder = zlib.compressobj(wbits=31)
    flushed = [
        coder.compress(write) + coder.flush(zlib.Z_SYNC_FLUSH) for write in script.writes if isinstance(write, bytes)
    ]
    return replace(script, writes=(*flushed, coder.flush()), headers=(*script.headers, ("Content-Encoding", "gzip")))


def extended(script: Script, request: StreamRequest) -> Script:
    """A chunked body with the extensions and trailers that RFC 9112 section 7.1 allows."""
    if not request.streamed:
        return script
    writes = [write for write in script.writes if isinstance(write, bytes) and write]
    coded = [b'%X;name="a value";flag\r\n%b\r\n' % (len(write), write) for write in writes]
    # The deployment closes after a body that it has not coded itself. Without notice, that would race the next request.
    own = (
        ("Transfer-Encoding", "chunked"),
        ("Trailer", "X-Cost"),
        ("Content-Length-Hint", "0"),
        ("Connection", "close"),
    )
    headers = (*script.headers, *own)
    return replace(script, writes=(*coded, b"000\r\nX-Cost: 0.1\r\n\r\n"), headers=headers, chunked=False)


def closed_at_the_end(script: Script, request: StreamRequest) -> Script:
    if not request.streamed:
        return script
    return replace(script, chunked=False, end="cut", headers=(*script.headers, ("Connection", "close")))


FRAMING: dict[str, Deployment] = {
    "1-06 no space after the colon": framed(lambda data: data.replace(b"data: ", b"data:")),
    "CR": framed(lambda data: data.replace(b"\n", b"\r")),
    "1-21 CRLF": framed(lambda data: data.replace(b"\n", b"\r\n")),
    "1-22 CR and LF in two reads": written(
        lambda body: tuple(part for piece in body.replace(b"\n", b"\r\n").split(b"\n") for part in (piece, 0.0, b"\n"))[
            :-1
        ]
    ),
    "mixed line ends": written(lambda body: (body.replace(b"\n\n", b"\r\n\n", 3).replace(b"\n\n", b"\r\r", 2),)),
    "1-10, 1-11 comments anywhere": framed(lambda data: b":\n\n: ping\n\n: x-cost=0.1\n" + data),
    "1-09 a comment block after an event with an id": framed(lambda data: b"id: 1\n" + data + b": ping\n\n"),
    "id, event and retry": framed(lambda data: b"retry: 3000\nevent: message\nid: 5\n" + data),
    "a block without data": framed(lambda data: b"event: ping\n\n" + data),
    "several data lines": framed(lambda data: data.replace(b', "object"', b'\ndata: , "object"')),
    "1-46 one byte order mark": written(lambda body: (b"\xef\xbb\xbf" + body,)),
    "reads of seven bytes, which cut characters": written(lambda body: in_pieces(body, 7)),
    "a media type with a charset, in other letters": Deployment(
        script=lambda script, request: (
            replace(script, headers=(("content-type", "Text/Event-Stream; Charset=UTF-8"),))
            if request.streamed
            else script
        )
    ),
    "a body that ends with the connection": Deployment(script=closed_at_the_end),
    "an answer of HTTP/1.0": Deployment(
        script=lambda script, request: replace(closed_at_the_end(script, request), version="1.0")
    ),
    "chunk extensions and a trailer": Deployment(script=extended),
    "bursts": written(in_bursts),
    "gzip, flushed event by event": Deployment(script=compressed),
    "white space around the document": framed(
        lambda data: data.replace(b"data: {", b"data:   {").replace(b"}\n", b"} \t\n")
    ),
}

CHUNKS: dict[str, Deployment] = {
    "a good deployment": Deployment(),
    "usage null everywhere": chunks(lambda item, *_: {**item, "usage": item.get("usage")}),
    "the id of a vendor, created as a number with a point": replace(
        chunks(lambda item, *_: {**item, "id": f"gen-{item['id']}", "created": float(item["created"])}),
        completion=lambda body, _: {**body, "id": f"gen-{body['id']}"},
    ),
    "obfuscation": chunks(lambda item, number, _: {**item, "obfuscation": "x" * (number % 7)}),
    "usage on the finish chunk": Deployment(items=usage_on_the_finish),
    "no usage but in the usage chunk": chunks(
        lambda item, *_: {name: value for name, value in item.items() if name != "usage" or value is not None}
    ),
    "2-25 the role in every delta": chunks(lambda item, *_: delta_with(item, role="assistant")),
    "the role null later": chunks(
        lambda item, number, request: delta_with(item, role=None) if number >= request.n else item
    ),
    "2-48 the role alone at first": chunks(
        lambda item, number, request: choice_with(item, delta={"role": "assistant"}) if number < request.n else item
    ),
    "text on the finish chunk": Deployment(items=text_on_the_finish),
    "Azure's first chunk": Deployment(items=azure),
    "members of a vendor's own": chunks(
        lambda item, *_: {**delta_with(item, reasoning_content=None), "system_fingerprint": "fp", "x_own": [1]}
    ),
    "escaped characters": framed(
        lambda data: (
            data.decode().encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00")
            if not data.isascii() and all(ord(one) < 0x10000 for one in data.decode())
            else data
        )
    ),
}


ALL_REQUIREMENTS = "members of a vendor's own"
"""The variation that is judged by what is slow as well."""


@pytest.mark.parametrize("deployment", FRAMING.values(), ids=FRAMING.keys())
def test_allowed_framing_causes_no_finding(deployment: Deployment, tmp_path: Path) -> None:
    judgements = judge(deployment, tmp_path, ALL_BUT_THE_SCHEMA, exclude=WAITING)
    assert (broken(judgements), troubled(judgements)) == (set(), {})


@pytest.mark.parametrize("deployment", CHUNKS.values(), ids=CHUNKS.keys())
def test_allowed_chunks_cause_no_finding(deployment: Deployment, tmp_path: Path) -> None:
    judgements = judge(deployment, tmp_path, exclude=() if deployment is CHUNKS[ALL_REQUIREMENTS] else WAITING)
    assert (broken(judgements), troubled(judgements)) == (set(), {})


def test_no_finish_reason_in_the_middle_is_a_warning_at_most(tmp_path: Path) -> None:
    def change(item: Any, *_: Any) -> Item:
        choices = [{name: one[name] for name in one if name != "finish_reason"} for one in item["choices"]]
        return item if finishes(item) else {**item, "choices": choices}

    judgements = judge(chunks(change), tmp_path)
    assert {one.outcome for one in judgements.values()} <= {"passed", "skipped", "warning"}
    assert encoded("x") == b"data: x\n\n"


def test_a_stream_that_ends_with_an_error_needs_no_sentinel(tmp_path: Path) -> None:
    failed = {"error": {"message": "overloaded", "type": "server_error", "param": None, "code": None}}

    def change(good: list[Item], request: StreamRequest) -> list[Item]:
        return [*good[:5], failed] if request.prompt.startswith("Repeat this line") else good

    judgements = judge(Deployment(items=change), tmp_path)
    assert (broken(judgements), troubled(judgements)) == (set(), {})
    assert judgements["stream.error-recognisable"].outcome == "passed"
    assert judgements["stream.done-absent-after-error"].outcome == "passed"
