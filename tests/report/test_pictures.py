"""The pictures of a run: all streams on one axis, and the times of all exchanges; bounded, however many there are."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace

import pytest
import report_sample as sample

from conformance.report import compliance_page
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Read

FINISHED = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def chunk(content: str = "word") -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n' % content.encode()


def stream(name: str, *events: bytes, end: EndKind = EndKind.COMPLETE, pace: float = 0.1, coding: str = "") -> Exchange:
    reads = tuple(Read(pace * (number + 1), event) for number, event in enumerate(events))
    headers = (("Content-Type", "text/event-stream"), *((("Content-Encoding", coding),) if coding else ()))
    ending = Ending(end, pace * (len(events) + 1))
    answer = Answer(200, "OK", "HTTP/1.1", headers, pace / 2, reads)
    return Exchange(f"{name}#1", name, 1, sample.STARTED, sample.request({}), answer, ending)


def lines(*exchanges: Exchange) -> list[str]:
    """What the page says about each stream, in its order."""
    html = compliance_page(sample.sample_results(0), exchanges, curl=sample.curl)
    return re.findall(r'<svg class="strip" role="img" aria-label="([^"]*)">', html)


def test_a_stream_is_described_by_its_events_and_its_end() -> None:
    assert lines(stream("whole", chunk(), chunk(), FINISHED, DONE)) == [
        "4 events, the first after 100 ms; finish_reason after 300 ms; [DONE] after 400 ms; ended after 500 ms"
    ]


def test_what_never_came_is_said() -> None:
    (cut,) = lines(stream("cut", chunk(), end=EndKind.TRUNCATED))
    assert cut == "1 event, the first after 100 ms; no finish_reason; no [DONE]; truncated after 200 ms"
    (failed,) = lines(stream("failed", chunk(), b'data: {"error":{"message":"overloaded"}}\n\n', DONE))
    assert "no finish_reason: an error after 200 ms" in failed


def test_words_of_a_model_are_no_marks() -> None:
    (said,) = lines(stream("said", chunk(r"\"finish_reason\":\"stop\""), chunk("[DONE]")))
    assert "no finish_reason; no [DONE]" in said


def test_a_coded_stream_is_read_as_it_was_before_the_coding() -> None:
    coded = stream("coded", gzip.compress(chunk() + FINISHED + DONE), coding="gzip")
    assert lines(coded)[0].startswith("3 events")


def test_what_has_findings_comes_first_then_what_is_cut() -> None:
    whole = stream("a", chunk(), FINISHED, DONE)
    cut = stream("b", chunk(), end=EndKind.TRUNCATED)
    closed = stream("c", chunk(), end=EndKind.HUNG_UP)
    found = replace(stream("d", chunk(), FINISHED, DONE, DONE), id="stream/plain#1")
    ends = [line.rpartition("; ")[2] for line in lines(whole, cut, closed, found)]
    assert ends[:2] == ["ended after 500 ms", "truncated after 200 ms"]
    assert "closed by the suite, as planned after 200 ms" in ends


def test_one_slow_stream_does_not_hide_the_others() -> None:
    many = [stream(f"quick/{number}", chunk(), FINISHED, DONE) for number in range(20)]
    html = compliance_page(sample.sample_results(0), [*many, stream("slow", chunk(), pace=30)], curl=sample.curl)
    (axis,) = re.findall(r'<p class="timescale.*?<span>([^<]*)</span></p>', html)
    assert axis == "480 ms"
    assert html.count('class="on"') == 1


@pytest.mark.slow
def test_thousands_of_streams_take_little_room() -> None:
    long = [chunk()] * 400 + [FINISHED, DONE]
    few = [stream(f"s/{number}", *long, pace=0.001) for number in range(60)]
    many = [stream(f"s/{number}", *long, pace=0.001) for number in range(3000)]
    small, large = (compliance_page(sample.sample_results(0), some, curl=sample.curl) for some in (few, many))
    assert len(large) - len(small) < 20_000
    assert "2,940 more streams are not drawn" in large


def test_the_times_of_all_exchanges_are_spread_out_in_a_table() -> None:
    html = compliance_page(sample.sample_results(0), sample.exchanges(), curl=sample.curl)
    assert 'aria-label="Time to first byte and total time of 8 exchanges, in order' in html
    assert "<td>118 ms</td>" not in html  # the first byte of the head, not of the body
    assert html.count("Time to first byte") >= 2
    assert "without an answer" in html


def test_a_run_without_exchanges_has_no_pictures() -> None:
    html = compliance_page(sample.sample_results(0), [], curl=sample.curl)
    assert '<section id="streams"' not in html
    assert '<section id="times"' not in html
