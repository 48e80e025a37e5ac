"""Checks a bundle from a stranger: unpacks it, and has it planned and judged again, each part in confinement."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.bundle.archive import read_archive
from conformance.bundle.confinement import USUAL_BOUNDS, Bounds, confined
from conformance.bundle.demands import NOTHING_DEMANDED, Demands
from conformance.strict_json import load

if TYPE_CHECKING:
    from conformance.bundle.challenge import GivenChallenge
    from conformance.bundle.facts import Facts

_PARTS = ("plan", "judge")
"""What is done one after the other, each in a process of its own: neither keeps what the other needed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bundle is held to beside that it holds; a key and a challenge only where they are given."""

    key_file: Path | None = None
    demands: Demands = NOTHING_DEMANDED
    challenge: GivenChallenge | None = None
    bounds: Bounds = USUAL_BOUNDS


def verified(path: Path, asked: Asked) -> list[str]:
    """The lines of the answer for a bundle that holds.

    Raises:
        BundleError: it does not.
    """
    return _checked(path, asked, {"facts": False})


def shown_by(path: Path, asked: Asked) -> Facts:
    """What a bundle that holds shows, as values.

    Raises:
        BundleError: it does not hold.
    """
    from conformance.bundle.facts import Facts  # noqa: PLC0415 - loads the suite

    return Facts.from_data(load(_checked(path, asked, {"facts": True})[0]))


def _checked(path: Path, asked: Asked, wanted: Mapping[str, Any]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="chat-conformance-") as folder:
        parts = {
            **wanted,
            "demands": asked.demands.data(),
            "challenge": None if asked.challenge is None else asked.challenge.data(),
            "key_file": None if asked.key_file is None else str(asked.key_file.absolute()),
            "name": str(path),
            "folder": folder,
            "members": read_archive(path, Path(folder)),
        }
        lines: list[str] = []
        bounds = asked.bounds
        for part in _PARTS:
            lines, taken = confined("conformance.bundle.checking", {**parts, "part": part, "shown": lines}, bounds)
            bounds = bounds.less(taken)
        return lines
