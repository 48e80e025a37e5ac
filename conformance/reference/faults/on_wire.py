"""Faults below the HTTP library: the bytes of the head, the chunks and the end, and the connection itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.reference.faults.actions import ActionError, fault_action
from conformance.reference.hooks import Ending, Hooks, Write, WriteHook, WriteKind
from conformance.reference.request_context import RequestContext

_ENDINGS = {"close": Ending.CLOSE, "reset": Ending.RESET, "hang": Ending.HANG}


def with_writes(hooks: Hooks, hook: WriteHook) -> Hooks:
    """Changes each write of an answer."""
    return replace(hooks, writes=(*hooks.writes, hook))


def _ending(how: str) -> Ending:
    if how not in _ENDINGS:
        raise ActionError(f"`how: {how}` is unknown; use one of {', '.join(_ENDINGS)}")
    return _ENDINGS[how]


@fault_action("wire.head-replace")
def replace_in_head(hooks: Hooks, old: str, new: str) -> Hooks:
    """Replaces text in the head, where names are in lower case."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        head = write.kind is WriteKind.HEAD
        return (write.data.replace(old.encode("latin-1"), new.encode("latin-1"), 1) if head else write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.head-line")
def add_line(hooks: Hooks, line: str) -> Hooks:
    """Adds a line to the head."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if write.kind is not WriteKind.HEAD:
            return (write.data,)
        return (write.data.removesuffix(b"\r\n") + line.encode("latin-1") + b"\r\n\r\n",)

    return with_writes(hooks, rewrite)


@fault_action("wire.no-http")
def no_http(hooks: Hooks, text: str = "") -> Hooks:
    """Writes text in the place of the head, then the bare body, and closes the connection."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if write.kind is WriteKind.END:
            return (Ending.CLOSE,)
        return (text.encode("latin-1") if write.kind is WriteKind.HEAD else write.payload,)

    return with_writes(hooks, rewrite)


@fault_action("wire.before")
def write_before(hooks: Hooks, text: str, times: int = 1) -> Hooks:
    """Writes text before the head, once or several times."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        return (text.encode("latin-1") * times + write.data if write.kind is WriteKind.HEAD else write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.behind")
def write_behind(hooks: Hooks, text: str) -> Hooks:
    """Writes text after the end of the answer, on a connection that stays open."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        return (write.data + text.encode("latin-1") if write.kind is WriteKind.END else write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.cut")
def cut(hooks: Hooks, after: int = 1, how: str = "close") -> Hooks:
    """Ends the connection after so many pieces of the body (`close`, `reset`), or hangs for ever (`hang`)."""
    ending = _ending(how)

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if write.kind is WriteKind.HEAD:
            return (write.data,) if after else (write.data, ending)
        if write.kind is WriteKind.END:
            return (write.data,)
        return (write.data,) if write.number < after - 1 else (write.data, ending)

    return with_writes(hooks, rewrite)


@fault_action("wire.close-behind")
def close_behind(hooks: Hooks) -> Hooks:
    """Closes the connection behind each answer, which does not say so."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        return (write.data, Ending.CLOSE) if write.kind is WriteKind.END else (write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.cut-head")
def cut_head(hooks: Hooks, size: int = 20, how: str = "close") -> Hooks:
    """Ends the connection in the middle of the head, or before it with `size: 0`."""
    ending = _ending(how)

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        return (write.data[:size], ending) if write.kind is WriteKind.HEAD else (write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.end")
def end(hooks: Hooks, how: str = "close") -> Hooks:
    """Ends the connection instead of the body, without the last chunk: `close`, `reset` or `hang`."""
    ending = _ending(how)

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        return (ending,) if write.kind is WriteKind.END else (write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.body-of-head")
def body_of_head(hooks: Hooks, text: str) -> Hooks:
    """Writes a body behind the head of every answer to HEAD."""

    def rewrite(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        is_head = context.method == "HEAD" and write.kind is WriteKind.HEAD
        return (write.data + text.encode("latin-1") if is_head else write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.always-chunked")
def always_chunked(hooks: Hooks) -> Hooks:
    """Writes every body in chunks, whoever asks."""

    def rewrite(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if context.method == "HEAD":
            return (write.data,)
        if write.kind is WriteKind.HEAD:
            lines = write.data.removesuffix(b"\r\n\r\n").split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith((b"transfer-encoding:", b"content-length:"))]
            return (b"\r\n".join([*kept, b"transfer-encoding: chunked"]) + b"\r\n\r\n",)
        if write.kind is WriteKind.END:
            return (b"0\r\n\r\n",)
        return (b"%x\r\n%b\r\n" % (len(write.payload), write.payload),)

    return with_writes(hooks, rewrite)


@fault_action("wire.until-close")
def until_close(hooks: Hooks, *, said: bool = True) -> Hooks:
    """Delimits the body by the end of the connection, without a length and without chunks."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if write.kind is WriteKind.HEAD:
            lines = write.data.removesuffix(b"\r\n\r\n").split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith((b"transfer-encoding:", b"content-length:"))]
            return (b"\r\n".join([*kept, *([b"connection: close"] if said else [])]) + b"\r\n\r\n",)
        return (Ending.CLOSE,) if write.kind is WriteKind.END else (write.payload,)

    return with_writes(hooks, rewrite)


@fault_action("wire.within")
def within(hooks: Hooks, text: str) -> Hooks:
    """Writes bytes between the pieces of a body that its transfer coding does not count."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        return (write.data + text.encode("latin-1") if write.kind is WriteKind.BODY else write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.trailers")
def trailers(hooks: Hooks, line: str = "x-checksum: 1") -> Hooks:
    """Sends a trailer field after the last chunk (RFC 9112 section 7.1.2)."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        return (b"0\r\n" + line.encode() + b"\r\n\r\n" if write.data == b"0\r\n\r\n" else write.data,)

    return with_writes(hooks, rewrite)


@fault_action("wire.chunks")
def chunk_form(hooks: Hooks, extension: str = "", zeros: int = 0, add: int = 0, *, upper: bool = False) -> Hooks:
    """Writes chunk sizes differently: with an extension, with leading zeros, in upper case, or wrong."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        size, line_end, rest = write.data.partition(b"\r\n")
        if write.kind is not WriteKind.BODY or write.data == write.payload:
            return (write.data,)
        written = f"{'0' * zeros}{int(size, 16) + add:x}".encode()
        written = written.upper() if upper else written
        return (written + extension.encode() + line_end + rest,)

    return with_writes(hooks, rewrite)


@fault_action("wire.unchunked")
def unchunked(hooks: Hooks) -> Hooks:
    """Declares the body chunked, and writes it without chunks."""

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if write.kind is WriteKind.END:
            return (Ending.CLOSE,)
        return (write.data if write.kind is WriteKind.HEAD else write.payload,)

    return with_writes(hooks, rewrite)


@fault_action("wire.length")
def wrong_length(hooks: Hooks, add: int, how: str = "close") -> Hooks:
    """Declares a Content-Length that is larger or smaller than the body, and ends the connection after it."""
    ending = _ending(how)

    def rewrite(_: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if write.kind is WriteKind.END:
            return (write.data, ending)
        if write.kind is not WriteKind.HEAD:
            return (write.data,)
        lines = [
            b"content-length: %d" % (int(line.split(b":")[1]) + add)
            if line.lower().startswith(b"content-length:")
            else line
            for line in write.data.split(b"\r\n")
        ]
        return (b"\r\n".join(lines),)

    return with_writes(hooks, rewrite)


@fault_action("wire.one-write")
def one_write(hooks: Hooks) -> Hooks:
    """Writes the head and the body of a plain answer in one write."""
    held: dict[int, bytes] = {}

    def rewrite(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        key = id(context)
        if write.kind is WriteKind.END:
            return (held.pop(key, b"") + write.data,)
        held[key] = held.get(key, b"") + write.data
        return ()

    return with_writes(hooks, rewrite)
