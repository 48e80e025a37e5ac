"""Times our reading and judging of a long stream against httpx-sse with json.loads on the same bytes, in one run.

Each contestant runs in a process of its own, one after the other, so that its peak memory is its own. The time that
it takes to make the stream is measured and left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from volume import reads  # noqa: E402 - beside this file, not installed

MOST_TIMES = 2.0
MOST_MEGABYTES = 150
Contestant = Callable[["Stopwatch"], int]


class Stopwatch:
    """Hands a stream's reads on and adds up how long it took to make them."""

    def __init__(self, count: int, size: int) -> None:
        self.making = 0.0
        self.bytes = 0
        self._reads = reads(count, size)

    def __iter__(self) -> Iterator[bytes]:
        while True:
            began = time.process_time()
            data = next(self._reads, None)
            self.making += time.process_time() - began
            if data is None:
                return
            self.bytes += len(data)
            yield data


def peer() -> Contestant:
    """httpx-sse and json.loads: the chunks that they find."""
    import httpx  # noqa: PLC0415 - each process loads only its own
    from httpx_sse import EventSource  # noqa: PLC0415

    def count(source: Stopwatch) -> int:
        response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=iter(source))
        return sum(1 for event in EventSource(response).iter_sse() if event.data != "[DONE]" and json.loads(event.data))

    return count


def ours() -> Contestant:
    """All layers, with the chunk schema of the openai profile: the chunks that they find, without a deviation."""
    from conformance.contract import load_contract  # noqa: PLC0415
    from conformance.reading import Expectations, StreamReader  # noqa: PLC0415
    from conformance.reading.schema import SchemaJudge  # noqa: PLC0415

    response = load_contract("openai").operation.response(200)
    assert response is not None
    assert response.item_schema is not None
    judge = SchemaJudge(response.item_schema)

    def count(source: Stopwatch) -> int:
        reader = StreamReader(Expectations(), judge)
        for number, data in enumerate(source):
            reader.feed(data, number / 1000)
        reading = reader.end()
        assert reading.deviations == (), reading.deviations
        assert reading.is_complete
        assert reading.judged_chunks == reading.chunks
        return reading.chunks

    return count


CONTESTANTS: dict[str, Callable[[], Contestant]] = {"peer": peer, "ours": ours}


def contest(name: str, count: int, size: int) -> None:
    """Runs one contestant in this process and prints its figures as JSON."""
    run = CONTESTANTS[name]()
    run(Stopwatch(10, size))  # whatever is built only when it is first needed
    source = Stopwatch(count, size)
    began = time.process_time()
    chunks = run(source)
    seconds = time.process_time() - began - source.making
    assert chunks == count, (name, chunks)
    print(json.dumps({"seconds": seconds, "peak_kb": peak(), "bytes": source.bytes}))


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def in_a_process(*arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--read", type=int, default=65_536, help="bytes of one read")
    parser.add_argument("--rounds", type=int, default=2, help="in turn; the quicker one of each counts")
    parser.add_argument("--contestant", choices=[*CONTESTANTS, "nothing"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant == "nothing":
        print(json.dumps({"peak_kb": peak()}))
        return 0
    if options.contestant:
        contest(options.contestant, options.chunks, options.read)
        return 0
    arguments = ("--chunks", str(options.chunks), "--read", str(options.read), "--contestant")
    bare = in_a_process(*arguments, "nothing")["peak_kb"]
    rounds = [{name: in_a_process(*arguments, name) for name in CONTESTANTS} for _ in range(options.rounds)]
    figures = {name: min((one[name] for one in rounds), key=lambda one: one["seconds"]) for name in CONTESTANTS}
    size = figures["ours"]["bytes"]
    print(f"{options.chunks:,} chunks, {size / 1e6:.1f} MB, reads of {options.read:,} bytes")
    for name, label in (("peer", "httpx-sse + json.loads"), ("ours", "conformance.reading")):
        seconds, memory = figures[name]["seconds"], (figures[name]["peak_kb"] - bare) / 1024
        print(f"{label:24} {seconds:8.2f} s  {size / 1e6 / seconds:7.1f} MB/s  {memory:6.0f} MB over the interpreter")
    ratio = figures["ours"]["seconds"] / figures["peer"]["seconds"]
    memory = (figures["ours"]["peak_kb"] - bare) / 1024
    kept = ratio <= MOST_TIMES and memory < MOST_MEGABYTES
    verdict = "kept" if kept else "MISSED"
    print(f"ratio {ratio:.2f} (at most {MOST_TIMES:g}), memory {memory:.0f} MB (under {MOST_MEGABYTES}): {verdict}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
