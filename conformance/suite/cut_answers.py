"""Judges answers that must be longer than their limit of tokens allows: they say that it cut them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.probes import Probe
from conformance.probes.model import LIMIT_FIELDS
from conformance.quoting import quoted
from conformance.suite.answer_judging import CLIENT_ERRORS
from conformance.suite.answered_choices import SeenAnswer, SeenChoice, seen_answers
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.observations import Observations


def judge_cut(
    probes: Sequence[Probe],
    observations: Observations,
    expect: Expect,
    is_cut: Callable[[SeenChoice], bool],
    because: str,
) -> None:
    """Expect the reason `length` of each choice that broke off, or of which nothing is left at its limit.

    Raises:
        DoesNotApply: none did, or so small a limit is refused; and as `seen_answers`.
    """
    refused = {one.probe.name for one in observations.answers(probes)[0] if one.answer.status in CLIENT_ERRORS}
    taken = [probe for probe in probes if probe.name not in refused]
    if not taken:
        raise DoesNotApply("so small a limit is refused")
    for answer in seen_answers(taken, observations, expect, because):
        full = _is_full(answer)
        for choice in answer.choices:
            is_lost = full and not choice.calls and not (choice.text or "").strip()
            if choice.finish_reason is None or not (choice.was_cut or is_lost or is_cut(choice)):
                continue  # that a stream does not finish, another requirement tells
            shown = [call.input for call in choice.calls] or choice.text
            actual = f"finish_reason {quoted(choice.finish_reason)} beside {quoted(shown)}"
            expected = "the finish_reason length for what the limit of tokens cut"
            expect(choice.was_cut, choice.id, expected=expected, actual=actual)
    if not expect.judged and not expect.notes:
        raise DoesNotApply("no answer reached its limit of tokens")


def _is_full(answer: SeenAnswer) -> bool:
    """Whether the usage says that the limit was reached, for an answer of one choice."""
    limits = [limit for name in LIMIT_FIELDS if isinstance(limit := answer.answered.requested(name), int)]
    used = answer.tokens("completion_tokens")
    return len(answer.choices) == 1 and bool(limits) and used is not None and used >= min(limits)
