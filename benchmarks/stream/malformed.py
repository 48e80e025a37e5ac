"""Times our reading of events that are wrong against httpx-sse with json.loads on the same bytes, in one run.

A hostile stream has hundreds of thousands of such events; reading them must not take longer than sending them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / "tests" / "support"), str(Path(__file__).parents[2])]

import httpx  # noqa: E402 - after the path, as all below
from httpx_sse import EventSource  # noqa: E402
from malformed_events import EVENTS  # noqa: E402

from conformance.contract import load_contract  # noqa: E402
from conformance.reading import Expectations, SchemaJudge, StreamReader  # noqa: E402


def peer(body: bytes) -> None:
    """What a forgiving client does: read each event, parse its data, and pass over what is not JSON."""
    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=body)
    for event in EventSource(response).iter_sse():
        with contextlib.suppress(ValueError, RecursionError):
            json.loads(event.data)


def ours(judges: tuple[SchemaJudge, SchemaJudge]) -> Callable[[bytes], None]:
    """All layers, with the chunk and error schemas of the openai profile."""

    def read(body: bytes) -> None:
        reader = StreamReader(Expectations(), *judges)
        reader.feed(body)
        reader.end()

    return read


def schema_judges() -> tuple[SchemaJudge, SchemaJudge]:
    operation = load_contract("openai").operation
    chunks, errors = operation.response(200), operation.response(400)
    assert chunks is not None
    assert chunks.item_schema is not None
    assert errors is not None
    assert errors.json_schema is not None
    return SchemaJudge(chunks.item_schema), SchemaJudge(errors.json_schema)


def microseconds(read: Callable[[bytes], None], event: bytes, count: int) -> float:
    """CPU time for one event, once all that is built only when it is first needed is there."""
    read(event * 10)
    body = event * count
    began = time.process_time()
    read(body)
    return (time.process_time() - began) / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000, help="of each kind (10,000)")
    count: int = parser.parse_args().events
    judge = ours(schema_judges())
    print(f"CPU µs for one event, {count:,} of each kind\n\n{'':36}{'httpx-sse':>10}{'ours':>8}{'ratio':>8}")
    for name, event in EVENTS.items():
        theirs, own = microseconds(peer, event, count), microseconds(judge, event, count)
        print(f"{name:36}{theirs:10.1f}{own:8.1f}{own / theirs:8.1f}")


if __name__ == "__main__":
    main()
