"""Answers that are nothing but thinking: a model that shows none of it used up its limit of tokens before its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.quoting import quoted
from conformance.reading.reasoning import MEMBERS
from conformance.suite.answered_choices import SeenAnswer, SeenChoice, seen_answer
from conformance.suite.expect import Expect
from conformance.suite.limits import judged_limit
from conformance.suite.observations import Answered, Observations

_TELLING: Final = 8
"""A limit from which a model that says nothing does not end by chance at just its last token."""
_SAY_NOTHING: Final = frozenset({"role", "content", *MEMBERS, "reasoning_details", "annotations"})
"""Members of a message that are no answer, whatever they hold, where the content is empty."""


def expect_used_up_to_say_so(observations: Observations, expect: Expect, *, streamed: bool) -> None:
    """Expect the reason `length` of each answer without a text whose whole limit went on what it does not show."""
    for one in observations.beside((), streamed=streamed):
        found = seen_answer(one, observations)
        if not isinstance(found, SeenAnswer) or not is_used_up(found, observations):
            continue
        (choice,) = found.choices
        used, thought = found.tokens("completion_tokens"), found.detail("reasoning_tokens")
        of_it = f", {thought} of reasoning" if thought else ""
        expect(
            choice.was_cut,
            one.id,
            expected=f'"finish_reason": "length" where a limit of {judged_limit(one.sent)} is used up before any text',
            actual=f"{quoted(choice.finish_reason)} beside no text and {used} completion tokens{of_it}",
        )


def is_all_it_says(answered: Answered, text: str, observations: Observations) -> bool:
    """Whether the same question has the same text where the limit is larger, and ends by itself there.

    The text is then all that the model says, and the limit need not have cut it.
    """
    limit = judged_limit(answered.sent) or 0
    others = (*observations.beside((), streamed=False), *observations.beside((), streamed=True))
    for one in others:
        alike = one.requested("messages") == answered.requested("messages") and not one.requested("stop")
        found = seen_answer(one, observations) if alike and (judged_limit(one.sent) or limit) > limit else None
        choices = found.choices if isinstance(found, SeenAnswer) else ()
        if any(choice.text == text and choice.finish_reason == "stop" for choice in choices):
            return True
    return False


def is_used_up(answer: SeenAnswer, observations: Observations) -> bool:
    """Whether the only choice says nothing, and the usage says that its limit was reached.

    A text that ends at a stop sequence may be empty. With a small limit, only reasoning that fills it tells: the token
    that ends a text may be the last that was allowed.
    """
    limit, used = judged_limit(answer.answered.sent), answer.tokens("completion_tokens")
    if limit is None or used is None or used < limit or len(answer.choices) != 1:
        return False
    choice, asks_to_stop = answer.choices[0], answer.answered.requested("stop")
    if asks_to_stop or choice.finish_reason is None or not _says_nothing(choice, observations):
        return False
    return limit >= _TELLING or (answer.detail("reasoning_tokens") or 0) >= limit


def _says_nothing(choice: SeenChoice, observations: Observations) -> bool:
    if choice.text or choice.calls or choice.refusal:
        return False
    if choice.is_streamed:
        return True
    body: Any = observations.completion_reading(choice.answered.exchange).object
    message = body["choices"][0].get("message")
    if not isinstance(message, Mapping) or message.get("content"):
        return False
    return not any(value for name, value in message.items() if name not in _SAY_NOTHING)
