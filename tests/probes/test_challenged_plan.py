"""A challenge changes what the requests of a plan say and nothing else, and nobody can make them without it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_samples import ALL_BUT_GENERATED, OWN, OWN_REQUEST, PROFILES, TARGET, planned_contract, write_own_document

from conformance.contract import Contract, Tier, load_contract
from conformance.probes import Challenge, Probe, plan
from conformance.probes.canaries import canaries_in
from conformance.probes.challenge import challenge_from
from conformance.probes.narrowing import DRAWN
from conformance.shipped import specs_directory
from conformance.wire.request import content_of

CHALLENGE = Challenge("Acme", "5d" * 32, "2026-11-29T10:00:00+00:00", "2026-12-01T10:00:00+00:00")
OTHERS = (
    replace(CHALLENGE, nonce="5e" * 32),
    replace(CHALLENGE, issued_for="Acne"),
    replace(CHALLENGE, expires="2026-12-01T10:00:01+00:00"),
)
SCHEMA = json.loads((specs_directory() / "challenge.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=[*PROFILES, OWN])
def contract(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return planned_contract(request.param, tmp_path_factory.mktemp("own"))


def probes(contract: Contract, tier: Tier, challenge: Challenge | None) -> dict[str, Probe]:
    planned = plan(contract, TARGET, ALL_BUT_GENERATED, tier, challenge=challenge)
    return {probe.name: probe for probe in planned.every_probe() if not probe.name.startswith(DRAWN)}


def messages_of(probe: Probe) -> str | None:
    messages = probe.body.get("messages") if isinstance(probe.body, dict) else None
    return None if messages is None else json.dumps(messages)


def without_marks(text: str) -> str:
    """A body's text without tags, and with one word for every canary and every caller."""
    plain = re.sub(r"\[[a-z2-7]{10}\] ", "", text)
    plain = re.sub(r"canary-[a-z]+", "canary", plain)
    return re.sub(r', "user": "chat-conformance-[a-z2-7]{10}"|(?<=chat-conformance)-[a-z2-7]{10}', "", plain)


def text_of(probe: Probe) -> str:
    return probe.body.decode("latin-1") if isinstance(probe.body, bytes) else json.dumps(probe.body)


@pytest.mark.parametrize("tier", Tier)
def test_nothing_but_tags_canaries_and_callers_changes(contract: Contract, tier: Tier) -> None:
    usual, challenged = probes(contract, tier, None), probes(contract, tier, CHALLENGE)
    assert list(usual) == list(challenged)
    for name, probe in challenged.items():
        assert replace(probe, body=None, instead=()) == replace(usual[name], body=None, instead=())
        if not name.startswith(
            ("load/body-of-", "robustness/body-of-", "client/gzip-body", "completion/words-64-kb")
        ):  # padded to one size, or with a checksum
            assert without_marks(text_of(probe)) == without_marks(text_of(usual[name])), name


def test_requests_of_one_prompt_stay_requests_of_one_prompt(contract: Contract) -> None:
    usual, challenged = probes(contract, Tier.EXHAUSTIVE, None), probes(contract, Tier.EXHAUSTIVE, CHALLENGE)
    groups: list[set[frozenset[str]]] = []
    for planned in (usual, challenged):
        by_prompt: dict[str | None, set[str]] = defaultdict(set)
        for name, probe in planned.items():
            by_prompt[messages_of(probe)].add(name)
        groups.append({frozenset(names) for names in by_prompt.values()})
    assert groups[0] == groups[1]
    assert any(len(names) > 5 for names in groups[1])


@pytest.mark.parametrize("profile", PROFILES)
def test_nearly_every_request_of_a_shipped_contract_carries_it(profile: str) -> None:
    contract = load_contract(profile)
    usual, challenged = probes(contract, Tier.STANDARD, None), probes(contract, Tier.STANDARD, CHALLENGE)
    same = [name for name, probe in challenged.items() if content_of(probe) == content_of(usual[name])]
    assert len(same) < 0.12 * len(challenged)
    without_texts = (
        "access/no-key-invalid",
        "error/",
        "request.messages.",
        "request.type/",
        "request/shape/system-only",
        "client/preflight",
        "client/in-turn-",
        "client/head",
    )
    assert [name for name in same if not name.startswith(without_texts)] == []


@pytest.mark.parametrize("other", OTHERS, ids=["nonce", "name", "time"])
def test_no_request_that_carries_one_challenge_answers_another(contract: Contract, other: Challenge) -> None:
    usual = probes(contract, Tier.STANDARD, None)
    first, second = probes(contract, Tier.STANDARD, CHALLENGE), probes(contract, Tier.STANDARD, other)
    carrying = [name for name, probe in first.items() if probe.body != usual[name].body]
    assert carrying
    assert [name for name in carrying if first[name].body == second[name].body] == []


def test_each_canary_is_another_one_and_stands_in_one_prompt(contract: Contract) -> None:
    found: dict[str, str] = {}
    for name, probe in probes(contract, Tier.LOAD, CHALLENGE).items():
        for word in canaries_in(text_of(probe)):
            assert found.setdefault(word, name) == name
    usual = {word for probe in probes(contract, Tier.LOAD, None).values() for word in canaries_in(text_of(probe))}
    assert len(found) == len(usual) > 60
    assert not found.keys() & usual
    assert {len(word) for word in found} == {len(word) for word in usual}


def test_the_caller_is_named_after_it_where_nobody_has_configured_one() -> None:
    contract = load_contract("loop-health")
    named = probes(contract, Tier.STANDARD, CHALLENGE)["completion/plain"].body
    assert named["requested_by"] == CHALLENGE.caller
    assert named["brand_id"] == "chat-conformance"
    configured = replace(TARGET, parameters={**TARGET.parameters, "requested_by": "us"})
    (plain,) = plan(contract, configured, ["completion/plain"], Tier.STANDARD, challenge=CHALLENGE).probes
    assert plain.body["requested_by"] == "us"


def test_the_conversation_alone_names_the_caller() -> None:
    planned = probes(load_contract("openai"), Tier.STANDARD, CHALLENGE)
    naming = [name for name, probe in planned.items() if CHALLENGE.caller in text_of(probe)]
    assert naming == ["completion/conversation-without-stream", "completion/conversation"]


def test_a_contract_without_room_for_a_tag_keeps_its_requests(tmp_path_factory: pytest.TempPathFactory) -> None:
    messages = {"type": "array", "items": {"properties": {"content": {"type": "string", "maxLength": 40}}}}
    own: dict[str, Any] = OWN_REQUEST
    request = {**own, "properties": {**own["properties"], "messages": messages}}
    contract = load_contract(str(write_own_document(tmp_path_factory.mktemp("narrow"), request)))
    usual, challenged = probes(contract, Tier.STANDARD, None), probes(contract, Tier.STANDARD, CHALLENGE)
    assert list(usual) == list(challenged)


@pytest.mark.slow
def test_generated_requests_follow_from_it() -> None:
    contract = load_contract("loop-health")

    def generated(challenge: Challenge | None) -> list[bytes | None]:
        wanted = ["generated/*"]
        planned = plan(contract, TARGET, wanted, Tier.EXHAUSTIVE, generated=30, challenge=challenge)
        return [content_of(probe) for probe in planned.probes]

    usual, first = generated(None), generated(CHALLENGE)
    assert first == generated(CHALLENGE)
    assert len(first) > 50
    for other in (usual, generated(OTHERS[0])):
        # A few short ones, such as a number for a body, may come by chance.
        assert len(set(first) & set(other)) < 0.2 * len(first)


@given(st.text(min_size=1, max_size=60))
def test_a_woven_text_begins_with_its_tag(text: str) -> None:
    woven = CHALLENGE.woven(text)
    assert CHALLENGE.is_in(woven)
    assert not CHALLENGE.is_in(text)
    assert not CHALLENGE.is_in(f"{woven}.")
    assert not any(other.is_in(woven) for other in OTHERS)


@given(
    st.builds(
        Challenge,
        issued_for=st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=200),
        nonce=st.binary(min_size=32, max_size=32).map(bytes.hex),
        issued=st.just("2026-11-29T10:00:00+00:00"),
        expires=st.just("2026-12-29T10:00:00+01:00"),
    )
)
def test_a_challenge_comes_back_from_its_data(challenge: Challenge) -> None:
    data = json.loads(json.dumps(challenge.data()))
    jsonschema.validate(data, SCHEMA)
    assert challenge_from(data) == challenge


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"more": 1}, "members"),
        ({"format": 2}, "format"),
        ({"format": True}, "format"),
        ({"for": ""}, "`for`"),
        ({"for": "a\nb"}, "`for`"),
        ({"for": "a" * 201}, "`for`"),
        ({"nonce": "5D" * 32}, "nonce"),
        ({"nonce": "5d" * 16}, "nonce"),
        ({"nonce": 7}, "nonce"),
        ({"issued": "yesterday"}, "`issued`"),
        ({"issued": None}, "`issued`"),
        ({"issued": "2026-11-29\n10:00:00+00:00"}, "`issued`"),
        ({"expires": "2026-12-01T10:00:00"}, "`expires`"),
        ({"expires": "2026-11-29T10:00:00+00:00"}, "before it is issued"),
    ],
)
def test_what_is_not_a_challenge_is_said_in_a_few_words(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        challenge_from({**CHALLENGE.data(), **change})
    with pytest.raises(ValueError, match="members"):
        challenge_from([CHALLENGE.data()])
