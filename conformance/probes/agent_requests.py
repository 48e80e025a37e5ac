"""Probes for tools as agents send them: with an effort, several choices and a long conversation, in one request.

Each of them is taken apart where it is not served: then what it combines is asked for alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.probes.call_histories import turn_with_call
from conformance.probes.model import Probe, served_probe
from conformance.probes.reasoning import effort_probes, with_effort
from conformance.probes.request_body import RequestBody
from conformance.probes.text_format import as_text, text_probes
from conformance.probes.tools import (
    CITY,
    DAY,
    REFRESH,
    asking_for_tools,
    city_and_day,
    function,
    named,
    streamed,
    takes_tools,
)

AGENT, ALLOWED, NONE = "tools/agent", "tools/allowed-and-one", "tools/none-with-effort"
"""The combined requests."""
_TOKENS: Final = 128
_OF_ONE_CALL: Final = 96
_TEMPTING: Final = f"Call the function {CITY} for Oslo."
_SUMMARY: Final[Mapping[str, Any]] = {
    "type": "json_schema",
    "json_schema": {
        "name": "summary",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"summary": {"type": "string"}},
            "required": ["summary"],
            "additionalProperties": False,
        },
    },
}
"""The form of the text with which an agent ends its work."""
_BOTH: Final = f"Call {CITY} for Oslo and {DAY} with 7, both at once."
_ALL: Final = f"{_BOTH} Call {REFRESH}, too."


def agent_probes(body: RequestBody) -> Iterator[Probe]:
    """Combined requests with tools, whole and streamed."""
    if not body.has("tools") or not body.has("tool_choice"):
        return
    yield from _combined(AGENT, "tools as agents ask for them, all at once", _agent(body), _agent_parts(body), body)
    about = "a request that allows two of three functions, one call at most, and asks for all"
    if body.has("parallel_tool_calls"):
        one = {**_allowed(body), "parallel_tool_calls": False}
        yield from _combined(ALLOWED, about, one, _allowed_parts(body), body)
    about = "a request with an effort and the format `text` that must be answered without a call"
    yield from _combined(NONE, about, with_effort(as_text(_none(body), body), body), _none_parts(body), body)


Parts = list[tuple[str, str, dict[str, Any]]]
"""The names, purposes and requests of what a combined request has in one."""


def _combined(name: str, about: str, request: dict[str, Any], parts: Parts, body: RequestBody) -> Iterator[Probe]:
    """The combined request, whole and streamed; its parts alone where the target is known to refuse it."""
    streams = body.has("stream")
    alone = [served_probe(part, words, one) for part, words, one in parts]
    pieces = [served_probe(f"{part}-streamed", f"{words}, streamed", streamed(one, body)) for part, words, one in parts]
    for one in (*effort_probes(body), *text_probes(body)) if name == NONE and takes_tools(body) else ():
        (pieces if one.asks_for_stream else alone).append(one)
    if not body.is_spoken(request):
        yield from (*alone, *(pieces if streams else ()))
        return
    yield served_probe(name, about, request, instead=tuple(alone))
    if streams:
        request, about = streamed(request, body), f"{about}, streamed"
        yield served_probe(f"{name}-streamed", about, request, instead=tuple(pieces))


def _agent(body: RequestBody) -> dict[str, Any]:
    """Three functions, the second without parameters, two choices, an effort, turns before the question, and a form.

    One of the turns has a call, as it came. The form is that of a text, which is not due where a call is.
    """
    asked = asking_for_tools(body, _ALL, tokens=_TOKENS, tools=_empty_amid(), tool_choice="required")
    values = (("n", 2), ("temperature", 1), ("response_format", _SUMMARY))
    further = {name: value for name, value in values if body.has(name) and body.is_spoken({name: value})}
    earlier = [*_turns(), *turn_with_call(body)]
    return with_effort({**asked, "messages": [*earlier, *asked["messages"]], **further}, body)


def _agent_parts(body: RequestBody) -> Parts:
    several = asking_for_tools(body, _ALL, tokens=_TOKENS, tools=_empty_amid(), tool_choice="required")
    tempting = asking_for_tools(body, _TEMPTING, tool_choice="required")
    late = {**tempting, "tools": _three(), "messages": [*_turns(), *tempting["messages"]]}
    parts = [
        ("tools/several", "a request for three calls, of which the second has no arguments", several),
        ("tools/late", "a request for a call after a long conversation", late),
    ]
    if body.has("n"):
        parts.append(("tools/two-choices", "a request for two choices, each with a call", {**tempting, "n": 2}))
    return parts


def _allowed(body: RequestBody) -> dict[str, Any]:
    allowed = {"mode": "required", "tools": [named(DAY), named(REFRESH)]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    return asking_for_tools(body, _ALL, tokens=_TOKENS, tools=_three(), tool_choice=choice)


def _allowed_parts(body: RequestBody) -> Parts:
    one = asking_for_tools(body, _BOTH, tokens=_TOKENS, tool_choice="required", parallel_tool_calls=False)
    return [
        ("tools/allowed", "a request that allows two of three functions", _allowed(body)),
        ("tools/one-at-a-time", "a request that allows one call at most, and asks for two", one),
    ]


def _none(body: RequestBody) -> dict[str, Any]:
    return asking_for_tools(body, _TEMPTING, tokens=_OF_ONE_CALL, tool_choice="none")


def _none_parts(body: RequestBody) -> Parts:
    return [("tools/none", "a request that must be answered without a call", _none(body))]


def _three() -> list[dict[str, Any]]:
    return [*city_and_day(), function(REFRESH, None)]


def _empty_amid() -> list[dict[str, Any]]:
    """The three with the one without parameters in their midst, so that a call with arguments comes behind it."""
    city, day = city_and_day()
    return [city, function(REFRESH, None), day]


def _turns() -> list[Mapping[str, str]]:
    """A conversation of a dozen turns."""
    asked = {"role": "user", "content": "Name a colour."}
    said = {"role": "assistant", "content": "Blue, like the sea on a clear day."}
    return [asked, said] * 6
