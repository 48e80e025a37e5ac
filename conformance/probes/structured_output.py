"""Probes for structured output: an answer that must fit a schema, and formats that are a client's mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.model import Probe, either_probe, refused_probe, served_probe
from conformance.probes.reasoning import with_effort
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.schema_corpus import CorpusSchema, schema_corpus, very_long
from conformance.probes.text_format import text_probes
from conformance.probes.tools import city_and_day, streamed, takes_tools

OF_REASONING: Final = "max_completion_tokens"
"""The limit that also counts reasoning."""
STRICT: Final = "structured/strict"
"""The first request for structured output: an answer that no model would give by itself."""
BESIDE_TOOLS: Final = "structured/beside-tools"
"""The request for a document that has most forms at once, beside tools and an effort."""
SCHEMA: Final = "structured/schema/"
_WITH_AN_ARRAY: Final = 'Reply with this JSON object, which has an array, and nothing else: {"array": [1, 2]}'
"""A prompt that speaks of an array, which the whole answer must not be for that."""
_PATTERN: Final = r"^[a-z]{1,8}[\-\/][a-z]{1,8}$"
"""A pattern that escapes two marks without need, as ECMA-262 lets it with the flag `u`: a grammar made of it may be one
that cannot be read."""
_TOKENS: Final = 160
_CUT_TOKENS: Final = 12


def structured_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests with a `response_format`, whole and streamed."""
    if not body.has("response_format"):
        return
    first, together, *others = schema_corpus()
    about = f"an answer that must fit a schema with {first.about}"
    yield served_probe(STRICT, about, _asking(body, first.schema), tier=Tier.SMOKE)
    if body.has("stream"):
        request = {**_asking(body, first.schema), "stream": True}
        yield served_probe(f"{STRICT}-streamed", f"{about}, streamed", request, tier=Tier.EXHAUSTIVE)
    yield from _beside_tools(together, body)
    for one in (*others, very_long()):
        yield from _kept(one, body)
    if body.has("n"):
        two = {**_asking(body, first.schema, tokens=_TOKENS // 2), "n": 2}
        yield served_probe("structured/two-choices", "two structured answers", two, tier=Tier.EXHAUSTIVE)
    yield from _json_mode(body)
    if not takes_tools(body):  # else a request with tools has this format, too
        yield from text_probes(body)
    yield from _cut(together, body)
    yield from _mistaken(body, first)


def _beside_tools(one: CorpusSchema, body: RequestBody) -> Iterator[Probe]:
    """A document beside tools that must not be called, and with an effort; alone where that is not served."""
    about = f"an answer that must fit a schema with {one.about}"
    alone = _asking(body, one.schema, one.tokens or _TOKENS)
    fields = {"tools": city_and_day(), "tool_choice": "none"} if takes_tools(body) else {}
    together = with_effort({**alone, **fields}, body)
    words = f"{about}, beside tools and an effort"
    whole = served_probe(f"{SCHEMA}{one.name}", about, alone)
    escaped = {**together, "response_format": _with_a_pattern(together["response_format"])}
    yield served_probe(BESIDE_TOOLS, f"{words}, with a pattern that escapes marks", escaped, instead=(whole,))
    if body.has("stream"):
        part = served_probe(f"{SCHEMA}{one.name}-streamed", f"{about}, streamed", streamed(alone, body))
        request = streamed(together, body)
        yield served_probe(f"{BESIDE_TOOLS}-streamed", f"{words}, streamed", request, instead=(part,))


def _with_a_pattern(form: Mapping[str, Any]) -> dict[str, Any]:
    """The form with one member more, a text that a pattern describes."""
    held, schema = form["json_schema"], form["json_schema"]["schema"]
    properties = {**schema["properties"], "mark": {"type": "string", "pattern": _PATTERN}}
    widened = {**schema, "properties": properties, "required": [*schema["required"], "mark"]}
    return {**form, "json_schema": {**held, "schema": widened}}


def _kept(one: CorpusSchema, body: RequestBody) -> Iterator[Probe]:
    request, about = (
        _asking(body, one.schema, one.tokens or _TOKENS),
        f"an answer that must fit a schema with {one.about}",
    )
    yield served_probe(f"{SCHEMA}{one.name}", about, request, tier=one.tier)
    if body.has("stream"):
        name = f"{SCHEMA}{one.name}-streamed"
        yield served_probe(name, f"{about}, streamed", {**request, "stream": True}, tier=one.tier)


def _json_mode(body: RequestBody) -> Iterator[Probe]:
    """A JSON object as a stream, with an effort; alone where that is not served."""
    if not body.has("stream"):
        return
    request = {**body.asking(_WITH_AN_ARRAY, tokens=64), "response_format": {"type": "json_object"}, "stream": True}
    together = with_effort(request, body)
    if together == request:
        yield served_probe("structured/json-streamed", "a JSON object, streamed", request)
        return
    alone = served_probe("structured/json-streamed", "a JSON object, streamed", request)
    about = "a JSON object and an effort, streamed"
    yield served_probe("structured/json-with-effort-streamed", about, together, instead=(alone,))


def _cut(one: CorpusSchema, body: RequestBody) -> Iterator[Probe]:
    """A document that its limit cuts; with an effort, whose reasoning counts against the limit, too."""
    request, about = with_effort(_asking(body, one.schema, _CUT_TOKENS), body), "a document that a limit cuts"
    if body.has(OF_REASONING) and body.is_spoken({OF_REASONING: _CUT_TOKENS}):
        request = {
            **{name: value for name, value in request.items() if name != body.limit_field},
            OF_REASONING: _CUT_TOKENS,
        }
    yield either_probe("structured/cut", about, request)
    if body.has("stream"):
        further = streamed(request, body)
        yield either_probe("structured/cut-streamed", f"{about}, streamed", further, tier=Tier.EXHAUSTIVE)


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
        if body.has("stream") and name != "misplaced":
            yield refused_probe(f"structured/{name}-streamed", f"{about}, streamed", {**request, "stream": True})


def _broken() -> dict[str, Any]:
    return {"name": "answer", "strict": True, "schema": {"type": "nonsense", "properties": 7}}
