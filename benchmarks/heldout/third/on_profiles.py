"""Faults of the third set in deployments of the other profiles."""

from __future__ import annotations

import json
from typing import Any

from held_out import Body, HeldOut, crashing_when, reading
from second.parts import refusing, texts_of
from third.parts import failed, leaving_out

from conformance.contract.dialect import Dialect
from conformance.reference.errors import Refusal, envelope
from conformance.reference.hooks import Hooks
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules

KODEXA, LOOP_HEALTH = "kodexa", "loop-health"
_UNASKED = "gpt-4o-mini"


def _cast(rules: RequestRules, parameters: Any) -> None:
    """Asks the database for whatever the path has, which fails where that is not a UUID."""
    try:
        rules.check_path(parameters)
    except Refusal as refusal:
        raise failed() from refusal


def _no_white_stop(_operation: Any, body: Body) -> Refusal | None:
    stop = body.get("stop")
    blank = any(not sequence.strip() for sequence in ([stop] if isinstance(stop, str) else stop or ()))
    message = "stop_sequences: each stop sequence must contain non-whitespace"
    return Refusal(400, "invalid_value", message, param="stop") if blank else None


def _validator_error(dialect: Dialect, refusal: Refusal) -> Any:
    """An invalid request in the words of the validator's library, all others in those of the platform."""
    if refusal.status != 400:
        return envelope(dialect, refusal)
    issue = {"code": refusal.reason, "path": [refusal.param] if refusal.param else [], "message": refusal.message}
    return {"success": False, "error": {"name": "ZodError", "message": json.dumps([issue], indent=2)}}


def _has_nul(body: Body) -> bool:
    return any("\0" in text for message in body["messages"] for text in texts_of(message))


PROFILE_FAULTS = (
    HeldOut(
        "profile.uuid-in-the-database",
        "profile",
        "Kodexa: an organization in the path that is no UUID is answered 500.",
        lambda: Hooks(Stages(check_path=_cast)),
        ("paperclipai/paperclip#9962", "MihaiBuilds/memory-vault#102"),
        profile=KODEXA,
    ),
    HeldOut(
        "profile.stop-at-white-space",
        "profile",
        "Kodexa: a stop sequence of white space alone, such as a line feed, is refused in the provider's words.",
        lambda: Hooks(Stages(interpret=refusing(_no_white_stop))),
        ("BerriAI/litellm#3286",),
        profile=KODEXA,
    ),
    HeldOut(
        "profile.one-choice",
        "profile",
        "Kodexa: `n` is accepted, and every answer has one choice.",
        lambda: reading(lambda body: leaving_out(body, "n")),
        ("langwatch/tasks#465",),
        profile=KODEXA,
    ),
    HeldOut(
        "profile.error-of-the-validator",
        "profile",
        "Loop Health: an invalid request is told in the shape of the validator's library, not in the documented one.",
        lambda: Hooks(Stages(error_body=_validator_error)),
        ("interledger/publisher-tools#703", "honojs/middleware#2060"),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "profile.nul-in-the-database",
        "profile",
        "Loop Health: a message with a NUL character is answered 500.",
        lambda: crashing_when(_has_nul),
        ("ihabkhaled/ClawAI#174",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "profile.another-default",
        "profile",
        "Loop Health: without `model`, another one answers than the documented default.",
        lambda: reading(lambda body: {"model": _UNASKED, **body}),
        ("xybrid-ai/xybrid#463",),
        profile=LOOP_HEALTH,
    ),
)
