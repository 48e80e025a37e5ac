"""Requests that Schemathesis generates from the request schema: valid ones, and invalid ones.

The seed is fixed, or follows from a challenge, and nothing is stored, so a plan is the same every time. What is
generated is adapted before it is sent: the model is the target's, and the token limit and the stream flag are set so
that no request is expensive.
"""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

from conformance.contract.samples import keep_hypothesis_files_elsewhere
from conformance.probes.common_requests import MATTER_OF_THE_MODEL
from conformance.probes.conversations import OF_RESULTS, usual_message
from conformance.probes.generation_limits import is_soon_generated
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.request_body import RequestBody

# Fields whose values only the target knows, or that change what an answer is or costs: the probes of the keywords
# vary them one by one; here they stay as the template has them.
_KEPT = frozenset(
    {"logprobs", "max_completion_tokens", "max_tokens", "model", "n", "stop", "stream", "stream_options"}
    | {"top_logprobs"}
    | {*MATTER_OF_THE_MODEL}
)
_SEED = 20261122
_MARGIN = 4
"""Further examples, for some are not JSON objects, or are no longer invalid once they are adapted."""
CHEAP_TOKENS = 2
"""What one generated request may cost in completion tokens, where the contract can limit them."""


def valid_from_schemathesis(body: RequestBody, count: int) -> list[Any]:
    """At most so many valid bodies."""
    kept = _KEPT | {one.name for one in body.contract.parameters if one.in_body}
    fixed = {name: value for name, value in body.capped(CHEAP_TOKENS).items() if name in kept}
    adapted = _adapted(dict(body.contract.operation.request_schema), kept, set(fixed))  # type: ignore[arg-type]
    generated = _generate(adapted, "POSITIVE", count, _seed_of(body))
    return _distinct(generated, lambda one: {**one, **fixed, **_as_conversation(one)}, body, valid=True)[:count]


def _as_conversation(generated: Mapping[str, Any]) -> dict[str, Any]:
    """The messages as a conversation: the instructions first, then turns that end with the user's.

    A schema cannot express the order of roles, and many models accept no other.
    """
    messages = generated.get("messages")
    if not messages or not isinstance(messages, list) or not all(_has_role(one) for one in messages):
        return {}
    instructing = messages[:1] if messages[0]["role"] in ("system", "developer") and len(messages) > 1 else []
    turns = messages[len(instructing) :]
    # Counted from the end, for the last one is the user's.
    roles = ["user" if (len(turns) - number) % 2 else "assistant" for number in range(len(turns))]
    return {"messages": [*instructing, *({**one, "role": role} for one, role in zip(turns, roles, strict=True))]}


def _has_role(message: Any) -> bool:
    return isinstance(message, dict) and "role" in message


def invalid_from_schemathesis(body: RequestBody, count: int) -> list[Any]:
    """At most so many invalid bodies."""
    schema = body.contract.operation.request_schema
    generated = _generate(schema, "NEGATIVE", 2 * count + _MARGIN, _seed_of(body))
    found = _distinct(generated, lambda one: _cheap(one, body), body, valid=False)
    return [one for one in found if not _is_acceptable(one, body)][:count]


def _is_acceptable(sent: Any, body: RequestBody) -> bool:
    """Whether only an assistant's message without content is wrong, which the OpenAI reference allows.

    Where a contract has the roles of the reference, its one kind of message stands for several.
    """
    messages = sent.get("messages") if isinstance(sent, dict) else None
    if not isinstance(messages, list) or not _knows_tools(body):
        return False
    filled = [
        {**one, "content": one.get("content") or "a"}
        if isinstance(one, dict) and one.get("role") == "assistant"
        else one
        for one in messages
    ]
    return body.accepts({**sent, "messages": filled})


def _knows_tools(body: RequestBody) -> bool:
    return '"tool"' in json.dumps(body.contract.operation.properties.get("messages", True))


def _cheap(generated: Any, body: RequestBody) -> Any:
    """An invalid body that costs little if it is served, and is not refused for an unknown model.

    One that is invalid only by its limit or its number of choices becomes valid and is dropped: the probes of the
    keywords cover those.
    """
    if not isinstance(generated, dict):
        return generated
    cheap = dict(generated)
    for name in LIMIT_FIELDS:
        if name in cheap or name == body.limit_field:
            cheap[name] = CHEAP_TOKENS
    if "n" in cheap:
        cheap["n"] = 1
    if isinstance(cheap.get("model"), str) and body.target.model:
        cheap["model"] = body.target.model
    return cheap


def _adapted(schema: dict[str, Any], kept: frozenset[str], given: set[str]) -> dict[str, Any]:
    """The schema of valid requests without the kept fields, without unknown fields and without empty messages."""
    adapted = copy.deepcopy(schema)
    adapted["properties"] = {name: value for name, value in adapted.get("properties", {}).items() if name not in kept}
    adapted["required"] = [name for name in adapted.get("required", ()) if name not in given]
    adapted["additionalProperties"] = False
    messages = adapted["properties"].get("messages")
    if isinstance(messages, dict) and isinstance(messages.get("items"), dict):
        messages["maxItems"] = 3
        item = {name: value for name, value in messages["items"].items() if name not in ("if", "then", "else")}
        item |= usual_message(messages["items"])
        messages["items"] = item
        properties = item["properties"]
        item["properties"] = {name: properties[name] for name in ("role", "content") if name in properties}
        item["additionalProperties"] = False
        role = item["properties"].get("role")
        if isinstance(role, dict) and "tool" in role.get("enum", ()):
            role["enum"] = [name for name in role["enum"] if name not in OF_RESULTS]
        item["required"] = [name for name in item["required"] if name in item["properties"]]
        _fill(item["properties"].get("content"))
    return adapted


def _fill(content: Any) -> None:
    """Allow no empty text in a message's content, whichever form the content has."""
    if not isinstance(content, dict):
        return
    if content.get("type") == "string" and not {"enum", "const"} & content.keys():
        content["minLength"] = max(1, content.get("minLength", 1))
    kind = content.get("properties", {}).get("type")
    if isinstance(kind, dict) and "text" in kind.get("enum", ()):
        _make_text_part(content)
    nested = (content.get("items"), *content.get("properties", {}).values())
    branches = (branch for keyword in ("anyOf", "oneOf", "allOf") for branch in content.get(keyword, ()))
    for below in (*nested, *branches):
        _fill(below)


def _make_text_part(part: dict[str, Any]) -> None:
    """Allow, of the parts of a content, those of text alone."""
    text = usual_message(part)["properties"].get("text", {"type": "string"})
    for name in ("if", "then", "else"):
        part.pop(name, None)
    part.update(properties={"type": {"const": "text"}, "text": text}, required=["type", "text"])
    part["additionalProperties"] = False


def _seed_of(body: RequestBody) -> int:
    return body.seed_of("schemathesis", _SEED)


def _generate(schema: Any, mode: str, count: int, seed: int) -> list[Any]:
    """Bodies that Schemathesis generates from a schema, if that is soon done: the same each time, once in a process."""
    if not is_soon_generated(schema):
        return []
    return _generate_once(json.dumps(schema, sort_keys=True), mode, count, seed)


@cache
def _generate_once(schema_text: str, mode: str, count: int, seed: int) -> list[Any]:
    schema = json.loads(schema_text)
    import hypothesis  # noqa: PLC0415 - the three take a second, and only generated probes need them
    import schemathesis  # noqa: PLC0415

    keep_hypothesis_files_elsewhere()
    media = {"application/json": {"schema": _without_extensions(schema)}}
    operation = {"requestBody": {"required": True, "content": media}, "responses": {"200": {"description": "-"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "-", "version": "-"},
        "paths": {"/-": {"post": operation}},
        "$defs": _without_extensions(schema.get("$defs", {})),  # where the `$ref` of a recursion leads
    }
    generated: list[Any] = []
    strategy = schemathesis.openapi.from_dict(document)["/-"]["POST"].as_strategy(
        generation_mode=schemathesis.GenerationMode[mode]
    )

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def draw(case: Any) -> None:
        generated.append(case.body)

    with warnings.catch_warnings(), _without_constants_of_this_process():
        warnings.simplefilter("ignore")
        with suppress(hypothesis.errors.Unsatisfiable):  # a schema that accepts all has no invalid request
            draw()
    return generated


@contextmanager
def _without_constants_of_this_process() -> Iterator[None]:
    """Keep Hypothesis from using literals that it finds in the source of imported modules.

    With them, one seed gives other requests after every change of a source file and in every other program. There is
    no setting for it. A release without these names has no such literals, or keeps using them.
    """
    from hypothesis.internal.conjecture import providers  # noqa: PLC0415 - Hypothesis takes long to load

    names: Any = providers
    usual = getattr(names, "_get_local_constants", None)
    if usual is None or not hasattr(names, "Constants") or not hasattr(names, "CONSTANTS_CACHE"):
        yield
        return
    none = names.Constants()
    names.CONSTANTS_CACHE.cache.clear()
    names._get_local_constants = lambda: none
    try:
        yield
    finally:
        names._get_local_constants = usual
        names.CONSTANTS_CACHE.cache.clear()


def _distinct(generated: list[Any], finish: Callable[[Any], Any], body: RequestBody, *, valid: bool) -> list[Any]:
    """Each generated body once, and only those that the contract's own schema finds valid or invalid, as wanted."""
    kept: dict[str, Any] = {}
    for one in generated:
        if isinstance(one, bytes) or (valid and not isinstance(one, dict)):
            continue
        finished = finish(one)
        try:
            text = json.dumps(finished, ensure_ascii=False, allow_nan=False)
            text.encode()
        except (ValueError, UnicodeEncodeError):
            continue  # no JSON text can carry it
        if body.is_surely_served(finished) if valid else body.forbids(finished):
            kept.setdefault(text, finished)
    return list(kept.values())


def _without_extensions(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _without_extensions(value) for name, value in schema.items() if not str(name).startswith("x-")}
    if isinstance(schema, list):
        return [_without_extensions(value) for value in schema]
    return schema
