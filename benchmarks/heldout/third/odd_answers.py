"""Allowed variations of the third set in what is answered, or refused for a reason that the deployment names."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from held_out import Body, EventEdit, HeldOut, events_stage, generating
from second.parts import editing, refusing, texts_of
from third.parts import rearranging

from conformance.reference.answer import EventData
from conformance.reference.errors import Refusal
from conformance.reference.generation import Increments, Text
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.stages import Stages

_WINDOW = 32_768
_ATTACKS = ("ignore all previous", "ignore previous instructions", "system prompt", "<script", "drop table")
_ONLY_DEFAULTS: Mapping[str, float] = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
_UNSUPPORTED = ("stop", "logprobs", "top_logprobs", "logit_bias")
_TOGETHER = 3
"""Tokens that a guess adds at most to one chunk."""
_UNLIKELY = -9999.0


# --- refusals ---


def _within_window() -> Any:
    """Refuses what the window cannot hold if the answer takes all that its limit allows."""

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        wanted = request.prompt_tokens + (request.token_limit or 1)
        if wanted > _WINDOW:
            message = (
                f"This model's maximum context length is {_WINDOW} tokens. However, you requested {wanted} tokens"
                f" ({request.prompt_tokens} in the messages, {request.token_limit or 1} in the completion)."
            )
            name = "messages" if request.prompt_tokens >= _WINDOW else "max_tokens"
            raise Refusal(400, "context_length_exceeded", message, param=name)
        return request

    return stage


def _filtered(_operation: Any, body: Body) -> Refusal | None:
    said = " ".join(text for message in body["messages"] for text in texts_of(message)).lower()
    if not any(words in said for words in _ATTACKS):
        return None
    message = "The response was filtered due to the prompt triggering the content management policy."
    return Refusal(400, "content_filter", message, param="prompt")


def _only_defaults(_operation: Any, body: Body) -> Refusal | None:
    for name, default in _ONLY_DEFAULTS.items():
        if body.get(name) not in (None, default):
            message = f"Unsupported value: '{name}' does not support this value with this model. Only the default"
            return Refusal(400, "unsupported_value", f"{message} ({default}) value is supported.", param=name)
    for name in _UNSUPPORTED:
        if body.get(name) not in (None, False):
            message = f"Unsupported parameter: '{name}' is not supported with this model."
            return Refusal(400, "unsupported_parameter", message, param=name)
    return None


# --- chunks ---


def _null_opening() -> EventEdit:
    opened: set[int] = set()

    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        for choice in event["choices"]:
            if choice["index"] not in opened:
                opened.add(choice["index"])
                choice["delta"]["content"] = None
            if choice["finish_reason"]:
                event["timings"] = {"prompt_n": 9, "prompt_ms": 31.5, "predicted_n": 12, "predicted_ms": 140.2}

    return edit


def _nulls_whole(body: dict[str, Any], _request: CompletionRequest) -> None:
    body.setdefault("service_tier", None)
    body.update(prompt_logprobs=None, prompt_token_ids=None, kv_transfer_params=None)
    for choice in body["choices"]:
        choice.update(stop_reason=None, token_ids=None)
        choice["message"].setdefault("audio", None)
        choice["message"].update(reasoning=None, reasoning_content=None)


def _nulls_streamed(event: dict[str, Any], _request: CompletionRequest) -> None:
    event.setdefault("service_tier", None)
    event["prompt_token_ids"] = None
    for choice in event["choices"]:
        choice.update(stop_reason=None, token_ids=None)
        choice["delta"].update(reasoning=None)


def _is_text(event: EventData) -> bool:
    if not isinstance(event, dict) or len(event.get("choices", ())) != 1:
        return False
    choice = event["choices"][0]
    return list(choice["delta"]) == ["content"] and choice["finish_reason"] is None


def _joined(event: Any, next_one: Any) -> None:
    """Adds the tokens of the next event to an event."""
    choice, further = event["choices"][0], next_one["choices"][0]
    choice["delta"]["content"] += further["delta"]["content"]
    if choice.get("logprobs") and further.get("logprobs"):
        choice["logprobs"]["content"] += further["logprobs"]["content"]


async def _guessed(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
    held: Any = None
    size = 0
    async for event in events:
        joins = held is not None and _is_text(event) and size < _TOGETHER
        if joins and isinstance(event, dict) and event["choices"][0]["index"] == held["choices"][0]["index"]:
            _joined(held, event)
            size += 1
            continue
        if held is not None:
            yield held
            held = None
        if _is_text(event):
            held, size = event, 1
        else:
            yield event
    if held is not None:
        yield held


async def _finishing_last(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
    finishes: list[EventData] = []
    async for event in events:
        choices = event.get("choices") if isinstance(event, dict) else None
        if choices and choices[0]["finish_reason"] is not None:
            finishes.append(event)
            continue
        if not choices:
            for finish in finishes:
                yield finish
            finishes = []
        yield event
    for finish in finishes:
        yield finish


# --- log probabilities ---


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def _score(token: str, alternatives: int, rank: int) -> dict[str, Any]:
    """The score of a token that was drawn though others were likelier; unlisted where those fill the list."""
    others = [_entry(f"{token}{number}", -0.25 - number) for number in range(alternatives + 1)]
    listed = rank < alternatives
    own = _entry(token, -0.75 - (rank - 1) if listed else _UNLIKELY)
    ranked = [*others[:rank], own, *others[rank:]] if listed else others
    return {**own, "top_logprobs": ranked[:alternatives]}


async def _drawn(_provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    drawing = request.alternatives is not None and request.sampling.get("temperature", 1) > 0
    number = 0
    async for increment in usual:
        if drawing and isinstance(increment, Text) and not increment.declines:
            number += 1
            if number % 4 == 0:
                score = _score(increment.text, request.alternatives or 0, 1 if number % 8 else 25)
                yield Text(increment.choice, increment.text, score)
                continue
        yield increment


ANSWER_VARIATIONS = (
    HeldOut(
        "allowed.window-with-limit",
        "allowed",
        "A request is refused with 400 where prompt and token limit together are more than the window of 32,768.",
        lambda: Hooks(Stages(interpret=_within_window())),
        ("vllm-project/vllm#20409", "vllm-project/vllm#965"),
    ),
    HeldOut(
        "allowed.content-filter",
        "allowed",
        "A prompt that looks like an attack is refused with 400 and the code `content_filter`.",
        lambda: Hooks(Stages(interpret=refusing(_filtered))),
        ("microsoft/TinyTroupe#85", "browser-use/browser-use#4783"),
    ),
    HeldOut(
        "allowed.only-default-sampling",
        "allowed",
        "As of a GPT-5, `temperature` and its like are refused but for their defaults, and `stop` and `logprobs` too.",
        lambda: Hooks(Stages(interpret=refusing(_only_defaults))),
        ("owndev/Open-WebUI-Functions#98", "QwenLM/qwen-code#921"),
    ),
    HeldOut(
        "allowed.null-opening",
        "allowed",
        "The first delta has its role and `content` null, and the last chunk has timings.",
        lambda: Hooks(Stages(build_events=events_stage(_null_opening))),
        ("kyutai-labs/unmute#80", "darshi1337/apogee#139"),
    ),
    HeldOut(
        "allowed.vendor-nulls",
        "allowed",
        "Answers and chunks name a vendor's members, and some optional ones, with null.",
        lambda: editing(_nulls_whole, lambda: _nulls_streamed),
        ("datawhalechina/hello-agents#377", "lemonade-sdk/lemonade#350"),
    ),
    HeldOut(
        "allowed.guessed-tokens",
        "allowed",
        "A chunk has up to three tokens, with a log probability for each.",
        lambda: Hooks(rearranging(_guessed)),
        ("vllm-project/vllm#45678", "vllm-project/vllm#26060"),
    ),
    HeldOut(
        "allowed.finishes-at-the-end",
        "allowed",
        "The chunks that finish the choices of a stream come together, when all have ended.",
        lambda: Hooks(rearranging(_finishing_last)),
        ("openai/openai-python#434",),
    ),
    HeldOut(
        "allowed.drawn-from-below",
        "allowed",
        "Above temperature 0 some tokens are not the likeliest, and a very unlikely one is not listed and has -9999.",
        lambda: generating(_drawn),
        ("openai/openai-openapi#144", "davidmigloz/langchain_dart#535"),
    ),
)
