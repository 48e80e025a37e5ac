"""Lets another tool judge the lab's targets: a command whose exit status says whether it found anything."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.contract import known_parameters
from conformance.lab.targets import LabTarget, contract_of
from conformance.reference import EmbeddedReference
from conformance.shipped import profile_path
from conformance.targets.environment import MODEL, variables_of

CLEAN, FOUND = 0, 1
TIMEOUT = 600.0
"""Seconds after which a command is stopped for one target."""
_SCHEMATHESIS = (
    f"{shlex.quote(sys.executable)} -m schemathesis.cli --config-file {{folder}}/schemathesis.toml"
    " run {openapi} --url {base_url} --header '{credential}' --no-color"
)
ADAPTERS: Mapping[str, str] = {"schemathesis": _SCHEMATHESIS}
"""Commands by a short name. `{credential}` stands for the header line with the key."""
_SCHEMATHESIS_SETTINGS = "[cache]\nenabled = false\n"


@dataclass(frozen=True, slots=True)
class ToolVerdict:
    """What a command made of one target: its exit status, None if it was stopped, and how long it took."""

    target: LabTarget
    status: int | None
    seconds: float
    printed: str = ""
    """The end of its output, if its status is neither 0 nor 1."""

    @property
    def found(self) -> bool:
        """Whether it found something in the target."""
        return self.status == FOUND


@dataclass(frozen=True, slots=True)
class ToolScore:
    """Which faults a tool caught, and in which conforming deployments it found something."""

    command: str
    verdicts: tuple[ToolVerdict, ...]

    def _ids(self, wanted: Callable[[ToolVerdict], bool]) -> tuple[str, ...]:
        return tuple(one.target.id for one in self.verdicts if wanted(one))

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults that it had to catch."""
        return self._ids(lambda one: _is_fault(one.target))

    @property
    def caught(self) -> tuple[str, ...]:
        """The faults in which it found something."""
        return self._ids(lambda one: _is_fault(one.target) and one.found)

    @property
    def false_alarms(self) -> tuple[str, ...]:
        """The controls and allowed variations in which it found something."""
        return self._ids(lambda one: not _is_fault(one.target) and one.found)

    @property
    def unusable(self) -> tuple[ToolVerdict, ...]:
        """The targets without a verdict: the command broke, or was stopped."""
        return tuple(one for one in self.verdicts if one.status not in {CLEAN, FOUND})


def tool_score_text(score: ToolScore) -> str:
    """The score in a few lines of text."""
    controls = len(score.verdicts) - len(score.faults)
    lines = [
        f"Scored with: {score.command}",
        f"faults  {len(score.faults):>5}   caught {len(score.caught)}",
        f"others  {controls:>5}   accused falsely {len(score.false_alarms)}",
    ]
    lines += [f"missed: {name}" for name in score.faults if name not in score.caught]
    lines += [f"accused falsely: {name}" for name in score.false_alarms]
    for one in score.unusable:
        last_line = one.printed.strip().splitlines()[-1:] or [""]
        lines.append(f"no verdict on {one.target.id}: status {one.status}; {last_line[0]}")
    return "\n".join(lines)


def score_of_command(
    command: str, targets: Sequence[LabTarget], *, workers: int = 1, timeout: float = TIMEOUT
) -> ToolScore:
    """Run a command against every target, which is served while the command runs.

    `command` is the name of an adapter, or a command line in which `{base_url}` stands for the part of the URL before
    the operation's path, `{openapi}` for the path of the profile's document, `{credential}` for the header line with
    the key, and `{folder}` for a folder of its own. Its environment has the key, the model and the profile's parameters
    (`CONFORMANCE_API_KEY`, `CONFORMANCE_MODEL` …). It runs without a shell; its exit status is 1
    if it found something, and 0 if it did not.
    """
    template = ADAPTERS.get(command, command)
    with ThreadPoolExecutor(workers, thread_name_prefix="tool") as pool:
        return ToolScore(command, tuple(pool.map(lambda target: _judge(template, target, timeout), targets)))


def _judge(template: str, target: LabTarget, timeout: float) -> ToolVerdict:
    contract = contract_of(target.profile)
    reference = EmbeddedReference(target.profile, hooks=target.hooks, contract=contract)
    with reference, TemporaryDirectory(prefix="chat-conformance-tool-") as folder:
        (Path(folder) / "schemathesis.toml").write_text(_SCHEMATHESIS_SETTINGS, encoding="utf-8")
        scheme = contract.operation.credential
        credential = "" if scheme is None else f"{scheme.header}: {scheme.prefix}{reference.api_key}"
        values = {
            "base_url": reference.base_url,
            "openapi": str(profile_path(target.profile)),
            "credential": credential,
            "folder": folder,
        }
        began = time.monotonic()
        status, printed = _run(_filled(template, values), folder, _environment(reference), timeout)
    output = "" if status in {CLEAN, FOUND} else printed.replace(reference.api_key, "[api-key]")
    return ToolVerdict(target, status, round(time.monotonic() - began, 3), output)


def _filled(template: str, values: Mapping[str, str]) -> list[str]:
    """The words of a command, with values filled in after splitting, so that no value can add a word."""
    words = shlex.split(template)
    for name, value in values.items():
        words = [word.replace(f"{{{name}}}", value) for word in words]
    return words


def _run(words: list[str], folder: str, environment: Mapping[str, str], timeout: float) -> tuple[int | None, str]:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, without a shell
            words, cwd=folder, env=environment, timeout=timeout, check=False, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return None, f"stopped after {timeout:g} s"
    except OSError as error:
        return None, f"cannot be run ({error.strerror or error})"
    return done.returncode, (done.stdout + done.stderr)[-2000:]


def _environment(reference: EmbeddedReference) -> Mapping[str, str]:
    return {**os.environ, MODEL: reference.model, **variables_of(reference.target, known_parameters())}


def _is_fault(target: LabTarget) -> bool:
    return target.fault is not None and not target.fault.is_variation
