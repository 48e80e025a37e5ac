"""Judges answers that must be longer than their limit of tokens allows: they say that it cut them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conformance.probes.model import LIMIT_FIELDS
from conformance.quoting import quoted
from conformance.suite.answered_choices import SeenAnswer, SeenChoice
from conformance.suite.expect import CannotTell, Expect


def judge_cut(answers: Iterable[SeenAnswer], is_cut: Callable[[SeenChoice], bool], expect: Expect) -> None:
    """Expect the reason `length` of each choice that broke off, or that reached its limit.

    Raises:
        CannotTell: none did.
    """
    for answer in answers:
        full = _is_full(answer)
        for choice in answer.choices:
            if choice.finish_reason is None or not (choice.was_cut or full or is_cut(choice)):
                continue  # that a stream does not finish, another requirement tells
            shown = [call.input for call in choice.calls] or choice.text
            actual = f"finish_reason {quoted(choice.finish_reason)} beside {quoted(shown)}"
            expected = "the finish_reason length for what the limit of tokens cut"
            expect(choice.was_cut, choice.id, expected=expected, actual=actual)
    if not expect.judged:
        raise CannotTell("no answer reached its limit of tokens")


def _is_full(answer: SeenAnswer) -> bool:
    """Whether the usage says that the limit was reached, for an answer of one choice."""
    limits = [limit for name in LIMIT_FIELDS if isinstance(limit := answer.answered.requested(name), int)]
    used = answer.tokens("completion_tokens")
    return len(answer.choices) == 1 and bool(limits) and used is not None and used >= min(limits)
