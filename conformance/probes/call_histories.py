"""Probes for conversations with calls that are handed back: all shapes in one, and each alone where that is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.conversations import called_by
from conformance.probes.model import Probe, served_probe
from conformance.probes.request_body import RequestBody
from conformance.probes.tools import CITY, DAY, asking_for_tools, city_and_day, streamed

HISTORY: Final = "tools/history"
"""The conversation that has most shapes in one, and ends with a result; the stream's ends with a question."""
SHAPE: Final = "tools/shape/"
"""What the names of shapes begin with of which no document speaks."""
OTHER_MEMBERS: Final = f"{SHAPE}other-members"
"""A conversation whose messages have their members in another order, which means the same (RFC 8259, section 4)."""
LONG_RESULT: Final = "It is a city by the sea, and the sea is cold. " * 36
"""A result of some 400 words; two of them stand in the whole history."""
_TOKENS: Final = 16
_CALL_TOKENS: Final = 96
_RESULT: Final = '{"ok": true}'
_ODD: Final = '{"city": "\\u00c5\\"\\n\\\\ \u4e16"}'
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
Messages = list[dict[str, Any]]


def history_probes(body: RequestBody) -> Iterator[Probe]:
    """Conversations that go on after a call."""
    came = call_as_it_came(body)
    whole = _given(body, [*_first_round(body, came), *_second_round(came), *_third_round(came)])
    about = "a conversation with calls in all their shapes, and their results"
    yield served_probe(HISTORY, about, whole, instead=tuple(_shapes_alone(body, came)))
    if body.has("stream"):
        later = [*_first_round(body, came), *_refusals(), *body.woven([_user(f"Call {CITY} for Oslo.")])]
        request = streamed({**_given(body, later, _CALL_TOKENS), "tool_choice": "auto"}, body)
        about = "a question after a call, its result and two refusals, streamed"
        yield served_probe(f"{HISTORY}-streamed", about, request, instead=tuple(_turns_alone(body, came)))
    yield from _exhaustive(body, came)


def call_as_it_came(body: RequestBody) -> dict[str, Any]:
    """The message with a call that the target answered in this run, or one that could be its."""
    kept = body.target.dialect.call
    message: dict[str, Any] = json.loads(kept) if kept is not None else dict(_INVENTED)
    return message


def turn_with_call(body: RequestBody) -> Messages:
    """A turn with a call as it came, its result, and what the assistant said then."""
    return [*_first_round(body, call_as_it_came(body)), {"role": "assistant", "content": "Done."}]


def came_from_the_target(call_id: str) -> bool:
    """Whether a call that is handed back is one that the target made, and not invented for want of one."""
    return call_id not in called_by(_INVENTED)


def kept_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a client hands back of a message: its known members, as they came."""
    return {name: message[name] for name in _MEMBERS if name in message}


def text_part(text: str) -> dict[str, str]:
    """A part of text."""
    return {"type": "text", "text": text}


def _shapes_alone(body: RequestBody, came: dict[str, Any]) -> Iterator[Probe]:
    about = "the turn after a call, with its result"
    yield served_probe("tools/second-turn", about, _after(body, came, _RESULT))
    longer = _after(body, came, LONG_RESULT)
    yield served_probe("tools/second-turn-long-result", "the same turn with a longer result", longer)
    for name, content in _CONTENTS:
        words = f"the turn after a call whose content is {name}"
        yield served_probe(
            f"tools/second-turn-{name}-content", words, _after(body, {**came, "content": content}, _RESULT)
        )
    in_parts = _after(body, came, [text_part('{"ok": '), text_part("true}")])
    yield served_probe("tools/second-turn-result-parts", "the turn after a call, with its result in parts", in_parts)
    two = {**came, "tool_calls": _two_calls(came)}
    about = "the turn after two calls, with both results"
    yield served_probe("tools/second-turn-two-calls", about, _after(body, two, _RESULT))
    odd = {**came, "tool_calls": [_with_arguments(came, _ODD)]}
    about = "the turn after a call whose arguments have escapes and text outside of ASCII"
    yield served_probe("tools/second-turn-odd-arguments", about, _after(body, odd, _RESULT))
    turned = _after(body, two, _RESULT)
    *before, first, second = turned["messages"]
    about = "the turn after two calls, with the results in the other order"
    yield served_probe(f"{SHAPE}other-order", about, {**turned, "messages": [*before, second, first]})
    about = "the turn after a call, with the members of each message in the other order"
    other = [dict(reversed(message.items())) for message in _answered(came, _RESULT)]
    yield served_probe(OTHER_MEMBERS, about, {**turned, "messages": [*before[:-1], *other]})
    again = {**came, "tool_calls": [_numbered(came["tool_calls"][0], 0)]}
    rounds = _given(body, [*_first_round(body, came), *_answered(again, _RESULT)])
    yield served_probe(f"{SHAPE}two-rounds", "the turn after two rounds of calls", rounds)


_CONTENTS: Final = (("empty", ""), ("null", None), ("text", "One moment."), ("parts", [text_part("One moment.")]))


def _turns_alone(body: RequestBody, came: dict[str, Any]) -> Iterator[Probe]:
    plain = _after(body, came, _RESULT)
    about = "the turn after a call, with its result, streamed"
    yield served_probe("tools/second-turn-streamed", about, streamed(plain, body))
    followed = [*plain["messages"], {"role": "assistant", "content": "Done."}, _user("Again.")]
    about = "a later turn of a conversation with a call"
    yield served_probe("tools/third-turn", about, {**plain, "messages": followed})
    trial = asking_for_tools(body, f"Call {CITY} for Oslo.", tool_choice="auto")
    yield served_probe("tools/auto", "a request that leaves it to the model whether to call", trial)
    for name, message in zip(("part", "member"), _refusals()[::2], strict=True):
        about = f"a turn after a refusal of the assistant, as a {name} of its message"
        messages = [_user("Say hello."), message, *body.woven([_user("Say it again.")])]
        yield served_probe(f"{SHAPE}refusal-{name}", about, {**body.capped(_TOKENS), "messages": messages})


def _exhaustive(body: RequestBody, came: dict[str, Any]) -> Iterator[Probe]:
    if body.has("stream"):
        request = streamed(_given(body, [*_first_round(body, came), *_second_round(came)]), body)
        about = "the turn after two rounds of calls, streamed"
        yield served_probe("tools/second-round-streamed", about, request, tier=Tier.EXHAUSTIVE)


def _given(body: RequestBody, messages: Messages, tokens: int = _TOKENS) -> dict[str, Any]:
    return {**body.capped(tokens), "messages": messages, "tools": city_and_day()}


def _after(body: RequestBody, message: Mapping[str, Any], result: Any) -> dict[str, Any]:
    """The turn after a message with calls, each with the same result."""
    return _given(body, [*body.woven([_user(f"Call {CITY} for Oslo.")]), *_answered(message, result)])


def _answered(message: Mapping[str, Any], result: Any) -> Messages:
    results = [{"role": "tool", "tool_call_id": call.get("id"), "content": result} for call in message["tool_calls"]]
    return [kept_message(message), *results]


def _first_round(body: RequestBody, came: Mapping[str, Any]) -> Messages:
    """A call as it came, with its result."""
    return [*body.woven([_user(f"Call {CITY} for Oslo.")]), *_answered(came, _RESULT)]


def _second_round(came: Mapping[str, Any]) -> Messages:
    """Two calls beside an empty content, with odd arguments, whose long results and members come in the other order."""
    one, other = _two_calls(came)
    calls = [_numbered(_of(one, _ODD), 0), _numbered(other, 1)]
    message = {**came, "content": "", "tool_calls": calls}
    asked, first, second = _answered(message, LONG_RESULT)
    parts = [text_part(LONG_RESULT[: len(LONG_RESULT) // 2]), text_part(LONG_RESULT[len(LONG_RESULT) // 2 :])]
    return [dict(reversed(one.items())) for one in (asked, {**second, "content": parts}, first)]


def _third_round(came: Mapping[str, Any]) -> Messages:
    """Calls beside a text, beside parts and beside null, each with its result, one after the other."""
    contents = enumerate(("One moment.", [text_part("One moment.")], None), start=2)
    first = came["tool_calls"][0]
    messages = [{**came, "content": content, "tool_calls": [_numbered(first, number)]} for number, content in contents]
    return [one for message in messages for one in _answered(message, _RESULT)]


def _refusals() -> Messages:
    """What the assistant said when it refused to answer, as a part and as a member, with a question between them."""
    part = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot do that."}]}
    member = {"role": "assistant", "content": None, "refusal": "I cannot do that."}
    return [part, _user("Try again."), member]


def _two_calls(message: Mapping[str, Any]) -> list[Any]:
    first = message["tool_calls"][0]
    other = {**first, "id": _other_id(first["id"])}
    return [first, {**other, "function": {"name": DAY, "arguments": '{"day": 7}'}}]


def _other_id(given: str) -> str:
    return f"{given[:-1]}{'0' if given[-1] != '0' else '1'}"


def _numbered(call: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The call with an id of its own, as long as it was and in the same letters."""
    given = str(call["id"])
    marks = [mark for mark in "abcdef" if mark != given[-2:-1]]
    return {**call, "id": f"{given[:-2]}{marks[number]}{given[-1:]}"}


def _with_arguments(message: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    return _of(message["tool_calls"][0], arguments)


def _of(call: Mapping[str, Any], arguments: str) -> dict[str, Any]:
    return {**call, "function": {**call["function"], "arguments": arguments}}


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}
