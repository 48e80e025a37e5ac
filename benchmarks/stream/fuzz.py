"""Reads byte strings that Hypothesis makes, and stops at the first that raises or is read otherwise when it is cut.

python benchmarks/stream/fuzz.py 1000000
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402 - the path comes first
from hypothesis import strategies as st  # noqa: E402

from conformance.reading import Expectations, StreamReader  # noqa: E402

BATCH = 10_000
"""Hypothesis remembers what it made, so each batch begins anew with a seed of its own."""

FRAGMENTS = (
    b"data: ", b"data:", b"data", b"event: x\n", b"id: 1\n", b"retry: 5\n", b": c\n", b"\n", b"\n\n", b"\r", b"\r\n",
    b"\xef\xbb\xbf", b"\xe4\xbd", b"\0", b"[DONE]", b"data: [DONE]\n\n", b"null", b"{}", b'{"choices":[', b"]}",
    b'{"index":0,"delta":{"content":"', b'"}}', b'"finish_reason":"stop"', b',"usage":{"total_tokens":1}', b"NaN",
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n', b"\\ud800", b"1e999",
    b'{"error":{"message":"m"}}', b"[[[[", b'{"a":1,"a":2}', b"HTTP/1.1 200 OK\r\n",
)  # fmt: skip
BODIES = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=8), max_size=24).map(b"".join)


def read(pieces: list[bytes]) -> object:
    reader = StreamReader(Expectations(), max_line=200)
    for piece in pieces:
        reader.feed(piece)
    reading = reader.end()
    return reading.events, reading.sequence, reading.deviations, reading.lost


def batch(number: int, count: int) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(BODIES, st.lists(st.integers(0, 200), max_size=4))
    def examples(body: bytes, cuts: list[int]) -> None:
        places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
        assert read([body]) == read([body[start:end] for start, end in pairwise(places)])

    examples()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=1_000_000, help="how many byte strings")
    parser.add_argument("--seed", type=int, default=0, help="of the first batch")
    options = parser.parse_args()
    began = time.monotonic()
    for start in range(0, options.count, BATCH):
        batch(options.seed + start // BATCH, min(BATCH, options.count - start))
        done = min(start + BATCH, options.count)
        print(f"{done:,} byte strings, {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
