"""Probes for tool calls that are due by construction: whatever the model, there is a call of a known form, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.model import Probe, either_probe, served_probe
from conformance.probes.request_body import RequestBody
from conformance.probes.schema_corpus import TOGETHER, corpus_schema, schema_corpus, very_long

REQUIRED: Final = "tools/required"
"""The first request for a call: it decides whether the deployment takes tools, and how its calls look."""
TRIALS: Final = 5
"""Requests of the exhaustive tier that leave it to the model whether to call."""
_TOKENS: Final = 96
"""Completion tokens that a call gets: its name, a few arguments, and what a template needs around them."""
_MORE_TOKENS: Final = 160
_CUT_TOKENS: Final = 12
"""Completion tokens of one that a limit cuts."""
CITY, DAY, NOTE, REFRESH = "set_city", "set_day", "write_note", "refreshAll-v2"
LONG_NAME: Final = "write-note_into-the-2nd-ledger_of-all-that-was-said-by-anybody-1"
"""A name of 64 characters, as long as one may be, with all kinds of characters that it may have."""
NO_ARGUMENTS: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}


def tool_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests with tools, whole and streamed."""
    if not body.has("tools") or not body.has("tool_choice"):
        return
    yield from _called(body)
    yield from _of_schemas(body)
    yield from _left_to_the_model(body)
    yield from _custom(body)


def takes_tools(body: RequestBody) -> bool:
    """Whether the contract has tools and a choice among them, and the target is not known to refuse either."""
    fields = {"tools": [], "tool_choice": "none"}
    return all(map(body.has, fields)) and body.is_spoken(fields)


def function(name: str, schema: Mapping[str, Any] | None, *, strict: bool = False) -> dict[str, Any]:
    """A function tool with a schema of its parameters; None leaves them out."""
    held: dict[str, Any] = {"name": name, "description": f"Takes what a caller has for {name}."}
    if schema is not None:
        held["parameters"] = dict(schema)
    if strict:
        held["strict"] = True
    return {"type": "function", "function": held}


def city_and_day() -> list[dict[str, Any]]:
    """Two functions of one argument each."""
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    day = {"type": "object", "properties": {"day": {"type": "integer"}}, "required": ["day"]}
    return [function(CITY, city), function(DAY, day)]


def named(name: str) -> dict[str, Any]:
    """The choice of one function."""
    return {"type": "function", "function": {"name": name}}


def asking_for_tools(body: RequestBody, text: str, *, tokens: int = _TOKENS, **fields: Any) -> dict[str, Any]:
    """A request with the two functions, one user message and further fields."""
    return body.asking(text, tokens=tokens, **{"tools": city_and_day(), **fields})


def streamed(request: Mapping[str, Any], body: RequestBody) -> dict[str, Any]:
    """A request as one for a stream with its usage."""
    options = {"stream_options": {"include_usage": True}} if body.has("stream_options") else {}
    return {**request, "stream": True, **options}


def _both(name: str, about: str, request: dict[str, Any], body: RequestBody, **fields: Any) -> Iterator[Probe]:
    """A request, and the same as a stream."""
    yield served_probe(f"tools/{name}", about, request, **fields)
    yield from _streamed(name, about, request, body, **fields)


def _streamed(name: str, about: str, request: dict[str, Any], body: RequestBody, **fields: Any) -> Iterator[Probe]:
    if body.has("stream"):
        yield served_probe(f"tools/{name}-streamed", f"{about}, streamed", streamed(request, body), **fields)


def _called(body: RequestBody) -> Iterator[Probe]:
    request = asking_for_tools(body, f"Call the function {CITY} for Oslo.", tool_choice="required")
    yield from _both("required", "a request that must be answered with a call", request, body, tier=Tier.SMOKE)
    tools = [*city_and_day(), function(REFRESH, NO_ARGUMENTS)]
    named_one = asking_for_tools(body, "Say hello.", tools=tools, tool_choice=named(REFRESH))
    about = "a request that names the last of three functions to call, which takes no arguments"
    yield from _both("named", about, named_one, body)


def _of_schemas(body: RequestBody) -> Iterator[Probe]:
    """Calls whose arguments must fit a schema that no model would meet by itself."""
    for one in (*schema_corpus(), very_long()):
        request = _strict(body, one.schema, one.tokens or _MORE_TOKENS)
        about = f"a strict call with {one.about} in its schema"
        yield from _both(f"schema/{one.name}", about, request, body, tier=one.tier)
    cut = _strict(body, corpus_schema(TOGETHER).schema, _CUT_TOKENS, NOTE)
    about = "a call that a limit cuts"
    yield either_probe("tools/cut", about, cut, tier=Tier.EXHAUSTIVE)
    if body.has("stream"):
        yield either_probe("tools/cut-streamed", f"{about}, streamed", streamed(cut, body))
    bare = body.asking("Call it.", tokens=_TOKENS, tools=[function(NOTE, None)], tool_choice="required")
    yield from _both("no-parameters", "a call of a function without parameters", bare, body, tier=Tier.EXHAUSTIVE)


def _strict(body: RequestBody, schema: Mapping[str, Any], tokens: int, name: str = LONG_NAME) -> dict[str, Any]:
    tool = function(name, schema, strict=True)
    return body.asking(f"Call {name}.", tokens=tokens, tools=[tool], tool_choice=named(name))


def _left_to_the_model(body: RequestBody) -> Iterator[Probe]:
    """Requests that leave it to the model whether to call: each is a trial of what only a model decides."""
    schema = corpus_schema("nested").schema
    tools = [*city_and_day(), function(NOTE, schema)]
    for number in range(1, TRIALS + 1):
        text = (f"Call {CITY} for Oslo.", f"Call {DAY} with 7.", f"Call {NOTE}.")[(number - 1) % 3]
        request = body.asking(text, tokens=_TOKENS, tools=tools, tool_choice="auto")
        about = "a request that leaves it to the model whether to call"
        yield from _both(f"auto-{number}", about, request, body, tier=Tier.EXHAUSTIVE)


def _custom(body: RequestBody) -> Iterator[Probe]:
    """A custom tool, which takes text instead of JSON."""
    tool = {"type": "custom", "custom": {"name": NOTE, "description": "Keeps a text."}}
    choice = {"type": "custom", "custom": {"name": NOTE}}
    request = body.asking(f"Call {NOTE}.", tokens=_TOKENS, tools=[tool], tool_choice=choice)
    about = "a request that names a custom tool to call"
    yield either_probe("tools/custom", about, request, tier=Tier.EXHAUSTIVE)
