"""A frozen release: what it requires binds at its level, what came later is not scored, and what is gone is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.contract import ContractError, freeze, load_contract, read_release, release_path, with_release
from conformance.contract.model import Contract, Level

PROFILES = ("kodexa", "loop-health", "openai")
VERSION = "2026.11.0"
OWN = """
openapi: 3.1.0
info: {title: Own, version: "1"}
paths:
  /chat/completions:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [messages]
              properties:
                messages: {type: array, items: {type: object}}
              example: {messages: [{role: user, content: Hi}]}
            example: {messages: [{role: user, content: Hi}]}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object}}}}}
"""


@pytest.fixture
def own(tmp_path: Path) -> Contract:
    path = tmp_path / "own.openapi.yaml"
    path.write_text(OWN, encoding="utf-8")
    return load_contract(str(path))


@pytest.mark.parametrize("profile", PROFILES)
def test_the_shipped_release_is_judged_whole(profile: str) -> None:
    contract = load_contract(profile)
    release = read_release(contract, VERSION)
    assert release.gone(contract) == ()
    scored = [row for row in with_release(contract, release).requirements if row.scored]
    assert {row.id: row.level for row in scored} == {
        row_id: frozen.level for row_id, frozen in release.requirements.items()
    }


def test_what_is_frozen_can_be_read_and_scores_everything(own: Contract) -> None:
    freeze(own, "1.0")
    bound = with_release(own, read_release(own, "1.0"))
    assert bound.requirements == own.requirements
    assert all(row.scored for row in bound.requirements)


def test_a_release_never_changes(own: Contract) -> None:
    freeze(own, "1.0")
    with pytest.raises(ContractError, match="frozen already"):
        freeze(own, "1.0")


def written(contract: Contract, version: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(release_path(contract, version).read_text(encoding="utf-8"))
    return loaded


def test_what_came_later_is_not_scored_and_a_level_stays_as_it_was(own: Contract) -> None:
    first, second = own.requirements[:2]
    older = replace(own, requirements=(replace(first, level=Level.MAY), *own.requirements[2:]))
    freeze(older, "1.0")
    bound = with_release(own, read_release(own, "1.0"))
    assert [(row.id, row.level, row.scored) for row in bound.requirements[:2]] == [
        (first.id, Level.MAY, True), (second.id, second.level, False)
    ]  # fmt: skip
    assert all(row.scored for row in bound.requirements[2:])


def test_what_is_required_and_judged_no_more_is_named(own: Contract) -> None:
    freeze(own, "1.0")
    newer = replace(own, requirements=own.requirements[1:])
    assert read_release(newer, "1.0").gone(newer) == (own.requirements[0].id,)


def test_what_rests_on_other_words_now_is_named(own: Contract) -> None:
    freeze(own, "1")
    release = read_release(own, "1")
    first = own.requirements[0].id
    frozen = {**release.requirements, first: replace(release.requirements[first], digest="0" * 64)}
    assert release.changed(own) == ()
    assert replace(release, requirements=frozen).changed(own) == (first,)


def test_an_unknown_release_names_the_known_ones(own: Contract) -> None:
    freeze(own, "1.0")
    freeze(own, "1.1")
    with pytest.raises(ContractError, match=r"no release `2\.0`; there are 1\.0, 1\.1"):
        read_release(own, "2.0")


@pytest.mark.parametrize("version", ["../x", "a/b", "", "1 2", "1*", "a" * 5 + "\n"])
def test_a_version_is_no_path(own: Contract, version: str) -> None:
    with pytest.raises(ContractError, match="not a version of a release"):
        read_release(own, version)


KEYS = st.sampled_from(["format", "profile", "release", "requirements", "x"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
)


@pytest.mark.slow
@given(data=VALUES)
def test_whatever_a_release_file_holds_it_is_a_release_or_an_error_with_its_name(
    data: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.openapi.yaml").write_text(OWN, encoding="utf-8")
    contract = load_contract(str(folder / "own.openapi.yaml"))
    release_path(contract, "1.0").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ContractError, match=r"own\.openapi\.release-1\.0\.json"):
        read_release(contract, "1.0")


def test_a_release_of_another_profile_is_refused(own: Contract) -> None:
    freeze(own, "1.0")
    path = release_path(own, "1.0")
    path.write_text(json.dumps({**written(own, "1.0"), "profile": "other"}), encoding="utf-8")
    with pytest.raises(ContractError, match="this is the profile `other`, not `own`"):
        read_release(own, "1.0")
