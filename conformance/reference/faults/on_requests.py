"""Faults of understanding a request: which fields are honoured, and which model answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import fields, replace
from functools import cache
from typing import Any

from conformance.contract import load_contract
from conformance.contract.dialect import Dialect
from conformance.contract.model import Operation
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, Crash, fault_action
from conformance.reference.faults.keyword_faults import KeywordFault, keyword_faults
from conformance.reference.faults.on_bodies import with_check
from conformance.reference.generation import Finish, Increments
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.settings import Settings
from conformance.reference.stages import Stages


def with_interpretation(
    hooks: Hooks, change: Callable[[CompletionRequest, Mapping[str, Any]], CompletionRequest]
) -> Hooks:
    """Changes what a valid body is understood to ask for."""
    usual = hooks.stages.interpret

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        return change(usual(operation, dialect, settings, scores_tokens=scores_tokens, body=body), body)

    return replace(hooks, stages=replace(hooks.stages, interpret=interpret))


@fault_action("request.ignore")
def ignore(hooks: Hooks, fields: list[str]) -> Hooks:
    """Accepts fields of the body, and ignores them."""
    usual = hooks.stages.interpret

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        kept = {name: value for name, value in body.items() if name not in fields}
        return usual(operation, dialect, settings, scores_tokens=scores_tokens, body=kept)

    return replace(hooks, stages=replace(hooks.stages, interpret=interpret))


@fault_action("request.understand")
def understand(hooks: Hooks, **figures: Any) -> Hooks:
    """Treats every request as if it had these values: `choices`, `token_limit`, `stream`, `include_usage`, `stop`."""
    return with_interpretation(hooks, lambda request, _: replace(request, **figures))


@fault_action("request.more")
def more(hooks: Hooks, *, tokens: int = 0, choices: int = 0) -> Hooks:
    """Generates more tokens or choices than the request asks for, or fewer."""

    def change(request: CompletionRequest, _: Mapping[str, Any]) -> CompletionRequest:
        limit = request.token_limit
        return replace(
            request,
            token_limit=None if limit is None else max(1, limit + tokens),
            choices=max(1, request.choices + choices),
        )

    return with_interpretation(hooks, change)


@fault_action("prompt.count")
def count_prompt(
    hooks: Hooks, tokens: int | None = None, add: int = 0, *, by_choices: bool = False, for_each_message: int = 0
) -> Hooks:
    """Reports a fixed number of prompt tokens, or more than the prompt has: in all, for each message or choice."""

    def change(request: CompletionRequest, body: Mapping[str, Any]) -> CompletionRequest:
        of_template = for_each_message * len(body.get("messages", ()))
        counted = request.prompt_tokens * (request.choices if by_choices else 1) + add + of_template
        return replace(request, prompt_tokens=counted if tokens is None else tokens)

    return with_interpretation(hooks, change)


@fault_action("request.default-limit")
def default_limit(hooks: Hooks, tokens: int) -> Hooks:
    """Limits each choice of a request without a limit to so many tokens."""
    return with_interpretation(
        hooks, lambda request, _: request if request.token_limit else replace(request, token_limit=tokens)
    )


@fault_action("answer.think")
def think(hooks: Hooks, tokens: int) -> Hooks:
    """Spends so many tokens before the first word of each choice; they count, and nothing shows them."""
    usual = hooks.stages.generate

    async def generate(provider: Provider, request: CompletionRequest) -> Increments:
        limit = request.token_limit
        if limit is not None and limit <= tokens:
            for choice in range(request.choices):
                yield Finish(choice, "length", limit)
            return
        rest = replace(request, token_limit=None if limit is None else limit - tokens)
        async with aclosing(usual(provider, rest)) as increments:
            async for one in increments:
                if isinstance(one, Finish):
                    yield replace(one, completion_tokens=one.completion_tokens + tokens)
                else:
                    yield one

    return replace(hooks, stages=replace(hooks.stages, generate=generate))


@fault_action("model.any")
def any_model(hooks: Hooks) -> Hooks:
    """Serves every model name with its only model, and repeats the name."""
    usual = hooks.stages.interpret

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        try:
            return usual(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        except Refusal as refusal:
            if refusal.reason != "model_not_found":
                raise
            other = {name: value for name, value in body.items() if name != "model"}
            made = usual(operation, dialect, settings, scores_tokens=scores_tokens, body=other)
            return replace(made, model=str(body["model"]))

    return replace(hooks, stages=replace(hooks.stages, interpret=interpret))


@fault_action("model.refusal")
def refusal_of_model(hooks: Hooks, status: int | None = None, *, crash: bool = False) -> Hooks:
    """Refuses an unknown model with another status, or crashes on it."""
    usual = hooks.stages.interpret

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        try:
            return usual(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        except Refusal as refusal:
            if refusal.reason != "model_not_found":
                raise
            if crash:
                raise Crash from refusal
            refusal.status = status or refusal.status
            raise

    return replace(hooks, stages=replace(hooks.stages, interpret=interpret))


@fault_action("model.answer")
def answer_model(hooks: Hooks, to: str) -> Hooks:
    """Names another model in every answer, such as a dated snapshot (`{model}` is the requested one)."""
    return with_interpretation(hooks, lambda request, _: replace(request, model=to.replace("{model}", request.model)))


@fault_action("model.needed")
def model_needed(hooks: Hooks) -> Hooks:
    """Refuses a request without a model, although it has a default."""

    def check(body: Any) -> None:
        if isinstance(body, dict) and "model" not in body:
            raise Refusal(400, "missing_field", "The field 'model' is missing.", param="model")

    return with_check(hooks, check)


@fault_action("keyword.fault")
def keyword_fault(hooks: Hooks, fault: str, profile: str) -> Hooks:
    """Ignores or over-enforces one keyword of the request schema: a fault of `keyword_faults`, by its id."""
    found = _keyword_faults(profile).get(fault)
    if found is None:
        raise ActionError(f"the profile {profile} has no fault `{fault}` of a keyword")
    usual = Stages()
    faulty = {one.name: getattr(found.stages, one.name) for one in fields(Stages)}
    changed = {name: stage for name, stage in faulty.items() if stage is not getattr(usual, name)}
    return replace(hooks, stages=replace(hooks.stages, **changed))


@cache
def _keyword_faults(profile: str) -> Mapping[str, KeywordFault]:
    return {one.id: one for one in keyword_faults(load_contract(profile))}
