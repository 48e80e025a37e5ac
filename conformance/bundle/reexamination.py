"""Judges a bundle from a stranger for a registry: as it was recorded, and by the newest release, in confinement."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.bundle import ENVELOPE, BundleError, public_key, verified_payload
from conformance.bundle.archive import read_archive
from conformance.bundle.confinement import USUAL_BOUNDS, Bounds, confined
from conformance.strict_json import load

if TYPE_CHECKING:
    from conformance.bundle.reexamined import Reexamined

_MODULE = "conformance.bundle.reexamining"


def reexamined(path: Path, keys: Sequence[Path] = (), bounds: Bounds = USUAL_BOUNDS) -> Reexamined:
    """What a bundle shows under both judgements; with keys, one of them must have signed it.

    Raises:
        BundleError: it does not hold.
        KeyFileError: a key cannot be used.
        OSError: it cannot be read.
    """
    from conformance.bundle.reexamined import Reexamined  # noqa: PLC0415 - loads the suite

    with tempfile.TemporaryDirectory(prefix="chat-conformance-") as folder:
        members = read_archive(path, Path(folder))
        key = _signer(Path(folder), members, keys)
        asked: Mapping[str, Any] = {
            "folder": folder,
            "members": members,
            "key_file": None if key is None else str(key.absolute()),
        }
        lines, taken = confined(_MODULE, {**asked, "part": "plan"}, bounds)
        judging = {**asked, "part": "judge", "incomplete": load(lines[0])}
        lines, _ = confined(_MODULE, judging, bounds.less(taken))
        return Reexamined.from_data(load(lines[0]))


def _signer(folder: Path, members: Sequence[str], keys: Sequence[Path]) -> Path | None:
    """The file of the key that signed a bundle; that it did is checked again with all else."""
    if not keys:
        return None
    if ENVELOPE not in members:
        raise BundleError("it is not signed, and its vendor's bundles have to be.")
    text = (folder / ENVELOPE).read_text(encoding="utf-8", errors="replace")
    for key in keys:
        try:
            verified_payload(text, public_key(key))
        except BundleError:
            continue
        return key
    raise BundleError("no key of its vendor signed it: another one did, or it was changed after it was signed.")
