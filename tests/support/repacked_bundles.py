"""Takes bundles apart and puts them together again, as a forger would."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

EVIDENCE = "evidence/exchanges.jsonl"


def contents(bundle: Path) -> dict[str, bytes]:
    """Every member by name."""
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Mapping[str, bytes], path: Path) -> Path:
    """An archive of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def careless(bundle: Path, path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """The bundle with one member changed and nothing else."""
    files = contents(bundle)
    return packed({**files, name: change(files[name])}, path)


def careful(bundle: Path, path: Path, changes: Mapping[str, Callable[[bytes], bytes]]) -> Path:
    """The bundle with members changed, and manifest and statement made to fit; it was not signed."""
    files = contents(bundle)
    files |= {name: change(files[name]) for name, change in changes.items()}
    manifest = json.loads(files["manifest.json"])
    for row in manifest["files"]:
        content = files[row["path"]]
        row |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    files["manifest.json"] = json.dumps(manifest).encode()
    statement = json.loads(files["statement.json"])
    statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(files["manifest.json"]).hexdigest()
    files["statement.json"] = json.dumps(statement).encode()
    return packed(files, path)


def in_json(change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    """A change to a JSON value, in place, as one to the member's bytes."""

    def changed(content: bytes) -> bytes:
        value = json.loads(content)
        change(value)
        return json.dumps(value, indent=2, ensure_ascii=False).encode()

    return changed


def in_lines(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[bytes], bytes]:
    """A change to the lines of the evidence, in place; the last line counts what is left."""

    def changed(content: bytes) -> bytes:
        lines = [json.loads(line) for line in content.splitlines()]
        change(lines)
        if lines[-1].get("end"):
            lines[-1]["count"] = sum("request" in line for line in lines)
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    return changed
