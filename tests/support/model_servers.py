"""Model servers as they are found behind gateways: each takes less than the OpenAI API has, in a way of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fake_upstream import Script, UpstreamRequest

TOKEN = re.compile(r"\s*\S{1,5}")
FEWEST = 40
"""Tokens of an answer that nothing cuts."""


@dataclass(frozen=True)
class Manner:
    """What one server takes, and how it answers."""

    lists_models: bool = True
    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    """The limit fields that it takes; it refuses others."""
    least_limit: int = 1
    refuses: frozenset[str] = frozenset()
    """Fields that it refuses whatever their value."""
    refuses_zero: frozenset[str] = frozenset()
    """Fields that must be greater than 0."""
    status: int = 400
    words: str = "openai"
    """How it refuses: `openai` and `fastapi` name the field, `bare` says nothing."""
    streams: str = "yes"
    """`yes`, `json` (answers in one piece all the same), `refused`, `empty` (nothing but [DONE]), `only`."""
    usage: str = "true"
    """`true`, `none`, `constant` or `absurd`."""
    says: str | None = None
    """The finish reason that it gives whatever ended the text."""
    mentions_roles: bool = False
    """Whether it takes no conversation whose turns do not alternate."""
    one_of: tuple[str, ...] = ()
    """Fields of which it takes one only."""
    thinks: int = 0
    """Tokens of reasoning before the text; they count against the limit."""


def model_server(manner: Manner) -> Script:
    """A server of this manner."""

    async def script(request: UpstreamRequest) -> None:
        if request.path.endswith("/models"):
            request.json(
                {"data": [{"id": "theirs"}]} if manner.lists_models else {"detail": "Not Found"},
                200 if manner.lists_models else 404,
            )
            return
        if (refusal := next(_refusals(manner, request.body), None)) is not None:
            request.json(refusal, manner.status)
            return
        _answer(manner, request)

    return script


def _refusals(manner: Manner, body: dict[str, Any]) -> Iterator[Any]:
    limits = {"max_tokens", "max_completion_tokens"}
    for name in sorted((manner.refuses | (limits - set(manner.limits))) & body.keys()):
        yield _refusal(manner, name, f"Unsupported parameter: '{name}' is not supported with this model.")
    for name in sorted(manner.refuses_zero & body.keys()):
        if body[name] == 0:
            yield _refusal(manner, name, f"`{name}` must be strictly positive")
    for name in sorted(limits & body.keys()):
        if body[name] < manner.least_limit:
            yield _refusal(
                manner, name, f"Invalid '{name}': expected a value >= {manner.least_limit}, got {body[name]}."
            )
    if manner.one_of and body.keys() >= set(manner.one_of):
        names = " and ".join(f"`{name}`" for name in manner.one_of)
        yield {"error": {"message": f"{names} cannot both be specified for this model.", "param": None}}
    if body.get("stream") and manner.streams == "refused":
        yield _refusal(manner, "stream", "This server does not support streaming.")
    if not body.get("stream") and manner.streams == "only":
        yield _refusal(manner, "stream", "This model only answers with stream=true.")
    yield from _refusals_of_messages(manner, body)


def _refusals_of_messages(manner: Manner, body: dict[str, Any]) -> Iterator[Any]:
    if any(_has_more_than_text(message.get("content")) for message in body["messages"]):
        yield _refusal(manner, "messages", "This model does not support image, audio or file input.")
    roles = [message["role"] for message in body["messages"]]
    if manner.mentions_roles and any(role != ("user", "assistant")[turn % 2] for turn, role in enumerate(roles)):
        yield _refusal(manner, "messages", "Conversation roles must alternate user/assistant/user/assistant/...")


def _refusal(manner: Manner, name: str, message: str) -> Any:
    if manner.words == "bare":
        return {"error": {"message": "Bad request", "type": "invalid_request_error", "param": None, "code": None}}
    if manner.words == "fastapi":
        return {"detail": [{"type": "value_error", "loc": ["body", name], "msg": message, "input": 1}]}
    return {
        "error": {"message": message, "type": "invalid_request_error", "param": name, "code": "unsupported_parameter"}
    }


def _answer(manner: Manner, request: UpstreamRequest) -> None:
    body = request.body
    tokens, thoughts, reason = _generated(body, manner.thinks)
    reason = manner.says or reason
    prompt = sum(len(TOKEN.findall(_text(message.get("content")))) + 2 for message in body["messages"])
    usage = _usage(manner, prompt, len(tokens) + len(thoughts))
    if not body.get("stream") or manner.streams == "json":
        message = {"role": "assistant", "content": "".join(tokens) or None, "reasoning_content": "".join(thoughts)}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        request.json({"id": "x", "object": "chat.completion", "choices": [choice], **usage})
        return
    request.head(media_type="text/event-stream")
    if manner.streams != "empty":
        request.events(*({"choices": [{"index": 0, "delta": {"reasoning_content": one}}]} for one in thoughts))
        request.events(*({"choices": [{"index": 0, "delta": {"content": one}}]} for one in tokens))
        request.events({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if body.get("stream_options"):
            request.events({"choices": [], **usage})
    request.events("[DONE]")


def _has_more_than_text(content: Any) -> bool:
    return isinstance(content, list) and any(part.get("type") != "text" for part in content)


def _text(content: Any) -> str:
    return "".join(part["text"] for part in content) if isinstance(content, list) else content or ""


def _generated(body: dict[str, Any], thinks: int) -> tuple[list[str], list[str], str]:
    """The tokens of the answer, those of the reasoning before it, and why it ends."""
    said = f"You said: {_text(body['messages'][-1].get('content'))}"
    if (body.get("response_format") or {}).get("type") == "json_object":
        said = json.dumps({"said": said})
    else:
        while len(TOKEN.findall(said)) < FEWEST:
            said = f"{said} {said}"
    stops = body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        said = said.partition(stop)[0]
    tokens = TOKEN.findall(said)
    everything = [" hmm"] * thinks + tokens
    limits = [body[name] for name in ("max_tokens", "max_completion_tokens") if name in body]
    shown = everything[: min(limits)] if limits else everything
    return shown[thinks:], shown[:thinks], "length" if len(shown) < len(everything) else "stop"


def _usage(manner: Manner, prompt: int, completion: int) -> dict[str, Any]:
    if manner.usage == "none":
        return {}
    if manner.usage == "constant":
        prompt, completion = 10, 20
    if manner.usage == "absurd":
        prompt, completion = 0, 10**9
    return {"usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}}


MANNERS: dict[str, Manner] = {
    "takes everything": Manner(),
    "lists no models": Manner(lists_models=False),
    "takes max_tokens only": Manner(limits=("max_tokens",)),
    "takes max_completion_tokens only": Manner(limits=("max_completion_tokens",)),
    "takes no limit": Manner(limits=()),
    "takes no limit below 16": Manner(least_limit=16),
    "refuses n and logprobs": Manner(refuses=frozenset({"n", "logprobs", "top_logprobs"})),
    "refuses all that can be left out": Manner(
        refuses=frozenset({"stop", "stream_options", "seed", "user"}), words="fastapi", status=422
    ),
    "refuses stop and stream_options without a word": Manner(
        refuses=frozenset({"stop", "stream_options"}), words="bare"
    ),
    "takes max_completion_tokens only, without a word": Manner(limits=("max_completion_tokens",), words="bare"),
    "answers a stream with JSON": Manner(streams="json"),
    "refuses streams": Manner(streams="refused"),
    "refuses streams without a word, with 500": Manner(streams="refused", words="bare", status=500),
    "streams nothing": Manner(streams="empty"),
    "answers only with streams": Manner(streams="only"),
    "has no usage": Manner(usage="none"),
    "has a constant usage": Manner(usage="constant"),
    "has an absurd usage": Manner(usage="absurd"),
    "says stop at its limit": Manner(says="stop", usage="none"),
    "takes only alternating turns": Manner(mentions_roles=True),
    "takes no zero": Manner(refuses_zero=frozenset({"top_p", "temperature"})),
    "takes no zero, and answers 500": Manner(refuses_zero=frozenset({"top_p", "temperature"}), status=500),
    "takes temperature or top_p": Manner(one_of=("temperature", "top_p")),
    "thinks before it speaks": Manner(thinks=12),
    "lacks nearly everything": Manner(
        lists_models=False,
        limits=("max_completion_tokens",),
        least_limit=16,
        refuses=frozenset({"stop", "stream_options", "seed", "user", "n", "logprobs"}),
        refuses_zero=frozenset({"top_p", "temperature"}),
        streams="refused",
        usage="constant",
        mentions_roles=True,
    ),
    "refuses sampling": Manner(refuses=frozenset({"temperature", "top_p", "presence_penalty", "frequency_penalty"})),
}
"""By what a reader of a test's name should know."""
