"""Whose an answer is: what it says by its id and by the canaries in its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from conformance.probes.canaries import canaries_in
from conformance.suite.observations import Answered, Observations


@dataclass(frozen=True, slots=True)
class Told:
    """What one answer says of itself: its id (None where it has none), the text of all its choices, and how they end.

    Choices that did not end have no finish reason.
    """

    answered: Answered
    id: str | None
    text: str
    finish_reasons: frozenset[object] = frozenset()

    @property
    def canaries(self) -> frozenset[str]:
        """The canaries that stand in its text."""
        return canaries_in(self.text)


def told_by(answers: Iterable[Answered], observations: Observations) -> Iterator[Told]:
    """What each successful answer says of itself, streamed or not, also one that was not read to its end."""
    for one in answers:
        if one.answer.status != 200:
            continue
        if one.asked("stream") is True:
            reading = observations.stream_reading(one.exchange)
            if reading.chunks:
                choices = reading.choices.values()
                text = "\n".join(choice.content for choice in choices)
                yield Told(one, reading.id, text, frozenset(choice.finish_reason for choice in choices))
            continue
        found = observations.completion(one)
        if isinstance(found, Exception):
            continue
        given = found.body.get("id")
        reasons = (choice.get("finish_reason") for choice in found.choices)
        ends = frozenset(reason for reason in reasons if isinstance(reason, str))
        yield Told(one, given if isinstance(given, str) and given else None, "\n".join(found.texts), ends)


def strangers(told: Iterable[Told]) -> Iterator[tuple[Told, str, str]]:
    """Answers with a canary that stands in another request only: the answer, the canary, the id of its exchange."""
    every = list(told)
    owners: dict[str, str] = {}
    for one in every:
        for canary in canaries_in(_prompt(one)):
            owners.setdefault(canary, one.answered.id)
    for one in every:
        for canary in sorted((canaries_in(one.text) - canaries_in(_prompt(one))) & owners.keys()):
            yield one, canary, owners[canary]


def _prompt(told: Told) -> str:
    return told.answered.exchange.request.body.decode("utf-8", "replace")
