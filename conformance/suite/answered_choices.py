"""The choices of an answer, whole or streamed, as one kind of value: text, calls, reasoning and how each ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.probes import Probe
from conformance.reading.reasoning import members_in, reasoning_in
from conformance.reading.tool_calls import ToolCall, calls_of
from conformance.suite.expect import SERVED, DoesNotApply, Expect, NotTestable
from conformance.suite.observations import Answered, Completion, Observations, Stream
from conformance.suite.obstacles import Obstacle, worst


@dataclass(frozen=True, slots=True)
class SeenChoice:
    """One choice. `text` is None where its content is null or missing; a choice that did not end has no reason."""

    answered: Answered
    index: Any
    text: str | None
    calls: tuple[ToolCall, ...]
    finish_reason: str | None
    reasoning: str = ""
    reasoning_members: frozenset[str] = field(default=frozenset())
    refusal: str = ""

    @property
    def id(self) -> str:
        """The exchange's id."""
        return self.answered.id

    @property
    def was_cut(self) -> bool:
        """Whether a limit or a filter ended it, so that it need not be whole."""
        return self.finish_reason in ("length", "content_filter")

    def may_have_cut(self, call: ToolCall) -> bool:
        """Whether a limit or a filter ended it in the middle of this call, so that the call need not be whole."""
        return self.was_cut and call is self.calls[-1]

    @property
    def is_streamed(self) -> bool:
        """Whether it came as a stream."""
        return self.answered.probe.asks_for_stream


@dataclass(frozen=True, slots=True)
class SeenAnswer:
    """A served answer with its choices and its usage, if it has one."""

    answered: Answered
    choices: tuple[SeenChoice, ...]
    usage: Mapping[str, Any] | None

    def tokens(self, name: str) -> int | None:
        """One figure of the usage, None where it is no whole number."""
        value = None if self.usage is None else self.usage.get(name)
        return value if type(value) is int else None

    def detail(self, name: str, of: str = "completion_tokens_details") -> int | None:
        """One figure of the details of the usage, None where there is none."""
        details = None if self.usage is None else self.usage.get(of)
        value = details.get(name) if isinstance(details, Mapping) else None
        return value if type(value) is int else None


def seen_answer(answered: Answered, observations: Observations) -> SeenAnswer | Obstacle:
    """The choices of an answer, or why there are none to judge."""
    if answered.probe.asks_for_stream:
        stream = observations.stream(answered)
        return _streamed(answered, stream) if isinstance(stream, Stream) else stream
    found = observations.completion(answered)
    if not isinstance(found, Completion):
        return found
    usage = found.body.get("usage")
    choices = tuple(_whole(answered, choice) for choice in found.choices)
    return SeenAnswer(answered, choices, usage if isinstance(usage, Mapping) else None)


def seen_answers(probes: Iterable[Probe], observations: Observations, expect: Expect, because: str) -> list[SeenAnswer]:
    """The answers to probes that were served; what has none to judge becomes a note.

    Raises:
        NotTestable, CannotTell, DoesNotApply, NotSent: none was served; the gravest reason. What blocks it where the
            target broke it is `because`.
    """
    answered, obstacles = observations.due(probes)
    seen: list[SeenAnswer] = []
    for one in answered:
        found = seen_answer(one, observations)
        if isinstance(found, SeenAnswer):
            seen.append(found)
        elif isinstance(found, NotTestable):
            obstacles.append(NotTestable(str(found), *found.exchanges, because=because))
        else:
            obstacles.append(found)
    if not seen:
        raise worst(obstacles)
    for obstacle in obstacles:
        expect.note(obstacle)
    return seen


def choices_in(answers: Sequence[SeenAnswer]) -> list[SeenChoice]:
    """All choices of these answers."""
    return [choice for one in answers for choice in one.choices]


def prompt_tokens(observations: Observations, expect: Expect, *names: str) -> tuple[tuple[str, int], ...]:
    """The exchange and the prompt tokens of the answer to each of the probes with these names.

    Raises:
        DoesNotApply: one of them has no usage.
        NotTestable, CannotTell, NotSent: one of them was not planned, or is not served.
    """
    found: list[tuple[str, int]] = []
    for name in names:
        probes = observations.matching([name])
        if not probes:
            raise observations.none_planned([name], f"this run does not send {name}")
        (answer,) = seen_answers(probes, observations, expect, SERVED)
        tokens = answer.tokens("prompt_tokens")
        if tokens is None:
            raise DoesNotApply(f"{answer.answered.id}: the answer has no count of prompt tokens")
        found.append((answer.answered.id, tokens))
    return tuple(found)


def _whole(answered: Answered, choice: Mapping[str, Any]) -> SeenChoice:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content, reason, refusal = message.get("content"), choice.get("finish_reason"), message.get("refusal")
    return SeenChoice(
        answered,
        choice.get("index"),
        content if isinstance(content, str) else None,
        calls_of(message),
        reason if isinstance(reason, str) else None,
        reasoning_in(message),
        frozenset(members_in(message)),
        refusal if isinstance(refusal, str) else "",
    )


def _streamed(answered: Answered, stream: Stream) -> SeenAnswer | Obstacle:
    reading = stream.reading
    if not reading.chunks:
        why = f"{answered.id}: the answer to a request for a stream has no readable chunk"
        return NotTestable(why, answered.id, because="stream.not-empty")
    choices = tuple(
        SeenChoice(
            answered,
            one.index,
            one.content if one.content_deltas else None,
            one.calls,
            one.finish_reason,
            one.reasoning,
            one.reasoning_members,
            one.refusal,
        )
        for _, one in sorted(reading.choices.items())
    )
    return SeenAnswer(answered, choices, reading.usage)
