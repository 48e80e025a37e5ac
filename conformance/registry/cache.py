"""Keeps what judging a bundle gave, by everything that it follows from: one bundle added costs one bundle."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance.bundle.confinement import Bounds
from conformance.contract.regular_files import UnreadableError, read_regular_file
from conformance.registry.judging import Outcome, Shown
from conformance.report.files import write_atomically
from conformance.shipped import program_digest, releases_directory, shipped_profiles
from conformance.strict_json import JsonError, load

if TYPE_CHECKING:
    from conformance.registry.judging import Question

FORMAT: Final = 1
_LARGEST: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder with a file for each bundle; whoever can write there decides what the site says."""

    folder: Path

    def key(self, question: Question, bounds: Bounds) -> str:
        """The digest of what an answer follows from: bundle, keys, program, releases and bounds."""
        asked = {
            "format": FORMAT,
            "bundle": question.sha256,
            "keys": sorted(hashlib.sha256(key.read_bytes()).hexdigest() for key in question.keys),
            "program": program_digest(),
            "python": list(sys.version_info[:2]),
            "releases": _releases(),
            "bounds": [bounds.memory, bounds.seconds],
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def known(self, key: str) -> Outcome | None:
        """What was kept; None where nothing was, or what is there cannot be used."""
        try:
            data = load(read_regular_file(self._path(key), _LARGEST))
            if data["format"] != FORMAT or data["key"] != key:
                return None
            return _outcome(data)
        except (FileNotFoundError, UnreadableError, JsonError, KeyError, TypeError, ValueError, AttributeError):
            return None

    def keep(self, key: str, outcome: Outcome) -> None:
        """Keep an answer.

        Raises:
            OSError: it cannot be written.
        """
        shown = None if outcome.shown is None else outcome.shown.data()
        data = {"format": FORMAT, "key": key, "judged": outcome.judged, "problem": outcome.problem, "shown": shown}
        write_atomically(self._path(key), json.dumps(data, separators=(",", ":")))

    def forget(self, keys: Iterable[str]) -> None:
        """Remove everything that is not kept under one of these keys."""
        kept = {f"{key}.json" for key in keys}
        for path in self.folder.glob("*.json"):
            if path.name not in kept:
                with contextlib.suppress(OSError):
                    path.unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def _outcome(data: Mapping[str, Any]) -> Outcome:
    shown = data["shown"]
    return Outcome(data["judged"], data["problem"], None if shown is None else Shown.from_data(shown))


@cache
def _releases() -> list[str]:
    """The digests of all frozen releases."""
    return [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for profile in shipped_profiles()
        for path in sorted(releases_directory(profile).glob("*.json"))
    ]
