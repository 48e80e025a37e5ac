"""What is looked for, by a few requests, in the deployments of the sixth set that are of the other profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from by_hand import SAID, Caller, body_of
from fourth.looks_of_calls import chunks_of
from fourth.on_profiles import ORGANIZATIONS
from second.looks import user
from third.looks_of_calls import kodexa, loop_health

from conformance.targets import demo


def not_both(caller: Caller) -> bool:
    asked: list[dict[str, Any]] = [{"temperature": 0.5}, {"top_p": 0.5}, {"temperature": 0.5, "top_p": 0.5}]
    return [kodexa(caller, **one).status_code for one in asked] == [200, 200, 400]


def by_turns(caller: Caller) -> bool:
    answered = {"role": "assistant", "content": "Yes."}
    system = {"role": "system", "content": "Be brief."}
    turns = [
        [system, user("One."), answered, user("Two.")],
        [user("One."), user("Two.")],
        [user("One."), system, user("")],
    ]
    return [kodexa(caller, messages=one).status_code for one in turns] == [200, 400, 400]


def no_delta(caller: Caller) -> bool:
    def last(**fields: Any) -> dict[str, Any]:
        choice: dict[str, Any] = chunks_of(kodexa(caller, stream=True, **fields))[-1]["choices"][0]
        return choice

    assert last()["delta"] == {}
    return last(max_tokens=2)["finish_reason"] == "length" and "delta" not in last(max_tokens=2)


def remembered(caller: Caller) -> bool:
    before, own, after = (kodexa(caller, ORGANIZATIONS[number]).status_code for number in (1, 0, 1))
    return [before, own, after] == [403, 200, 200]


def first_counted(caller: Caller) -> bool:
    one, three = (kodexa(caller, n=number).json() for number in (1, 3))
    assert len(three["choices"]) == 3
    return bool(one["usage"] == three["usage"])


def up_to_one(caller: Caller) -> bool:
    statuses = [loop_health(caller, temperature=one).status_code for one in (1, 1.2, 2)]
    return statuses == [200, 500, 500] and loop_health(caller, temperature=2, model="gpt-4o").status_code == 200


def passed_on(caller: Caller) -> bool:
    models = ("claude-sonnet-4-6", "gpt-4o", "gpt-3.5-turbo")
    return [loop_health(caller, model=one).status_code for one in models] == [200, 500, 500]


def in_a_field(caller: Caller) -> bool:
    return [loop_health(caller, requested_by=one).status_code for one in ("Zoe", "Zoë")] == [200, 500]


def error_of_the_provider(caller: Caller) -> bool:
    invalid = loop_health(caller, temperature=9).json()
    assert isinstance(invalid["error"], str)
    answer = loop_health(caller, "a " * 140_000)
    assert answer.status_code == 400
    told = answer.json()["error"]
    return isinstance(told, dict) and bool(told["code"] == "context_length_exceeded")


def switched(caller: Caller) -> bool:
    answers = [chunks_of(loop_health(caller, stream=True)) for _ in range(10)]
    assert all(len({(one["id"], one["model"]) for one in chunks}) == 1 for chunks in answers[:9])
    texts = ["".join(one["choices"][0]["delta"].get("content") or "" for one in chunks) for chunks in answers]
    return len({one["id"] for one in answers[9]}) == 2 and len(texts[9]) > len(texts[8]) and texts[9].endswith(texts[8])


def unknown_model(caller: Caller) -> bool:
    return kodexa(caller, model="unheard-of").status_code == 400


def more_members(caller: Caller) -> bool:
    answer = loop_health(caller, temperature=9)
    body = answer.json()
    return (
        body.get("statusCode") == answer.status_code == 400 and isinstance(body["error"], str) and bool(body["message"])
    )


def names_of_the_provider(caller: Caller) -> bool:
    whole, chunks = loop_health(caller).json(), chunks_of(loop_health(caller, stream=True))
    assert len({one["id"] for one in chunks}) == 1
    assert whole["model"].startswith("us.anthropic.") == chunks[0]["model"].startswith("us.anthropic.")
    return bool(whole["id"][:6] == chunks[0]["id"][:6] == "msg_01" and whole["model"].startswith("us.anthropic."))


def forbidden(caller: Caller) -> bool:
    place = f"/api/organizations/{ORGANIZATIONS[0]}/ai/chat/completions"
    fields: list[dict[str, str]] = [{"x-api-key": "wrong"}, {}, {"x-api-key": demo.API_KEY}]
    answers = [httpx.post(caller.base_url + place, json=body_of(SAID), headers=one, trust_env=False) for one in fields]
    return [one.status_code for one in answers] == [403, 403, 200] and "www-authenticate" not in answers[0].headers


SHOWS_OF_PROFILES: dict[str, Callable[[Caller], bool]] = {
    "kodexa.temperature-or-top-p": not_both,
    "kodexa.by-turns": by_turns,
    "kodexa.no-delta-at-the-limit": no_delta,
    "kodexa.key-remembered": remembered,
    "kodexa.first-choice-counted": first_counted,
    "loop-health.temperature-up-to-one": up_to_one,
    "loop-health.fields-passed-on": passed_on,
    "loop-health.requested-by-in-a-field": in_a_field,
    "loop-health.error-of-the-provider": error_of_the_provider,
    "loop-health.switched-midway": switched,
    "allowed.unknown-model-400": unknown_model,
    "allowed.error-of-a-framework": more_members,
    "allowed.names-of-the-provider": names_of_the_provider,
    "allowed.forbidden-without-key": forbidden,
}
"""As of the profile `openai`, for `kodexa` and `loop-health`."""
