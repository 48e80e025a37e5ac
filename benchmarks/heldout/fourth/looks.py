"""What is looked for, by a few requests, in the deployments of the fourth set that answer plain text."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
from by_hand import LONG, PATH, TOOL, Caller, body_of, post
from second.looks import LATER, user
from third.looks import FOREIGN, WRONG, fortieth, head_of, raw_body

from conformance.targets import demo

Look = Callable[[Caller], bool]
LIMITS: dict[str, Any] = {"max_tokens": 5, "max_completion_tokens": 5}
TOO_LONG = "word " * 140_000


def in_stream(caller: Caller, *messages: dict[str, Any], **fields: Any) -> bool:
    """Whether a request is refused when it is whole, and answered 200 with an error when it is streamed."""
    whole, streamed = caller.ask(*messages, **fields), caller.ask(*messages, stream=True, **fields)
    return whole.status_code == 400 and streamed.status_code == 200 and '{"error":{' in streamed.text


def hash_of_key(caller: Caller) -> bool:
    said = caller.ask(headers={"authorization": WRONG}).json()["error"]["message"]
    return hashlib.sha256(WRONG.removeprefix("Bearer ").encode()).hexdigest() in said and "Table`" in said


def nested(caller: Caller) -> bool:
    answer = fortieth(caller)
    held = answer.json().get("error", {"code": None})
    return answer.status_code == 429 and held["code"] == 429 and json.loads(held["message"])["error"]["code"] == 429


def remote_picture(caller: Caller) -> bool:
    def status(url: str) -> int:
        parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
        return caller.status({"role": "user", "content": parts})

    return status("https://pictures.example/cat.png") == 500 and status("data:image/png;base64,aGVsbG8=") == 200


def stripped(caller: Caller) -> bool:
    said = user("Say this line once, and no more than that.\n\n")
    assert "".join(caller.deltas(said)).endswith("that.\n\n")
    return caller.text(said).endswith("that.")


def by_omission(caller: Caller) -> bool:
    answer, told = caller.ask(), caller.ask(stream=False)
    assert json.loads(told.text)["choices"]
    return answer.headers["content-type"].startswith("text/event-stream") and answer.text.endswith("[DONE]\n\n")


def without_delta(caller: Caller) -> bool:
    last = caller.chunks()[-1]
    return bool(last["id"] == "" and "delta" not in last["choices"][0])


def separators_lost(caller: Caller) -> bool:
    said = user("One word and\u2028another and\u0085a third of them.")
    whole, streamed = caller.text(said), "".join(caller.deltas(said))
    return "\u2028another" in whole and "another" not in streamed and "third of them" in streamed


def finished_twice(caller: Caller) -> bool:
    usual, chunks = caller.chunks(), caller.chunks(stream_options=LATER)
    ends = [choice["finish_reason"] for one in chunks for choice in one["choices"] if choice["finish_reason"]]
    assert sum(bool(choice["finish_reason"]) for one in usual for choice in one["choices"]) == 1
    return ends == ["stop", "stop"] and bool(chunks[-1]["usage"])


def joined(caller: Caller) -> bool:
    def unlike(**fields: Any) -> bool:
        choice = caller.whole(logprobs=True, **fields)["choices"][0]
        return bool("".join(one["token"] for one in choice["logprobs"]["content"]) != choice["message"]["content"])

    return unlike(stop=["hexagon"]) and not unlike()


def preflight(caller: Caller) -> bool:
    asked = {**FOREIGN, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    answer = caller.http.options(PATH, headers=asked)
    allowed = answer.headers.get("access-control-allow-headers", "").lower()
    readable = caller.ask(headers=FOREIGN).headers.get("access-control-allow-origin")
    return answer.status_code == 204 and "authorization" not in allowed and readable == "*"


def forgetful(caller: Caller) -> bool:
    said = user("Say it to the cache.")
    first, second = caller.whole(said), caller.whole(said, n=3)
    assert caller.whole(user("Say another."), n=3)["id"] != first["id"]
    return bool(second["id"] == first["id"] and len(second["choices"]) == 1)


def shared_stops(caller: Caller) -> bool:
    assert "word20" not in caller.text(user(LONG), stop=["word9"])
    running = threading.Thread(
        target=lambda: httpx.post(
            f"{caller.base_url}{PATH}",
            json=body_of(user(LONG)),
            headers={"authorization": f"Bearer {demo.API_KEY}"},
            timeout=20,
            trust_env=False,
        )
    )
    running.start()
    threading.Event().wait(0.1)
    said = caller.text(user(LONG), stop=["word9"])
    running.join()
    return "word20" in said


# --- allowed variations ---


def not_both(caller: Caller) -> bool:
    alone = [caller.status(**{name: value}) for name, value in LIMITS.items()]
    return alone == [200, 200] and caller.status(**LIMITS) == 400


def with_fields(caller: Caller) -> bool:
    events = caller.ask(stream=True).text.split("\n\n")
    return all("\nevent: message\nretry: 3000\ndata: " in one for one in events if one)


def many_lines(caller: Caller) -> bool:
    events = [one for one in caller.ask(stream=True).text.split("\n\n") if one and "[DONE]" not in one]
    read = [json.loads("\n".join(line.removeprefix("data: ") for line in one.split("\n"))) for one in events]
    assert "".join(one["choices"][0]["delta"].get("content") or "" for one in read) == caller.text()
    return all(one.count("\ndata: ") > 3 for one in events)


def no_bytes(caller: Caller) -> bool:
    entries = caller.whole(logprobs=True, top_logprobs=2)["choices"][0]["logprobs"]["content"]
    return all(one["bytes"] is None and one["top_logprobs"][1]["bytes"] is None for one in entries)


def blank_first(caller: Caller) -> bool:
    answer = caller.ask()
    assert answer.json()["choices"]
    return answer.content.startswith(b"\n\n\n{") and "content-length" not in answer.headers


def method_404(caller: Caller) -> bool:
    statuses = [caller.http.request(method, PATH).status_code for method in ("GET", "HEAD", "DELETE")]
    return statuses == [404] * 3 and caller.status() == 200


def timed(caller: Caller) -> bool:
    answer = caller.raw(post(body=raw_body(stream=True)))
    assert caller.chunks()
    return b"trailer: server-timing" in head_of(answer) and answer.endswith(b"dur=41.3\r\n\r\n")


def split(caller: Caller) -> bool:
    with caller.http.stream(
        "POST", PATH, json=body_of(user("All \u4e2d\u6587 of \U0001f600 it."), stream=True)
    ) as answer:
        raw = list(answer.iter_raw())
    sent = caller.raw(post(body=raw_body(stream=True)))
    assert "".join(caller.deltas()) == caller.text()
    return b"[DONE]" in b"".join(raw) and b"\r\n17\r\n" in sent


def letters(caller: Caller) -> bool:
    types = [caller.ask(stream=streams).headers["content-type"] for streams in (False, True)]
    return types == ["Application/JSON", 'Text/Event-Stream;Charset="UTF-8"']


def challenges(caller: Caller) -> bool:
    answer = caller.ask(headers={"authorization": WRONG})
    told = answer.headers["www-authenticate"]
    return answer.status_code == 401 and told.startswith("Basic ") and ", Bearer " in told


REQUIRED: dict[str, Any] = {"tool_choice": "required"}

SHOWS_OF_TEXT: dict[str, Look] = {
    "request.no-effort": lambda c: c.status(reasoning_effort="none") == 400 and c.status(reasoning_effort="low") == 200,
    "error.choice-within-stream": lambda c: in_stream(c, **REQUIRED) and c.status(**REQUIRED, tools=[TOOL]) == 200,
    "error.overflow-within-stream": lambda c: in_stream(c, user(TOO_LONG)),
    "error.hash-of-key": hash_of_key,
    "error.error-in-message": nested,
    "part.remote-picture": remote_picture,
    "answer.stripped": stripped,
    "answer.events-by-omission": by_omission,
    "stream.filters-without-delta": without_delta,
    "stream.separators-lost": separators_lost,
    "stream.finished-twice": finished_twice,
    "logprobs.joined-while-held": joined,
    "http.preflight-without-authorization": preflight,
    "state.fields-not-in-cache": forgetful,
    "state.stops-of-the-batch": shared_stops,
    "allowed.not-both-limits": not_both,
    "allowed.fields-of-events": with_fields,
    "allowed.many-lines-of-data": many_lines,
    "allowed.no-bytes": no_bytes,
    "allowed.blank-lines-first": blank_first,
    "allowed.unknown-method-404": method_404,
    "allowed.timing-behind": timed,
    "allowed.split-anywhere": split,
    "allowed.other-letters": letters,
    "allowed.two-challenges": challenges,
}
"""Whether a deployment does what its sentence says; the errors of `ERRORS` count as not."""
