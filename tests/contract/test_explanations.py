"""Each row of the catalogue is explained, and each keyword has a text made for it."""

from __future__ import annotations

import re

import pytest

from conformance.contract import load_contract, shipped_profiles
from conformance.contract.catalogue import shipped_rows
from conformance.contract.explanations import explanation, shipped_explanations


def test_each_row_of_the_catalogue_is_explained() -> None:
    rows = {row.id for row in shipped_rows()}
    explained = set(shipped_explanations())
    assert sorted(rows - explained) == [], "write `why` and `fix` into the row"


@pytest.mark.parametrize("profile", shipped_profiles())
def test_each_requirement_of_a_profile_is_explained(profile: str) -> None:
    contract = load_contract(profile)
    for row in contract.requirements:
        pointer = f"{row.keyword.location}#{row.keyword.pointer}" if row.keyword else None
        said = explanation(row.id, pointer)
        assert said is not None, row.id
        assert said.why.endswith(".")
        assert said.fix.endswith(".")


def test_each_kind_of_keyword_has_words_of_its_own() -> None:
    keywords = {
        row.keyword.name for name in shipped_profiles() for row in load_contract(name).requirements if row.keyword
    }
    words = {
        keyword: explanation("request.x.y", f"request#/properties/x/{keyword}").why.partition(". ")[0]  # type: ignore[union-attr]
        for keyword in keywords
    }
    assert not [keyword for keyword, said in words.items() if said.startswith("The document states the rule")]


def test_a_request_is_explained_otherwise_than_an_answer() -> None:
    request = explanation("request.n.minimum", "request#/properties/n/minimum")
    answer = explanation("completion.id.type", "completion#/properties/id/type")
    assert request is not None
    assert answer is not None
    assert "answer 400" in request.fix
    assert "400" not in answer.fix


def test_a_users_own_row_has_no_explanation() -> None:
    assert explanation("completion.of-my-own") is None


def test_the_texts_are_written_for_the_catalogue_and_not_twice() -> None:
    texts = [text for said in shipped_explanations().values() for text in (said.why, said.fix)]
    assert len(set(texts)) == len(texts)
    assert not [text for text in texts if re.search(r"\s{2}|TODO|\?\?", text)]


@pytest.mark.parametrize("location", ["request", "path.orgId", "query", "header", "cookie"])
def test_what_a_client_sends_is_explained_as_that(location: str) -> None:
    of_a_field = explanation("request.n.type", "request#/properties/n/type")
    assert explanation("request.x.type", f"{location}#/properties/x/type") == of_a_field
    assert explanation("completion.id.type", "completion#/properties/id/type") != of_a_field
