"""What to do where the folder of a new run holds an earlier one: refuse, or put it aside until the new one is there.

Only files that a run writes are ever moved or removed, and only where they are of a run of this suite.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.evidence import FILE_NAME as EVIDENCE_FILE
from conformance.quoting import one_line
from conformance.report import REPORT_NAMES
from conformance.running.replay import EVIDENCE
from conformance.strict_json import load
from conformance.targets import TargetError

RUN_LOG = "run-log.html"
_RECORD = "results.json"
_ASIDE = ".replaced-"
_FILES = (*(name for name in REPORT_NAMES if name != _RECORD), RUN_LOG, _RECORD, f"{EVIDENCE}/{EVIDENCE_FILE}")
"""What a run writes, in the order in which it is moved: while the evidence is there, the folder still holds a run."""
_LONGEST_LINE = 50_000_000
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The run that a folder holds. `about` is its profile and when it began.

    `finished` says that it went to its end, `resumable` that it was stopped before; one that the preflight ended is
    neither.
    """

    about: str
    finished: bool
    resumable: bool = False


def earlier_run(out: Path) -> EarlierRun | None:
    """The run in a folder, or None where there is none.

    Raises:
        TargetError: there are files of a run's names that this suite did not write, or cannot read.
    """
    evidence, record = out / EVIDENCE / EVIDENCE_FILE, out / _RECORD
    try:
        if evidence.exists():
            if (out / EVIDENCE).is_symlink() or evidence.is_symlink():
                raise _not_ours(evidence)
            return _of_evidence(evidence)
        return _of_record(record) if record.exists() else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_ours(evidence if evidence.exists() else record) from error


def require_fresh(out: Path, *, force: bool) -> None:
    """Refuse a folder that holds a run: evidence is never mixed. With `force`, it is going to be replaced.

    Raises:
        TargetError: it holds a run, or files that look like one and are not ours.
    """
    run = earlier_run(out)
    if run is None or force:
        return
    if not run.resumable:
        raise TargetError(
            f"{out} holds an earlier run ({run.about}); choose another --out, or give --force to replace it."
        )
    raise TargetError(
        f"{out} holds an earlier run that was stopped ({run.about}); take it up again with --resume {out}, give --force"
        " to replace it, or choose another --out."
    )


def require_no_other_evidence(out: Path, replayed: Path) -> None:
    """Refuse to write what the evidence in `replayed` shows into a folder with the evidence of another run.

    Raises:
        TargetError: it holds one.
    """
    evidence = out / EVIDENCE / EVIDENCE_FILE
    places = (replayed / EVIDENCE / EVIDENCE_FILE, replayed / EVIDENCE_FILE)
    if evidence.exists() and not any(one.exists() and one.samefile(evidence) for one in places):
        raise TargetError(
            f"{out} holds an earlier run, and its evidence is not what is judged again; choose another --out."
        )


@contextlib.contextmanager
def replacing(out: Path) -> Iterator[None]:
    """Put the run in a folder aside, and remove it once a new run is there that went to its end.

    Where no new run began, it is put back. Where the new one was stopped, both are kept.

    Raises:
        TargetError: the folder holds files that look like a run and are not ours.
        OSError: a file cannot be moved.
    """
    if earlier_run(out) is None:
        yield
        return
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=out))
    _move(out, aside)
    try:
        yield
    finally:
        new = earlier_run(out)
        if new is None:
            _move(aside, out)
            _remove(aside)
        elif new.finished and (out / EVIDENCE / EVIDENCE_FILE).exists():
            for folder in out.glob(f"{_ASIDE}*"):
                _remove(folder)


def kept_aside(out: Path) -> tuple[Path, ...]:
    """The folders in which earlier runs are still kept, since no run after them went to its end."""
    return tuple(sorted(out.glob(f"{_ASIDE}*")))


def _of_evidence(path: Path) -> EarlierRun:
    with path.open("rb") as file:
        header = load(file.readline(_LONGEST_LINE))
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _LONGEST_LINE))
        last = load(_last_line(file.read()) or b"{}")
    whole = last.get("end") is True and last.get("interrupted") is False
    judged = header.get("stopped") is not True
    return EarlierRun(_about(header), finished=whole and judged, resumable=not whole and judged)


def _last_line(content: bytes) -> bytes:
    """The last line if it is whole and not the only one."""
    lines = content.split(b"\n")
    return lines[-2] if len(lines) > 2 and not lines[-1] else b""


def _of_record(path: Path) -> EarlierRun:
    with path.open("rb") as file:
        document = load(file.read(_LONGEST_LINE))
    return EarlierRun(_about(document), finished=True)


def _about(document: Mapping[str, Any]) -> str:
    if document["suite"]["name"] != "chat-conformance":
        raise ValueError("another suite's")
    profile, started = one_line(document["profile"]["name"], _LONGEST_NAME), one_line(document["started"], 40)
    return f"{profile}, begun {started}"


def _not_ours(path: Path) -> TargetError:
    return TargetError(
        f"{path} is not of an earlier run that can be read, so it is neither continued nor replaced; choose another"
        " --out, or remove it."
    )


def _move(source: Path, to: Path) -> None:
    for name in _FILES:
        if (source / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).replace(to / name)
    with contextlib.suppress(OSError):
        (source / EVIDENCE).rmdir()


def _remove(aside: Path) -> None:
    """Remove what was put aside, and nothing that somebody else put there."""
    for name in _FILES:
        (aside / name).unlink(missing_ok=True)
    for folder in (aside / EVIDENCE, aside):
        with contextlib.suppress(OSError):
            folder.rmdir()
