"""Finds a form of a request that an upstream takes, from what it says when it refuses one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference.providers.conversation import may_alternate
from conformance.reference.providers.upstream_abilities import missing_ability
from conformance.reference.providers.upstream_error import UpstreamError
from conformance.reference.providers.upstream_form import (
    DISPENSABLE,
    LIMIT_FIELDS,
    Form,
    plainest,
    without_default,
    without_zero,
)

REFUSES_FORM = frozenset({400, 422, 500, 501})
"""Statuses with which servers refuse a field, a value or a conversation that they do not know."""
MOST_TRIES = 8
"""Forms that one request is tried in at most."""


def other_forms(form: Form, sent: Mapping[str, Any], error: UpstreamError) -> Iterator[Form]:
    """The forms to try once `sent`, in this form, was refused; the likeliest to be taken comes first.

    What an error names is changed, and nothing else. One that names nothing is met by leaving out what can be left out,
    and then by guesses. A history with more than text is never put in other turns, which would destroy it.
    """
    if error.is_about_gateway:
        return
    if error.is_about_context:
        yield replace(form, limitless=True)
        return
    if named := error.named(sent.keys() - {"model", "messages"}):
        yield from _without_named(form, sent, error, named)
        return
    if missing_ability(error, sent) is not None:
        return
    if error.is_about_streaming:
        yield replace(form, streams="stream" not in sent)
    if error.is_about_conversation and may_alternate(sent["messages"]):
        yield replace(form, alternates=True)
    yield from _guesses(form, sent, error)


def _without_named(form: Form, sent: Mapping[str, Any], error: UpstreamError, named: tuple[str, ...]) -> Iterator[Form]:
    for name in named:
        value = sent[name]
        if name in LIMIT_FIELDS:
            yield from _other_limits(form, int(value), error)
        elif name == "stream":
            yield replace(form, streams=False)
        elif name in DISPENSABLE:
            yield replace(form, left_out=form.left_out | {name})
        else:
            yield from filter(None, (without_default(form, name, value), without_zero(form, name, value)))


def _other_limits(form: Form, sent: int, error: UpstreamError) -> Iterator[Form]:
    swapped = replace(form, limit_field=_other_name(form))
    if swapped.limit_field is not None and swapped.limit_field in error.message:
        yield swapped
    if (least := error.least(sent)) is not None:
        yield replace(form, least_limit=least)
    if (most := error.most(sent)) is not None:
        yield replace(form, most_limit=most)
    yield swapped
    yield replace(form, limit_field=None)


def _other_name(form: Form) -> str | None:
    return next((name for name in LIMIT_FIELDS if name != form.limit_field), None) if form.limit_field else None


def _guesses(form: Form, sent: Mapping[str, Any], error: UpstreamError) -> Iterator[Form]:
    plain = plainest(form, dict(sent))
    turns = replace(plain, alternates=may_alternate(sent["messages"]))
    whole = replace(turns, streams=False) if "stream" in sent else turns
    if error.status >= 500:  # such a server may just be broken, and is not to be pestered
        yield from (turns, whole)
        return
    swapped = _other_name(form)
    yield from (
        plain,
        turns,
        replace(turns, limit_field=swapped),
        whole,
        replace(whole, limit_field=swapped),
        replace(whole, limitless=True),
    )
