"""Probes as other clients send them: the smallest request in the shape of SDKs, browsers, proxies and old clients.

The header fields are those that the official SDKs wrote in 2025; the forms of the others are those of the standards.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from conformance.contract.model import Place, Tier
from conformance.probes.access import ORIGIN
from conformance.probes.model import Credential, FieldNames, Probe, either_probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.script import HEAD_1_0, WHOLE_BODY, Script
from conformance.probes.streams import SENTINEL_IN_TEXT

PYTHON_SDK: Final[Mapping[str, str]] = {
    "Accept": "application/json",
    "User-Agent": "OpenAI/Python 2.8.1",
    "X-Stainless-Lang": "python",
    "X-Stainless-Package-Version": "2.8.1",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.13.1",
    "X-Stainless-Async": "false",
    "x-stainless-retry-count": "0",
    "x-stainless-read-timeout": "600",
}
NODE_SDK: Final[Mapping[str, str]] = {
    "Accept": "application/json",
    "User-Agent": "OpenAI/JS 6.9.1",
    "X-Stainless-Retry-Count": "0",
    "X-Stainless-Timeout": "600",
    "X-Stainless-Lang": "js",
    "X-Stainless-Package-Version": "6.9.1",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "node",
    "X-Stainless-Runtime-Version": "v22.21.1",
    "Accept-Language": "*",
    "Sec-Fetch-Mode": "cors",
}
UPGRADE: Final[Mapping[str, str]] = {
    "Connection": "Upgrade, HTTP2-Settings",
    "Upgrade": "h2c",
    "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
}
"""How the HTTP client of Java offers HTTP/2 with its first request over plain TCP (RFC 7540 section 3.2)."""
CODINGS: Final = ("gzip", "deflate", "br")
"""Content codings that clients accept and that can be decoded here."""
UNKNOWN_QUERY: Final = "beta=true"
"""What some SDKs write behind every path."""
_STAINLESS: Final = ("x-stainless-arch", "x-stainless-lang", "x-stainless-os", "x-stainless-runtime")


def client_probes(body: RequestBody) -> Iterator[Probe]:
    """The smallest request as others write it, and what browsers and proxies send."""
    yield from _sdks(body)
    yield from _coded_answers(body)
    yield from _spellings(body)
    yield preflight(body)
    yield from _older(body)


def _sdks(body: RequestBody) -> Iterator[Probe]:
    valid = body.capped(CHEAP)
    if body.has("stream"):
        about = "a stream with `Accept: application/json`, as the official Python SDK requests it"
        framing = body.asking(SENTINEL_IN_TEXT, tokens=24, stream=True)
        yield served_probe("client/python-sdk-stream", about, framing, headers=PYTHON_SDK)
    python = "a request as the official Python SDK writes it"
    yield served_probe("client/python-sdk", python, valid, headers=PYTHON_SDK, tier=Tier.EXHAUSTIVE)
    yield served_probe("client/node-sdk", "a request as the official JavaScript SDK writes it", valid, headers=NODE_SDK)
    nameless: Mapping[str, str | None] = {"User-Agent": None}
    yield served_probe("client/no-user-agent", "a request without a User-Agent", valid, headers=nameless)
    anything: Mapping[str, str | None] = {"Accept": "*/*", "User-Agent": "curl/8.5.0"}
    about = "a request with `Accept: */*`, as curl sends it"
    yield served_probe("client/any-accept", about, valid, headers=anything, tier=Tier.EXHAUSTIVE)


def _coded_answers(body: RequestBody) -> Iterator[Probe]:
    """The smallest request of clients that accept content codings: all that are usual, each alone, and none of them."""
    valid = body.capped(CHEAP)
    every = ", ".join(CODINGS)
    about = f"a request that accepts the content codings {every}"
    yield served_probe("client/coding-any", about, valid, headers={"Accept-Encoding": every})
    for coding in CODINGS:
        about = f"a request that accepts the content coding {coding} alone"
        accepts = {"Accept-Encoding": coding}
        # Servers that prefer gzip send deflate to whoever accepts nothing else, and some without its frame.
        tier = Tier.STANDARD if coding == "deflate" else Tier.EXHAUSTIVE
        yield served_probe(f"client/coding-{coding}", about, valid, headers=accepts, tier=tier)
    refuses = {"Accept-Encoding": ", ".join(f"{coding};q=0" for coding in CODINGS)}
    about = "a request that refuses each content coding by its name (q=0)"
    yield served_probe("client/coding-none", about, valid, headers=refuses, tier=Tier.EXHAUSTIVE)


def _spellings(body: RequestBody) -> Iterator[Probe]:
    valid = body.capped(CHEAP)
    for spelling, tier in ((FieldNames.UPPER, Tier.STANDARD), (FieldNames.LOWER, Tier.EXHAUSTIVE)):
        about = f"a request whose field names are in {spelling.value} case"
        name = f"client/{spelling.value}-case-fields"
        yield served_probe(name, about, valid, field_names=spelling, tier=tier)
    about = "a request that offers to go on in HTTP/2 (Upgrade: h2c), as stock Java clients do"
    yield either_probe("client/h2c-upgrade", about, valid, headers=UPGRADE)
    queried = f"{body.contract.operation.path}?{UNKNOWN_QUERY}"
    yield either_probe("client/unknown-query", f"a request with the query ?{UNKNOWN_QUERY}", valid, path=queried)


def preflight(body: RequestBody) -> Probe:
    """What a browser asks before a page of another origin may send the request of an SDK."""
    scheme = body.contract.operation.credential
    key = [scheme.header.lower()] if scheme is not None and scheme.place is Place.HEADER else []
    asked = ",".join(sorted([*key, "content-type", *_STAINLESS]))
    headers = {
        **ORIGIN,
        "Access-Control-Request-Method": body.contract.operation.method.upper(),
        "Access-Control-Request-Headers": asked,
    }
    about = "the preflight of a browser (OPTIONS)"
    return either_probe(
        "client/preflight",
        about,
        None,
        method="OPTIONS",
        headers=headers,
        credential=Credential.NONE,
        completion_tokens=0,
    )


def _older(body: RequestBody) -> Iterator[Probe]:
    """Messages that HTTP has and few clients send: HTTP/1.0, and a coded body."""
    valid = body.capped(CHEAP)
    old = Script((HEAD_1_0, WHOLE_BODY))
    yield either_probe("client/http-1.0", "a request in HTTP/1.0", valid, script=old, tier=Tier.EXHAUSTIVE)
    if body.has("stream"):
        about = "a request for a stream in HTTP/1.0, as proxies send it by default"
        request = {**valid, "stream": True}
        yield either_probe("client/http-1.0-stream", about, request, script=old, tier=Tier.EXHAUSTIVE)
    yield either_probe(
        "client/gzip-body",
        "a body in the content coding gzip",
        stored_gzip(json.dumps(valid).encode()),
        headers={"Content-Encoding": "gzip"},
        completion_tokens=CHEAP,
        tier=Tier.EXHAUSTIVE,
    )


def stored_gzip(data: bytes) -> bytes:
    """Data of less than 64 KiB in gzip (RFC 1952), as one block that is only stored.

    The bytes are the same with every library, so that the request can be made again.
    """
    size = len(data)
    block = b"\x01" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + data
    trailer = zlib.crc32(data).to_bytes(4, "little") + size.to_bytes(4, "little")
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + block + trailer
