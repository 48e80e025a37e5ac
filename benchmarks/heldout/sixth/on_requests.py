"""Faults of the sixth set in what is refused, how, and in what is read of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fifth.parts import refused
from held_out import Body, HeldOut, reading
from second.parts import refusing
from third.parts import EVENT_STREAM, asks_for_completion, changed_contents, error, in_front, whole

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields, authenticate
from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks
from conformance.reference.request_context import RequestContext
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages

_OMITTED = {"type": "text", "text": "[image omitted]"}
_OF_THE_TOKENIZER = "TypeError: TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]"


def _within_bounds(_operation: Any, body: Body) -> Refusal | None:
    asked = body.get("top_p")
    if asked is None or 0 < asked < 1:
        return None
    return refused(422, "validation", "`top_p` must lie between 0.0 and 1.0, and be neither of them.", "top_p")


def _no_probabilities_of_calls(_operation: Any, body: Body) -> Refusal | None:
    if body.get("stream") is True and body.get("tools") and body.get("logprobs") is True:
        return refused(400, "invalid_request_error", "logprobs cannot be used with tools in a stream")
    return None


def _as_written(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
    """Knows the scheme only as the documentation writes it."""
    known = [
        (name, b"" if name == b"authorization" and not value.startswith(b"Bearer ") else value)
        for name, value in fields
    ]
    return authenticate(scheme, dialect, tenants, known)


def _without_messages(rules: Any, body: Any) -> None:
    """Looks for the provider of the model before it looks at the messages."""
    if isinstance(body, Mapping) and body.get("model") and not isinstance(body.get("messages"), list):
        raise refused(404, "model_not_found", "No active credentials for the provider of this model.", "model")
    rules.check_body(body)


def _half_a_pair(context: RequestContext, first: Any) -> list[Any] | None:
    """What the tokenizer makes of a text with half of a surrogate pair."""
    if first["status"] != 400 or not asks_for_completion(context):
        return None
    if not any("\ud800" <= character <= "\udfff" for character in context.prompt):
        return None
    if not context.streams:
        return whole(500, error("Internal server error", "server_error", None))
    event = error(_OF_THE_TOKENIZER, "server_error", None)
    return whole(200, b"data: " + event + b"\n\ndata: [DONE]\n\n", EVENT_STREAM)


def _last_text(parts: list[Any]) -> list[Any]:
    texts = [number for number, part in enumerate(parts) if part.get("type") == "text"]
    return [part for number, part in enumerate(parts) if number not in texts[:-1]]


def _images_omitted(parts: list[Any]) -> list[Any]:
    return [dict(_OMITTED) if part.get("type") == "image_url" else part for part in parts]


REQUEST_FAULTS = (
    HeldOut(
        "request.ends-of-top-p",
        "request",
        "A `top_p` of 0 or of 1, which the document allows and 1 of which is its default, is refused with 422.",
        lambda: Hooks(Stages(interpret=refusing(_within_bounds))),
        ("https://github.com/huggingface/text-generation-inference/issues/2222",),
    ),
    HeldOut(
        "access.scheme-as-written",
        "access",
        "A right key behind `bearer` or `BEARER` is refused: the scheme must be written `Bearer`.",
        lambda: Hooks(Stages(authenticate=_as_written)),
        (
            "https://github.com/SamSaffron/term-llm/pull/414",
            "https://github.com/oomol-lab/open-connector/issues/188",
        ),
    ),
    HeldOut(
        "logprobs.not-of-streamed-calls",
        "logprobs",
        "A stream with `tools` and `logprobs` is refused with 400; any two of the three are served.",
        lambda: Hooks(Stages(interpret=refusing(_no_probabilities_of_calls))),
        ("https://github.com/ggml-org/llama.cpp/issues/28478",),
    ),
    HeldOut(
        "part.last-text",
        "part",
        "Of several text parts of a message only the last reaches the model, and only it is counted.",
        lambda: reading(lambda body: changed_contents(body, _last_text)),
        ("https://github.com/Blaizzy/mlx-vlm/pull/1137",),
    ),
    HeldOut(
        "part.image-omitted",
        "part",
        "In place of each picture the model gets the words `[image omitted]`, and answers without a word of that.",
        lambda: reading(lambda body: changed_contents(body, _images_omitted)),
        ("https://github.com/griffinwork40/agent-afk/issues/127",),
    ),
    HeldOut(
        "error.half-a-pair",
        "error",
        "A text with half of a surrogate pair is answered 500, and in a stream 200 with the tokenizer's own error.",
        lambda: in_front(_half_a_pair),
        ("https://github.com/raullenchai/Rapid-MLX/pull/730",),
    ),
    HeldOut(
        "error.messages-missing-as-404",
        "error",
        "Where `messages` is missing, null or no array, the answer is 404 `model_not_found`; an empty array gets 400.",
        lambda: Hooks(Stages(check_body=_without_messages)),
        ("https://github.com/diegosouzapw/OmniRoute/pull/6515",),
    ),
)
