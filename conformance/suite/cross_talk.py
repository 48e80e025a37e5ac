"""Whose answer it is: the id and the text of each answer, and the canaries of other requests in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.probes.canaries import canaries_in
from conformance.suite.observations import Answered, Observations


@dataclass(frozen=True, slots=True)
class AnswerText:
    """What one answer says: its id (None where it has none), the text of all its choices, and how they end.

    A choice that did not end has no finish reason.
    """

    answered: Answered
    id: str | None
    text: str
    finish_reasons: frozenset[object] = frozenset()

    @property
    def canaries(self) -> frozenset[str]:
        """The canaries in its text."""
        return canaries_in(self.text)


def answer_texts(answers: Iterable[Answered], observations: Observations) -> Iterator[AnswerText]:
    """The id and text of each successful answer, streamed or not, even if it was not read to its end."""
    for one in answers:
        if one.answer.status != 200:
            continue
        if one.requested("stream") is True:
            reading = observations.stream_reading(one.exchange)
            if reading.chunks:
                choices = reading.choices.values()
                text = "\n".join(choice.content for choice in choices)
                yield AnswerText(one, reading.id, text, frozenset(choice.finish_reason for choice in choices))
            continue
        found = observations.completion(one)
        if isinstance(found, Exception):
            continue
        given = found.body.get("id")
        reasons = (choice.get("finish_reason") for choice in found.choices)
        ends = frozenset(reason for reason in reasons if isinstance(reason, str))
        yield AnswerText(one, given if isinstance(given, str) and given else None, "\n".join(found.texts), ends)


def ids_of(answers: Iterable[Answered], observations: Observations) -> Iterator[tuple[str, str]]:
    """The exchange and the id of each successful answer that has an id."""
    return ((one.answered.id, one.id) for one in answer_texts(answers, observations) if one.id is not None)


def foreign_canaries(texts: Iterable[AnswerText]) -> Iterator[tuple[AnswerText, str, str]]:
    """Answers with a canary of another request: the answer, the canary, and the exchange that it belongs to."""
    every = list(texts)
    owners: dict[str, str] = {}
    for one in every:
        for canary in canaries_in(_prompt(one)):
            owners.setdefault(canary, one.answered.id)
    for one in every:
        for canary in sorted((canaries_in(one.text) - canaries_in(_prompt(one))) & owners.keys()):
            yield one, canary, owners[canary]


def _prompt(text: AnswerText) -> str:
    return text.answered.exchange.request.body.decode("utf-8", "replace")
