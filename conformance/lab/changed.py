"""Selects the targets that depend on what changed in the checkout since a revision.

A change of a requirement, a test module, a module of probes, a schema of a profile or a row of a fault selects the
faults that have to do with it. Every other change of the program selects all of them, except for parts that no
judgement depends on.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from conformance.contract.yaml_values import YamlError, read_yaml
from conformance.lab.checkout import Checkout
from conformance.lab.dependencies import changed_keywords, judged_in, probed_by
from conformance.lab.targets import LabTarget

_SUITE = "conformance/suite/test_"
_PROBES = "conformance/probes/"
_FAULT_ROWS = "conformance/reference/faults/rows/"
_GENERATED = "conformance/reference/faults/generated.yaml"
_REQUIREMENTS = "specs/requirements/"
_SOURCES = "/sources.yaml"
_PROFILES = "specs/profiles/"
_PROGRAM = ("conformance/", "specs/", "pyproject.toml", "requirements/")
"""Where a change can matter at all."""
_WITHOUT_EFFECT = (
    *(f"conformance/{name}/" for name in ("bundle", "cli", "commands", "compare", "gate", "report", "terminal")),
    *(f"conformance/lab/{name}" for name in ("console.py", "page.py", "scores.py", "templates/")),
    *(
        f"specs/{name}"
        for name in (
            "keyword-explanations.yaml",
            "unseen-reports.yaml",
            "*.schema.json",
            "profiles/*/releases/",
            "profiles/*/review",
        )
    ),
)
"""Parts of it that present results, or that no judgement depends on."""
_WORDS = frozenset({"about", "family", "seen"})
"""Members of a fault's row that only describe it."""
_EXPLANATION = frozenset({"why", "fix"})
"""Members of a requirement's row that only explain it."""
_MOST_REASONS = 5


@dataclass(slots=True)
class _Dependents:
    """What depends on the changes: requirements, faults by their ids or globs, whole profiles, or everything."""

    requirements: dict[str, set[str]] = field(default_factory=dict)
    """By profile; under the empty name, those of all profiles."""
    faults: set[str] = field(default_factory=set)
    profiles: set[str] = field(default_factory=set)
    everything: bool = False
    reasons: list[str] = field(default_factory=list)

    def include(self, target: LabTarget) -> bool:
        """Whether a target depends on the changes; controls always do."""
        fault = target.fault
        if fault is None or self.everything or target.profile in self.profiles:
            return True
        requirements = self.requirements.get("", set()) | self.requirements.get(target.profile, set())
        concerned = {*fault.breaks, *fault.effects, *fault.may}
        return bool(requirements & concerned) or any(fnmatch.fnmatchcase(fault.id, one) for one in self.faults)


def changed_targets(
    chosen: Mapping[str, Sequence[LabTarget]], checkout: Checkout
) -> tuple[dict[str, tuple[LabTarget, ...]], str]:
    """The controls and those of the chosen targets that depend on the changes, and a line that says which and why.

    Raises:
        CheckoutError: git failed.
    """
    dependents = _dependents(checkout, tuple(chosen))
    targets = {profile: tuple(filter(dependents.include, some)) for profile, some in chosen.items()}
    return targets, _line(chosen, targets, dependents, checkout.revision)


def _dependents(checkout: Checkout, profiles: Sequence[str]) -> _Dependents:
    found = _Dependents()
    files = [path for path in checkout.changed_files() if _matters(path)]
    remaining = _without_rows(files, checkout, found)
    others = [path for path in remaining if not _add(path, checkout, profiles, found)]
    if others:
        found.everything = True
        found.reasons = others
    return found


def _matters(path: str) -> bool:
    unimportant = any(fnmatch.fnmatchcase(path, f"{one}*") for one in _WITHOUT_EFFECT)
    return path.startswith(_PROGRAM) and not unimportant


def _without_rows(files: Sequence[str], checkout: Checkout, found: _Dependents) -> list[str]:
    """Add the rows that differ; returns the files that have none. A row may have moved from one file to another."""
    of_faults = [path for path in files if path.startswith(_FAULT_ROWS)]
    entries = [path for path in files if path == _GENERATED]
    of_requirements = [path for path in files if path.startswith(_REQUIREMENTS) and not path.endswith(_SOURCES)]
    for paths, what in ((of_faults, "rows"), (entries, "entries")):
        found.faults |= _changed_rows(paths, checkout, what, without=_WORDS, reasons=found.reasons)
    requirements = _changed_rows(of_requirements, checkout, "requirements", without=_EXPLANATION, reasons=found.reasons)
    _add_requirements({"": requirements}, found)
    return [path for path in files if path not in {*of_faults, *entries, *of_requirements}]


def _changed_rows(
    paths: Iterable[str], checkout: Checkout, what: str, *, without: Collection[str], reasons: list[str]
) -> set[str]:
    """The ids of the rows of these files that are new, gone or different, apart from some members."""
    before = {path: dict(_rows(checkout.text_before(path), without)) for path in paths}
    now = {path: dict(_rows(checkout.text_now(path), without)) for path in paths}
    old, new = _together(before.values()), _together(now.values())
    changed = {row for row in old.keys() | new.keys() if old.get(row) != new.get(row)}
    with_changes = (path for path in paths if changed & (before[path].keys() | now[path].keys()))
    reasons += [f"{what} of {PurePosixPath(path).name}" for path in with_changes]
    return changed


def _together(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: row for some in rows for name, row in some.items()}


def _rows(text: str | None, without: Collection[str]) -> Iterator[tuple[str, Any]]:
    try:
        rows = read_yaml(text or "[]")[0]
    except YamlError:  # then every row of the file counts as changed
        return
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, Mapping) and isinstance(row.get("id"), str):
            yield row["id"], {name: value for name, value in row.items() if name not in without}


def _add(path: str, checkout: Checkout, profiles: Sequence[str], found: _Dependents) -> bool:
    """Add what depends on one changed file; returns False where that is everything."""
    name = PurePosixPath(path).name
    if path.startswith(_PROFILES):
        _add_of_profile(path, checkout, profiles, found)
        return True
    by_profile: dict[str, frozenset[str] | None] = {}
    if path.startswith(_SUITE) and checkout.text_now(path) is not None:
        by_profile = {profile: judged_in(name, profile) for profile in profiles}
        reason = f"tests of suite/{name}"
    elif path.startswith(_PROBES):
        by_profile = {profile: probed_by(PurePosixPath(path).stem, profile) for profile in profiles}
        reason = f"probes of probes/{name}"
    requirements = {profile: names for profile, names in by_profile.items() if names is not None}
    if len(requirements) < len(profiles):
        return False
    _add_requirements(requirements, found)
    found.reasons.append(reason)
    return True


def _add_of_profile(path: str, checkout: Checkout, profiles: Sequence[str], found: _Dependents) -> None:
    profile, _, name = path.removeprefix(_PROFILES).partition("/")
    if profile not in profiles:
        return
    keywords = changed_keywords(profile, checkout.text_before(path)) if name == "openapi.yaml" else None
    if keywords is None:
        found.profiles.add(profile)
        found.reasons.append(f"{name} of {profile}")
    elif keywords:
        _add_requirements({profile: keywords}, found)
        found.reasons.append(f"keywords of {profile}")


def _add_requirements(by_profile: Mapping[str, Collection[str]], found: _Dependents) -> None:
    for profile, names in by_profile.items():
        found.requirements.setdefault(profile, set()).update(names)


def _line(
    chosen: Mapping[str, Sequence[LabTarget]],
    targets: Mapping[str, Sequence[LabTarget]],
    dependents: _Dependents,
    revision: str,
) -> str:
    """What was selected, and why."""
    if not dependents.reasons:
        return f"Judging only the controls: nothing that a fault depends on changed since {revision}."
    faults, variations = _numbers(targets)
    every_fault, every_variation = _numbers(chosen)
    shown = dependents.reasons[:_MOST_REASONS]
    more = len(dependents.reasons) - len(shown)
    changed = f"since {revision}, {', '.join(shown)}{f' and {more} more' if more else ''} changed"
    if dependents.everything:
        why = f"{changed}, on which every judgement may depend"
        return f"Judging all {every_fault} faults and {every_variation} allowed variations: {why}."
    numbers = f"{faults} of {every_fault} faults and {variations} of {every_variation} allowed variations"
    return f"Judging {numbers}: {changed}."


def _numbers(targets: Mapping[str, Sequence[LabTarget]]) -> tuple[int, int]:
    faults = [one.fault for some in targets.values() for one in some if one.fault is not None]
    variations = sum(fault.is_variation for fault in faults)
    return len(faults) - variations, variations
