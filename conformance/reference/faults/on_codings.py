"""Faults in content codings: their form, their end, and when a compressor is flushed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli

from conformance.reference.faults.actions import ActionError, fault_action
from conformance.reference.faults.on_messages import with_messages, without
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.request_context import RequestContext


class _Coder(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


class _Brotli:
    """The interface of zlib for brotli."""

    def __init__(self) -> None:
        self._coder = brotli.Compressor(quality=3)

    def compress(self, data: bytes, /) -> bytes:
        return bytes(self._coder.process(data))

    def flush(self, mode: int = zlib.Z_FINISH, /) -> bytes:
        return bytes(self._coder.finish() if mode == zlib.Z_FINISH else self._coder.flush())


_CODERS: dict[str, tuple[str, Callable[[], _Coder]]] = {
    "gzip": ("gzip", lambda: zlib.compressobj(wbits=31)),
    "deflate": ("deflate", lambda: zlib.compressobj(wbits=15)),
    "bare-deflate": ("deflate", lambda: zlib.compressobj(wbits=-15)),
    "br": ("br", _Brotli),
}
_ENDS: dict[str, Callable[[bytes], bytes]] = {
    "whole": lambda end: end,
    "cut": lambda end: end[: len(end) // 2],
    "wrong-checksum": lambda end: end[:-4] + bytes(byte ^ 0xFF for byte in end[-4:]),
    "more": lambda end: end + b"\x00more",
}


@fault_action("coding.form")
def coded(hooks: Hooks, form: str, flush: str = "event", end: str = "whole", *, by_name: bool = False) -> Hooks:
    """Codes a body for clients that accept its coding, flushed after each `event` or only at the `end`.

    `end` says how the coded data ends: whole, cut, with a wrong checksum, or with more behind it. With `by_name`, a
    coding counts as accepted wherever Accept-Encoding has its name, also where its weight refuses it.
    """
    if form not in _CODERS or end not in _ENDS:
        raise ActionError(f"`{form}` or `{end}` is unknown; use one of {', '.join((*_CODERS, *_ENDS))}")
    coding, new_coder = _CODERS[form]

    async def faulty(context: RequestContext, messages: Messages) -> Messages:
        accepted = context.headers.get("accept-encoding", "")
        if coding not in (accepted if by_name else [one.strip() for one in accepted.split(",")]):
            async for message in messages:
                yield message
            return
        coder = new_coder()
        async for message in messages:
            if message["type"] == "http.response.start":
                fields = without(message["headers"], "content-length")
                yield {**message, "headers": [*fields, (b"content-encoding", coding.encode())]}
                continue
            data = coder.compress(message.get("body", b""))
            if not message.get("more_body"):
                data += _ENDS[end](coder.flush(zlib.Z_FINISH))
            elif flush == "event":
                data += coder.flush(zlib.Z_SYNC_FLUSH)
            yield {**message, "body": data}

    return with_messages(hooks, faulty)
