"""Judges the held-out deployments, one at a time, with the command `chat-conformance run`, and counts what is noticed.

    python benchmarks/heldout/run.py                                       all of them, standard tier
    python benchmarks/heldout/run.py --tier exhaustive --only 'b.*' --only 'allowed.*'
    python benchmarks/heldout/run.py --json score.json
    python benchmarks/heldout/run.py --set tools                           those on tools and structured output
    python benchmarks/heldout/run.py --set third                           the third set, some of it of other profiles

A deployment is noticed when a requirement is `failed` or `warning` that is neither for the unharmed reference of its
profile, which is judged first in the same way. A fault should be noticed, an allowed variation should not. The exit
status is 0 however the score is, and 4 where a run gave no record.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent)]

from held_out import PROFILE, HeldOut, deployment  # noqa: E402 - beside this file, not installed
from sets import SETS, TEXT  # noqa: E402

from conformance.reference import EmbeddedReference  # noqa: E402

ALLOWED = "allowed"
_BROKEN = ("failed", "warning")
_LONGEST: Mapping[str, float] = {"standard": 300.0, "exhaustive": 3600.0}
"""Seconds that a run may take, by its tier."""


class NoRecordError(Exception):
    """A run of the suite ended without results.json; the message says how."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one run of the suite found."""

    verdict: str
    broken: tuple[str, ...]
    """Ids of the requirements that are failed, or a warning."""
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the score."""

    id: str
    kind: str
    about: str
    seen: tuple[str, ...]
    noticed: bool | None
    """None where the run gave no record."""
    verdict: str
    requirements: tuple[str, ...]
    """Those that are broken here, and not for the unharmed reference."""
    requests: int
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=list(SETS), default=TEXT, help="which held-out deployments; text by default")
    parser.add_argument("--tier", choices=sorted(_LONGEST), default="standard")
    parser.add_argument("--only", action="append", default=[], metavar="GLOB", help="these faults and variations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the score to a file as well")
    options = parser.parse_args(arguments)
    entries = [one for one in SETS[options.set].entries if _is_selected(one, options.only)]
    unharmed: dict[str, Judged] = {}
    results = []
    for profile in dict.fromkeys((PROFILE, *(entry.profile for entry in entries))):
        one = unharmed[profile] = judged(deployment(profile=profile), options.tier, profile)
        print(f"unharmed {profile}: {one.verdict}, {one.requests} requests, broken: {list(one.broken)}", flush=True)
    for entry in entries:
        results.append(result_of(entry, options.tier, unharmed[entry.profile]))
        print(line_of(results[-1]), flush=True)
    document = score_of(options.set, options.tier, unharmed, results)
    print(table_of(document["kinds"]))
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 4 if any(one.noticed is None for one in results) else 0


def _is_selected(entry: HeldOut, globs: Sequence[str]) -> bool:
    return not globs or any(fnmatch(entry.id, glob) for glob in globs)


def result_of(entry: HeldOut, tier: str, unharmed: Judged) -> Result:
    """Serve one deployment, and judge it."""
    about = (entry.id, entry.kind, entry.about, entry.seen)
    try:
        run = judged(entry.reference(), tier, entry.profile)
    except NoRecordError as error:
        return Result(*about, noticed=None, verdict=str(error), requirements=(), requests=0, seconds=0.0)
    further = tuple(one for one in run.broken if one not in unharmed.broken)
    return Result(*about, bool(further), run.verdict, further, run.requests, run.seconds)


def judged(reference: EmbeddedReference, tier: str, profile: str = PROFILE) -> Judged:
    """What the command finds in a deployment of a profile.

    Raises:
        NoRecordError: it wrote no results.json.
    """
    with tempfile.TemporaryDirectory() as folder, reference:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "conformance.cli", "run", profile, "--base-url", reference.base_url]
        command += ["--tier", tier, "--out", str(out), "--yes", "--quiet"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CONFORMANCE_")}
        started = time.monotonic()
        try:
            ended = subprocess.run(
                command, cwd=folder, env=clean, capture_output=True, text=True, timeout=_LONGEST[tier], check=False
            )
        except subprocess.TimeoutExpired:
            raise NoRecordError(f"the run did not end within {_LONGEST[tier]:g} seconds") from None
        seconds = time.monotonic() - started
        written = out / "results.json"
        if not written.is_file():
            raise NoRecordError(
                f"exit {ended.returncode} without results.json: {(ended.stderr or ended.stdout)[-300:]}"
            )
        record = json.loads(written.read_text(encoding="utf-8"))
    broken = tuple(sorted(row["id"] for row in record["requirements"] if row["outcome"] in _BROKEN))
    return Judged(record["verdict"], broken, record["exchanges"]["count"], round(seconds, 1))


def line_of(result: Result) -> str:
    """One row, as it is printed."""
    word = {None: "NO RECORD", True: "noticed", False: "not noticed"}[result.noticed]
    shown = ", ".join(result.requirements) or ("" if result.noticed is not None else result.verdict)
    effort = f"{result.requests:4} requests  {result.seconds:5} s"
    return f"{word:11}  {result.id:32} {result.verdict[:13]:13} {effort}  {shown}"


def score_of(name: str, tier: str, unharmed: Mapping[str, Judged], results: Sequence[Result]) -> dict[str, Any]:
    """The score as a document."""
    kinds: dict[str, dict[str, Any]] = {}
    for kind in (*SETS[name].kinds, ALLOWED):
        rows = [one for one in results if one.kind == kind]
        if rows:
            named = [one.id for one in rows if bool(one.noticed) is (kind == ALLOWED)]
            total = {"of": len(rows), "noticed": sum(bool(one.noticed) for one in rows)}
            kinds[kind] = {**total, "accused" if kind == ALLOWED else "missed": named}
    faults = [one for one in results if one.kind != ALLOWED]
    elsewhere = {profile: asdict(one) for profile, one in unharmed.items() if profile != PROFILE}
    return {
        "format": 1,
        "profile": PROFILE,
        **({} if name == TEXT else {"set": name}),
        "tier": tier,
        "commit": _commit(),
        "faults": {"of": len(faults), "noticed": sum(bool(one.noticed) for one in faults)},
        "kinds": kinds,
        "unharmed": asdict(unharmed[PROFILE]),
        **({} if not elsewhere else {"unharmed_elsewhere": elsewhere}),
        "results": [asdict(one) for one in results],
    }


def _commit() -> str | None:
    """The commit of the suite that judged, where this is a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.stdout.strip() or None


def table_of(kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """The totals per kind, as they are printed."""
    rows = []
    for kind, total in kinds.items():
        named = total.get("missed", total.get("accused"))
        rows.append(f"{kind:8} {total['noticed']} of {total['of']}  {', '.join(named)}")
    return "\n".join(["", "kind     noticed; missed (of allowed variations: accused)", *rows])


if __name__ == "__main__":
    sys.exit(main())
