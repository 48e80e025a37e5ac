"""The judges that are compared, each as a function from a faulty deployment to what it found, sent and took."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from peer import peer_document, run_peer  # noqa: E402 - beside this file

from conformance.commands.run import run_suite  # noqa: E402 - the package comes from the checkout around this file
from conformance.contract import known_parameters  # noqa: E402
from conformance.contract.model import Tier  # noqa: E402
from conformance.lab.targets import LabTarget, contract_of  # noqa: E402
from conformance.reference import EmbeddedReference  # noqa: E402
from conformance.reference.hooks import Messages  # noqa: E402
from conformance.reference.request_context import RequestContext  # noqa: E402
from conformance.running.run import RunSettings  # noqa: E402
from conformance.suite.outcome import BROKEN  # noqa: E402
from conformance.targets import Limits  # noqa: E402
from conformance.targets.environment import MODEL, variables_of  # noqa: E402

PATIENCE = Limits(first_byte_timeout=4.0, idle_timeout=1.5, deadline=6.0, connect_timeout=4.0, retries=1)
"""For deployments on loopback, some of which never answer; the same as the lab's."""
_JUDGED = (0, 1, 3)


@dataclass(frozen=True, slots=True)
class Found:
    """What one judge found in one deployment: the names of its findings, its requests and its seconds."""

    names: frozenset[str]
    requests: int
    seconds: float


Judge = Callable[[LabTarget], Found]


class _Counter:
    """Counts the requests that reach a deployment's application."""

    def __init__(self) -> None:
        self.requests = 0

    async def count(self, _: RequestContext, messages: Messages) -> Messages:
        self.requests += 1
        async for message in messages:
            yield message


@contextlib.contextmanager
def deployed(target: LabTarget) -> Iterator[tuple[EmbeddedReference, _Counter]]:
    """The reference with the target's fault, while it serves, and the counter of its requests."""
    counter = _Counter()
    hooks = replace(target.hooks, messages=(counter.count, *target.hooks.messages))
    with EmbeddedReference(target.profile, hooks=hooks, contract=contract_of(target.profile)) as reference:
        yield reference, counter


def ours(tier: Tier) -> Judge:
    """This suite in one tier."""

    def judge(target: LabTarget) -> Found:
        began = time.monotonic()
        with (
            deployed(target) as (reference, counter),
            tempfile.TemporaryDirectory(prefix="chat-conformance-ours-") as out,
        ):
            settings = RunSettings(target.profile, reference.base_url, tier=tier, out=Path(out), limits=PATIENCE)
            printed = io.StringIO()
            with (
                _environment(reference),
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
            ):
                status = run_suite(settings)
            if status not in _JUDGED:
                raise RuntimeError(f"the suite reached no verdict on {target.id}: {printed.getvalue()[-2000:]}")
            results = json.loads((Path(out) / "results.json").read_text(encoding="utf-8"))
        names = frozenset(row["id"] for row in results["requirements"] if row["outcome"] in BROKEN)
        return Found(names, counter.requests, time.monotonic() - began)

    return judge


def peer(*, events: bool) -> Judge:
    """The peer, with a document that describes the events of streams, or without."""

    def judge(target: LabTarget) -> Found:
        began = time.monotonic()
        with deployed(target) as (reference, counter):
            key = {"Authorization": f"Bearer {reference.api_key}"}
            if target.profile == "kodexa":
                key = {"x-api-key": reference.api_key}
            document = peer_document(target.profile, reference, events=events)
            outcome = run_peer(document, reference.base_url, key, "--seed", "1")
        return Found(outcome.codes, counter.requests, time.monotonic() - began)

    return judge


@contextlib.contextmanager
def _environment(reference: EmbeddedReference) -> Iterator[None]:
    """The environment variables with a deployment's keys."""
    before = dict(os.environ)
    os.environ.update({MODEL: reference.model, **variables_of(reference.target, known_parameters())})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
