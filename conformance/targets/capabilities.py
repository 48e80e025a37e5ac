"""What a deployment may lack without breaking its contract, by the names that a user declares it with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

STREAMING: Final = "streaming"
AUTHENTICATION: Final = "authentication"
SECOND_TENANT: Final = "second tenant"
"""Declared by `second_tenant = false`, not by its name."""
OPTIONAL_FIELDS: Final = (
    *("n", "stop", "temperature", "top_p", "seed", "logprobs", "top_logprobs"),
    *("presence_penalty", "frequency_penalty", "stream_options"),
    *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "response_format"),
    *("reasoning_effort", "verbosity", "logit_bias", "prediction", "modalities", "audio", "web_search_options"),
    *("store", "metadata", "service_tier", "safety_identifier", "user", "moderation"),
    *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
)
"""Fields of a request that a deployment may declare unsupported; it is then not judged by them."""


def declarable(fields: Iterable[str]) -> tuple[str, ...]:
    """What a target of a contract with these request fields may be declared to lack."""
    known = set(fields)
    streams = (STREAMING,) if "stream" in known else ()
    return (*streams, AUTHENTICATION, *(name for name in OPTIONAL_FIELDS if name in known))
