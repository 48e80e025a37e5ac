"""A run against a deployment that echoes the key in every form leaves nothing of it in any file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from command_line import CLI, call
from echoing_deployment import FORMS_OF_ANSWERS, echoing
from key_scanner import artifacts, pieces_shown

SLICE, OVERLAP = 4096, 1024
JUDGED = ("access.*", "completion.*", "error.*", "stream.*", "tools.*", "transport.*")
"""The requirements of which each kind of exchange comes; others would add exchanges of the same kinds."""
KEY = "sk-q7Tz-4mWp9XkR2vLs8_NdJ6hYeG5tFuH3rQyZw1"


@pytest.mark.process
@pytest.mark.network
@pytest.mark.slow
def test_no_artifact_of_a_run_shows_a_piece_of_the_key(tmp_path: Path) -> None:
    out, only = tmp_path / "run", [word for name in JUDGED for word in ("--only", name)]
    with echoing(KEY) as (base_url, sent):
        ran = call(
            (*CLI, "run", "openai", "--base-url", base_url, "--out", str(out), "--timeout", "5", *only),
            tmp_path,
            CONFORMANCE_API_KEY=KEY,
            CONFORMANCE_MODEL="m",
        )
    assert ran.returncode in {1, 3}, ran.stderr
    assert len(set(sent)) > len(FORMS_OF_ANSWERS) // 4
    files = dict(artifacts(tmp_path))
    assert {"run/results.json", "run/compliance.html", "run/exchanges.har", "run/evidence/exchanges.jsonl"} <= set(
        files
    )
    files |= {"stdout": ran.stdout.encode(), "stderr": ran.stderr.encode()}
    shown = {name: found for name, data in files.items() if (found := in_lines(data))}
    assert shown == {}


def in_lines(data: bytes) -> set[str]:
    """What is shown in one line, or in one string of a JSON document; each different one is read once, in slices."""
    texts = set(data.splitlines())
    for text in (data, *texts):
        with contextlib.suppress(ValueError):
            texts |= set(strings(json.loads(text)))
    slices = {text[at : at + SLICE] for text in texts for at in range(0, max(len(text), 1), SLICE - OVERLAP)}
    return {piece for one in slices if len(one) >= 8 for piece in shown_in(one)}


@cache
def shown_in(text: bytes) -> frozenset[str]:
    """What is shown in a slice, of which many stand in several files."""
    return frozenset(pieces_shown(text, KEY, depth=2))


def strings(value: Any) -> Iterator[bytes]:
    if isinstance(value, str):
        yield value.encode("utf-8", "replace")
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from strings(member)
