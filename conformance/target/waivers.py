"""Waivers: findings that somebody accepted, for a reason and until a day."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.target.errors import TargetError


@dataclass(frozen=True, slots=True)
class Waiver:
    """One accepted violation.

    `requirement` is an id or a glob; `expires` the last day on which it holds.
    """

    requirement: str
    reason: str
    owner: str
    expires: datetime.date

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day has passed."""
        return today > self.expires


_FIELDS = ("requirement", "reason", "owner", "expires")


def load_waivers(path: Path, known_ids: Iterable[str]) -> tuple[Waiver, ...]:
    """Read a waiver file: a YAML list of mappings with `requirement`, `reason`, `owner`, `expires` (a date).

    Raises:
        TargetError: the file cannot be read, a row is incomplete, or it names no requirement of the profile.
    """
    rows = _read(path)
    if rows is None:
        rows = []
    if not isinstance(rows, list):
        raise TargetError(f"{path}: the waiver file must be a list of mappings with {', '.join(_FIELDS)}.")
    ids = tuple(known_ids)
    return tuple(_waiver(row, number, path, ids) for number, row in enumerate(rows, start=1))


def _read(path: Path) -> object:
    import yaml  # noqa: PLC0415 - most runs have no waivers

    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        # Dates stay text, so that one like 2027-02-30 can be told from what is no YAML.
        loader.yaml_implicit_resolvers = {
            first: [(tag, form) for tag, form in known if tag != "tag:yaml.org,2002:timestamp"]
            for first, known in loader.yaml_implicit_resolvers.items()
        }
        value: object = loader.get_single_data()
    except OSError as error:
        raise TargetError(f"{path}: the waiver file cannot be read ({error.strerror}).") from error
    # Values that do not fit their tag (`!!int x`) end PyYAML with whatever its conversion raises.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        line = f":{place.line + 1}" if place else ""
        raise TargetError(f"{path}{line}: the waiver file is not YAML; write a list of waivers.") from error
    return value


def _waiver(row: object, number: int, path: Path, ids: Sequence[str]) -> Waiver:
    where = f"{path}: waiver {number}"
    if not isinstance(row, dict):
        raise TargetError(f"{where} is not a mapping with {', '.join(_FIELDS)}.")
    unknown = sorted(_shown(name) for name in row if name not in _FIELDS)
    missing = [name for name in _FIELDS if not row.get(name)]
    if unknown or missing:
        problem = f"lacks {', '.join(missing)}" if missing else f"has unknown fields: {', '.join(unknown)}"
        raise TargetError(f"{where} {problem}; it needs {', '.join(_FIELDS)} and nothing else.")
    for name in ("requirement", "reason", "owner"):
        if not isinstance(row[name], str) or not row[name].strip():
            raise TargetError(f"{where}: {name} must be a text, not {row[name]!r}.")
    expires = row["expires"]
    if isinstance(expires, str):
        try:
            expires = datetime.date.fromisoformat(expires)
        except ValueError as error:
            raise TargetError(f"{where}: expires must be a date like 2027-01-31, not {expires!r}.") from error
    if isinstance(expires, datetime.datetime) or not isinstance(expires, datetime.date):
        raise TargetError(f"{where}: expires must be a date like 2027-01-31, not {expires!r}.")
    waiver = Waiver(row["requirement"], row["reason"], row["owner"], expires)
    if not fnmatch.filter(ids, waiver.requirement):
        raise TargetError(f"{where} names {waiver.requirement!r}, which is no requirement of this profile.")
    return waiver


def _shown(name: object) -> str:
    return name if isinstance(name, str) and name.isprintable() else repr(name)


def waiver_for(requirement_id: str, waivers: Iterable[Waiver], today: datetime.date) -> Waiver | None:
    """The first waiver in force that accepts a violation of this requirement."""
    return next(
        (w for w in waivers if fnmatch.fnmatchcase(requirement_id, w.requirement) and not w.expired(today)),
        None,
    )
