"""The ways in which a target may echo a key, as data: how text is coded, where it stands, and what becomes of it."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

import brotli
from echo_codings import CODINGS, PARTS, SPITE, Coding, halves, pieces
from exchange_samples import events, exchange

from conformance.wire.exchange import Exchange

HELD, WITHHELD, NOT_PROMISED = "held", "withheld", "not promised"


@dataclass(frozen=True)
class Form:
    """One way to echo a key: `make` gives the exchange in which it is echoed."""

    kind: str
    name: str
    make: Callable[[str], Exchange]
    fate: str = HELD
    stays: int = 0
    """Characters that may differ between two keys after redaction: what the bound allows to stay."""

    @property
    def label(self) -> str:
        return f"{self.kind}: {self.name}"


def said(text: str) -> Exchange:
    """An answer whose message says the text."""
    return exchange(json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}).encode())


def raw(body: bytes, *headers: tuple[str, str]) -> Exchange:
    return exchange(body, headers=headers or (("Content-Type", "text/plain"),))


def document(value: object) -> Exchange:
    return exchange(json.dumps(value).encode())


def stream(*values: object) -> Exchange:
    return exchange(events(*(json.dumps(value) for value in values)), headers=(("Content-Type", "text/event-stream"),))


def chunk(index: int = 0, /, **delta: object) -> dict[str, object]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "m",
        "choices": [{"index": index, "delta": delta, "finish_reason": None}],
    }


def _sentence(code: Coding) -> Callable[[str], Exchange]:
    return lambda key: said(f"The key {code(key)} is wrong.")


def _in_text(kind: str, codings: dict[str, Coding], fate: str = HELD) -> list[Form]:
    return [
        # Compressed data may differ in its length.
        Form(kind, name, _sentence(code), fate, 4 * ("zip" in name))
        for name, code in codings.items()
    ]


def _logprobs(key: str, size: int) -> dict[str, object]:
    tokens = pieces(key, size)
    return {
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "no"},
                "logprobs": {
                    "content": [
                        {
                            "token": token,
                            "logprob": -0.1 * at,
                            "bytes": list(token.encode()),
                            "top_logprobs": [{"token": token, "logprob": -0.5, "bytes": list(token.encode())}],
                        }
                        for at, token in enumerate(tokens)
                    ]
                },
            }
        ]
    }


def _second_best(key: str) -> dict[str, object]:
    return {
        "logprobs": {
            "content": [
                {"token": word, "top_logprobs": [{"token": word}, {"token": c}]}
                for c, word in zip(key, itertools.cycle(["one", "two", "three"]))
            ]
        }
    }


def _alternating(key: str, size: int) -> list[object]:
    names = itertools.cycle(["content", "reasoning_content"])
    return [chunk(**{name: piece}) for name, piece in zip(names, pieces(key, size), strict=False)]


def _alternating_with_role(key: str) -> list[object]:
    names = itertools.cycle(["content", "reasoning_content"])
    return [chunk(role="assistant", **{name: piece}) for name, piece in zip(names, pieces(key, 2), strict=False)]


def _turns(key: str) -> list[object]:
    other = itertools.cycle(["one ", "two ", "three "])
    return [one for c, word in zip(key, other, strict=False) for one in (chunk(0, content=c), chunk(1, content=word))]


def _tool_call(key: str) -> list[object]:
    arguments = json.dumps({"first": key[:7], "second": key[7:]})
    return [chunk(tool_calls=[{"index": 0, "function": {"arguments": piece}}]) for piece in pieces(arguments, 4)]


PLACES: list[Form] = [
    Form("place", name, make)
    for name, make in {
        "a delta for each character": lambda key: stream(*(chunk(content=c) for c in key)),
        "deltas of three characters": lambda key: stream(*(chunk(content=p) for p in pieces(key, 3))),
        "deltas after other words": lambda key: stream(chunk(content="It is "), *(chunk(content=c) for c in key)),
        "deltas of base64": lambda key: stream(*(chunk(content=p) for p in pieces(CODINGS["base64"](key), 5))),
        "deltas of hexadecimal with spaces": lambda key: stream(*(chunk(content=f"{ord(c):02x} ") for c in key)),
        "deltas of decimal bytes": lambda key: stream(*(chunk(content=f"{ord(c)}, ") for c in key)),
        "deltas in \\u escapes": lambda key: exchange(events(*(f'{{"t":"\\u{ord(c):04x}"}}' for c in key))),
        "deltas, reversed": lambda key: stream(*(chunk(content=c) for c in reversed(key))),
        "alternating content and reasoning, single characters": lambda key: stream(*_alternating(key, 1)),
        "alternating content and reasoning, four characters": lambda key: stream(*_alternating(key, 4)),
        "alternating, with the role each time": lambda key: stream(*_alternating_with_role(key)),
        "choices that take turns": lambda key: stream(*_turns(key)),
        "a piece in each choice of each chunk": lambda key: stream(
            *(
                {"choices": [{"index": at, "delta": {"content": c}} for at, c in enumerate(pair)]}
                for pair in pieces(key, 2)
            )
        ),
        "content parts": lambda key: document(
            {"choices": [{"message": {"content": [{"type": "text", "text": p} for p in pieces(key, 4)]}}]}
        ),
        "halves in two choices": lambda key: document(
            {"choices": [{"index": at, "message": {"content": half}} for at, half in enumerate(halves(key))]}
        ),
        "fours in many choices": lambda key: document(
            {"choices": [{"index": at, "message": {"content": p}} for at, p in enumerate(pieces(key, 4))]}
        ),
        "list elements": lambda key: document({"error": {"message": "no", "param": pieces(key, 3)}}),
        "list of characters": lambda key: document(list(key)),
        "nested lists": lambda key: document([[p] for p in pieces(key, 5)]),
        "members in order": lambda key: document({f"part{at}": p for at, p in enumerate(pieces(key, 4))}),
        "members of one name": lambda key: document([{"value": p, "type": "text"} for p in pieces(key, 2)]),
        "log-probability tokens, single characters": lambda key: document(_logprobs(key, 1)),
        "log-probability tokens, four characters": lambda key: document(_logprobs(key, 4)),
        "log-probability tokens in a stream": lambda key: stream(
            *({"choices": [{"index": 0, "delta": {}, **_logprobs(c, 1)["choices"][0]}]} for c in key)  # type: ignore[index]
        ),
        "second best tokens": lambda key: document(_second_best(key)),
        "bytes of one token": lambda key: document({"token": "x", "bytes": list(key.encode())}),
        "bytes of single tokens": lambda key: document(
            {"content": [{"token": "?", "logprob": -1.5, "bytes": [ord(c)]} for c in key]}
        ),
        "numbers in a stream": lambda key: stream(*({"choices": [{"index": 0, "byte": ord(c)}]} for c in key)),
        "JSON in a string": lambda key: document({"arguments": json.dumps({"a": key[:6], "b": key[6:]})}),
        "JSON in a string, in lists": lambda key: document({"arguments": json.dumps(pieces(key, 3))}),
        "tool call arguments in deltas": lambda key: stream(*_tool_call(key)),
        "a member's name": lambda key: document({key: 1}),
        "names of members in order": lambda key: document(dict.fromkeys(pieces(key, 4), 0)),
        "comments of an event stream": lambda key: raw(b"".join(b": %c\n\n" % c for c in key.encode())),
        "comments between events": lambda key: raw(
            b"".join(b': %c\n\ndata: {"choices":[]}\n\n' % c for c in key.encode())
        ),
        "event names": lambda key: raw(b"".join(b"event: %c\ndata: {}\n\n" % c for c in key.encode())),
        "event ids": lambda key: raw(b"".join(b"id: %c\ndata: {}\n\n" % c for c in key.encode())),
        "plain text events": lambda key: raw(b"".join(b"data: %c\n\n" % c for c in key.encode())),
        "data lines of one event": lambda key: raw(b"".join(b"data: %c\n" % c for c in key.encode()) + b"\n"),
        "events with carriage returns": lambda key: raw(b"".join(b'data:{"t":"%c"}\r\r' % c for c in key.encode())),
        "lines of JSON": lambda key: raw(b"".join(b'{"t":"%c"}\n' % c for c in key.encode())),
        "JSON with errors": lambda key: raw(b"".join(b"{'t': '%c'}, " % c for c in key.encode())),
        "a page": lambda key: raw(f"<p>{key[:9]}<b>{key[9:]}</b></p>".encode()),
        "halves in two header fields": lambda key: raw(
            b"{}", ("Content-Type", "application/json"), ("X-A", halves(key)[0]), ("X-B", halves(key)[1])
        ),
        "fours in header fields": lambda key: raw(b"{}", *((f"X-{at}", p) for at, p in enumerate(pieces(key, 4)))),
        "fields of one name": lambda key: raw(b"{}", *(("X-Key", p) for p in pieces(key, 3))),
        "base64 in a header field": lambda key: raw(b"{}", ("X-Key", CODINGS["base64"](key))),
        "hexadecimal in a header field": lambda key: raw(b"{}", ("X-Key", key.encode().hex(":"))),
        "a header field's name": lambda key: raw(b"{}", (f"X-{key}", "1")),
        "names of header fields": lambda key: raw(b"{}", *((p, "1") for p in pieces(key, 5))),
        "half in the header, half in the body": lambda key: raw(halves(key)[1].encode(), ("X-Key", halves(key)[0])),
        "the reason phrase": lambda key: exchange(b"{}", reason=f"No {key}"),
        "the reason phrase, in base64": lambda key: exchange(b"{}", reason=CODINGS["base64"](key)),
        "a cookie": lambda key: raw(b"{}", ("Set-Cookie", f"k={quote(key[:10])}%2D{key[10:]}; Path=/")),
        "the head as it came": lambda key: replace(
            exchange(b"{}"), head=f"HTTP/1.1 100 {key}\r\n\r\nHTTP/1.1 200 OK\r\n".encode()
        ),
        "halves in the head as it came": lambda key: replace(
            exchange(b"{}"), head="HTTP/1.1 200 OK\r\nX-A: {}\r\nX-B: {}\r\n\r\n".format(*halves(key)).encode()
        ),
        "the ending": lambda key: exchange(b"{}", detail=f"illegal header line: {key}"),
        "the ending, in hexadecimal": lambda key: exchange(b"{}", detail=f"illegal: {key.encode().hex(' ')}"),
        "the URL of the request": lambda key: exchange(b"{}", url=f"http://host/v1?key={quote(key)}"),
        "two reads": lambda key: exchange(f"no {key[:9]}".encode(), f"{key[9:]}.".encode()),
    }.items()
]


def _body(key: str) -> bytes:
    return json.dumps({"error": {"message": f"no such key: {key}"}}).encode()


def _charset(name: str, body: bytes, *, declared: bool) -> Exchange:
    kind = f"application/json; charset={name}" if declared else "application/json"
    return raw(body, ("Content-Type", kind))


def _in_charset(name: str, *, declared: bool) -> Callable[[str], Exchange]:
    return lambda key: _charset(name, _body(key).decode().encode(name), declared=declared)


def _compressed(pack: Callable[[bytes], bytes], coding: str | None) -> Callable[[str], Exchange]:
    return lambda key: _coded(pack(_body(key)), coding)


CHARSETS: list[Form] = [
    Form("charset", f"{name}, {'declared' if declared else 'not declared'}", _in_charset(name, declared=declared))
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
    for declared in (True, False)
] + [
    Form(
        "charset",
        "UTF-16, deltas",
        lambda key: raw(events(*(json.dumps(chunk(content=c)) for c in key)).decode().encode("utf-16")),
    ),
    Form("charset", "UTF-16, base64", lambda key: raw(CODINGS["base64"](key).encode("utf-16-le"))),
    Form("charset", "UTF-16, percent", lambda key: raw(CODINGS["percent"](key).encode("utf-16-le"))),
    Form(
        "charset",
        "cp037 (EBCDIC), declared",
        lambda key: _charset("cp037", _body(key).decode().encode("cp037"), declared=True),
    ),
    Form("charset", "UTF-7, declared", lambda key: _charset("utf-7", CODINGS["UTF-7"](key).encode(), declared=True)),
    Form(
        "charset",
        "cp037 (EBCDIC), not declared",
        lambda key: _charset("cp037", _body(key).decode().encode("cp037"), declared=False),
        NOT_PROMISED,
    ),
]


def _coded(data: bytes, coding: str | None) -> Exchange:
    return raw(data, ("Content-Type", "application/json"), *((("Content-Encoding", coding),) if coding else ()))


def _flushed(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)


COMPRESSED: list[Form] = [
    Form("content coding", name, _compressed(pack, coding), fate)
    for name, pack, coding, fate in (
        ("gzip, declared", gzip.compress, "gzip", HELD),
        ("gzip, not declared", gzip.compress, None, HELD),
        ("gzip in gzip, both declared", lambda body: gzip.compress(gzip.compress(body)), "gzip, gzip", HELD),
        ("gzip in gzip, one declared", lambda body: gzip.compress(gzip.compress(body)), "gzip", HELD),
        ("gzip in gzip, none declared", lambda body: gzip.compress(gzip.compress(body)), None, HELD),
        ("deflate, declared", zlib.compress, "deflate", HELD),
        ("deflate, not declared", zlib.compress, None, HELD),
        ("bare deflate, declared", lambda body: zlib.compress(body)[2:-4], "deflate", HELD),
        ("gzip in deflate, one declared", lambda body: zlib.compress(gzip.compress(body)), "deflate", HELD),
        ("br, declared", brotli.compress, "br", HELD),
        ("br in gzip, both declared", lambda body: gzip.compress(brotli.compress(body)), "br, gzip", HELD),
        ("gzip in br, one declared", lambda body: brotli.compress(gzip.compress(body)), "br", HELD),
        ("gzip without its end", _flushed, "gzip", HELD),
        ("gzip after other bytes", lambda body: b"\r\n" + gzip.compress(body), None, HELD),
        ("gzip in text", lambda body: b"see: " + gzip.compress(body) + b" end", None, HELD),
        ("gzip declared, but br", brotli.compress, "gzip", HELD),
        ("zstd, declared", lambda body: b"\x28\xb5\x2f\xfd" + bytes(255 - c for c in body), "zstd", WITHHELD),
        ("zstd, not declared", lambda body: b"\x28\xb5\x2f\xfd" + bytes(255 - c for c in body), None, WITHHELD),
        ("an unknown coding", lambda body: bytes(255 - c for c in body), "aes128gcm", WITHHELD),
        ("five codings", lambda body: bytes(255 - c for c in body), "gzip, gzip, gzip, gzip, gzip", WITHHELD),
        ("a zip archive", lambda body: b"PK\x03\x04" + bytes(255 - c for c in body), None, WITHHELD),
        ("bare deflate, not declared", lambda body: zlib.compress(body)[2:-4], None, HELD),
        ("br, not declared", brotli.compress, None, HELD),
    )
] + [
    Form(
        "content coding",
        "base64 in gzip",
        lambda key: _coded(gzip.compress(CODINGS["base64"](key).encode()), "gzip"),
    )
]

FORMS: tuple[Form, ...] = (
    *_in_text("coding", CODINGS),
    *(Form("part", name, _sentence(code), HELD, stays) for name, (code, stays) in PARTS.items()),
    *PLACES,
    *CHARSETS,
    *COMPRESSED,
    *_in_text("spite", SPITE, NOT_PROMISED),
)


# How much stays

_ALPHABETS = ("0123456789", "defghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def another_key(key: str, keep: int = 0) -> str:
    """A key that differs in each letter and digit but for the first `keep`, and looks alike in every coding."""

    def moved(char: str) -> str:
        alphabet = next((one for one in _ALPHABETS if char in one), None)
        if alphabet is None:
            return char
        # No other case of the same letter, and as many digits in every number.
        return alphabet[(alphabet.index(char) + 5) % len(alphabet)]

    return key[:keep] + "".join(map(moved, key[keep:]))


def shown(value: Exchange) -> list[bytes]:
    """Every part of an exchange that evidence keeps, as bytes."""
    parts = [value.request.url, value.ending.detail, *(text for pair in value.request.headers for text in pair)]
    kept = [value.request.body, value.head]
    if value.answer is not None:
        parts += [value.answer.reason, *(text for pair in value.answer.headers for text in pair)]
        kept.append(value.answer.body)
    return [part.encode("utf-8", "surrogateescape") for part in parts] + kept


def differences(one: Exchange, other: Exchange) -> int:
    """How many bytes of two exchanges differ: what tells one key from another."""
    return sum(
        sum(a != b for a, b in zip(part, same, strict=False)) + abs(len(part) - len(same)) * (set(part + same) != {42})
        for part, same in zip(shown(one), shown(other), strict=True)
    )


def table() -> str:
    """The table of the documentation: each form, and what becomes of a key in it."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for form in FORMS:
        kinds.setdefault((form.kind, form.fate), []).append(form.name.replace("|", "\\|").replace("<", "&lt;").strip())
    rows = [
        f"| {kind} | {fate} | {'; '.join(f'`{name}`' for name in names)} |" for (kind, fate), names in kinds.items()
    ]
    return "\n".join(["| kind | what becomes of the key | forms |", "| --- | --- | --- |", *rows])
