"""Probes for every keyword of the request schema: is it honoured at its edge, and enforced just outside of it?

Values that must be served are packed into few requests, each field once a request. Only when such a packed request is
not served are its parts sent one by one (`Probe.instead`), so that the refusal can be laid at one keyword's door.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.model import Keyword, Requirement, Schema, Tier
from conformance.probes.cost import worst_case_tokens
from conformance.probes.model import Intent, Probe
from conformance.probes.request_body import CHEAP, REMOVED, Path, RequestBody
from conformance.probes.values import Case, allowed, refused

# Fields that the OpenAI Chat Completions reference ties to another field.
_COMPANIONS: Mapping[str, Mapping[str, Any]] = {
    "stream_options": {"stream": True},
    "top_logprobs": {"logprobs": True},
    "max_completion_tokens": {"max_tokens": REMOVED},
}
_LIMITS = ("max_tokens", "max_completion_tokens")
# What the reference takes beyond a narrower document, so that accepting it is no fault (field, name of the case).
_ALSO_TAKEN = {("stop", "string")}
# Their values name something that only the target knows, so that an arbitrary string is no valid request.
_TARGETS_OWN = ("model",)


@dataclass(frozen=True, slots=True)
class _Served:
    """One allowed value on its way into a packed request: the top-level fields that it sets."""

    probe: Probe
    fields: Mapping[str, Any]
    in_message: bool
    """Whether it is about one message, so that several of its kind fit into one conversation."""

    def fits(self, others: Mapping[str, Any]) -> bool:
        same_kind = (self.fields.get("stream") is True) == (others.get("stream") is True)
        return same_kind and all(
            self._same(others.get(name, value), value, name) for name, value in self.fields.items()
        )

    def merged(self, others: Mapping[str, Any]) -> dict[str, Any]:
        merged = {**others, **self.fields}
        if self.in_message and "messages" in others:
            merged["messages"] = [*others["messages"], *self.fields["messages"]]
        return merged

    def _same(self, known: Any, value: Any, name: str) -> bool:
        if self.in_message and name == "messages":
            return True
        return type(known) is type(value) and bool(known == value)


_SHOWN = 60
_MANY_CHOICES = 8


def probe_name(requirement_id: str, aspect: str, case: str) -> str:
    """The name of the probe for one case of one keyword: `request.n.minimum/enforced/below`."""
    return f"{requirement_id}/{aspect}/{case}"


def keyword_probes(body: RequestBody) -> Iterator[Probe]:
    """Every probe for the keywords of the request body and of the path's parameters."""
    rows = [row for row in body.contract.requirements if row.keyword is not None]
    in_body = [row for row in rows if row.keyword is not None and _stands_in_the_body(row.keyword)]
    for row in rows:
        if row.keyword is not None and row.keyword.location.startswith("path."):
            yield from _path_probes(row, body)
    for row in in_body:
        yield from _enforced(row, body)
    yield from _packed([served for row in in_body for served in _honoured(row, body)], body)


def _stands_in_the_body(keyword: Keyword) -> bool:
    # What a recursion repeats stands at many places of a body; its pointer names none of them.
    return keyword.location == "request" and not keyword.pointer.startswith("/$defs/")


def instance_path(pointer: str) -> Path:
    """Where in a body the keyword at a schema pointer applies: `/properties/a/items/type` is `("a", 0)`."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:-1]]
    path: list[str | int] = []
    position = 0
    while position < len(steps):
        step = steps[position]
        if step == "properties":
            path.append(steps[position + 1])
            position += 2
        elif step == "items":
            path.append(0)
            position += 1
        elif step == "prefixItems":
            path.append(int(steps[position + 1]))
            position += 2
        else:  # anyOf/1, allOf/0, then: they speak of the same value
            position += 2 if step in {"anyOf", "oneOf", "allOf"} else 1
    return tuple(path)


def _enforced(row: Requirement, body: RequestBody) -> Iterator[Probe]:
    assert row.keyword is not None
    path = instance_path(row.keyword.pointer)
    if row.keyword.name == "required":
        cases: Iterator[Case] = iter([Case("left-out", REMOVED)])
        path = (*path, row.keyword.value)
    elif isinstance(row.keyword.schema, Mapping):
        cases = refused(row.keyword.name, row.keyword.schema, _definitions(body.contract.operation.request_schema))
    else:
        cases = iter(())
    for case in cases:
        if (path and (str(path[0]), case.name) in _ALSO_TAKEN) or (
            case.name == "null" and not _is_required(path, body)
        ):
            continue
        changed = _cheap(body.changed(path, case.value, base=_base_for(path, body)), body)
        if body.accepts(changed):
            continue  # another branch of the schema takes it, so nobody has to refuse it
        yield Probe(
            name=probe_name(row.id, "enforced", case.name),
            about=_told(path, case),
            intent=Intent.REFUSED,
            body=changed,
            completion_tokens=worst_case_tokens(changed),
            tier=max(row.tier, case.tier, key=list(Tier).index),
        )


def _honoured(row: Requirement, body: RequestBody) -> Iterator[_Served]:
    keyword = row.keyword
    assert keyword is not None
    path = instance_path(keyword.pointer)
    if keyword.name == "required" or not path or not isinstance(keyword.schema, Mapping):
        return
    for case in allowed(keyword.name, keyword.schema, _definitions(body.contract.operation.request_schema)):
        if path[0] in _TARGETS_OWN and keyword.name != "enum":
            changed = body.capped(CHEAP)
        elif path == ("messages",):
            changed = {**body.capped(CHEAP), "messages": body.base["messages"] * max(1, _length(case.value))}
        elif path == ("messages", 0, "role"):
            changed = {**body.capped(CHEAP), "messages": conversation_with(str(case.value))}
        else:
            changed = _cheap(body.changed(path, case.value, base=_base_for(path, body)), body)
        if case.value is None and path[0] in _LIMITS:
            # The other limit stands in for the one that is null, so that the completion stays cheap.
            changed.update({name: 1 for name in _LIMITS if name != path[0] and body.has(name)})
        if changed.get("messages") is not None and _needs_more_than_text(changed["messages"]):
            continue
        field = str(path[0])
        limited = field in _LIMITS or _asks_for_many(changed)
        bound = (*_COMPANIONS.get(field, {}), *(_LIMITS if limited else ()))
        fields = {name: changed.get(name, REMOVED) for name in dict.fromkeys((field, *bound)) if body.has(name)}
        probe = Probe(
            name=probe_name(row.id, "honoured", case.name),
            about=_told(path, case),
            intent=Intent.SERVED,
            body=changed,
            completion_tokens=worst_case_tokens(changed),
            tier=max(row.tier, case.tier, key=list(Tier).index),
        )
        yield _Served(probe, fields, in_message=len(path) > 1 and field == "messages")


def _definitions(schema: Schema) -> Mapping[str, Any]:
    """What a `$ref` of a recursion leads to."""
    found: Mapping[str, Any] = schema.get("$defs", {}) if isinstance(schema, Mapping) else {}
    return found


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 1


def _is_required(path: Path, body: RequestBody) -> bool:
    """Whether a top-level field must be there. Null for an optional one often means that it is left out."""
    schema = body.contract.operation.request_schema
    return len(path) == 1 and isinstance(schema, Mapping) and path[0] in schema.get("required", ())


def _told(path: Path, case: Case) -> str:
    """What is special about a request: "`temperature` set to 2.00005", "no `model`"."""
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".") or "the body"
    if not path:
        return f"a request whose body is {json.dumps(case.value, ensure_ascii=False)}"
    if case.value is REMOVED:
        return f"a request without `{place}`"
    value = json.dumps(case.value, ensure_ascii=False)
    shown = value if len(value) <= _SHOWN else f"a value of {len(value)} characters"
    return f"a request with `{place}` set to {shown}"


def conversation_with(role: str) -> list[dict[str, str]]:
    """A plausible conversation that has a message of this role and ends with the user's."""
    user = {"role": "user", "content": "Say hello."}
    if role == "user":
        return [user]
    if role == "assistant":
        return [user, {"role": role, "content": "Hello."}, {"role": "user", "content": "Say it again."}]
    return [{"role": role, "content": "Be brief."}, user]


def _needs_more_than_text(messages: Any) -> bool:
    # A tool message is only valid after an assistant's tool call, which the text-only contracts have no words for.
    return isinstance(messages, list) and any(isinstance(m, Mapping) and m.get("role") == "tool" for m in messages)


def _cheap(changed: Any, body: RequestBody) -> Any:
    """The same request, with one token for each choice where it asks for many choices."""
    limit = body.limit_field
    return {**changed, limit: 1} if limit is not None and _asks_for_many(changed) and limit in changed else changed


def _asks_for_many(changed: Any) -> bool:
    choices = changed.get("n") if isinstance(changed, Mapping) else None
    return type(choices) is int and choices > _MANY_CHOICES


def _base_for(path: Path, body: RequestBody) -> dict[str, Any]:
    companions = _COMPANIONS.get(str(path[0]), {}) if path else {}
    base = {**body.capped(CHEAP), **companions}
    return {name: value for name, value in base.items() if value is not REMOVED}


def _packed(served: list[_Served], body: RequestBody) -> Iterator[Probe]:
    packs: list[tuple[dict[str, Any], list[Probe]]] = []
    for one in served:
        if not body.accepts(one.probe.body):
            continue  # no small request holds this value without breaking another keyword
        for fields, probes in packs:
            if one.fits(fields) and one.probe.tier is probes[0].tier:
                merged = one.merged(fields)
                if not body.accepts(_with(merged, body)):
                    continue  # too many messages in one conversation, or fields that exclude one another
                fields.update(merged)
                probes.append(one.probe)
                break
        else:
            packs.append((dict(one.fields), [one.probe]))
    for number, (fields, probes) in enumerate(packs):
        merged = _with(fields, body)
        yield Probe(
            name=f"request/at-the-edge/{number}",
            about="valid values at the edge of what the request schema allows, each field once",
            intent=Intent.SERVED,
            body=merged,
            completion_tokens=worst_case_tokens(merged),
            tier=probes[0].tier,
            instead=tuple(probes),
        )


def _with(fields: Mapping[str, Any], body: RequestBody) -> dict[str, Any]:
    return {name: value for name, value in {**body.capped(CHEAP), **fields}.items() if value is not REMOVED}


def _path_probes(row: Requirement, body: RequestBody) -> Iterator[Probe]:
    keyword = row.keyword
    assert keyword is not None
    parameter = keyword.location.removeprefix("path.")
    if not isinstance(keyword.schema, Mapping) or keyword.name in {"type", "required"}:
        return
    whole = body.contract.operation.path_parameters[parameter]
    for case in refused(keyword.name, keyword.schema, _definitions(whole)):
        yield Probe(
            name=probe_name(row.id, "enforced", case.name),
            about=_told((parameter,), case),
            intent=Intent.REFUSED,
            body=body.capped(CHEAP),
            path_parameters={parameter: str(case.value)},
            completion_tokens=CHEAP,
            tier=max(row.tier, case.tier, key=list(Tier).index),
        )
