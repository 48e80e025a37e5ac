"""What a run observed, as tests see it: the answer to each probe, read once, or why there is none to judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeVar

from conformance.contract import Contract
from conformance.contract.media_types import is_event_stream
from conformance.probes import Intent, Plan, Probe
from conformance.probes.delivery import NOT_NEEDED
from conformance.probes.left_out import lacking_capability
from conformance.probes.missing_probes import possible_probes
from conformance.probes.shrinking import origin_of, smaller_than
from conformance.quoting import quoted
from conformance.reading import BodyReading, StreamReading
from conformance.suite.broken_answers import is_broken_answer
from conformance.suite.expect import HEALTHY, SERVED, STREAM_SERVED, CannotTell, DoesNotApply, NotSent, NotTestable
from conformance.suite.names import names_like
from conformance.suite.obstacles import TOO_SLOW, Obstacle, declined, obstacle, worst
from conformance.suite.poisoning import Spell, began, is_health, unwell_spells
from conformance.suite.readers import SUCCESS, Readers
from conformance.suite.sent_values import sent_value
from conformance.wire import BY_PROXY, OUT_OF_TIME, Answer, EndKind, Exchange

_Reading = TypeVar("_Reading", BodyReading, StreamReading)


@dataclass(frozen=True, slots=True)
class Answered:
    """A probe, the exchange that it led to, and the answer that came."""

    probe: Probe
    exchange: Exchange
    answer: Answer

    @property
    def id(self) -> str:
        """The exchange's id."""
        return self.exchange.id

    @property
    def sent(self) -> Any:
        """The JSON value that was sent, which others get too, or None if the body is not JSON."""
        return sent_value(self.exchange.request.body)

    def requested(self, field: str, default: Any = None) -> Any:
        """A field of the request's body."""
        sent = self.sent
        return sent.get(field, default) if isinstance(sent, Mapping) else default


_OF_AN_ERROR: Final = 400
"""Characters of an error's body that a message quotes: the sentence that says what to do often comes last."""


def status_of(answered: Answered) -> str:
    """The status of an answer and the beginning of its body, for a message."""
    status, body = answered.answer.status, answered.answer.body
    shown = quoted(body, _OF_AN_ERROR) if status >= 400 else quoted(body)
    return f"status {status}" + (f" with the body {shown}" if body else " without a body")


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion that was served as one JSON document."""

    answered: Answered
    reading: BodyReading
    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The exchange's id."""
        return self.answered.id

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        """Those of its choices that are objects."""
        choices = self.body.get("choices")
        return [choice for choice in choices if isinstance(choice, Mapping)] if isinstance(choices, list) else []

    @property
    def texts(self) -> Sequence[str]:
        """The content of each choice's message, where it is text."""
        messages = [choice.get("message") for choice in self.choices]
        contents = [message.get("content") for message in messages if isinstance(message, Mapping)]
        return [content for content in contents if isinstance(content, str)]

    def usage(self, name: str) -> int | float | None:
        """One figure of the usage, if it is a number."""
        usage = self.body.get("usage")
        value = usage.get(name) if isinstance(usage, Mapping) else None
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that was served as an event stream."""

    answered: Answered
    reading: StreamReading

    @property
    def id(self) -> str:
        """The exchange's id."""
        return self.answered.id


class Observations:
    """The exchanges of a run, by probe."""

    def __init__(
        self,
        contract: Contract,
        plan: Plan,
        exchanges: Sequence[Exchange],
        unsent: Mapping[str, str],
        unreachable: str | None = None,
        readers: Readers | None = None,
    ) -> None:
        self.contract = contract
        self._unreachable = unreachable
        self.exchanges = exchanges
        self.plan = plan
        self.probes = {probe.name: probe for probe in plan.every_probe()}
        self.probes.update((probe.name, probe) for probe in _smaller(self.probes, exchanges))
        self._names = tuple(self.probes)
        self._covers = {part.name: probe for probe in plan.probes for part in probe.instead}
        self._final = {exchange.probe: exchange for exchange in exchanges if exchange.last}
        self.unsent = unsent
        self.readers = readers or Readers(contract)
        self._streams: dict[str, StreamReading] = {}
        self._completions: dict[str, BodyReading] = {}
        self._errors: dict[str, BodyReading] = {}

    @cached_property
    def in_plan_order(self) -> Sequence[Exchange]:
        """The exchanges in the plan's order: which answer came first is chance, and does not show in a record."""
        places = {name: place for place, name in enumerate(self._names)}
        return sorted(self.exchanges, key=lambda one: places.get(one.probe, len(places)))

    @cached_property
    def completion_tokens(self) -> int:
        """Completion tokens that the target reported, over all answers."""
        reported = [
            reading.usage if isinstance(reading, StreamReading) else reading.object.get("usage")
            for reading in (self._reading_of(one) for one in self.exchanges if not one.ending.by_run_limit)
        ]
        counts = [usage.get("completion_tokens") for usage in reported if isinstance(usage, Mapping)]
        return int(sum(count for count in counts if isinstance(count, int | float) and 0 < count < 1e12))

    @cached_property
    def target_answers(self) -> bool:
        """Whether any request of the run was answered, be it with bytes that are no HTTP."""
        return any(exchange.answer is not None or is_broken_answer(exchange) for exchange in self.exchanges)

    @cached_property
    def _target_is_slow(self) -> bool:
        return self._is_late(probe for probe in self.probes.values() if probe.intent is Intent.SERVED)

    @cached_property
    def _whole_answers_are_late(self) -> bool:
        served = (probe for probe in self.probes.values() if probe.intent is Intent.SERVED)
        return self._is_late(probe for probe in served if not probe.asks_for_stream)

    def _is_late(self, probes: Iterable[Probe]) -> bool:
        """Whether one of these got no answer in time."""
        found = (self._final.get(probe.name) for probe in probes)
        return any(one is not None and one.answer is None and one.ending.kind in TOO_SLOW for one in found)

    def matching(self, patterns: Iterable[str], *, parts: bool = False) -> list[Probe]:
        """The planned probes with these names or globs, in the plan's order.

        A part of a combined probe is left out if the combined probe was sent in its place, unless `parts` is set; and
        so is a probe that others made needless.
        """
        wanted = names_like(self._names, tuple(patterns))
        needed = [name for name in wanted if self.unsent.get(name) not in NOT_NEEDED]
        return [self.probes[name] for name in needed if parts or name not in self._covers or name in self._final]

    def asked(self, patterns: Iterable[str]) -> list[Probe]:
        """The probes with these names or globs, each as it was sent: alone, or in a combined one that was served."""
        asked = (self._as_sent(probe) for probe in self.matching(patterns, parts=True))
        return list({probe.name: probe for probe in asked}.values())

    def _as_sent(self, probe: Probe) -> Probe:
        whole = self.covered_by(probe)
        if whole is probe or whole.name not in self._final:
            return whole
        outcome = self.outcome_of(whole)
        return whole if isinstance(outcome, Answered) and self.served(outcome) else probe

    def none_planned(self, patterns: Iterable[str], why: str) -> NotSent | DoesNotApply:
        """Why no probe with these names was planned: `why` where a larger tier has one, else that nothing can have."""
        possible = possible_probes(self.contract)
        if possible is None or names_like(possible, tuple(patterns)):
            return NotSent(why)
        return DoesNotApply(_NONE_POSSIBLE)

    def covered_by(self, probe: Probe) -> Probe:
        """The probe that was sent for this one: itself, or the combined probe that it is a part of."""
        return probe if probe.name in self._final else self._covers.get(probe.name, probe)

    def unsent_because(self, why: str, patterns: Iterable[str]) -> bool:
        """Whether one of the probes with these names or globs was not sent for this reason."""
        probes = (self.covered_by(probe) for probe in self.matching(patterns, parts=True))
        return any(self.unsent.get(probe.name) == why for probe in probes)

    def outcome_of(self, probe: Probe) -> Answered | Obstacle:
        """The answer to a probe, or why there is none to judge."""
        if self._unreachable is not None:
            return CannotTell(self._unreachable)
        exchange = self._final.get(probe.name)
        if exchange is None and probe.name in self.unsent:
            why = f"{probe.name} was not sent: {self.unsent[probe.name]}"
            lacking = lacking_capability(self.unsent[probe.name])
            if lacking is not None:
                return DoesNotApply(why, lacks=lacking)
            if self.unsent[probe.name].startswith(OUT_OF_TIME):
                return CannotTell(why)
            return DoesNotApply(why) if self.unsent[probe.name] == BY_PROXY else NotSent(why)
        found = obstacle(probe, exchange, target_answers=self.target_answers, target_is_slow=self._target_is_slow)
        if found is None:
            assert exchange is not None
            assert exchange.answer is not None
            return self._unless_poisoned(probe, exchange, Answered(probe, exchange, exchange.answer))
        return found if exchange is None else self._unless_poisoned(probe, exchange, found)

    def _unless_poisoned(self, probe: Probe, exchange: Exchange, outcome: Answered | Obstacle) -> Answered | Obstacle:
        """The outcome of a probe, or that it decides nothing: the target no longer served even plain requests."""
        if not self._unwell or is_health(probe.name) or isinstance(outcome, CannotTell | DoesNotApply | NotSent):
            return outcome
        begins = began(exchange)
        spell = next((one for one in self._unwell if one.begins < begins < one.ends), None)
        if spell is None or (isinstance(outcome, Answered) and self._is_as_intended(outcome)):
            return outcome
        why = f"it came after {spell.health}, a plain request that the target no longer served"
        return NotTestable(f"{exchange.id}: {probe.about}: {why}", spell.health, because=HEALTHY)

    def _is_as_intended(self, answered: Answered) -> bool:
        if answered.probe.intent is Intent.SERVED:
            return self.served(answered)
        return answered.answer.status < 500

    @cached_property
    def _unwell(self) -> tuple[Spell, ...]:
        return unwell_spells(self.exchanges, self._serves)

    def _serves(self, exchange: Exchange) -> bool:
        probe = self.probes.get(exchange.probe)
        if probe is None or exchange.answer is None:
            return False
        return self.served(Answered(probe, exchange, exchange.answer))

    def exchange_of(self, name: str) -> Exchange | None:
        """The last exchange of the probe with this name, whatever came of it; None if it was not sent."""
        return self._final.get(name)

    def answers(self, probes: Iterable[Probe]) -> tuple[list[Answered], list[Obstacle]]:
        """The answers to probes, and the obstacles to the others."""
        outcomes = [self.outcome_of(probe) for probe in probes]
        return (
            [outcome for outcome in outcomes if isinstance(outcome, Answered)],
            [outcome for outcome in outcomes if not isinstance(outcome, Answered)],
        )

    def due(self, probes: Iterable[Probe]) -> tuple[list[Answered], list[Obstacle]]:
        """`answers`, where a refusal that clearly says what the target lacks is an obstacle, and no answer to judge."""
        answered, obstacles = self.answers(probes)
        refused = {one.id: _not_served(one) for one in answered if one.answer.status != SUCCESS}
        lacking = {name: why for name, why in refused.items() if isinstance(why, DoesNotApply)}
        return [one for one in answered if one.id not in lacking], [*obstacles, *lacking.values()]

    def completion(self, answered: Answered) -> Completion | Obstacle:
        """The completion in an answer, or why there is none."""
        if answered.answer.status != 200:
            return _not_served(answered)
        reading = self.completion_reading(answered.exchange)
        body = reading.object
        if not isinstance(body.get("choices"), list) or not body["choices"]:
            why = f"{answered.id}: {answered.probe.about} was answered with 200, but without any choice"
            return NotTestable(why, answered.id)
        return Completion(answered, reading, body)

    def stream(self, answered: Answered) -> Stream | Obstacle:
        """The event stream in an answer, or why there is none."""
        if answered.answer.status != 200:
            return _not_served(answered)
        reading = self.stream_reading(answered.exchange)
        ending = answered.exchange.ending
        if ending.kind is EndKind.IDLE_TIMEOUT and not reading.is_finished and self._whole_answers_are_late:
            # Its model takes longer than we wait; that it sends a first chunk at once does not change that.
            why = f"{ending.detail}, and answers without streaming do not come in time either"
            return CannotTell(f"{answered.id}: {answered.probe.about}: {why}; raise --timeout for a slow target")
        return Stream(answered, reading)

    def completion_reading(self, exchange: Exchange) -> BodyReading:
        """The body of an exchange, read once as a completion."""
        return _once(self._completions, exchange, self.readers.completion)

    def error_reading(self, exchange: Exchange) -> BodyReading:
        """The body of an exchange, read once as an error."""
        return _once(self._errors, exchange, self.readers.error)

    def with_exchanges(self, exchanges: Sequence[Exchange]) -> Observations:
        """The same run with other exchanges."""
        return Observations(self.contract, self.plan, exchanges, self.unsent, self._unreachable)

    def stream_reading(self, exchange: Exchange) -> StreamReading:
        """The body of an exchange, read once as an event stream."""
        return _once(self._streams, exchange, self.readers.stream)

    def _reading_of(self, exchange: Exchange) -> BodyReading | StreamReading:
        streamed = exchange.answer is not None and is_event_stream(exchange.answer.header("content-type"))
        return self.stream_reading(exchange) if streamed else self.completion_reading(exchange)

    def served(self, answered: Answered) -> bool:
        """Whether an answer is a completion, streamed or not."""
        if answered.requested("stream") is True:
            return answered.answer.status == 200 and self.stream_reading(answered.exchange).chunks > 0
        return isinstance(self.completion(answered), Completion)

    def beside(self, probes: Iterable[Probe], *, streamed: bool) -> list[Answered]:
        """The other answers of the run with status 200 that may be completions, streamed or not.

        A client reads each of them in the same way, whatever its request was.
        """
        named = {probe.name for probe in probes}
        others = (one for one in self._successes if one.probe.name not in named)
        return [one for one in others if one.probe.asks_for_stream is streamed and not _came_whole_as_accepted(one)]

    @cached_property
    def _successes(self) -> list[Answered]:
        may_be_served = (probe for probe in self.probes.values() if probe.intent is not Intent.REFUSED)
        answered, _ = self.answers(probe for probe in may_be_served if probe.name in self._final)
        complete = (one for one in answered if one.exchange.ending.kind is not EndKind.HUNG_UP)
        return [one for one in complete if one.answer.status == 200]

    def usable(self, probes: Iterable[Probe], read: Callable[[Answered], Any]) -> Iterator[Any]:
        """What `read` makes of the answers to probes that must be served; others are left out.

        Raises:
            NotTestable, CannotTell, DoesNotApply, NotSent: none of them can be used; the gravest reason.
        """
        answered, obstacles = self.answers(probe for probe in probes if probe.intent is Intent.SERVED)
        found = [read(one) for one in answered]
        usable = [one for one in found if not isinstance(one, Obstacle)]
        if not usable:
            none_planned = NotSent(_NONE_PLANNED)  # anew, since an exception keeps the frames that it was raised in
            raise worst([*obstacles, *(one for one in found if isinstance(one, Obstacle)), none_planned])
        return iter(usable)


def _came_whole_as_accepted(answered: Answered) -> bool:
    """Whether a stream came whole for a request that accepts no stream: a requirement of its own says what is due."""
    accepted = [value for name, value in answered.exchange.request.headers if name.lower() == "accept"]
    refuses = bool(accepted) and not any(kind in accepted[0] for kind in ("event-stream", "*/*"))
    return answered.probe.asks_for_stream and refuses and not is_event_stream(answered.answer.header("content-type"))


def _smaller(planned: Mapping[str, Probe], exchanges: Iterable[Exchange]) -> Iterator[Probe]:
    """The probes that are in no plan: generated and combined requests that were made smaller during the run."""
    for exchange in exchanges:
        origin = planned.get(origin_of(exchange.probe))
        if origin is not None and exchange.probe not in planned:
            streamed = b'"stream":true' in exchange.request.body
            body = {"stream": True} if streamed else None
            yield replace(origin, name=exchange.probe, about=smaller_than(origin.name), body=body, instead=())


def _not_served(answered: Answered) -> Obstacle:
    status = answered.answer.status
    what = f"{answered.id}: {answered.probe.about} was answered with {status}"
    lacking = declined(answered.sent, status, answered.answer.body)
    if lacking is not None:
        return DoesNotApply(f"{what}: {lacking}", lacks=lacking.lacks)
    because = STREAM_SERVED if answered.probe.asks_for_stream else SERVED
    return NotTestable(what, answered.id, because=because)


_NONE_POSSIBLE = "the contract has nothing by which a request could decide this, in any tier"
_NONE_PLANNED = "no probe of this run's tier can decide this"


def _once(known: dict[str, _Reading], exchange: Exchange, read: Callable[[Exchange], _Reading]) -> _Reading:
    if exchange.id not in known:
        known[exchange.id] = read(exchange)
    return known[exchange.id]
