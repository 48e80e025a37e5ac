"""Reads random byte strings that look like streams; stops at the first that raises or is read otherwise when it is cut.

python benchmarks/stream/fuzz.py 1000000
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from conformance.reading import Expectations, StreamReader  # noqa: E402 - the path comes first

BATCH = 5_000
"""Byte strings that are made from one seed, so that one that fails can be made again."""
MAX_LINES = (2000, 2000, 200)
"""Limits on a line, in turn: the last is one that many strings reach."""

FRAGMENTS = (
    b"data: ", b"data:", b"data", b"event: x\n", b"id: 1\n", b"retry: 5\n", b": c\n", b"\n", b"\n\n", b"\r", b"\r\n",
    b"\xef\xbb\xbf", b"\xe4\xbd", b"\0", b"[DONE]", b"data: [DONE]\n\n", b"null", b"{}", b'{"choices":[', b"]}",
    b'{"index":0,"delta":{"content":"', b'"}}', b'"finish_reason":"stop"', b',"usage":{"total_tokens":1}', b"NaN",
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n', b"\\ud800", b"1e999",
    b'{"error":{"message":"m"}}', b"[[[[", b'{"a":1,"a":2}', b"HTTP/1.1 200 OK\r\n",
)  # fmt: skip
CHOICES = (
    b'{"index":%d,"delta":{"content":"%s"},"finish_reason":%s}',
    b'{"index":%d,"delta":{"role":"assistant","content":"%s"},"finish_reason":%s}',
    b'{"index":%d,"delta":null,"text":"%s","finish_reason":%s}',
)
TEXTS = (b"", b" a", b"\\ud83d\\ude00", b"\\ufffd", "été".encode(), b"\xff", b'\\"', b"STOP")
REASONS = (b"null", b'"stop"', b'"length"', b'""', b"7")
USAGES = (b"null", b'{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}', b'{"completion_tokens":-1}', b"[]")
LINE_ENDS = (b"\n", b"\n", b"\n", b"\r\n", b"\r")
EXPECTED = (Expectations(), Expectations(n=2, usage=True, max_tokens=1, stop=("STOP",), logprobs=True))


def byte_string(chance: random.Random) -> bytes:
    """Fragments, noise and whole chunks, in any order; half of all strings are then broken at some bytes."""
    pieces = [_piece(chance) for _ in range(chance.randrange(16))]
    body = bytearray(b"".join(pieces))
    if body and chance.random() < 0.5:
        for _ in range(chance.randrange(1, 4)):
            body[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(body)


def _piece(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.5:
        return chance.choice(FRAGMENTS)
    if kind < 0.6:
        return chance.randbytes(chance.randrange(9))
    choice = chance.choice(CHOICES) % (chance.randrange(3), chance.choice(TEXTS), chance.choice(REASONS))
    end = chance.choice(LINE_ENDS)
    return (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%s],"usage":%s}%s%s'
        % (
            *(choice, chance.choice(USAGES)),
            *(end, end),
        )
    )


def read(pieces: Iterator[bytes], expected: Expectations, max_line: int) -> object:
    """All that a reading says which must not depend on where the bytes were cut."""
    reader = StreamReader(expected, max_line=max_line)
    for piece in pieces:
        reader.feed(piece)
    reading = reader.end()
    return reading.events, reading.sequence, reading.deviations, reading.applicable, reading.lost


def batch(seed: int, count: int) -> int:
    """Reads `count` byte strings, each whole and cut; returns how many bytes they had."""
    chance = random.Random(seed)
    size = 0
    for number in range(count):
        body = byte_string(chance)
        size += len(body)
        settings = EXPECTED[number % len(EXPECTED)], MAX_LINES[number % len(MAX_LINES)]
        cuts = sorted({0, len(body), *(chance.randrange(len(body) + 1) for _ in range(chance.randrange(5)))})
        try:
            whole = read(iter([body]), *settings)
            same = whole == read((body[start:end] for start, end in pairwise(cuts)), *settings)
        except Exception as error:
            raise AssertionError(f"seed {seed}, string {number}: {body!r} raises {error!r}") from error
        assert same, f"seed {seed}, string {number}: {body!r} is read otherwise when it is cut at {cuts}"
    return size


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000, help="how many byte strings")
    parser.add_argument("--seed", type=int, default=0, help="of the first batch")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="one for each core where left out")
    options = parser.parse_args()
    began = time.monotonic()
    starts = range(0, options.count, BATCH)
    seeds = [options.seed + number for number in range(len(starts))]
    counts = [min(BATCH, options.count - start) for start in starts]
    size = 0
    with ProcessPoolExecutor(options.processes) as processes:
        for done, read_bytes in enumerate(processes.map(batch, seeds, counts), start=1):
            size += read_bytes
            if sys.stderr.isatty():
                print(f"\r{sum(counts[:done]):,} byte strings", end="", file=sys.stderr, flush=True)
    seconds = time.monotonic() - began
    date = time.strftime("%Y-%m-%d", time.gmtime())
    print(f"{date}, {options.processes} processes on {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{options.count:,} byte strings from seed {options.seed}, {size / 1e6:.1f} MB, each read whole and cut:")
    print(f"no exception and no difference in {seconds:.0f} s, {options.count / seconds:,.0f} a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
