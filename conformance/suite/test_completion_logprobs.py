"""Completions: the log probabilities of their tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.probes import Probe
from conformance.probes.completions import LOGPROBS
from conformance.quoting import quoted
from conformance.reading.deviation import NO_POSITION, DeviationLog
from conformance.reading.logprobs import LogprobsReader
from conformance.reading.token_figures import ROUNDING, inconsistencies
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Completion, Observations

LISTED = (LOGPROBS, f"{LOGPROBS}/alone", f"{LOGPROBS}-of-choices")


@requirement("completion.logprobs", *LISTED)
def test_log_probabilities_are_listed(
    answers: Sequence[Answered], probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    if all(answered.answer.status in {400, 422} for answered in answers):
        raise DoesNotApply(f"{answers[0].id}: the target refuses log probabilities ({answers[0].answer.status})")
    declined = ""
    for completion in observations.usable([one.probe for one in answers], observations.completion):
        for choice in completion.choices:
            if _is_declined(choice):
                declined = completion.id
                continue
            logprobs = choice.get("logprobs")
            content = logprobs.get("content") if isinstance(logprobs, dict) else None
            listed = isinstance(content, list) and all(isinstance(one, dict) and "token" in one for one in content)
            expect(
                listed,
                completion.id,
                expected="choices[].logprobs.content, a list with one entry a token",
                actual=f"logprobs: {quoted(logprobs)}",
            )
            if listed:
                _judge_tokens(completion, choice, expect)
                _judge_figures(completion, content or [], expect)
    if declined and not expect.judged:
        raise DoesNotApply(f"{declined}: the model declines; `logprobs.content` is for text, and there is none")
    if not expect.findings:
        _judge_others(probes, observations, expect)


def _judge_others(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Judge that texts of all other answers have log probabilities as well, where they were requested."""
    for one in observations.beside(probes, streamed=False):
        completion = observations.completion(one) if one.requested("logprobs") is True else None
        for choice in completion.choices if isinstance(completion, Completion) else ():
            message, logprobs = choice.get("message"), choice.get("logprobs")
            text = message.get("content") if isinstance(message, Mapping) and not message.get("tool_calls") else None
            if isinstance(text, str) and text:
                listed = bool(logprobs.get("content")) if isinstance(logprobs, Mapping) else False
                expected = f"log probabilities for {one.probe.about}, as for {probes[0].about}"
                expect(listed, one.id, expected=expected, actual=f"logprobs: {quoted(logprobs)}")


@requirement("completion.logprobs-consistent", *LISTED)
def test_log_probabilities_agree_with_one_another(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        for choice in completion.choices:
            logprobs = choice.get("logprobs")
            content = logprobs.get("content") if isinstance(logprobs, dict) else None
            for entry in content if isinstance(content, list) else ():
                expect.looked_at(completion.id)
                for expected, actual in inconsistencies(entry):
                    expect(False, completion.id, expected=expected, actual=actual)
    if not expect.judged:
        raise DoesNotApply("no answer lists log probabilities")


def _is_declined(choice: Mapping[str, Any]) -> bool:
    """Whether a choice is a refusal of the model alone: `logprobs.refusal` is for its tokens."""
    message = choice.get("message")
    return isinstance(message, Mapping) and bool(message.get("refusal")) and not message.get("content")


def _judge_tokens(completion: Completion, choice: Mapping[str, Any], expect: Expect) -> None:
    """Judge whether the tokens together are the text of the choice."""
    message = choice.get("message")
    text = message.get("content") if isinstance(message, Mapping) else None
    log = DeviationLog()
    reader = LogprobsReader(int(choice.get("index") or 0), log)
    reader.take(choice.get("logprobs"), NO_POSITION)
    reader.end(text if isinstance(text, str) else "", NO_POSITION)
    expect.deviations(completion.id, [one for one in log.kept if one.requirement == "stream.logprobs"])


def _judge_figures(completion: Completion, content: Sequence[Mapping[str, Any]], expect: Expect) -> None:
    """Judge that no logarithm of a probability is above 0, and that there are no more alternatives than requested."""
    wanted = completion.answered.requested("top_logprobs") or 0
    figures = [one.get("logprob") for one in content]
    wrong = [one for one in figures if isinstance(one, (int, float)) and one > ROUNDING]
    actual = f"the logprob {quoted(wrong[:1])}"
    expect(not wrong, completion.id, expected="logarithms of probabilities, none above 0", actual=actual)
    counts = [len(one) for entry in content if isinstance(one := entry.get("top_logprobs"), list)]
    if counts:
        expect(
            0 < max(counts) <= wanted,
            completion.id,
            expected=f"at most the {wanted} most likely tokens in top_logprobs, and at least one",
            actual=f"up to {max(counts)}",
        )
