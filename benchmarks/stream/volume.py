"""A long event stream of chunks, made piece by piece so that it never stands in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator

HEAD = (
    'data: {"id":"chatcmpl-7f3a9c20","object":"chat.completion.chunk","created":1700000000,"model":"reference-echo",'
    '"choices":[{"index":0,"delta":{%s},"logprobs":null,"finish_reason":%s}]}\n\n'
)
WORDS = (" the", " at 12:30", " été", " 你好", ' say \\"so\\"', "\\n\\n", " \\ud83d\\ude00", " of", " a", ",")
BATCH = 1000


def events(count: int) -> Iterator[bytes]:
    """A conforming stream of `count` chunks, about 200 bytes each, in batches."""
    yield (HEAD % ('"role":"assistant","content":""', "null")).encode()
    batch = [(HEAD % (f'"content":"{WORDS[number % len(WORDS)]}"', "null")).encode() for number in range(BATCH)]
    left = count - 2
    while left > 0:
        yield b"".join(batch[:left])
        left -= BATCH
    yield (HEAD % ("", '"stop"')).encode()
    yield b"data: [DONE]\n\n"


def reads(count: int, size: int) -> Iterator[bytes]:
    """The same stream in reads of `size` bytes, cut where they happen to end."""
    pending = b""
    for piece in events(count):
        pending += piece
        while len(pending) >= size:
            yield pending[:size]
            pending = pending[size:]
    if pending:
        yield pending
