"""Staleness: what changed since a contract was reviewed, and which documents are not those it was rebuilt from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from own_documents import own_document, stored, the_post

from conformance.contract import ContractError, load_contract, review_path, source_changes, stale, write_review


def test_without_a_review_everything_is_new(tmp_path: Path) -> None:
    contract = load_contract("openai")
    found = stale(contract, tmp_path / "openai.json")
    assert {one.id for one in found} == {row.id for row in (*contract.requirements, *contract.excluded)}
    assert {one.why for one in found} == {"new, never reviewed"}


def test_after_a_review_nothing_is_stale(tmp_path: Path) -> None:
    contract = load_contract("openai")
    path = write_review(contract, tmp_path / "reviewed" / "openai.json")
    assert stale(contract, path) == ()


def test_what_changed_came_or_went_is_named(tmp_path: Path) -> None:
    document = own_document()
    before = load_contract(stored(tmp_path, document))
    write_review(before)
    assert stale(before) == ()
    properties = the_post(document)["requestBody"]["content"]["application/json"]["schema"]["properties"]
    properties["temperature"] = {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.5}
    del properties["model"]
    found = {one.id: one.why for one in stale(load_contract(stored(tmp_path, document)))}
    assert found == {
        "request.temperature.maximum": "the schema keyword or its source changed",
        "request.temperature.multiple-of": "new, never reviewed",
        "request.model.type": "gone",
    }


def test_a_changed_row_is_stale(tmp_path: Path) -> None:
    contract = load_contract("openai")
    path = write_review(contract, tmp_path / "openai.json")
    digests = json.loads(path.read_text())
    digests["completion.served"] = "0" * 64
    path.write_text(json.dumps(digests))
    assert [(one.id, one.why) for one in stale(contract, path)] == [
        ("completion.served", "the row or its source changed")
    ]


def test_a_review_is_kept_among_the_specs_or_beside_a_users_own_document(
    tmp_path: Path,
) -> None:
    assert review_path(load_contract("kodexa")).parts[-4:] == ("specs", "profiles", "kodexa", "review.json")
    path = stored(tmp_path, own_document(), "gateway.openapi.yaml")
    assert review_path(load_contract(path)) == tmp_path / "gateway.openapi.reviewed.json"


@pytest.mark.parametrize("content", ["[]", '{"a": 1}', "{"])
def test_a_broken_review_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "review.json"
    path.write_text(content)
    with pytest.raises(ContractError) as caught:
        stale(load_contract("openai"), path)
    assert caught.value.path == path


def test_a_document_that_is_not_the_one_the_contract_was_rebuilt_from_is_named_with_what_rests_on_it(
    tmp_path: Path,
) -> None:
    text = b"Temperature is at most 2."
    document = own_document()
    source = {"document": "manual", "place": "sentence 1", "basis": "stated"}
    schema = the_post(document)["requestBody"]["content"]["application/json"]["schema"]
    schema["properties"]["temperature"]["x-source"] = {"maximum": source}
    manual = {"title": "Our manual", "file": "manual.txt", "sha256": hashlib.sha256(text).hexdigest()}
    document["x-conformance"] = {"sources": {"manual": manual}}
    contract = load_contract(stored(tmp_path, document))
    (missing,) = source_changes(contract, tmp_path)
    assert (missing.document, missing.file, missing.actual) == ("manual", "manual.txt", None)
    (tmp_path / "manual.txt").write_bytes(text)
    assert source_changes(contract, tmp_path) == ()
    (tmp_path / "manual.txt").write_bytes(text + b" Or 3.")
    (changed,) = source_changes(contract, tmp_path)
    assert changed.requirements == ("request.temperature.maximum",)
    assert changed.expected == manual["sha256"]
    assert changed.actual == hashlib.sha256(text + b" Or 3.").hexdigest()
