"""Writes the effects that were seen into the catalogue, for a reviewer to read as a difference of the rows.

What a fault must be caught through (`breaks`) is never touched: only what else it changes.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.contract.documents import Document
from conformance.lab.kill_matrix import Detection, KillMatrix, LabResult
from conformance.lab.targets import contract_of, targets_of
from conformance.reference.faults import read_fault_rows, shipped_fault_rows
from conformance.reference.faults.selection import generated_document
from conformance.report.files import write_atomically
from conformance.suite.outcome import BROKEN

_SETTLED = (Detection.CAUGHT, Detection.CLEAN)
"""Of what was missed or accused falsely, nothing is taken for right."""
_HARMLESS = ("passed", "skipped", "untested")
_FEWEST = 3
"""Requirements that a glob stands for, at least."""
Entry = str | dict[str, str]


def accept_effects(matrices: Sequence[KillMatrix], extra: Path | None = None) -> list[Path]:
    """Rewrite the effects of the rows that these matrices judged, where they differ; returns the files written.

    Raises:
        ContractError: the catalogue is unusable.
        OSError: a file cannot be written.
    """
    seen: dict[str, dict[str, LabResult]] = {}
    for matrix in matrices:
        for row in matrix.results:
            if row.detection in _SETTLED and row.fault is not None:
                seen.setdefault(row.id, {})[matrix.contract.profile.name] = row
    written: list[Path] = []
    rows = [*shipped_fault_rows(), *(read_fault_rows(extra) if extra else ())]
    for document in {row.document.path: row.document for row in rows}.values():
        written += _rewrite(document, {row.id: row.data for row in rows if row.document is document}, seen)
    written += _rewrite_generated(seen)
    return written


def _rewrite(
    document: Document, rows: Mapping[str, Mapping[str, Any]], seen: Mapping[str, Mapping[str, LabResult]]
) -> list[Path]:
    text = document.path.read_text(encoding="utf-8")
    blocks = _blocks(text)
    changed = [_with_effects(block, rows.get(_id_of(block), {}), seen.get(_id_of(block), {})) for block in blocks]
    made = "".join(changed)
    if made == text:
        return []
    write_atomically(document.path, made)
    return [document.path]


def _blocks(text: str) -> list[str]:
    """The text cut before each row."""
    blocks = [""]
    for line in text.splitlines(keepends=True):
        if line.startswith("- id:"):
            blocks.append("")
        blocks[-1] += line
    return blocks


def _id_of(block: str) -> str:
    first = block.splitlines()[0] if block else ""
    return first.removeprefix("- id:").strip().strip('"') if first.startswith("- id:") else ""


def _with_effects(block: str, written: Mapping[str, Any], seen: Mapping[str, LabResult]) -> str:
    """A row's text with the effects of all profiles in which it was seen: those that all have, and what differs."""
    if not seen:
        return block
    overrides = written.get("profiles")
    known = {} if not isinstance(overrides, Mapping) else {name: dict(one or {}) for name, one in overrides.items()}
    common, apart = _effects(seen, written)
    for profile in seen:
        own = known.setdefault(profile, {}) if profile in apart or profile in known else None
        if own is not None:
            for name in ("effects", "also", "not"):
                own.pop(name, None)
            own.update(apart.get(profile, {}))
    kept = _without_member(_without_member(block.rstrip("\n"), "effects"), "profiles").rstrip("\n")
    trailing = block[len(block.rstrip("\n")) :]
    lines = [kept]
    if common:
        lines.append(_member("effects", common))
    profiles = _profiles(written, known, seen)
    if profiles:
        lines.append(profiles)
    return "\n".join(lines) + trailing


def _profiles(written: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], seen: Mapping[str, LabResult]) -> str:
    named = written.get("profiles")
    told = {name: one for name, one in known.items() if one}
    if named is None and not told:
        return ""
    if not told:
        return f"  profiles: {_flow(list(named or ()))}"
    names = list(dict.fromkeys([*(named or ()), *(seen if named is None else ()), *told]))
    lines = ["  profiles:"]
    for name in names:
        one = told.get(name)
        if not one:
            lines.append(f"    {name}:")
            continue
        lines.append(f"    {name}:")
        lines += [_member(key, value, indent=6) for key, value in one.items()]
    return "\n".join(lines)


def _effects(
    seen: Mapping[str, LabResult], written: Mapping[str, Any]
) -> tuple[list[Entry], dict[str, dict[str, Any]]]:
    """The effects that every profile which can show them has, and what each profile has beside or not at all."""
    own = {profile: _of(row) for profile, row in seen.items()}
    globs = _globs(own, seen)
    own = {
        profile: {item[0]: item[1] for item in one.items() if not _covered(item, globs)} for profile, one in own.items()
    }
    ids = {profile: {one.id for one in contract_of(profile).requirements} for profile in seen}
    votes: dict[tuple[str, str], list[str]] = {}
    for profile, effects in own.items():
        for item in effects.items():
            votes.setdefault(item, []).append(profile)
    common = {item for item, profiles in votes.items() if 2 * len(profiles) > sum(item[0] in ids[one] for one in seen)}
    apart: dict[str, dict[str, Any]] = {}
    for profile, effects in own.items():
        broken = seen[profile].fault
        breaks = set(() if broken is None else broken.breaks)
        here = {item for item in common if item[0] in ids[profile] and item[0] not in breaks}
        also = [item for item in effects.items() if item not in here]
        changed = {name for name, _ in also}
        missing = sorted(
            name for name, outcome in here if (name, outcome) not in effects.items() and name not in changed
        )
        told = {"also": _entries(dict(also))} if also else {}
        apart[profile] = {**told, **({"not": missing} if missing else {})}
    return [*_entries(globs), *_entries(dict(sorted(common)))], {profile: one for profile, one in apart.items() if one}


def _globs(own: Mapping[str, Mapping[str, str]], seen: Mapping[str, LabResult]) -> dict[str, str]:
    """Globs that say of whole groups of requirements what each profile shows of all that are in it."""
    globs: dict[str, str] = {}
    names = sorted({name for effects in own.values() for name in effects})
    prefixes = {name.rsplit(".", cut)[0] for name in names for cut in range(1, name.count(".") + 1)}
    for prefix in sorted(prefixes, key=lambda one: (one.count("."), one)):
        if any(prefix.startswith(known.removesuffix("*")) for known in globs):
            continue
        outcomes = [_outcome_of_all(f"{prefix}.", own[profile], row, profile) for profile, row in seen.items()]
        told = {outcome for outcome, _ in outcomes if outcome is not None}
        if len(told) == 1 and not any(mixed for _, mixed in outcomes):
            globs[f"{prefix}.*"] = told.pop()
    return globs


def _outcome_of_all(prefix: str, effects: Mapping[str, str], row: LabResult, profile: str) -> tuple[str | None, bool]:
    """The one outcome that all requirements with this beginning came to, and whether there is more than one."""
    assert row.fault is not None
    tier = next(target.tier for target in targets_of(profile) if target.id == row.id)
    skipped = {*row.fault.breaks, *row.fault.may}
    judged = [
        one.id
        for one in contract_of(profile).requirements
        if one.id.startswith(prefix) and tier.includes(one.tier) and one.id not in skipped
    ]
    outcomes = {effects.get(name) for name in judged}
    if len(judged) < _FEWEST:
        return None, bool(judged)
    return (outcomes.pop(), False) if len(outcomes) == 1 and None not in outcomes else (None, True)


def _covered(item: tuple[str, str], globs: Mapping[str, str]) -> bool:
    return any(fnmatch.fnmatchcase(item[0], glob) and outcome == item[1] for glob, outcome in globs.items())


def _of(row: LabResult) -> dict[str, str]:
    """What a fault changed beside what it breaks."""
    assert row.fault is not None
    skipped = {*row.fault.breaks, *row.fault.may}
    return {
        name: "broken" if outcome in BROKEN else outcome
        for name, outcome in row.changed.items()
        if name not in skipped and (not row.fault.is_variation or outcome in _HARMLESS)
    }


def _entries(effects: Mapping[str, str]) -> list[Entry]:
    return [name if outcome == "broken" else {name: outcome} for name, outcome in sorted(effects.items())]


def _without_member(block: str, name: str) -> str:
    kept: list[str] = []
    inside = False
    for line in block.split("\n"):
        if line.startswith(f"  {name}:"):
            inside = True
            continue
        inside = inside and (line.startswith("   ") or not line.strip())
        if not inside:
            kept.append(line)
    return "\n".join(kept)


def _member(name: str, value: Any, indent: int = 2) -> str:
    space = " " * indent
    flow = f"{space}{name}: {_flow(value)}"
    if len(flow) <= 118 or not isinstance(value, list):
        return flow
    return "\n".join(
        [
            f"{space}{name}:",
            *(f"{space}  - {_flow(one).strip('{}') if isinstance(one, dict) else _flow(one)}" for one in value),
        ]
    )


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    if isinstance(value, str) and value.replace(".", "").replace("-", "").replace("_", "").isalnum():
        return value
    return json.dumps(value, ensure_ascii=False)


def _rewrite_generated(seen: Mapping[str, Mapping[str, LabResult]]) -> list[Path]:
    """The entries of the faults that are made from schemas: those that were judged anew, all others as they stand."""
    document = generated_document()
    made = {
        name: rows
        for name, rows in seen.items()
        if any(row.fault is not None and row.fault.generated for row in rows.values())
    }
    if not made:
        return []
    text = document.path.read_text(encoding="utf-8")
    head, *blocks = _blocks(text)
    entries = {_id_of(block): block for block in blocks}
    for name, rows in made.items():
        written: Mapping[str, Any] = next((entry for entry in document.data if entry["id"] == name), {})
        block = _with_effects(entries.get(name, f'- id: "{name}"\n'), _only_overrides(written), rows)
        if block.strip() == f'- id: "{name}"':
            entries.pop(name, None)
        else:
            entries[name] = block
    whole = head.replace("[]\n", "") + "".join(entries[name] for name in sorted(entries))
    if whole == text:
        return []
    write_atomically(document.path, whole)
    return [document.path]


def _only_overrides(written: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in written.items() if name == "profiles" and isinstance(value, Mapping)}
