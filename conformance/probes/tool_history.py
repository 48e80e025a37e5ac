"""Probes for conversations with calls, which hand back what an answer said, and for mistakes with tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.call_histories import call_as_it_came, history_probes, kept_message
from conformance.probes.common_requests import MOST_TOOLS
from conformance.probes.model import Probe, either_probe, refused_probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.tools import CITY, asking_for_tools, city_and_day, function, named

_RESULT: Final = '{"ok": true}'


def tool_history_probes(body: RequestBody) -> Iterator[Probe]:
    """Second turns after a call, and requests about tools that are a client's mistake."""
    if not body.has("tools") or not body.has("tool_choice"):
        return
    yield from history_probes(body)
    yield from _broken_histories(body)
    yield from _broken_tools(body)


def _broken_histories(body: RequestBody) -> Iterator[Probe]:
    came = call_as_it_came(body)
    question = body.woven([_user(f"Call {CITY} for Oslo.")])
    given = {**body.capped(CHEAP), "tools": city_and_day()}
    result = {"role": "tool", "tool_call_id": came["tool_calls"][0].get("id"), "content": _RESULT}
    orphan = {**given, "messages": [*question, result]}
    yield from _refused("result-without-call", "a tool's message without the call that it answers", orphan, body)
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
    yield from _refused("choice-of-unknown", "the choice of a function that is not given", other, body)
    broken = [function(CITY, {"type": "nonsense", "properties": 7})]
    request = asking_for_tools(body, text, tokens=CHEAP, tools=broken)
    yield from _refused("broken-schema", "parameters that are not a JSON Schema", request, body)
    many = [function(f"tool_{number}", None) for number in range(MOST_TOOLS + 1)]
    request = asking_for_tools(body, text, tokens=CHEAP, tools=many)
    yield refused_probe("tools/too-many", f"{MOST_TOOLS + 1} tools", request)
    most = asking_for_tools(body, text, tokens=CHEAP, tools=many[:MOST_TOOLS], tool_choice="none")
    yield served_probe("tools/most", f"{MOST_TOOLS} tools", most, tier=Tier.EXHAUSTIVE)
    nameless = [{"type": "function", "function": {"description": "Has no name."}}]
    request = asking_for_tools(body, text, tokens=CHEAP, tools=nameless)
    yield from _refused("nameless", "a function without a name", request, body)
    outside = asking_for_tools(body, text, tokens=CHEAP, tools=[function("set city!", None)])
    yield refused_probe("tools/name-outside-pattern", "a function whose name has a space and a mark", outside)
    too_long = asking_for_tools(body, text, tokens=CHEAP, tools=[function("a" * 65, None)])
    yield refused_probe("tools/name-too-long", "a function with a name of 65 characters", too_long)


def _refused(name: str, about: str, request: dict[str, Any], body: RequestBody) -> Iterator[Probe]:
    """A mistake, whole and in a request for a stream."""
    yield refused_probe(f"tools/{name}", about, request)
    if body.has("stream"):
        yield refused_probe(f"tools/{name}-streamed", f"{about}, streamed", {**request, "stream": True})


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}
