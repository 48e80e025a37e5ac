"""Requests with values at the boundary of a keyword: a deployment that over-enforces it refuses them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.contract.model import Keyword, Requirement, Tier
from conformance.contract.samples import sample
from conformance.probes.combined_probes import Combinable
from conformance.probes.conversations import OF_RESULTS, with_own_ids, with_own_names
from conformance.probes.keyword_cases import Case, probe_name
from conformance.probes.keyword_values import boundary_cases
from conformance.probes.model import LIMIT_FIELDS, Intent, Probe, worst_case_tokens
from conformance.probes.pointer_edits import UnplaceableError, path_of, with_change, with_value
from conformance.probes.request_body import CHEAP, COMPANIONS, REMOVED, Path, RequestBody, describe_change, wants_many
from conformance.quoting import as_path


def valid_boundary_values(rows: Iterable[Requirement], body: RequestBody) -> Iterator[Combinable]:
    """The values for each keyword, to be combined."""
    for row in rows:
        keyword = row.keyword
        if keyword is None or not isinstance(keyword.schema, Mapping):
            continue
        path = path_of(keyword.pointer)
        try:
            if keyword.name == "required":
                yield _nothing_else(row, keyword, path, body)
            elif not path:
                yield from _whole_bodies(row, keyword, body)
            elif is_own_value(path, keyword, body):
                yield _combinable(row, path, Case("own-value", REMOVED), body.capped(CHEAP), body)
            else:
                yield from _at_boundary(row, keyword, path, body)
        except UnplaceableError:
            continue


def is_own_value(path: Path, keyword: Keyword, body: RequestBody) -> bool:
    """Whether only the target knows which values it takes here, so that arbitrary text may be refused.

    A parameter that the operator has configured is such a value; where none is, any text is sent for it.
    """
    if path[0] == "model":
        return keyword.name != "enum"
    return path[0] in body.configured


def _at_boundary(row: Requirement, keyword: Keyword, path: Path, body: RequestBody) -> Iterator[Combinable]:
    root = body.contract.operation.request_schema
    assert isinstance(keyword.schema, Mapping)
    for case in boundary_cases(keyword.name, keyword.schema, body.definitions):
        if path[:1] == ("messages",) and path[2:] == ("role",) and case.value in OF_RESULTS:
            continue  # the message of a tool stands after its call, which other probes make
        messages = _conversation_for(case, path, body)
        if messages is not None:
            changed: dict[str, Any] = {**body.capped(CHEAP), "messages": messages}
        else:
            changed = body.cheapest(with_value(body.around(path), root, keyword.pointer, case.value))
        if case.value is None and path[0] in LIMIT_FIELDS:
            # The other limit replaces the one that is null, so that the completion stays cheap.
            changed.update({name: body.limit(CHEAP) for name in LIMIT_FIELDS if name != path[0] and body.has(name)})
        yield _combinable(row, path, case, _as_agents_send(changed, path, body), body)


def _as_agents_send(changed: dict[str, Any], path: Path, body: RequestBody) -> dict[str, Any]:
    """The request with what calls need beside them, and with names and ids of their own for tools and calls."""
    if path[0] == "tools" and isinstance(changed.get("tools"), list):
        return {**changed, "tools": with_own_names(changed["tools"])}
    if path[:2] == ("messages", 0):
        apart = [with_own_ids(message) for message in changed["messages"]]
        completed: dict[str, Any] = body.in_context({**changed, "messages": apart})[0]
        return completed
    return changed


def _conversation_for(case: Case, path: Path, body: RequestBody) -> list[Any] | None:
    """Messages that make sense with the case's value, where the case is about the messages."""
    usual: list[Any] = body.base["messages"] if isinstance(body.base.get("messages"), list) else []
    if path == ("messages",) and isinstance(case.value, list) and usual:
        if case.name == "several-items":
            return body.woven(_turns(len(case.value)))
        return usual * max(1, len(case.value))
    if path == ("messages", 0) and case.name == "members-reversed" and usual and isinstance(usual[0], dict):
        return [dict(reversed(usual[0].items()))]
    if path == ("messages", 0, "role") and isinstance(case.value, str):
        return body.woven(conversation_with(case.value))
    return None


def _turns(count: int) -> list[Any]:
    """A conversation of so many messages in which user and assistant take turns, the user first."""
    says = {"user": "Say hello.", "assistant": "Hello."}
    return [{"role": role, "content": says[role]} for role in itertools.islice(itertools.cycle(says), count)]


def conversation_with(role: str) -> list[Any]:
    """A plausible conversation that has a message of this role and ends with the user's."""
    user = {"role": "user", "content": "Say hello."}
    if role == "user":
        return [user]
    if role == "assistant":
        return [user, {"role": role, "content": "Hello."}, {"role": "user", "content": "Say it again."}]
    return [{"role": role, "content": "Be brief."}, user]


def _combinable(row: Requirement, path: Path, case: Case, changed: dict[str, Any], body: RequestBody) -> Combinable:
    field = str(path[0])
    limited = field in LIMIT_FIELDS or wants_many(changed)
    bound = (*COMPANIONS.get(field, {}), *(LIMIT_FIELDS if limited else ()))
    if field == "messages" and "tools" in changed:
        bound = (*bound, "tools")  # a call in the messages, which is one of them
    fields = {name: changed.get(name, REMOVED) for name in dict.fromkeys((field, *bound)) if body.has(name)}
    about = "a request with the target's own values" if case.value is REMOVED else describe_change(path, case.value)
    in_message = len(path) > 1 and field == "messages"
    return Combinable(_probe(row, case, about, changed), fields, in_message)


def _probe(row: Requirement, case: Case, about: str, sent: Any) -> Probe:
    return Probe(
        name=probe_name(row.id, "honoured", case.name),
        about=about,
        intent=Intent.SERVED,
        body=sent,
        completion_tokens=worst_case_tokens(sent),
        tier=max(row.tier, case.tier, key=list(Tier).index),
    )


def _whole_bodies(row: Requirement, keyword: Keyword, body: RequestBody) -> Iterator[Combinable]:
    """What a keyword of the whole body allows: an object has its members in any order (RFC 8259 section 4)."""
    usual = body.capped(CHEAP)
    assert isinstance(keyword.schema, Mapping)
    if keyword.name == "type":
        about = "a request with its members in reverse order"
        yield Combinable(
            _probe(row, Case("members-reversed", None), about, dict(reversed(usual.items()))), {}, reverses=True
        )
        return
    for case in boundary_cases(keyword.name, keyword.schema, body.definitions):
        if isinstance(case.value, dict):
            whole = {**case.value, **usual}
            yield Combinable(_probe(row, case, f"a request at the boundary of `{keyword.name}`", whole), whole)


def _nothing_else(row: Requirement, keyword: Keyword, path: Path, body: RequestBody) -> Combinable:
    """A request in which an object has only its required members: nothing else may be demanded."""
    case = Case("nothing-else", REMOVED)
    root = body.contract.operation.request_schema
    assert isinstance(keyword.schema, Mapping)
    names, known = keyword.schema.get("required", ()), keyword.schema.get("properties", {})

    def required_alone(held: Any) -> Any:
        return {name: value for name, value in held.items() if name in names} if isinstance(held, dict) else held

    if path:
        usual = body.around(path)

        def least_that_is_valid(held: Any) -> Any:
            """The object without each member that it may lack: what one schema does not require, another may."""
            if isinstance(held, dict):
                held = {**{name: sample(known.get(name, True), body.definitions) for name in names}, **held}
            kept = required_alone(held)
            for name in held if isinstance(held, dict) else ():
                if name not in kept and not body.accepts(with_value(usual, root, keyword.pointer, kept)):
                    kept = {one: value for one, value in held.items() if one in kept or one == name}
            return kept

        least = with_change(usual, root, keyword.pointer, least_that_is_valid)
        least = _as_agents_send(least, path, body)
        value = _combinable(row, path, case, least, body)
        about = f"a request with nothing but the required members in `{as_path(path)}`"
        return Combinable(_probe(row, case, about, least), value.fields, value.in_message)
    least = required_alone(body.base)
    absent = {name: REMOVED for name in (*body.capped(CHEAP), *LIMIT_FIELDS) if name not in least and body.has(name)}
    return Combinable(_probe(row, case, "a request with nothing but its required members", least), absent, alone=True)
