"""Does one share of a soak in this process, and gives what came of it: what every kind of worker runs."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.evidence import FILE_NAME, EvidenceWriter
from conformance.fleet.worker_keys import worker_environment
from conformance.quoting import one_line
from conformance.running.open_files import check_open_files
from conformance.running.opening import open_run
from conformance.running.run import Run
from conformance.running.sending import evidence_header
from conformance.shipped import program_digest
from conformance.soak.judging import AnswerJudge, SoakError
from conformance.soak.mixture import Mixture, mixture_of, plan_of
from conformance.soak.settings import Share
from conformance.soak.tally import Tally
from conformance.soak.times import Measured, Times
from conformance.soak.users import Arrived, Sample, Users
from conformance.terminal.exits import UsageFailure, as_usage_failures

_LONGEST_PROBLEM = 300


@dataclass(frozen=True, slots=True)
class ShareResult:
    """What came of a share: figures, and the evidence of its findings as it stands on disk, compressed.

    `problem` says why it has none of them. `cpu` is the processor time of this process for it, in seconds.
    """

    number: int
    tally: Tally
    times: Mapping[Measured, bytes]
    late: Mapping[Measured, bytes]
    evidence: bytes = b""
    judged_ids: tuple[str, ...] = ()
    ended: str | None = None
    seconds: float = 0.0
    cpu: float = 0.0
    held: float = 0.0
    """Of the time of all users together, the share in which they waited for answers to be judged."""
    most_under_way: int = 0
    samples: tuple[Sample, ...] = ()
    problem: str | None = None


def no_result(number: int, problem: str) -> ShareResult:
    """The result of a share of which nothing came."""
    return ShareResult(number, Tally(), {}, {}, problem=one_line(problem, _LONGEST_PROBLEM))


def do_share(share: Share) -> ShareResult:
    """Do a share on a worker, which has its own keys; whatever goes wrong is told in the result."""
    try:
        _require_same_program(share)
        with (
            tempfile.TemporaryDirectory(prefix="chat-conformance-soak-") as scratch,
            as_usage_failures(),
            _opened(share, Path(scratch)) as run,
            _stopping(share.stop) as stopped,
        ):
            return send_share(share, run, Path(scratch) / "evidence", stopped)
    except (UsageFailure, SoakError) as error:
        return no_result(share.number, str(error))


def _require_same_program(share: Share) -> None:
    if share.program != program_digest():
        raise UsageFailure(
            "This worker has another state of chat-conformance than what began the soak; install the same there."
        )


@contextlib.contextmanager
def _opened(share: Share, scratch: Path) -> Iterator[Run]:
    settings = share.settings.run
    for name, content in share.files.items():
        path = scratch / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if share.files:
        settings = replace(settings, profile=f"{scratch / 'files'}{os.sep}{settings.profile}")
    check_open_files(replace(settings, limits=replace(settings.limits, concurrency=share.users)), "--users")
    with open_run(replace(settings, out=None), worker_environment(settings, None, os.environ)) as run:
        yield replace(run, target=replace(run.target, dialect=share.dialect))


@contextlib.contextmanager
def _stopping(stop: str | None) -> Iterator[Callable[[], bool]]:
    """What says whether the soak is to end: a file is there, or an event of the cluster is set."""
    if stop is None:
        yield lambda: False
    elif os.sep in stop:
        yield Path(stop).exists
    else:
        from distributed import Event, get_client

        yield Event(stop, client=get_client()).is_set


def send_share(share: Share, run: Run, evidence: Path, stopped: Callable[[], bool]) -> ShareResult:
    """Send a share's requests, and judge each answer as it comes; findings are written to a new folder.

    Raises:
        SoakError: a test of the suite broke.
        OSError: the evidence cannot be written.
    """
    mixture = mixture_of(run, share.settings.seed, share.settings.requests)
    judge, tally = AnswerJudge(run, mixture), Tally()
    with EvidenceWriter(evidence, run.redactor, header_of(run, mixture)) as writer:

        def count(one: Arrived) -> None:
            redacted = run.redactor.exchange(one.exchange)
            judged = judge.judge(one.probe, one.number, redacted)
            if tally.add(one.probe, redacted, judged, one.level):
                writer.append(one.exchange)

        users = Users(share, run, mixture, count, stopped)
        began = time.process_time()
        users.send()
        cpu = time.process_time() - began
        writer.finish(interrupted=users.ended is not None)
    tally.sent_again = users.sent_again
    packed, tally.times = tally.times.packed(), Times()
    return ShareResult(
        number=share.number,
        tally=tally,
        times=packed,
        late=users.late.packed(),
        evidence=zlib.compress((evidence / FILE_NAME).read_bytes()),
        judged_ids=tuple(row.id for row in judge.requirements),
        ended=users.ended,
        seconds=users.seconds,
        cpu=cpu,
        held=users.held / max(users.seconds * share.users, 1e-9),
        most_under_way=users.most_under_way,
        samples=tuple(users.samples),
    )


def header_of(run: Run, mixture: Mixture) -> dict[str, object]:
    """The first line of the evidence of a soak."""
    return evidence_header(run, plan_of(mixture), stopped=False)
