"""Faults of reading requests from the socket, below the HTTP library: lengths, pipelines, bodies that break off."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from conformance.reference.faults.actions import fault_action
from conformance.reference.hooks import Hooks, ProtocolHook

_KEY = re.compile(rb"\r\n(?:authorization|x-api-key):[^\r\n]*", re.IGNORECASE)
_EXTENSION = re.compile(rb"(?<=\r\n)([0-9a-fA-F]+);")
_LENGTH = re.compile(rb"\r\ncontent-length:[^\r\n]*", re.IGNORECASE)


def with_protocol(hooks: Hooks, hook: ProtocolHook) -> Hooks:
    """Changes how requests are read."""
    return replace(hooks, protocols=(*hooks.protocols, hook))


def _reading(protocol: type[Any], change: Any) -> type[Any]:
    class Reading(protocol):  # type: ignore[misc] # a class made from a class
        def data_received(self, data: bytes) -> None:
            super().data_received(change(data))

    return Reading


@fault_action("reading.one-length")
def one_length(hooks: Hooks) -> Hooks:
    """Where a request has two lengths, takes the larger one."""

    def change(data: bytes) -> bytes:
        head, line_end, body = data.partition(b"\r\n\r\n")
        lengths = _LENGTH.findall(head)
        if len(lengths) < 2:
            return data
        largest: bytes = max(lengths, key=lambda line: int(re.sub(rb"\D", b"", line.partition(b":")[2]) or b"0"))
        kept: bytes = _LENGTH.sub(b"", head)
        return kept + largest + line_end + body

    return with_protocol(hooks, lambda protocol: _reading(protocol, change))


@fault_action("reading.exact-names")
def exact_names(hooks: Hooks, case: str) -> Hooks:
    """Does not find the field of the key where all names are in `upper` or `lower` case."""
    spelled = b"\r\n%b:" % (b"CONTENT-TYPE" if case == "upper" else b"content-type")

    def change(data: bytes) -> bytes:
        head, line_end, body = data.partition(b"\r\n\r\n")
        return _KEY.sub(b"", head) + line_end + body if spelled in head else data

    return with_protocol(hooks, lambda protocol: _reading(protocol, change))


@fault_action("reading.extended-sizes")
def extended_sizes(hooks: Hooks) -> Hooks:
    """Takes a chunk extension for a part of the chunk's size (RFC 9112 section 7.1.1)."""
    return with_protocol(hooks, lambda protocol: _reading(protocol, lambda data: _EXTENSION.sub(rb"\1", data)))


@fault_action("reading.first-of-pipeline")
def first_of_pipeline(hooks: Hooks) -> Hooks:
    """Loses the requests that arrive together with the first one."""

    def change(data: bytes) -> bytes:
        head, line_end, rest = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None or not line_end:
            return data
        size = int(length[0].partition(b":")[2])
        return head + line_end + rest[:size] if b" HTTP/1.1\r\n" in rest[size:] else data

    return with_protocol(hooks, lambda protocol: _reading(protocol, change))


@fault_action("reading.half-open")
def half_open(hooks: Hooks, *, serve: bool) -> Hooks:
    """Keeps a connection that its client has half closed in the middle of a body: waits, or serves what arrived."""

    def wrap(protocol: type[Any]) -> type[Any]:
        class HalfOpen(protocol):  # type: ignore[misc] # a class made from a class
            def eof_received(self) -> bool:
                cycle = self.cycle
                if cycle is None or cycle.response_complete or not cycle.more_body:
                    return False  # nothing is missing: close, as usual
                if serve:
                    cycle.more_body = False
                    cycle.message_event.set()
                return True

        return HalfOpen

    return with_protocol(hooks, wrap)


@fault_action("reading.half-open-answered")
def half_open_answered(hooks: Hooks, *, status: int, text: str = "") -> Hooks:
    """Answers a client that half closed its connection in the middle of a body, as a proxy that lost it does."""
    head = (
        f"HTTP/1.1 {status} Gone\r\nContent-Type: text/html\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    )

    def wrap(protocol: type[Any]) -> type[Any]:
        class Answered(protocol):  # type: ignore[misc] # a class made from a class
            def eof_received(self) -> bool:
                cycle = self.cycle
                if cycle is not None and not cycle.response_complete and cycle.more_body:
                    self.transport.write((head + text).encode())
                return False

        return Answered

    return with_protocol(hooks, wrap)
