"""Probes for conversations with calls, which hand back what an answer said, and for mistakes with tools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.common_requests import MOST_TOOLS
from conformance.probes.model import Probe, either_probe, refused_probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.tools import CITY, DAY, asking_for_tools, city_and_day, function, named

_TOKENS: Final = 16
_RESULT: Final = '{"ok": true}'
_LONG_RESULT: Final = "It is a city by the sea, and the sea is cold. " * 12
_INVENTED: Final = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "call_9aB3dE5fG7hJ", "type": "function", "function": {"name": CITY, "arguments": '{"city": "Ålesund"}'}}
    ],
}
"""A call as a deployment makes one, where none is known of this one."""
_MEMBERS: Final = ("role", "content", "tool_calls", "refusal", "reasoning_content", "reasoning")
"""Members of an answer's message that are handed back."""


def tool_history_probes(body: RequestBody) -> Iterator[Probe]:
    """Second turns after a call, and requests about tools that are a client's mistake."""
    if not body.has("tools") or not body.has("tool_choice"):
        return
    yield from _second_turns(body)
    yield from _broken_histories(body)
    yield from _broken_tools(body)


def call_as_it_came(body: RequestBody) -> dict[str, Any]:
    """The message with a call that the target answered in this run, or one that could be its."""
    kept = body.target.dialect.call
    message: dict[str, Any] = json.loads(kept) if kept is not None else dict(_INVENTED)
    return message


def kept_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a client hands back of a message: its known members, as they came."""
    return {name: message[name] for name in _MEMBERS if name in message}


def _second_turns(body: RequestBody) -> Iterator[Probe]:
    came = call_as_it_came(body)
    about = "the turn after a call, with its result"
    plain = _after(body, came, _RESULT)
    yield served_probe("tools/second-turn", about, plain)
    if body.has("stream"):
        yield served_probe("tools/second-turn-streamed", f"{about}, streamed", {**plain, "stream": True})
    longer = _after(body, came, _RESULT + _LONG_RESULT)
    yield served_probe("tools/second-turn-long-result", "the same turn with a longer result", longer)
    for name, content in (("empty", ""), ("null", None), ("text", "One moment."), ("parts", [_part("One moment.")])):
        other = _after(body, {**came, "content": content}, _RESULT)
        words = f"the turn after a call whose content is {name}"
        yield served_probe(f"tools/second-turn-{name}-content", words, other, tier=Tier.EXHAUSTIVE)
    in_parts = _after(body, came, [_part('{"ok": '), _part("true}")])
    about = "the turn after a call, with its result in parts"
    yield served_probe("tools/second-turn-result-parts", about, in_parts, tier=Tier.EXHAUSTIVE)
    two = {**came, "tool_calls": _two_calls(came)}
    about = "the turn after two calls, with both results"
    yield served_probe("tools/second-turn-two-calls", about, _after(body, two, _RESULT), tier=Tier.EXHAUSTIVE)
    odd = {**came, "tool_calls": [_with_arguments(came, '{"city": "\\u00c5\\"\\n\\\\ \u4e16"}')]}
    about = "the turn after a call whose arguments have escapes and text outside of ASCII"
    yield served_probe("tools/second-turn-odd-arguments", about, _after(body, odd, _RESULT), tier=Tier.EXHAUSTIVE)
    followed = {**plain, "messages": [*plain["messages"], {"role": "assistant", "content": "Done."}, _user("Again.")]}
    about = "a later turn of a conversation with a call"
    yield served_probe("tools/third-turn", about, followed, tier=Tier.EXHAUSTIVE)
    without = {name: value for name, value in plain.items() if name not in {"tools", "tool_choice"}}
    about = "the turn after a call, without the tools"
    yield either_probe("tools/second-turn-without-tools", about, without, tier=Tier.EXHAUSTIVE)


def _after(body: RequestBody, message: Mapping[str, Any], result: Any) -> dict[str, Any]:
    """The turn after a message with calls, each with the same result."""
    results = [{"role": "tool", "tool_call_id": call.get("id"), "content": result} for call in message["tool_calls"]]
    messages = [*body.woven([_user(f"Call {CITY} for Oslo.")]), kept_message(message), *results]
    return {**body.capped(_TOKENS), "messages": messages, "tools": city_and_day()}


def _two_calls(message: Mapping[str, Any]) -> list[Any]:
    first = message["tool_calls"][0]
    other = {**first, "id": f"{first['id'][:-1]}{'0' if first['id'][-1] != '0' else '1'}"}
    return [first, {**other, "function": {"name": DAY, "arguments": '{"day": 7}'}}]


def _with_arguments(message: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    first = message["tool_calls"][0]
    return {**first, "function": {**first["function"], "arguments": arguments}}


def _broken_histories(body: RequestBody) -> Iterator[Probe]:
    came = call_as_it_came(body)
    question = body.woven([_user(f"Call {CITY} for Oslo.")])
    given = {**body.capped(CHEAP), "tools": city_and_day()}
    result = {"role": "tool", "tool_call_id": came["tool_calls"][0].get("id"), "content": _RESULT}
    orphan = {**given, "messages": [*question, result]}
    yield refused_probe("tools/result-without-call", "a tool's message without the call that it answers", orphan)
    unknown = {**given, "messages": [*question, kept_message(came), {**result, "tool_call_id": "call_unknown00"}]}
    yield refused_probe("tools/result-of-unknown-call", "a tool's message whose call is not known", unknown)
    unanswered = {**given, "messages": [*question, kept_message(came), _user("Say hello.")]}
    about = "a call without its result, followed by a question"
    yield either_probe("tools/call-without-result", about, unanswered, tier=Tier.EXHAUSTIVE)


def _broken_tools(body: RequestBody) -> Iterator[Probe]:
    text = "Say hello."
    without = body.asking(text, tokens=CHEAP, tool_choice="required")
    yield refused_probe("tools/choice-without-tools", "a choice of tools where none are given", without)
    other = asking_for_tools(body, text, tokens=CHEAP, tool_choice=named("no_such_function"))
    yield refused_probe("tools/choice-of-unknown", "the choice of a function that is not given", other)
    broken = [function(CITY, {"type": "nonsense", "properties": 7})]
    request = asking_for_tools(body, text, tokens=CHEAP, tools=broken)
    yield refused_probe("tools/broken-schema", "parameters that are not a JSON Schema", request)
    many = [function(f"tool_{number}", None) for number in range(MOST_TOOLS + 1)]
    request = asking_for_tools(body, text, tokens=CHEAP, tools=many)
    yield refused_probe("tools/too-many", f"{MOST_TOOLS + 1} tools", request)
    most = asking_for_tools(body, text, tokens=CHEAP, tools=many[:MOST_TOOLS], tool_choice="none")
    yield served_probe("tools/most", f"{MOST_TOOLS} tools", most, tier=Tier.EXHAUSTIVE)
    nameless = [{"type": "function", "function": {"description": "Has no name."}}]
    request = asking_for_tools(body, text, tokens=CHEAP, tools=nameless)
    yield refused_probe("tools/nameless", "a function without a name", request)
    outside = asking_for_tools(body, text, tokens=CHEAP, tools=[function("set city!", None)])
    yield refused_probe("tools/name-outside-pattern", "a function whose name has a space and a mark", outside)
    too_long = asking_for_tools(body, text, tokens=CHEAP, tools=[function("a" * 65, None)])
    yield refused_probe("tools/name-too-long", "a function with a name of 65 characters", too_long)


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}
