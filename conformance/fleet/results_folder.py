"""Where the files of each run stand, and what the README beside them says.

A folder for each version, in it one for each profile, in that one for each target, with a README that says how to make
the same results again: the form in which the Gateway API collects its conformance reports.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import conformance
from conformance.fleet.distribution import Judged
from conformance.fleet.storage import Storage
from conformance.fleet.task import BUNDLE, Outcome, Task
from conformance.quoting import escape_markdown
from conformance.running.earlier_run import RUN_LOG
from conformance.strict_json import load

FORMAT: Final = 1
_README = "README.md"
_RUN = "run.json"
_REPORTS = {
    "results.json": "report.json",
    "compliance.html": "report.html",
    "junit.xml": "junit.xml",
    RUN_LOG: "log.html",
    BUNDLE: BUNDLE,
}
"""What of a run's files is kept beside the bundle, and behind its tier, by its name in a run's own folder."""


def folder_of(task: Task) -> str:
    """The folder of a task's results."""
    return f"{task.version}/{task.profile}/{task.target}"


def file_of(task: Task, name: str) -> str:
    """The place of one of the files of a run, by its name in a run's own folder."""
    return f"{folder_of(task)}/{task.tier.value}-{_REPORTS.get(name, name)}"


def known_results(storage: Storage, tasks: Iterable[Task]) -> dict[str, Judged]:
    """What was judged to its end before, with the same settings and by the same program, by the task's name."""
    wanted = {file_of(task, _RUN): task for task in tasks}
    found = {}
    for name, content in storage.read(tuple(wanted)).items():
        task = wanted[name]
        try:
            data = load(content)
            outcome = Outcome(**{**data["outcome"], "failed": tuple(data["outcome"]["failed"])})
            if data["digest"] == task.digest and outcome.is_complete:
                found[task.name] = Judged(task, outcome, data["worker"], data["tries"])
        except (ValueError, TypeError, KeyError):
            continue  # of another version, or cut: it is judged again
    return found


def keep(storage: Storage, judged: Judged, beside: Iterable[Judged]) -> None:
    """Write the files of a run, at last the one that says that all are there; `beside` are those in the same folder.

    Raises:
        FleetError, OSError: a file cannot be written.
    """
    task, outcome = judged.task, judged.outcome
    for name, content in _reports(outcome.files).items():
        storage.write(file_of(task, name), content)
    storage.write(f"{folder_of(task)}/{_README}", readme([*beside, judged]).encode())
    storage.write(file_of(task, _RUN), (json.dumps(run_data(judged), indent=1) + "\n").encode())


def run_data(judged: Judged) -> dict[str, Any]:
    """What is kept of a run beside its reports."""
    task = judged.task
    return {
        "format": FORMAT,
        "suite": conformance.__version__,
        "target": task.target,
        "profile": task.profile,
        "version": task.version,
        "tier": task.tier.value,
        "digest": task.digest,
        "worker": judged.worker,
        "tries": judged.tries,
        "outcome": judged.outcome.facts(),
    }


def _reports(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The reports of a run, from its bundle or beside it."""
    found = {name: content if name == BUNDLE else zlib.decompress(content) for name, content in files.items()}
    if BUNDLE in found:
        with zipfile.ZipFile(io.BytesIO(found[BUNDLE])) as bundle:
            found |= {name: bundle.read(name) for name in bundle.namelist() if name in _REPORTS}
    return {name: content for name, content in found.items() if name in _REPORTS}


def readme(runs: Iterable[Judged]) -> str:
    """The README of a target's folder: what was judged with which verdict, and how to do it again."""
    ordered = sorted(runs, key=lambda one: one.task.tier.value)
    task = ordered[0].task
    lines = [f"# {escape_markdown(task.target)}", ""]
    lines += [f"Judged by chat-conformance {conformance.__version__} against {task.profile} {task.version}.", ""]
    lines += ["## Table of contents", "", "| Tier | Verdict | Begun | Report |", "| --- | --- | --- | --- |"]
    for one in ordered:
        names = ("report.html", "report.json", "junit.xml", "log.html", *((BUNDLE,) if one.outcome.bundled else ()))
        links = ", ".join(f"[{name}]({one.task.tier.value}-{name})" for name in names) if one.outcome.verdict else ""
        lines.append(
            f"| {one.task.tier.value} | {one.outcome.verdict or 'none'} | {one.outcome.started or 'never'} | {links} |"
        )
    lines += ["", "## Reproduce", "", "With the same file, and the target's key in the variable that it names:", ""]
    lines += ["```sh"]
    lines += [
        f"chat-conformance run {one.task.asked_profile} --config FLEET.toml --target {one.task.target}"
        f" --tier {one.task.tier.value}"
        for one in ordered
    ]
    lines += ["```", ""]
    bundled = [one for one in ordered if one.outcome.bundled]
    if bundled:
        lines += ["Or judge the evidence of these runs again, without the target:", "", "```sh"]
        lines += [f"chat-conformance verify {one.task.tier.value}-{BUNDLE}" for one in bundled]
        lines += ["```", ""]
    return "\n".join(lines)
