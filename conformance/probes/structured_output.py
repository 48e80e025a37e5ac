"""Probes for structured output: an answer that must fit a schema, and formats that are a client's mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.client_errors import JSON_MODE
from conformance.probes.model import Probe, refused_probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.schema_corpus import CorpusSchema, schema_corpus

STRICT: Final = "structured/strict"
"""The first request for structured output: an answer that no model would give by itself."""
_TOKENS: Final = 160


def structured_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests with a `response_format`, whole and streamed."""
    if not body.has("response_format"):
        return
    first, *others = schema_corpus()
    yield from _kept(STRICT, first, body, Tier.SMOKE, streamed=Tier.STANDARD)
    for one in others:
        yield from _kept(f"structured/schema/{one.name}", one, body, _tier(one), streamed=Tier.EXHAUSTIVE)
    if body.has("n"):
        two = {**_asking(body, first.schema, tokens=_TOKENS // 2), "n": 2}
        yield served_probe("structured/two-choices", "two structured answers", two, tier=Tier.EXHAUSTIVE)
    if body.has("stream"):
        streamed = {**body.asking(JSON_MODE, tokens=64), "response_format": {"type": "json_object"}, "stream": True}
        yield served_probe("structured/json-streamed", "a JSON object, streamed", streamed, tier=Tier.EXHAUSTIVE)
    plain = {**body.asking("Say hello.", tokens=CHEAP), "response_format": {"type": "text"}}
    yield served_probe("structured/text", "a text, asked for by its name", plain, tier=Tier.EXHAUSTIVE)
    yield from _mistaken(body, first)


def _tier(one: CorpusSchema) -> Tier:
    return Tier.STANDARD if one.name == "odd-keys" else Tier.EXHAUSTIVE


def _kept(name: str, one: CorpusSchema, body: RequestBody, tier: Tier, *, streamed: Tier) -> Iterator[Probe]:
    request, about = _asking(body, one.schema), f"an answer that must fit a schema with {one.about}"
    yield served_probe(name, about, request, tier=tier)
    if body.has("stream"):
        yield served_probe(f"{name}-streamed", f"{about}, streamed", {**request, "stream": True}, tier=streamed)


def _asking(body: RequestBody, schema: Mapping[str, Any], tokens: int = _TOKENS) -> dict[str, Any]:
    held = {"name": "answer", "strict": True, "schema": dict(schema)}
    return body.asking("Answer in JSON.", tokens=tokens, response_format={"type": "json_schema", "json_schema": held})


def _mistaken(body: RequestBody, one: CorpusSchema) -> Iterator[Probe]:
    wrong: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("misplaced", "a schema that stands beside `json_schema`", {"schema": dict(one.schema)}),
        ("without-schema", "a format without its schema", {"json_schema": {"name": "answer", "strict": True}}),
        ("broken-schema", "a format whose schema is not one", {"json_schema": _broken()}),
    )
    for name, about, held in wrong:
        request = body.asking("Answer in JSON.", tokens=CHEAP, response_format={"type": "json_schema", **held})
        yield refused_probe(f"structured/{name}", about, request)


def _broken() -> dict[str, Any]:
    return {"name": "answer", "strict": True, "schema": {"type": "nonsense", "properties": 7}}
