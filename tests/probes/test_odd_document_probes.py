"""Whatever a user's own document looks like, a deployment is only judged by what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from planning_samples import ALL_BUT_GENERATED, MESSAGES, TARGET, write_own_document

from conformance.contract import Contract, Tier, load_contract
from conformance.probes import Intent, plan
from conformance.probes.generated import generated_probes
from conformance.probes.request_body import RequestBody

_TEXT = {"type": "string"}
_BY_ROLE = [
    {"type": "object", "required": ["role", "content"], "properties": {"role": {"const": role}, "content": _TEXT}}
    for role in ("user", "system")
]
REQUESTS: dict[str, Any] = {
    "anything": True,
    "nothing is said": {},
    "messages of any kind": {"type": "object", "required": ["messages"], "properties": {"messages": {}}},
    "an object for each role": {
        "type": "object",
        "required": ["messages", "model"],
        "properties": {"model": _TEXT, "messages": {"type": "array", "items": {"oneOf": _BY_ROLE}}},
    },
    "no unknown fields": {
        "type": "object",
        "additionalProperties": False,
        "required": ["messages"],
        "properties": {"messages": MESSAGES, "n": {"type": "integer", "minimum": 1, "maximum": 3}},
    },
    "one message at most": {
        "type": "object",
        "required": ["messages"],
        "properties": {"messages": {**MESSAGES, "maxItems": 1}, "stream": {"type": "boolean"}},
    },
    "composed": {
        "allOf": [
            {"type": "object", "required": ["messages"], "properties": {"messages": MESSAGES}},
            {"type": "object", "properties": {"max_tokens": {"type": "integer", "minimum": 1}}},
        ]
    },
    "recursive": {
        "type": "object",
        "required": ["messages"],
        "properties": {"messages": MESSAGES, "node": {"$ref": "#/components/schemas/Node"}},
    },
}
_NODE = {
    "type": "object",
    "properties": {"depth": {"type": "integer", "maximum": 5}, "next": {"$ref": "#/components/schemas/Node"}},
}


@pytest.fixture(scope="module", params=REQUESTS)
def odd_contract(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    path = write_own_document(tmp_path_factory.mktemp("odd"), REQUESTS[request.param])
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["components"] = {"schemas": {"Node": _NODE}}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_contract(str(path))


def test_what_must_be_served_is_valid_and_what_enforces_is_not(odd_contract: Contract) -> None:
    body = RequestBody(odd_contract, TARGET)
    probes = list(plan(odd_contract, TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE).every_probe())
    assert "completion/plain" in {probe.name for probe in probes}
    for probe in probes:
        if probe.intent is Intent.SERVED:
            assert body.accepts(probe.body), probe.name
        if "/enforced/" in probe.name:
            assert probe.intent is Intent.REFUSED
            assert not body.accepts(probe.body), probe.name


@pytest.mark.slow
def test_requests_are_generated_where_the_schema_says_anything(
    odd_contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    body = RequestBody(odd_contract, TARGET)
    probes = list(generated_probes(body, Tier.EXHAUSTIVE, 2))
    assert bool(probes) is bool(odd_contract.operation.properties or "allOf" in str(odd_contract.operation))
    for probe in probes:
        assert body.accepts(probe.body) is (probe.intent is Intent.SERVED), probe.name


def test_no_conversation_has_roles_that_the_document_lacks(tmp_path: Path) -> None:
    contract = load_contract(str(write_own_document(tmp_path, REQUESTS["an object for each role"])))
    assert plan(contract, TARGET, ["completion/conversation"], Tier.STANDARD).probes == ()
