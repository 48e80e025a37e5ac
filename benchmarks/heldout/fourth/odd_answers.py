"""Allowed variations of the fourth set in what an answer says, how its events are written, and what is refused."""

from __future__ import annotations

import itertools
import json
from typing import Any

from fourth.on_profiles import KODEXA, LOOP_HEALTH
from fourth.parts import ended_otherwise
from held_out import Body, HeldOut, whole_stage
from second.parts import refusing

from conformance.reference.answer import EventData
from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.stages import Stages
from conformance.reference.transmission import encode_event
from conformance.reference.validation import RequestRules

_LIMITS = ("max_tokens", "max_completion_tokens")
_REASONS = {"stop": "end_turn", "length": "max_tokens"}


def _not_both(_operation: Any, body: Body) -> Refusal | None:
    if any(body.get(name) is None for name in _LIMITS):
        return None
    message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    return Refusal(400, "invalid_parameter_combination", message, param="max_tokens")


def _with_fields() -> Hooks:
    numbers = itertools.count(1)

    def encode(event: EventData) -> bytes:
        return b"id: %d\nevent: message\nretry: 3000\n" % next(numbers) + encode_event(event)

    return Hooks(Stages(encode_event=encode))


def _on_many_lines(event: EventData) -> bytes:
    """An event whose JSON stands on many lines, each of them a field of data."""
    if isinstance(event, str):
        return encode_event(event)
    lines = json.dumps(event, ensure_ascii=False, indent=1).split("\n")
    return b"".join(b"data: " + line.encode() + b"\n" for line in lines) + b"\n"


class BytelessProvider(EchoProvider):
    """The echo, whose tokens are not told as bytes."""

    def score(self, token: str, alternatives: int) -> dict[str, Any]:
        """The log probability of a token, with `bytes` null, for itself and for its alternatives."""
        score = super().score(token, alternatives)
        listed = [{**one, "bytes": None} for one in score["top_logprobs"]]
        return {**score, "bytes": None, "top_logprobs": listed}


def _takes_text_as_stop(rules: RequestRules, body: Any) -> None:
    if isinstance(body, dict) and isinstance(body.get("stop"), str):
        body = {**body, "stop": [body["stop"]]}
    rules.check_body(body)


ANSWER_VARIATIONS = (
    HeldOut(
        "allowed.not-both-limits",
        "allowed",
        "As of OpenAI, `max_tokens` beside `max_completion_tokens` is refused with 400; each alone is taken.",
        lambda: Hooks(Stages(interpret=refusing(_not_both))),
        ("https://github.com/HKUDS/nanobot/pull/2491",),
    ),
    HeldOut(
        "allowed.fields-of-events",
        "allowed",
        "Each event has an `id`, the type `message`, which is that of an event without one, and a `retry`.",
        _with_fields,
        ("https://github.com/Growth-Circle/cadis/issues/2383",),
    ),
    HeldOut(
        "allowed.many-lines-of-data",
        "allowed",
        "The JSON of an event stands on many lines, each with its own `data:`, as WHATWG HTML (9.2.6) joins them.",
        lambda: Hooks(Stages(encode_event=_on_many_lines)),
        ("https://github.com/duolahypercho/codex-router/pull/145",),
    ),
    HeldOut(
        "allowed.no-bytes",
        "allowed",
        "Log probabilities have `bytes` null, as the document lets them where a token has no bytes of its own.",
        Hooks,
        ("https://github.com/davidmigloz/langchain_dart/pull/535",),
        BytelessProvider,
    ),
    HeldOut(
        "allowed.stop-as-text",
        "allowed",
        "Kodexa: `stop` may be one text, too, as of OpenAI; the page does not forbid that.",
        lambda: Hooks(Stages(check_body=_takes_text_as_stop)),
        ("raullenchai/Rapid-MLX#2358",),
        profile=KODEXA,
    ),
    HeldOut(
        "allowed.other-reasons",
        "allowed",
        "Loop Health: whole answers finish with `end_turn` or `max_tokens`; the document lets a reason be any string.",
        lambda: Hooks(Stages(build_completion=whole_stage(ended_otherwise(_REASONS)))),
        ("https://github.com/aws-samples/bedrock-access-gateway/issues/11",),
        profile=LOOP_HEALTH,
    ),
)
