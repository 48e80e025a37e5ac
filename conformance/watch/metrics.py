"""Writes the last runs as Prometheus metrics, for the textfile collector of the node exporter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.moments import moment
from conformance.quoting import one_line
from conformance.watch.drift import Drift, Kind
from conformance.watch.entry import Entry
from conformance.watch.errors import WatchError
from conformance.watch.tracker import is_broken

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

EXTRA: Final = "pip install 'chat-conformance[watch]'"
_VERDICTS: Final = ("conformant", "nonconformant", "inconclusive")


@dataclass(frozen=True, slots=True)
class Watched:
    """The last run of a target: its labels, its line, what it told, what it suspects, and how many lines there are."""

    target: str
    profile: str
    entry: Entry
    drift: Sequence[Drift]
    suspected: Sequence[str] = ()
    runs: int = 1


def metrics_text(watched: Iterable[Watched]) -> str:
    """The metrics in the text format of Prometheus.

    Raises:
        WatchError: the library is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
    except ImportError as error:
        raise WatchError(f"--metrics needs the official client of Prometheus; install it: {EXTRA}.") from error
    registry = CollectorRegistry()
    _fill(registry, tuple(watched))
    text: bytes = generate_latest(registry)
    return text.decode("utf-8")


def _fill(registry: CollectorRegistry, watched: Sequence[Watched]) -> None:
    from prometheus_client import Gauge

    def gauge(name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"chat_conformance_watch_{name}", about, ("target", "profile", *labels), registry=registry)

    last = gauge("last_run_timestamp_seconds", "When the last run began.")
    runs = gauge("runs", "Runs in the history.")
    verdict = gauge("verdict", "1 for the verdict of the last run, 0 for the others.", "verdict")
    outcomes = gauge("requirements", "Requirements of the last run by outcome.", "outcome")
    broken = gauge("broken_share", "Share of the answers of the last run that break a requirement.", "requirement")
    changed = gauge("drift", "Changes that the last run has confirmed, by kind.", "kind")
    suspected = gauge("suspected", "Requirements that the last run broke, without a confirmed change.")
    requests = gauge("requests", "Requests of the last run.")
    tokens = gauge("completion_tokens", "Completion tokens of the last run, as the target reports them.")
    seconds = gauge("duration_seconds", "How long the last run took.")
    for one in watched:
        names, entry = (_label(one.target), _label(one.profile)), one.entry
        began = moment(entry.started)
        last.labels(*names).set(0 if began is None else began.timestamp())
        runs.labels(*names).set(one.runs)
        for value in _VERDICTS:
            verdict.labels(*names, value).set(value == entry.verdict)
        for value, count in Counter(row.outcome for row in entry.rows.values()).items():
            outcomes.labels(*names, value).set(count)
        for name, row in entry.rows.items():
            if is_broken(row) and row.trials is not None:
                broken.labels(*names, name).set(row.trials.failed / row.trials.exchanges)
        kinds = Counter(drift.kind for drift in one.drift)
        for kind in Kind:
            changed.labels(*names, kind.value).set(kinds[kind])
        suspected.labels(*names).set(len(one.suspected))
        requests.labels(*names).set(entry.cost.requests)
        tokens.labels(*names).set(entry.cost.tokens)
        seconds.labels(*names).set(entry.cost.seconds)


def _label(text: str) -> str:
    return one_line(text, 200)
