"""What is looked for, by a few requests, in the deployments of the seventh set that are of the other profiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from by_hand import Caller
from fourth.looks_of_calls import chunks_of
from fourth.on_profiles import ORGANIZATIONS
from second.looks import user
from third.looks_of_calls import kodexa, loop_health

from conformance.targets import demo

EVENTS = {"accept": "application/json, text/event-stream"}


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def empty_system(caller: Caller) -> bool:
    asked = [[system(text), user("Hello.")] for text in ("Be brief.", "")]
    return [kodexa(caller, messages=one).status_code for one in asked] == [200, 500]


def empty_reasons(caller: Caller) -> bool:
    reasons = [choice["finish_reason"] for one in chunks_of(kodexa(caller, stream=True)) for choice in one["choices"]]
    return len(reasons) > 3 and set(reasons[:-1]) == {""} and reasons[-1] == "stop"


def cut(caller: Caller) -> bool:
    texts = [kodexa(caller, stream=True).text for _ in range(4)]
    whole = ["[DONE]" in text and '"stop"' in text for text in texts]
    return whole == [True, False] * 2 and texts[1].count("data: ") == 6


def front_end(caller: Caller) -> bool:
    places = (f"/api/organizations/{ORGANIZATIONS[0]}/ai/chat/completions", "/api/no-such-path")
    answers = [caller.http.get(place, headers={"x-api-key": demo.API_KEY}) for place in places]
    assert caller.http.post("/api/no-such-path", json={}).status_code == 404
    return all(one.status_code == 200 and one.text.startswith("<!doctype html>") for one in answers)


def last_system(caller: Caller) -> bool:
    def prompt(*texts: str) -> int:
        rows = [*map(system, texts), user("Hello.")]
        return int(kodexa(caller, messages=rows).json()["usage"]["prompt_tokens"])

    return prompt("Be brief, and be very kind to all of them.", "Be kind.") == prompt("Be kind.")


def created(caller: Caller) -> bool:
    answers = [loop_health(caller), loop_health(caller, stream=True), loop_health(caller, temperature=9)]
    return [one.status_code for one in answers] == [201, 201, 400]


def errors_for_events(caller: Caller) -> bool:
    def ask(headers: dict[str, str], **fields: Any) -> httpx.Response:
        body = {"messages": [user("Hello.")], "brand_id": "a", "requested_by": "b", **fields}
        return caller.http.post("/v1/chat/completions", json=body, headers=headers)

    assert [ask(EVENTS).status_code, ask({}, temperature=9).status_code] == [200, 400]
    answer = ask(EVENTS, temperature=9)
    return answer.status_code == 500 and "payload of invalid type" in answer.json()["message"]


def old_names(caller: Caller) -> bool:
    told = loop_health(caller).json()["usage"]
    return bool(told["prompt_tokens"] == told["completion_tokens"] == 0 < told["total_tokens"])


def by_truth(caller: Caller) -> bool:
    answer = loop_health(caller, stream="false")
    assert loop_health(caller, stream=False).json()["choices"]
    return answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")


def white(caller: Caller) -> bool:
    assert loop_health(caller, messages=[user("Hello."), user("")]).status_code == 200
    return [loop_health(caller, said).status_code for said in (" \n", "Hello.")] == [500, 200]


def all_at_last(caller: Caller) -> bool:
    choices = [one["choices"][0] for one in chunks_of(kodexa(caller, stream=True))]
    said = kodexa(caller).json()["choices"][0]["message"]["content"]
    return len(choices) == 2 and choices[1]["delta"]["content"] == said and choices[1]["finish_reason"] == "stop"


def unasked(caller: Caller) -> bool:
    *others, last = chunks_of(kodexa(caller, stream=True))
    return not last["choices"] and last["usage"]["total_tokens"] > 0 and all("usage" not in one for one in others)


def issues(caller: Caller) -> bool:
    told = loop_health(caller, temperature=9).json()
    assert isinstance(told["error"], str)
    return "\n" in told["message"] and bool(json.loads(told["message"])[0]["message"])


def of_the_brand(caller: Caller) -> bool:
    counts = [loop_health(caller, brand_id=one).json()["usage"]["prompt_tokens"] for one in ("a", "abcde")]
    return bool(counts[1] - counts[0] == 12 and counts[0] > 100)


SHOWS_OF_PROFILES: dict[str, Callable[[Caller], bool]] = {
    "kodexa.empty-system": empty_system,
    "kodexa.empty-finish-reasons": empty_reasons,
    "kodexa.every-other-stream-cut": cut,
    "kodexa.front-end-for-unknown": front_end,
    "kodexa.last-system-message": last_system,
    "loop-health.created": created,
    "loop-health.errors-for-events": errors_for_events,
    "loop-health.usage-of-old-names": old_names,
    "loop-health.stream-by-truth": by_truth,
    "loop-health.white-message": white,
    "allowed.all-in-the-finish-chunk": all_at_last,
    "allowed.usage-unasked": unasked,
    "allowed.issues-in-the-message": issues,
    "allowed.prompt-of-the-brand": of_the_brand,
}
"""As of the profile `openai`, for `kodexa` and `loop-health`."""
