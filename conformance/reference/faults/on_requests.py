"""Faults of understanding a request: which fields are honoured, and which model answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

from conformance.contract import load_contract
from conformance.contract.model import Operation
from conformance.reference.dialect import Dialect
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import Crash, DeedError, deed
from conformance.reference.faults.keyword_faults import KeywordFault, keyword_faults
from conformance.reference.faults.on_bodies import with_check
from conformance.reference.hooks import Seams
from conformance.reference.request import CompletionRequest
from conformance.reference.settings import Settings
from conformance.reference.stages import Stages


def with_interpretation(
    seams: Seams, bend: Callable[[CompletionRequest, Mapping[str, Any]], CompletionRequest]
) -> Seams:
    """Bends what a valid body is understood to ask for."""
    usual = seams.stages.interpret

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        return bend(usual(operation, dialect, settings, scores_tokens=scores_tokens, body=body), body)

    return replace(seams, stages=replace(seams.stages, interpret=interpret))


@deed("request.ignore")
def ignore(seams: Seams, fields: list[str]) -> Seams:
    """Accepts fields of the body and leaves them alone."""
    usual = seams.stages.interpret

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        kept = {name: value for name, value in body.items() if name not in fields}
        return usual(operation, dialect, settings, scores_tokens=scores_tokens, body=kept)

    return replace(seams, stages=replace(seams.stages, interpret=interpret))


@deed("request.understand")
def understand(seams: Seams, **figures: Any) -> Seams:
    """Takes every request as if it asked for these: `choices`, `token_limit`, `stream`, `include_usage`, `stop`."""
    return with_interpretation(seams, lambda asked, _: replace(asked, **figures))


@deed("request.more")
def more(seams: Seams, *, tokens: int = 0, choices: int = 0) -> Seams:
    """Makes more tokens or choices than were asked for, or fewer."""

    def bend(asked: CompletionRequest, _: Mapping[str, Any]) -> CompletionRequest:
        limit = asked.token_limit
        return replace(
            asked,
            token_limit=None if limit is None else max(1, limit + tokens),
            choices=max(1, asked.choices + choices),
        )

    return with_interpretation(seams, bend)


@deed("prompt.count")
def count_prompt(seams: Seams, tokens: int | None = None, add: int = 0) -> Seams:
    """Counts the prompt as so many tokens whatever it is, or as more than it has."""
    return with_interpretation(
        seams, lambda asked, _: replace(asked, prompt_tokens=asked.prompt_tokens + add if tokens is None else tokens)
    )


@deed("model.any")
def any_model(seams: Seams) -> Seams:
    """Serves every model's name by the one model that there is, and repeats the name."""
    usual = seams.stages.interpret

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

    return replace(seams, stages=replace(seams.stages, interpret=interpret))


@deed("model.refusal")
def refusal_of_model(seams: Seams, status: int | None = None, *, crash: bool = False) -> Seams:
    """Refuses an unknown model with another status, or stumbles over it."""
    usual = seams.stages.interpret

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

    return replace(seams, stages=replace(seams.stages, interpret=interpret))


@deed("model.answer")
def answer_model(seams: Seams, to: str) -> Seams:
    """Names another model in every answer, such as a dated snapshot (`{model}` is the one that was asked for)."""
    return with_interpretation(seams, lambda asked, _: replace(asked, model=to.replace("{model}", asked.model)))


@deed("model.needed")
def model_needed(seams: Seams) -> Seams:
    """Refuses a request that leaves the model to its default."""

    def check(body: Any) -> None:
        if isinstance(body, dict) and "model" not in body:
            raise Refusal(400, "missing_field", "The field 'model' is missing.", param="model")

    return with_check(seams, check)


@deed("keyword.fault")
def keyword_fault(seams: Seams, fault: str, profile: str) -> Seams:
    """Ignores or over-enforces one keyword of the request schema: a fault of `keyword_faults`, by its id."""
    found = _keyword_faults(profile).get(fault)
    if found is None:
        raise DeedError(f"the profile {profile} has no fault `{fault}` of a keyword")
    usual = Stages()
    bent = {one.name: getattr(found.stages, one.name) for one in fields(Stages)}
    changed = {name: stage for name, stage in bent.items() if stage is not getattr(usual, name)}
    return replace(seams, stages=replace(seams.stages, **changed))


@cache
def _keyword_faults(profile: str) -> Mapping[str, KeywordFault]:
    return {one.id: one for one in keyword_faults(load_contract(profile))}
