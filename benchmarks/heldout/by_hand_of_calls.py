"""Shows by a request or two, without the suite, that each fault and variation on tools and the like does what it says.

    python benchmarks/heldout/by_hand_of_calls.py

As in `by_hand.py`, what is looked for must be seen in the deployment, and must not be seen in the unharmed reference.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent)]

from by_hand import Caller, look_at, message  # noqa: E402 - beside this file, not installed
from sets import SETS, TOOLS  # noqa: E402

PICTURE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)


def schema_of(**properties: Any) -> dict[str, Any]:
    """The schema of an object that has these members and no others."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    """A function with these parameters."""
    return {"type": "function", "function": {"name": name, "parameters": schema_of(**properties)}}


WEATHER = tool("get_weather", city={"type": "string"})
TIME = tool("get_time", zone={"type": "string"}, hours={"type": "integer"})
BARE = {"type": "function", "function": {"name": "refresh"}}
NOVEL = tool("save_novel", text={"type": "string", "const": "long " * 400})
BROKEN = {"type": "function", "function": {"name": "broken", "parameters": {"type": "strang"}}}
USE_WEATHER = message("user", "Please use get_weather for Berlin.")
USE_BOTH = message("user", "Please use get_weather and get_time.")
NEITHER = message("user", "Give me JSON.")
LOOSE = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}
NESTED = schema_of(name={"type": "string"}, home=schema_of(street={"type": "string"}))


def document(schema: Mapping[str, Any], *, strict: bool = True) -> dict[str, Any]:
    """A response format."""
    return {"type": "json_schema", "json_schema": {"name": "it", "strict": strict, "schema": schema}}


def naming(name: str) -> dict[str, Any]:
    """The choice of one function."""
    return {"type": "function", "function": {"name": name}}


# --- what is answered ---


def first(caller: Caller, *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The first choice of a whole answer."""
    choice: dict[str, Any] = caller.whole(*messages, **fields)["choices"][0]
    return choice


def calls(caller: Caller, *messages: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """The calls of a whole answer."""
    listed: list[dict[str, Any]] = first(caller, *messages, **fields)["message"].get("tool_calls", [])
    return listed


def streamed_choices(caller: Caller, *messages: dict[str, Any], **fields: Any) -> Iterator[dict[str, Any]]:
    """All choices of the chunks of a stream."""
    return (choice for chunk in caller.chunks(*messages, **fields) for choice in chunk["choices"])


def call_deltas(caller: Caller, *messages: dict[str, Any], **fields: Any) -> list[tuple[int, dict[str, Any]]]:
    """The deltas of calls in a stream, each with the index of its choice."""
    choices = streamed_choices(caller, *messages, **fields)
    return [(one["index"], call) for one in choices for call in one["delta"].get("tool_calls") or ()]


def put_together(caller: Caller, *messages: dict[str, Any], **fields: Any) -> dict[tuple[int, int], str]:
    """The arguments that the deltas of a stream add up to, by the indexes of choice and call."""
    found: dict[tuple[int, int], str] = {}
    for choice, call in call_deltas(caller, *messages, **fields):
        found.setdefault((choice, call["index"]), "")
        found[choice, call["index"]] += call["function"].get("arguments", "")
    return found


# --- what is shown ---


def leaks(caller: Caller) -> bool:
    assert calls(caller, USE_WEATHER, tools=[WEATHER])
    choice = first(caller, USE_WEATHER, tools=[WEATHER], reasoning_effort="low")
    streamed = "".join(caller.deltas(USE_WEATHER, tools=[WEATHER], reasoning_effort="low"))
    text = choice["message"]["content"] or ""
    return bool(choice["finish_reason"] == "stop" and "<tool_call>" in text and "<tool_call>" in streamed)


def empty(caller: Caller) -> bool:
    said = message("user", "Call refresh and get_weather.")
    texts = [call["function"]["arguments"] for call in calls(caller, said, tools=[BARE, WEATHER])]
    streamed = put_together(caller, said, tools=[BARE, WEATHER])
    assert json.loads(texts[1])["city"]
    assert json.loads(streamed[0, 1])["city"]
    return bool(texts[0] == streamed[0, 0] == "")


def cut_at_buffer(caller: Caller) -> bool:
    said = message("user", "Call save_novel and get_weather.")
    asked = {"tools": [NOVEL, WEATHER]}
    assert all(json.loads(call["function"]["arguments"]) for call in calls(caller, said, **asked))
    streamed = put_together(caller, said, **asked)
    assert json.loads(streamed[0, 1])["city"]
    return len(streamed[0, 0]) == 1024


def mixed(caller: Caller) -> bool:
    assert len(put_together(caller, USE_WEATHER, tools=[WEATHER])) == 1
    return {choice for choice, _ in call_deltas(caller, USE_WEATHER, tools=[WEATHER], n=2)} == {0}


def characters_broken(caller: Caller) -> bool:
    assert "\ufffd" not in calls(caller, USE_WEATHER, tools=[WEATHER])[0]["function"]["arguments"]
    return "\ufffd\ufffd" in json.loads(put_together(caller, USE_WEATHER, tools=[WEATHER])[0, 0])["city"]


def under_first(caller: Caller) -> bool:
    assert json.loads(put_together(caller, USE_WEATHER, tools=[WEATHER])[0, 0])
    streamed = put_together(caller, USE_BOTH, tools=[WEATHER, TIME])
    return streamed[0, 1] == "" and streamed[0, 0].count("{") == 2


def complete_when_cut(caller: Caller) -> bool:
    choice = first(caller, USE_WEATHER, tools=[WEATHER], max_tokens=1)
    ends = [one["finish_reason"] for one in streamed_choices(caller, USE_WEATHER, tools=[WEATHER], max_tokens=1)]
    assert not choice["message"]["tool_calls"][0]["function"]["arguments"].endswith("}")
    return bool(choice["finish_reason"] == ends[-1] == "tool_calls")


def arguments_of_first(caller: Caller) -> bool:
    called = calls(caller, NEITHER, tools=[WEATHER, TIME], tool_choice=naming("get_time"))[0]["function"]
    assert called["name"] == "get_time"
    return list(json.loads(called["arguments"])) == ["city"]


def none_streamed(caller: Caller) -> bool:
    asked = {"tools": [WEATHER], "tool_choice": "none"}
    assert not calls(caller, USE_WEATHER, **asked)
    return bool(call_deltas(caller, USE_WEATHER, **asked))


def one_id(caller: Caller) -> bool:
    streamed = {call["id"] for _, call in call_deltas(caller, USE_BOTH, tools=[WEATHER, TIME]) if "id" in call}
    assert len(streamed) == 2
    listed = calls(caller, USE_BOTH, tools=[WEATHER, TIME])
    return len(listed) == 2 and listed[0]["id"] == listed[1]["id"]


def second_turn(*results: dict[str, Any]) -> list[dict[str, Any]]:
    """A conversation with two calls, `a` and `b`, and these results."""
    made = [
        {"id": one, "type": "function", "function": {"name": name, "arguments": "{}"}}
        for one, name in (("a", "get_weather"), ("b", "get_time"))
    ]
    return [USE_BOTH, {"role": "assistant", "content": None, "tool_calls": made}, *results]


def result(of: str, content: Any = "12 degrees, and rain all day") -> dict[str, Any]:
    """The result of a call."""
    return {"role": "tool", "tool_call_id": of, "content": content}


def parts_lost(caller: Caller) -> bool:
    both = {"tools": [WEATHER, TIME]}
    in_parts = [{"type": "text", "text": "12 degrees, and rain all day"}]
    as_text = caller.prompt(*second_turn(result("a"), result("b")), **both)
    return caller.prompt(*second_turn(result("a", in_parts), result("b")), **both) < as_text


def in_order(caller: Caller) -> bool:
    assert caller.status(*second_turn(result("a"), result("b")), tools=[WEATHER, TIME]) == 200
    return caller.status(*second_turn(result("b"), result("a")), tools=[WEATHER, TIME]) == 400


def refusal_part(caller: Caller) -> bool:
    declined = {"role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot help with that."}]}
    return caller.status(NEITHER, declined, message("user", "Why?")) == 500


def comments(caller: Caller) -> bool:
    written = json.loads(caller.text(NEITHER, response_format=document(NESTED)))
    assert list(written) == ["name", "home"]
    assert "comment" not in json.loads(caller.text(NEITHER, response_format=document(NESTED, strict=False)))["home"]
    return "comment" in written["home"] and '"comment"' in "".join(
        caller.deltas(NEITHER, response_format=document(NESTED))
    )


def fenced(caller: Caller) -> bool:
    form = {"type": "json_object"}
    assert json.loads(caller.text(NEITHER, response_format=form))
    beside: dict[str, Any] = {"response_format": form, "tools": [WEATHER]}
    texts = caller.text(NEITHER, **beside), "".join(caller.deltas(NEITHER, **beside))
    return all(text.startswith("```json\n{") for text in texts)


def misplaced(caller: Caller) -> bool:
    asked = {"response_format": document(NESTED), "reasoning_effort": "low"}
    assert json.loads(caller.text(NEITHER, response_format=document(NESTED)))
    said = first(caller, NEITHER, **asked)["message"]
    deltas = [one["delta"].get("reasoning_content") or "" for one in streamed_choices(caller, NEITHER, **asked)]
    return said["content"] is None and said.get("reasoning_content") == "".join(deltas) != ""


def uncounted(caller: Caller) -> bool:
    asked = {"reasoning_effort": "high"}
    whole = caller.whole(**asked)["usage"]
    usage = caller.chunks(stream_options={"include_usage": True}, **asked)[-1]["usage"]
    assert usage["completion_tokens_details"] == whole["completion_tokens_details"]
    return bool(usage["completion_tokens"] == whole["completion_tokens"] - 6)


def one_medium(caller: Caller) -> bool:
    picture = {"type": "image_url", "image_url": {"url": PICTURE}}
    one, two = ([{"type": "text", "text": "What is it?"}, *[picture] * count] for count in (1, 2))
    assert caller.prompt({"role": "user", "content": one}) > 85
    return caller.prompt({"role": "user", "content": two}) == caller.prompt({"role": "user", "content": one})


def cached(caller: Caller) -> bool:
    usages = [caller.whole(NEITHER)["usage"] for _ in range(2)]
    counts = [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages]
    return counts == [0, 64] and usages[1]["prompt_tokens"] < 64


def late_errors(caller: Caller) -> bool:
    assert caller.status(NEITHER, tools=[BROKEN]) == 400
    answer = caller.ask(NEITHER, tools=[BROKEN], stream=True)
    return answer.status_code == 200 and answer.text.startswith('data: {"error"')


def named_stops(caller: Caller) -> bool:
    asked = {"tools": [WEATHER], "tool_choice": naming("get_weather")}
    ends = [one["finish_reason"] for one in streamed_choices(caller, NEITHER, **asked)]
    return bool(first(caller, NEITHER, **asked)["finish_reason"] == ends[-1] == "stop")


def text_first(caller: Caller) -> bool:
    said = first(caller, USE_WEATHER, tools=[WEATHER])["message"]
    assert said["tool_calls"]
    deltas = [one["delta"] for one in streamed_choices(caller, USE_WEATHER, tools=[WEATHER])]
    streamed = "".join(delta.get("content") or "" for delta in deltas)
    return bool(said["content"] == streamed == "Let me look that up for you.")


def always_reasons(caller: Caller) -> bool:
    short = first(caller, NEITHER, max_tokens=8)
    thought = short["message"].get("reasoning_content")
    streamed = [one["delta"].get("reasoning_content") or "" for one in streamed_choices(caller, NEITHER, max_tokens=8)]
    assert not first(caller, NEITHER, reasoning_effort="none")["message"].get("reasoning_content")
    return bool(short["message"]["content"] == "" and thought == "".join(streamed) == " hm" * 8)


def at_once(caller: Caller) -> bool:
    deltas = [call for _, call in call_deltas(caller, USE_BOTH, tools=[WEATHER, TIME])]
    return len(deltas) == 2 and all(is_json(call["function"]) for call in deltas)


def is_json(function: dict[str, Any]) -> bool:
    """Whether the arguments of a call are a JSON object, written in ASCII."""
    return isinstance(json.loads(function["arguments"]), dict) and function["arguments"].isascii()


def word_needed(caller: Caller) -> bool:
    form = {"type": "json_object"}
    assert caller.status(NEITHER, response_format=form) == 200
    return caller.status(message("user", "Give me an object."), response_format=form) == 400


def subset(caller: Caller) -> bool:
    assert caller.status(NEITHER, response_format=document(NESTED)) == 200
    assert caller.status(NEITHER, response_format=document(LOOSE, strict=False)) == 200
    loose = {"type": "function", "function": {"name": "loose", "strict": True, "parameters": LOOSE}}
    return caller.status(NEITHER, response_format=document(LOOSE)) == caller.status(NEITHER, tools=[loose]) == 400


SHOWS: Mapping[str, Callable[[Caller], bool]] = {
    "call.text-with-effort": leaks,
    "call.empty-arguments": empty,
    "delta.long-arguments-cut": cut_at_buffer,
    "delta.choices-mixed": mixed,
    "delta.broken-characters": characters_broken,
    "delta.input-under-first": under_first,
    "finish.cut-call-complete": complete_when_cut,
    "choice.schema-of-first": arguments_of_first,
    "choice.none-streamed": none_streamed,
    "parallel.one-id": one_id,
    "turn.result-parts-lost": parts_lost,
    "turn.results-in-order": in_order,
    "turn.refusal-part": refusal_part,
    "form.strict-at-first-level": comments,
    "form.fenced-beside-tools": fenced,
    "form.document-as-reasoning": misplaced,
    "thought.not-in-completion": uncounted,
    "part.first-medium-only": one_medium,
    "usage.cached-in-blocks": cached,
    "error.late-schema-error": late_errors,
    "allowed.named-says-stop": named_stops,
    "allowed.text-before-calls": text_first,
    "allowed.always-reasons": always_reasons,
    "allowed.calls-at-once": at_once,
    "allowed.word-json-needed": word_needed,
    "allowed.strict-subset": subset,
}

if __name__ == "__main__":
    sys.exit(look_at(SETS[TOOLS].entries, SHOWS))
