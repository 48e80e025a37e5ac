"""Forges a bundle as somebody who has the suite: changes the evidence, judges it again, and packs it anew."""

from __future__ import annotations

import datetime
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from repacked_bundles import EVIDENCE, contents, packed

from conformance.bundle import MANIFEST, STATEMENT, manifest_text, statement_text
from conformance.report import read_results
from conformance.running.finish import finish, written
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge
from conformance.running.run import RunSettings
from conformance.suite.outcome import Waiver

Lines = list[dict[str, Any]]


def forged(
    bundle: Path,
    path: Path,
    change: Callable[[Lines], object] = lambda _: None,
    *,
    waivers: tuple[Waiver, ...] = (),
    judging: bool = True,
    **record: Any,
) -> Path:
    """The bundle with its evidence changed and all else made to fit; `record` are fields of the results to replace.

    With `judging` off, the record and its reports are those of the original: for what is refused before they matter.
    """
    files = contents(bundle)
    lines = [json.loads(line) for line in files[EVIDENCE].splitlines()]
    change(lines)
    lines[-1]["count"] = sum("request" in line for line in lines)
    files[EVIDENCE] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        (made / "evidence").mkdir()
        (made / EVIDENCE).write_bytes(files[EVIDENCE])
        (made / "results.json").write_bytes(files["results.json"])
        results = read_results(made / "results.json")
        if judging:
            settings = RunSettings(
                results.profile.name, replay=made, strict=results.strict, require_all=results.require_all
            )
            with open_run(settings, {}) as run:
                day = datetime.datetime.fromisoformat(results.started).date()
                suite_run, _ = judge(replace(run, waivers=waivers or results.waivers, today=day))
                finished = finish(suite_run, interrupted=False, write=False)
                results = replace(finished.results, replayed=False, duration_s=results.duration_s, **record)
                for name, report in written(suite_run, results, finished.curl, made).items():
                    files[name] = report.read_bytes()
        results = read_results(made / "results.json")
    members = {name: content for name, content in files.items() if name not in {MANIFEST, STATEMENT}}
    manifest = manifest_text(results.suite_version, members)
    texts = {MANIFEST: manifest.encode(), STATEMENT: statement_text(results, manifest).encode()}
    return packed({**members, **texts}, path)


def without(name: str) -> Callable[[Lines], None]:
    """Leaves a probe and its exchanges out."""

    def change(lines: Lines) -> None:
        lines[0]["probes"] = [one for one in lines[0]["probes"] if one["name"] != name]
        lines[1:] = [line for line in lines[1:] if line.get("probe") != name]

    return change
