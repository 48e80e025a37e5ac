"""The shipped documents describe whole events, and yet each requirement of a chunk leads to the line of its keyword."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.contract import load_contract
from conformance.contract.places import written_places

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("profile", ["kodexa", "loop-health", "openai"])
def test_a_keyword_of_a_chunk_is_found_behind_the_event_that_carries_it(profile: str) -> None:
    place = written_places(load_contract(profile))["stream.chunk.object.const"]
    line = (ROOT / place.file).read_text(encoding="utf-8").splitlines()[place.line - 1]
    assert line.strip() == "const: chat.completion.chunk"


def test_a_chunk_that_is_the_whole_event_is_found_too(tmp_path: Path) -> None:
    written = (ROOT / "specs/profiles/openai/openapi.yaml").read_text(encoding="utf-8")
    path = tmp_path / "own.openapi.yaml"
    path.write_text(written.replace("schemas/Event", "schemas/Chunk").replace("profile: openai", "profile: own"))
    place = written_places(load_contract(str(path)))["stream.chunk.object.const"]
    assert path.read_text().splitlines()[place.line - 1].strip() == "const: chat.completion.chunk"
