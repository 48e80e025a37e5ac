"""The judges that are compared, each as a function from a faulty deployment to what it found, sent and took.

Each is a program of its own, as users start it: its processor time has its imports in it, and not the deployment.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]

from peer import peer_document, run_peer  # noqa: E402 - beside this file

from conformance.contract import known_parameters  # noqa: E402 - the package comes from the checkout around this file
from conformance.contract.model import Tier  # noqa: E402
from conformance.lab.targets import LabTarget, contract_of  # noqa: E402
from conformance.reference import EmbeddedReference  # noqa: E402
from conformance.reference.hooks import Messages  # noqa: E402
from conformance.reference.request_context import RequestContext  # noqa: E402
from conformance.suite.outcome import BROKEN  # noqa: E402
from conformance.targets.environment import MODEL, variables_of  # noqa: E402

ONE_REQUEST = 6
"""Seconds for one request: the deployments are on loopback, and some never answer."""
_JUDGED = (0, 1, 3)
_TIMEOUT = 900


@dataclass(frozen=True, slots=True)
class Found:
    """What one judge found in one deployment: the names of its findings, its requests, and its seconds.

    `cpu` has the seconds of processors that the judge took, without those of the deployment.
    """

    names: frozenset[str]
    requests: int
    seconds: float
    cpu: float


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


def judged_by(find: Callable[[LabTarget, EmbeddedReference], frozenset[str]]) -> Judge:
    """The judge that finds these names by a program, with what this takes."""

    def judge(target: LabTarget) -> Found:
        with deployed(target) as (reference, counter):
            began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            names = find(target, reference)
            seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Found(names, counter.requests, seconds, cpu)

    return judge


def ours(tier: Tier) -> Judge:
    """This suite in one tier."""

    def find(target: LabTarget, reference: EmbeddedReference) -> frozenset[str]:
        with tempfile.TemporaryDirectory(prefix="chat-conformance-ours-") as out:
            command = [sys.executable, "-P", "-m", "conformance.cli", "run", target.profile, "--out", out]
            command += ["--base-url", reference.base_url, "--tier", tier, "--timeout", str(ONE_REQUEST)]
            known = {MODEL: reference.model, **variables_of(reference.target, known_parameters())}
            ended = _ended(command, out, {"PYTHONPATH": str(ROOT), **known})
            if ended.returncode not in _JUDGED:
                raise RuntimeError(f"the suite reached no verdict on {target.id}: {ended.stdout + ended.stderr}")
            results = json.loads((Path(out) / "results.json").read_text(encoding="utf-8"))
        return frozenset(row["id"] for row in results["requirements"] if row["outcome"] in BROKEN)

    return judged_by(find)


def schemathesis(*, events: bool) -> Judge:
    """The schemathesis command line, with a document that describes the events of streams, or without."""

    def find(target: LabTarget, reference: EmbeddedReference) -> frozenset[str]:
        key = {"Authorization": f"Bearer {reference.api_key}"}
        if target.profile == "kodexa":
            key = {"x-api-key": reference.api_key}
        document = peer_document(target.profile, reference, events=events)
        return run_peer(document, reference.base_url, key, "--seed", "1").codes

    return judged_by(find)


def llm_comply(program: Path) -> Judge:
    """The `llm-comply` command line with all of its tests of chat completions."""

    def find(target: LabTarget, reference: EmbeddedReference) -> frozenset[str]:
        url = reference.base_url
        command = [str(program), "run", "--format", "openai-chat", "--json", "--timeout", str(ONE_REQUEST)]
        if target.profile == "kodexa":
            url += f"/api/organizations/{reference.target.parameters['orgId']}/ai"
            command += ["--auth-header", "x-api-key", "--no-bearer"]
        command += ["--base-url", url, "--api-key", reference.api_key, "--model", reference.model]
        with tempfile.TemporaryDirectory(prefix="chat-conformance-peer-") as folder:
            ended = _ended(command, folder, {})
        try:
            results = json.loads(ended.stdout)["results"]
        except (ValueError, KeyError):
            raise RuntimeError(f"llm-comply gave no results: {(ended.stdout + ended.stderr)[-2000:]}") from None
        failed = [one for one in results if one["status"] == "failed"]
        return frozenset(f"{one['id']}: {error}" for one in failed for error in one["errors"] or ["failed"])

    return judged_by(find)


def versions(program: Path | None) -> dict[str, str]:
    """Which releases are compared; `program` is that of llm-comply, if it judges."""
    found = {name: importlib.metadata.version(name) for name in ("chat-conformance", "schemathesis")}
    if program is not None:
        found["llm-comply"] = _ended([str(program), "--version"], str(ROOT), {}).stdout.split()[-1]
    return found


def _ended(command: Sequence[str], folder: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The program when it has ended, with nothing of this process's environment but where programs are."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": folder, **environment},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
