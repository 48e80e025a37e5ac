"""Whether streams are held back, on a socket: compared with the time of the same deployment without streaming."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import brotli
import pytest
from raw_deployment import Deployment, Script, StreamRequest
from stream_judge import judge

from conformance.contract.model import Tier
from conformance.evidence import read_evidence
from conformance.probes.delivery import ALREADY_SEEN, TOO_QUICK

pytestmark = pytest.mark.network

PACE = 0.012
"""Seconds between tokens: 32 of them take longer than any burst."""
ROWS = ("stream.delivered", "stream.delivered-coded")


def held_back(script: Script, request: StreamRequest) -> Script:
    """Sends the whole stream at once, when the last of it has been generated."""
    if not request.streamed:
        return script
    seconds = sum(write for write in script.writes if isinstance(write, float))
    body = b"".join(write for write in script.writes if isinstance(write, bytes))
    return replace(script, writes=(seconds, body))


def coded(script: Script, request: StreamRequest, *, flushed: Mapping[str, bool]) -> Script:
    """Sends a stream in the coding that the client accepts, flushed after each write if `flushed` has that coding."""
    coding = request.headers.get("accept-encoding", "")
    if not request.streamed or coding not in flushed:
        return script
    flushes = flushed[coding]
    gzip, br = zlib.compressobj(wbits=31), brotli.Compressor(quality=3)
    writes: list[bytes | float] = []
    for write in script.writes:
        if isinstance(write, float):
            writes.append(write)
        elif coding == "gzip":
            writes.append(gzip.compress(write) + (gzip.flush(zlib.Z_SYNC_FLUSH) if flushes else b""))
        else:
            writes.append(br.process(write) + (br.flush() if flushes else b""))
    writes.append(gzip.flush() if coding == "gzip" else br.finish())
    return replace(script, writes=writes, headers=(*script.headers, ("Content-Encoding", coding)))


def test_a_stream_that_is_held_back_is_reported_with_its_times(tmp_path: Path) -> None:
    judgements = judge(Deployment(script=held_back, pace=PACE), tmp_path, ROWS)
    assert judgements["stream.delivered"].outcome == "warning"
    message = judgements["stream.delivered"].messages[0]
    assert "32 events with text from 0." in message
    assert "100% of them in one read" in message
    assert "a whole answer: 0." in message


@pytest.mark.parametrize(
    ("flushed", "outcome", "named"),
    [
        ({"gzip": True, "br": True}, "passed", ()),
        ({"gzip": True, "br": False}, "warning", ("stream/br#1",)),
        ({"gzip": False, "br": True}, "warning", ("stream/gzip#1",)),
        ({}, "skipped", ()),
    ],
)
def test_a_compressed_stream_is_flushed_event_by_event(
    flushed: Mapping[str, bool], outcome: str, named: tuple[str, ...], tmp_path: Path
) -> None:
    deployment = Deployment(script=lambda script, request: coded(script, request, flushed=flushed), pace=PACE)
    judgements = judge(deployment, tmp_path, ROWS, tier=Tier.EXHAUSTIVE)
    assert judgements["stream.delivered"].outcome == "passed"
    assert judgements["stream.delivered-coded"].outcome == outcome
    assert tuple(one.exchange for one in judgements["stream.delivered-coded"].findings) == named


def exchanges_of(folder: Path, name: str) -> list[str]:
    return [one.id for one in read_evidence(folder / "evidence").exchanges if one.probe.startswith(name)]


def test_a_stream_that_is_held_back_is_seen_where_short_answers_are_quick(tmp_path: Path) -> None:
    judgements = judge(Deployment(script=held_back, pace=0.002), tmp_path, ROWS[:1])
    (finding,) = judgements["stream.delivered"].findings
    assert finding.exchange == "delivery/longer#1"
    assert "its first token alone: 1 events with text" in finding.actual


def test_no_longer_stream_is_sent_where_shorter_ones_decide(tmp_path: Path) -> None:
    judgements = judge(Deployment(pace=PACE), tmp_path, ROWS[:1])
    assert judgements["stream.delivered"].outcome == "passed"
    assert exchanges_of(tmp_path, "delivery/") == []
    evidence = read_evidence(tmp_path / "evidence")
    unsent = {name: why for name, why in evidence.unsent.items() if name.startswith("delivery/")}
    assert unsent == dict.fromkeys(("delivery/first-token", "delivery/longer"), ALREADY_SEEN)


def test_a_target_that_is_too_quick_is_not_accused_and_its_times_are_told(tmp_path: Path) -> None:
    judgements = judge(Deployment(script=held_back), tmp_path, ROWS[:1])
    assert judgements["stream.delivered"].outcome == "skipped"
    assert judgements["stream.delivered"].messages[0].startswith("not decidable: ")
    evidence = read_evidence(tmp_path / "evidence")
    took = {one.probe: one.ending.at for one in evidence.exchanges}
    if took["stream/long"] < 0.07:  # then a longer one, held back to its end, would come too soon as well
        assert exchanges_of(tmp_path, "delivery/") == []
        assert [evidence.unsent[name] for name in ("delivery/first-token", "delivery/longer")] == [TOO_QUICK, TOO_QUICK]
    else:  # on a busy machine
        assert exchanges_of(tmp_path, "delivery/") == ["delivery/first-token#1", "delivery/longer#1"]
