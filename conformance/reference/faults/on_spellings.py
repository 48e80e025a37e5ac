"""Faults of reading what is spelled in a rare way: media types, and names that stand twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.model import Operation
from conformance.reference.dialect import Dialect
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import Crash, deed
from conformance.reference.hooks import Seams
from conformance.reference.request import CompletionRequest
from conformance.reference.settings import Settings

_LAST_MODEL = "x_last_model"


@deed("media-type.exact")
def exact_media_type(seams: Seams) -> Seams:
    """Takes the media type only as `application/json`, without a charset and in lower case."""
    usual = seams.stages.check_media_type

    def check(fields: Any) -> None:
        given = list(fields)
        usual(given)
        if (b"content-type", b"application/json") not in given:
            raise Refusal(415, "unsupported_media_type", "The Content-Type must be application/json.")

    return replace(seams, stages=replace(seams.stages, check_media_type=check))


@deed("media-type.needed")
def media_type_needed(seams: Seams) -> Seams:
    """Stumbles over a body without a media type."""
    usual = seams.stages.check_media_type

    def check(fields: Any) -> None:
        given = list(fields)
        if not any(name == b"content-type" for name, _ in given):
            raise Crash
        usual(given)

    return replace(seams, stages=replace(seams.stages, check_media_type=check))


@deed("model.smuggled")
def smuggled_model(seams: Seams) -> Seams:
    """Of a model that stands twice, checks the first and runs the last."""
    usual = seams.stages

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        try:
            return usual.parse_object(body, max_depth)
        except Refusal:
            if body.count(b'"model"') < 2:
                raise
            first: dict[str, Any] = json.loads(body, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
            return {**first, _LAST_MODEL: json.loads(body)["model"]}

    def interpret(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        asked = usual.interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        return replace(asked, model=body.get(_LAST_MODEL, asked.model))

    return replace(seams, stages=replace(usual, parse_object=parse_object, interpret=interpret))
