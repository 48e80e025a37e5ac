"""Turns a valid body into a completion request: defaults, combined limits, and rules that no schema can express."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.contract.model import Operation, Schema
from conformance.reference.answer_forms import FORMS, as_tools, check_forms
from conformance.reference.content_parts import cost_beside_text
from conformance.reference.errors import Refusal
from conformance.reference.provider import CompletionRequest, Message
from conformance.reference.settings import Settings
from conformance.reference.tokens import count_prompt
from conformance.reference.tool_fields import check_history, check_schema, chosen_tools, read_tools

_MOST_CHOICES = 128
"""The most choices of one answer if the contract sets no bound, because each takes memory."""
_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "user")
_FURTHER = (
    *("tools", "tool_choice", "parallel_tool_calls", "response_format", "reasoning_effort", "verbosity", "logit_bias"),
    *("prediction", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", *FORMS),
)
"""Fields that a provider behind the deployment gets as they were sent, where the contract honours them."""
_OBJECT, _DOCUMENT = "json_object", "json_schema"


def served_models(operation: Operation, settings: Settings) -> tuple[str, ...]:
    """The models by name: those that the contract lists, or else those of the settings."""
    listed = _keyword(operation.properties.get("model"), "enum")
    return tuple(listed) if listed else settings.models


def interpret(
    operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
) -> CompletionRequest:
    """The completion request of a valid body.

    Raises:
        Refusal: 404 for a model that is not served; 400 if fields contradict each other, the deployment cannot
            honour one, or the prompt is longer than the context window.
    """
    fields = {name: body[name] for name in dialect.honours if body.get(name) is not None}
    stream = body.get("stream") is True
    _refuse_unsupported(fields, scores_tokens=scores_tokens)
    _refuse_contradictions(operation, fields, stream=stream)
    check_forms(fields, stream=stream)
    asked = as_tools(fields)
    given, use = chosen_tools(asked, read_tools(asked))
    response_format = _response_format(fields.get("response_format"))
    if "tools" in dialect.honours:
        check_history(body.get("messages"))
    messages = _messages(body.get("messages"), parts="tools" in dialect.honours)
    model = _model(operation, settings, body)
    prompt_tokens = _prompt_tokens(messages, fields)
    return CompletionRequest(
        model=model,
        messages=messages,
        choices=_choices(fields),
        token_limit=_token_limit(fields),
        stop=_stop(fields.get("stop")),
        stream=stream,
        include_usage=_include_usage(fields.get("stream_options")),
        alternatives=_alternatives(fields),
        prompt_tokens=prompt_tokens,
        tokens_left=_tokens_left(settings, prompt_tokens),
        sampling={name: body[name] for name in _SAMPLING if body.get(name) is not None},
        tools=given,
        tool_use=use,
        parallel_calls=fields.get("parallel_tool_calls") is not False and asked is fields,
        response_format=response_format,
        effort=fields.get("reasoning_effort"),
        further={name: fields[name] for name in _FURTHER if name in fields},
    )


def _prompt_tokens(messages: Iterable[Message], fields: Mapping[str, Any]) -> int:
    """The tokens of the messages, of what they hold beside text, and of the tools and the form that are asked for."""
    listed = list(messages)
    texts = [message.text for message in listed]
    texts += [json.dumps(fields[name]) for name in ("tools", "functions", "response_format") if name in fields]
    return count_prompt(texts) + sum(message.prompt_tokens for message in listed)


def _response_format(written: Any) -> Mapping[str, Any]:
    """The form of the answer that is asked for; empty for text.

    Raises:
        Refusal: 400 where the schema is missing, or is no schema.
    """
    if not isinstance(written, Mapping) or written.get("type") not in (_OBJECT, _DOCUMENT):
        return {}
    if written["type"] == _OBJECT:
        return written
    held = written.get("json_schema")
    where = "response_format.json_schema.schema"
    if not isinstance(held, Mapping) or not isinstance(held.get("schema"), Mapping):
        raise Refusal(400, "missing_required_parameter", f"'{where}' is required.", param=where)
    check_schema(held["schema"], "The schema of the response format is not a JSON Schema.", where)
    return written


def _model(operation: Operation, settings: Settings, body: Mapping[str, Any]) -> str:
    served = served_models(operation, settings)
    model = body.get("model")
    if model is None:
        return str(_keyword(operation.properties.get("model"), "default") or served[0])
    if model not in served:
        raise Refusal(404, "model_not_found", "The model does not exist or is not served here.", param="model")
    return str(model)


def _messages(rows: Any, *, parts: bool) -> tuple[Message, ...]:
    """The conversation. Nothing is assumed about its form, because a deployment with a fault may accept anything.

    `parts` says whether messages may have more than text: then what they have costs tokens, and a provider gets it.
    """
    listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return tuple(
        Message(
            str(row.get("role", "user")),
            _text_of(row.get("content")),
            _string(row.get("name")),
            raw=row if parts else {},
            prompt_tokens=cost_beside_text(row, f"messages[{number}]") if parts else 0,
        )
        for number, row in enumerate(listed)
    )


def _text_of(content: Any) -> str:
    """The text of a message's content: a string, a list of text parts, or nothing."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return ""


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _refuse_unsupported(fields: Mapping[str, Any], *, scores_tokens: bool) -> None:
    wants_scores = [name for name in ("logprobs", "top_logprobs") if fields.get(name) not in (None, False)]
    if wants_scores and not scores_tokens:
        message = f"This deployment's provider has no log probabilities; leave '{wants_scores[0]}' out."
        raise Refusal(400, "unsupported_parameter", message, param=wants_scores[0])


def _refuse_contradictions(operation: Operation, fields: Mapping[str, Any], *, stream: bool) -> None:
    if "top_logprobs" in fields and fields.get("logprobs") is not True:
        message = "'top_logprobs' is allowed only when 'logprobs' is true."
        raise Refusal(400, "invalid_value", message, param="top_logprobs")
    if "stream_options" in fields and "stream_options" in operation.properties and not stream:
        message = "'stream_options' is allowed only when 'stream' is true."
        raise Refusal(400, "invalid_value", message, param="stream_options")


def _token_limit(fields: Mapping[str, Any]) -> int | None:
    limits = _whole_numbers(fields.get("max_tokens"), fields.get("max_completion_tokens"))
    return min(limits) if limits else None


def _choices(fields: Mapping[str, Any]) -> int:
    number = next(iter(_whole_numbers(fields.get("n"))), 1)
    if number > _MOST_CHOICES:
        raise Refusal(400, "invalid_value", f"'n' must be at most {_MOST_CHOICES}.", param="n")
    return number


def _whole_numbers(*values: Any) -> list[int]:
    """The values that are positive whole numbers; for JSON Schema, 2.0 is one."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return [int(number) for number in numbers if number >= 1 and number == int(number)]


def _stop(value: Any) -> tuple[str, ...]:
    sequences: Iterable[Any] = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(sequence for sequence in sequences if isinstance(sequence, str) and sequence)


def _include_usage(options: Any) -> bool:
    return isinstance(options, dict) and options.get("include_usage") is True


def _alternatives(fields: Mapping[str, Any]) -> int | None:
    if fields.get("logprobs") is not True:
        return None
    return next(iter(_whole_numbers(fields.get("top_logprobs"))), 0)


def _tokens_left(settings: Settings, prompt_tokens: int) -> int:
    tokens_left = settings.context_window - prompt_tokens
    if tokens_left < 1:
        message = f"The messages are longer than the {settings.context_window} tokens of the model's context window."
        raise Refusal(400, "context_length_exceeded", message, param="messages")
    return tokens_left


def _keyword(schema: Schema | None, name: str) -> Any:
    return schema.get(name) if isinstance(schema, Mapping) else None
