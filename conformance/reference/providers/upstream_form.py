"""The form in which a request is put to an upstream: which fields it has, and under which names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from conformance.reference.provider import CompletionRequest
from conformance.reference.providers.conversation import alternating, as_sent

LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")
"""The two names of the token limit: the old one, which most servers know, and the new one."""
DISPENSABLE = frozenset(
    {
        *("stop", "stream_options", "user", "seed", "store", "metadata", "service_tier", "safety_identifier"),
        *("prompt_cache_key", "verbosity", "prediction"),
    }
)
"""Fields that an upstream may go without: the gateway ends texts and counts tokens itself, and the others are hints."""
DEFAULTS = {
    "temperature": 1,
    "top_p": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "response_format": {"type": "text"},
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "logit_bias": {},
}
"""Values that mean the same as no field at all."""
DECISIVE = frozenset({*DEFAULTS, "tools", "reasoning_effort"})
"""Fields that change what the model answers, but for where they have their default value."""
_NEAR_ZERO = {"temperature": 0.01, "top_p": 0.0001}
"""What says as good as 0 to a server that takes only what is greater: the likeliest token is chosen."""
_SEED_BITS = 31
"""The seeds that every server accepts; a contract may allow any integer."""


@dataclass(frozen=True, slots=True)
class Form:
    """How requests are put to one upstream. `kept` is the part that holds for later requests, too."""

    limit_field: str | None = LIMIT_FIELDS[0]
    """The name of the token limit; None where the upstream takes neither."""
    least_limit: int = 1
    """The smallest limit that the upstream takes; where it is greater than the client's, the gateway cuts the text."""
    left_out: frozenset[str] = frozenset()
    """Dispensable fields that the upstream refuses by name."""
    streams: bool | None = None
    """Whether the upstream is always asked for a stream, or never; None to ask as the client does."""
    most_limit: int | None = None
    """The greatest limit that the upstream takes with this conversation."""
    limitless: bool = False
    """Whether this request goes without a limit."""
    plain: bool = False
    """Whether this request, and its messages, have nothing that they can go without."""
    omitted: frozenset[str] = frozenset()
    """Fields of this request that have their default value, and are not sent."""
    nudged: frozenset[str] = frozenset()
    """Fields of this request that are 0, and are sent as a little more."""
    alternates: bool = False
    """Whether the turns of this conversation alternate."""

    @property
    def is_guess(self) -> bool:
        """Whether more was changed than the upstream named."""
        return self.plain

    @property
    def kept(self) -> Form:
        """What a served request teaches for the next ones: not what was due to its own values."""
        return Form(self.limit_field, self.least_limit, self.left_out, self.streams)

    def limit(self, request: CompletionRequest, most_tokens: int) -> int | None:
        """The token limit that is sent: the client's, `most_tokens` if it sets none, and what the upstream takes."""
        if self.limit_field is None or self.limitless:
            return None
        limits = (request.token_limit or most_tokens, request.tokens_left, self.most_limit)
        return max(self.least_limit, min(limit for limit in limits if limit is not None))

    def asks_for_stream(self, request: CompletionRequest) -> bool:
        """Whether the upstream is asked for a stream."""
        return request.stream if self.streams is None else self.streams


def payload(form: Form, request: CompletionRequest, model: str, most_tokens: int) -> dict[str, Any]:
    """The body of a request in this form."""
    messages = alternating(request.messages) if form.alternates else as_sent(request.messages, plainly=form.plain)
    fields: dict[str, Any] = {**request.sampling, **request.further}
    if "seed" in fields:
        fields["seed"] = int(fields["seed"]) % 2**_SEED_BITS
    if request.stop:
        fields["stop"] = list(request.stop)
    if form.asks_for_stream(request):
        fields |= {"stream": True, "stream_options": {"include_usage": True}}
    fields |= {name: _NEAR_ZERO[name] for name in form.nudged if name in fields}
    away = form.left_out | form.omitted | (DISPENSABLE if form.plain else frozenset())
    fields = {name: value for name, value in fields.items() if name not in away}
    if (limit := form.limit(request, most_tokens)) is not None and form.limit_field is not None:
        fields[form.limit_field] = limit
    return {"model": model, "messages": messages, **fields}


def without_default(form: Form, name: str, value: Any) -> Form | None:
    """The form without a field that has its default value; None where it has another."""
    if name not in DEFAULTS or isinstance(value, bool) is not isinstance(DEFAULTS[name], bool):
        return None
    if value != DEFAULTS[name]:
        return None
    return replace(form, omitted=form.omitted | {name})


def without_zero(form: Form, name: str, value: Any) -> Form | None:
    """The form with a little more than 0 in a field that is 0 and may be so approximated; None for others."""
    if name not in _NEAR_ZERO or isinstance(value, bool) or value != 0:
        return None
    return replace(form, nudged=form.nudged | {name})


def plainest(form: Form, sent: dict[str, Any]) -> Form:
    """The form without all that `sent` can go without."""
    plain = replace(form, plain=True)
    for name, value in sent.items():
        plain = without_default(plain, name, value) or without_zero(plain, name, value) or plain
    return plain
