"""Writes the effects that were seen into the catalogue, where a reviewer reads them as a difference of the rows.

What a fault must be caught through (`breaks`) is never changed, only what else it changes.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from conformance.contract.documents import Document
from conformance.lab.kill_matrix import Detection, KillMatrix, LabResult, following
from conformance.lab.row_editing import RowText, edited, new_row, rows_text, sequence
from conformance.lab.targets import contract_of
from conformance.reference.faults import EFFECT_BROKEN, read_fault_rows, shipped_fault_rows
from conformance.reference.faults.selection import generated_document
from conformance.report.files import write_atomically
from conformance.suite.outcome import BROKEN

_SETTLED = (Detection.CAUGHT, Detection.CLEAN)
"""What was missed, or accused falsely, is not taken as right."""
_HARMLESS = ("passed", "skipped", "untested")
_FEWEST = 3
"""The fewest requirements that a glob stands for."""
_EFFECTS, _ALSO, _NOT = "effects", "also", "not"
Entry = str | dict[str, str]
ByProfile = Mapping[str, LabResult]


def accept_effects(matrices: Sequence[KillMatrix], extra: Path | None = None) -> list[Path]:
    """Rewrite the effects of the rows that these matrices judged, where they differ; returns the files written.

    Raises:
        ContractError: the catalogue cannot be used.
        OSError: a file cannot be written.
    """
    results: dict[str, dict[str, LabResult]] = {}
    for matrix in matrices:
        for one in matrix.results:
            if one.detection in _SETTLED and one.fault is not None:
                results.setdefault(one.id, {})[matrix.contract.profile.name] = one
    rows = [*shipped_fault_rows(), *(read_fault_rows(extra) if extra else ())]
    documents = {row.document.path: row.document for row in rows}
    written = [path for document in documents.values() for path in _update_rows(document, results)]
    return [*written, *_update_generated(generated_document(), results)]


def _update_rows(document: Document, results: Mapping[str, ByProfile]) -> list[Path]:
    before = document.path.read_text(encoding="utf-8")
    file = rows_text(before, document)
    written = {row["id"]: row for row in document.data}
    rows = tuple(
        replace(row, text=_with_effects(row.text, written[row.id], results[row.id])) if row.id in results else row
        for row in file.rows
    )
    return _write(document.path, before, str(replace(file, rows=rows)))


def _update_generated(document: Document, results: Mapping[str, ByProfile]) -> list[Path]:
    """The entries of the faults that are made from schemas, sorted: those that were judged anew, and all others."""
    before = document.path.read_text(encoding="utf-8")
    file = rows_text(before, document)
    entries, written = {row.id: row for row in file.rows}, {entry["id"]: entry for entry in document.data}
    for name, own in results.items():
        if not any(one.fault is not None and one.fault.generated for one in own.values()):
            continue
        entry = entries.get(name) or RowText(name, new_row(name, lambda _: None))
        text = _with_effects(entry.text, _without_list_of_profiles(written.get(name, {})), own)
        if text == new_row(name, lambda _: None):
            entries.pop(name, None)
        else:
            entries[name] = replace(entry, text=text)
    return _write(document.path, before, str(replace(file, rows=tuple(entries[name] for name in sorted(entries)))))


def _without_list_of_profiles(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    keeps = isinstance(entry.get("profiles"), Mapping)
    return entry if keeps else {name: value for name, value in entry.items() if name != "profiles"}


def _write(path: Path, before: str, after: str) -> list[Path]:
    if after == before:
        return []
    write_atomically(path, after)
    return [path]


def _with_effects(text: str, written: Mapping[str, Any], results: ByProfile) -> str:
    """A row's text with the effects of all profiles in which it was judged: the common ones, and what differs."""
    common, apart = _effects(results)
    profiles = _profiles(written, apart, results)
    if common == list(written.get(_EFFECTS, ())) and profiles == written.get("profiles"):
        return text
    return edited(text, partial(_put, common=common, profiles=profiles))


def _put(row: CommentedMap, common: Sequence[Entry], profiles: Any) -> None:
    """Put effects and profiles into a row, as its last members."""
    for name in (_EFFECTS, "profiles"):
        row.pop(name, None)
    if common:
        row[_EFFECTS] = sequence(_EFFECTS, common, 2)
    if isinstance(profiles, Mapping):
        row["profiles"] = CommentedMap({name: _override(one) for name, one in profiles.items()})
    elif profiles:
        row["profiles"] = sequence("profiles", profiles, 2)


def _override(written: Mapping[str, Any] | None) -> CommentedMap | None:
    if not written:
        return None
    return CommentedMap(
        {name: sequence(name, value, 6) if isinstance(value, list) else value for name, value in written.items()}
    )


def _profiles(written: Mapping[str, Any], apart: Mapping[str, Mapping[str, Any]], results: ByProfile) -> Any:
    """What the row says about its profiles: nothing, their names, or what differs in each."""
    named = written.get("profiles")
    overrides = {} if not isinstance(named, Mapping) else {name: dict(one or {}) for name, one in named.items()}
    for profile in results:
        if profile in apart or profile in overrides:
            override = overrides.setdefault(profile, {})
            for name in (_EFFECTS, _ALSO, _NOT):
                override.pop(name, None)
            override.update(apart.get(profile, {}))
    differing = {name: one for name, one in overrides.items() if one}
    if not differing:
        return None if named is None else list(named)
    names = dict.fromkeys([*(results if named is None else named), *differing])
    return {name: differing.get(name) for name in names}


def _effects(results: ByProfile) -> tuple[list[Entry], dict[str, dict[str, Any]]]:
    """The effects that most profiles which can show them have, and what each profile has in addition, or not at all."""
    by_profile = {profile: _effects_of(one, _follows(one, profile)) for profile, one in results.items()}
    globs = _globs(by_profile, results)
    own = {
        profile: {name: outcome for name, outcome in effects.items() if not _covered(name, outcome, globs)}
        for profile, effects in by_profile.items()
    }
    ids = {profile: {one.id for one in contract_of(profile).requirements} for profile in results}
    votes: dict[tuple[str, str], int] = {}
    for effects in own.values():
        for effect in effects.items():
            votes[effect] = votes.get(effect, 0) + 1
    common = dict(effect for effect, number in sorted(votes.items()) if 2 * number > _showing(effect[0], ids))
    apart = {profile: _apart(common, own[profile], ids[profile], results[profile]) for profile in own}
    return [*_entries(globs), *_entries(common)], {profile: one for profile, one in apart.items() if one}


def _showing(name: str, ids: Mapping[str, set[str]]) -> int:
    """How many profiles have a requirement."""
    return sum(name in one for one in ids.values())


def _apart(common: Mapping[str, str], own: Mapping[str, str], ids: set[str], result: LabResult) -> dict[str, Any]:
    """What one profile has in addition to the common effects, and which of them it does not have."""
    breaks = () if result.fault is None else result.fault.breaks
    here = {name: outcome for name, outcome in common.items() if name in ids and name not in breaks}
    also = {name: outcome for name, outcome in own.items() if here.get(name) != outcome}
    missing = sorted(name for name, outcome in here.items() if own.get(name) != outcome and name not in also)
    return {**({_ALSO: _entries(also)} if also else {}), **({_NOT: missing} if missing else {})}


def _globs(by_profile: Mapping[str, Mapping[str, str]], results: ByProfile) -> dict[str, str]:
    """Globs for whole groups of requirements of which every profile shows the same outcome."""
    globs: dict[str, str] = {}
    names = sorted({name for effects in by_profile.values() for name in effects})
    prefixes = {name.rsplit(".", cut)[0] for name in names for cut in range(1, name.count(".") + 1)}
    for prefix in sorted(prefixes, key=lambda one: (one.count("."), one)):
        if any(prefix.startswith(known.removesuffix("*")) for known in globs):
            continue
        found = [_outcome_of_all(f"{prefix}.", by_profile[profile], one, profile) for profile, one in results.items()]
        outcomes = {outcome for outcome, _ in found if outcome is not None}
        if len(outcomes) == 1 and not any(mixed for _, mixed in found):
            globs[f"{prefix}.*"] = outcomes.pop()
    return globs


def _outcome_of_all(prefix: str, effects: Mapping[str, str], one: LabResult, profile: str) -> tuple[str | None, bool]:
    """The outcome of all requirements with this prefix, if it is the same, and whether it is not."""
    assert one.fault is not None
    skipped = {*one.fault.breaks, *one.fault.may, *one.behind}
    judged = [
        row.id
        for row in contract_of(profile).requirements
        if row.id.startswith(prefix) and one.tier.includes(row.tier) and row.id not in skipped
    ]
    outcomes = {effects.get(name) for name in judged}
    if len(judged) < _FEWEST:
        return None, bool(judged)
    return (outcomes.pop(), False) if len(outcomes) == 1 and None not in outcomes else (None, True)


def _covered(name: str, outcome: str, globs: Mapping[str, str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) and outcome == one for glob, one in globs.items())


def _effects_of(one: LabResult, follows: frozenset[str]) -> dict[str, str]:
    """What a fault changed in addition to what it breaks."""
    assert one.fault is not None
    skipped = {*one.fault.breaks, *one.fault.may, *follows}
    return {
        name: EFFECT_BROKEN if outcome in BROKEN else outcome
        for name, outcome in one.changed.items()
        if name not in skipped and name not in one.behind and (not one.fault.is_variation or outcome in _HARMLESS)
    }


def _follows(one: LabResult, profile: str) -> frozenset[str]:
    assert one.fault is not None
    return following(one.fault, contract_of(profile))


def _entries(effects: Mapping[str, str]) -> list[Entry]:
    return [name if outcome == EFFECT_BROKEN else {name: outcome} for name, outcome in sorted(effects.items())]
