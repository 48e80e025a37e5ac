"""What has changed goes out as an issue, as metrics and as spans, and whatever a target said does nothing there."""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from comparable_runs import requirement, run_of
from watch_samples import FACTS, FIRST, entry, row

from conformance.suite.outcome import Outcome
from conformance.watch.drift import Drift, Kind
from conformance.watch.errors import WatchError
from conformance.watch.issue import Watched as Issued
from conformance.watch.issue import drift_markdown
from conformance.watch.metrics import Watched, metrics_text
from conformance.watch.spans import export_spans, otlp_exporter
from conformance.watch.tracker import Rules, track

HOSTILE = "@everyone | [x](http://evil.example) <img src=x> #1 `` ` \u202e\n## Fixed\n/close"
DAYS = [entry(0), entry(1), entry(2, {"stream.done-once": row(2, 2, 5, 5)}, facts={**FACTS, "server": HOSTILE})]


def watched() -> Watched:
    tracker, changes = track(DAYS, Rules())
    return Watched("acme", "openai", DAYS[-1], changes[-1], tracker.suspected, len(DAYS))


def issue_of(drift: Sequence[Drift], tmp_path: Path) -> str:
    broken = requirement("stream.done-once", Outcome.FAILED, ("stream/plain#1", f"[DONE] {HOSTILE}"))
    issued = Issued(f"acme {HOSTILE}", DAYS[-1], run_of(broken), tmp_path)
    return drift_markdown(issued, drift, Rules(), lambda text: text.replace("sk-secret", "****"))


def without_code(text: str) -> str:
    """What a tracker reads as text: no code block and no code span."""
    text = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", text)


def test_nothing_that_a_target_said_acts_in_the_issue(tmp_path: Path) -> None:
    text = issue_of(watched().drift, tmp_path)
    outside = without_code(text)
    assert "@" not in outside
    assert "http" not in outside
    assert "<img" not in outside
    assert "\u202e" not in text
    assert "\n## Fixed" not in text
    assert "\n/close" not in text


def test_a_bar_of_a_target_makes_no_cell(tmp_path: Path) -> None:
    rows = [line for line in issue_of(watched().drift, tmp_path).splitlines() if line.startswith("| `")]
    assert len(rows) == len(watched().drift)
    assert {line.count("|") for line in rows} == {7}


def test_the_issue_says_what_else_changed_on_that_day(tmp_path: Path) -> None:
    of_release = Drift(Kind.RELEASE, "version of the suite", "1", "2", FIRST, FIRST, FIRST)
    text = issue_of([*watched().drift, of_release], tmp_path)
    assert "The deployment tells itself apart from what it was" in text
    assert "What judges has changed as well" in text


def test_secrets_are_masked_wherever_they_come_from(tmp_path: Path) -> None:
    (one,) = track([entry(0), entry(1, facts={**FACTS, "server": "sk-secret"})], Rules())[1][1]
    assert "sk-secret" not in issue_of([one], tmp_path)


def test_metrics_can_be_read_by_the_parser_of_prometheus() -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="needs the extra watch")
    quoted = replace(watched(), target=HOSTILE)
    families = {one.name: one for one in parser.text_string_to_metric_families(metrics_text([watched(), quoted]))}
    verdicts = families["chat_conformance_watch_verdict"].samples
    assert {one.labels["verdict"]: one.value for one in verdicts if one.labels["target"] == "acme"} == {
        "conformant": 0,
        "nonconformant": 1,
        "inconclusive": 0,
    }
    drift = {one.labels["kind"]: one.value for one in families["chat_conformance_watch_drift"].samples[:5]}
    assert drift == {"verdict": 1, "requirement": 1, "rate": 0, "fingerprint": 1, "release": 0}
    (share, *_) = families["chat_conformance_watch_broken_share"].samples
    assert (share.labels["requirement"], share.value) == ("stream.done-once", 1)
    assert families["chat_conformance_watch_requests"].samples[0].value == 11


def test_a_run_is_a_span_with_an_event_for_each_change(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "opentelemetry.sdk.trace.export.in_memory_span_exporter"
    exporter = pytest.importorskip(name, reason="needs the extra watch").InMemorySpanExporter()
    monkeypatch.setattr(exporter, "shutdown", lambda: None)
    export_spans([watched()], exporter)
    (span,) = exporter.get_finished_spans()
    assert span.attributes["conformance.verdict"] == "nonconformant"
    assert [one.attributes["conformance.drift.kind"] for one in span.events] == [
        "verdict",
        "requirement",
        "fingerprint",
    ]
    assert span.end_time - span.start_time == 1_500_000_000
    assert "\n" not in str(span.attributes["conformance.fact.server"])
    assert not span.status.is_ok


def test_names_of_attributes_need_no_quotes_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "opentelemetry.sdk.trace.export.in_memory_span_exporter"
    exporter = pytest.importorskip(name, reason="needs the extra watch").InMemorySpanExporter()
    monkeypatch.setattr(exporter, "shutdown", lambda: None)
    export_spans([replace(watched(), entry=entry(0, facts={"field that limits tokens": "max_tokens"}))], exporter)
    (span,) = exporter.get_finished_spans()
    assert span.attributes["conformance.fact.field_that_limits_tokens"] == "max_tokens"
    assert not [name for name in span.attributes if re.search(r"[^a-z_.]", name)]


def test_spans_that_nobody_takes_are_told() -> None:
    export = pytest.importorskip("opentelemetry.sdk.trace.export", reason="needs the extra watch")

    class Refusing:
        def export(self, _: object) -> Any:
            return export.SpanExportResult.FAILURE

        def shutdown(self) -> None:
            """Nothing to end."""

    with pytest.raises(WatchError, match="no span was taken; see OTEL_EXPORTER_OTLP_ENDPOINT"):
        export_spans([watched()], cast("Any", Refusing()))


@pytest.mark.parametrize(
    ("library", "use", "message"),
    [
        ("prometheus_client", lambda: metrics_text([]), r"--metrics needs .*: pip install 'chat-conformance\[watch\]'"),
        ("opentelemetry", otlp_exporter, r"--otlp needs .*: pip install 'chat-conformance\[watch\]'"),
    ],
)
def test_a_library_that_is_missing_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, library: str, use: Any, message: str
) -> None:
    imported = builtins.__import__

    def lacking(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == library:
            raise ImportError(name)
        return imported(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(WatchError, match=message):
        use()
