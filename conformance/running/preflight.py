"""Sends the first requests of a run: is there anything to judge, and how does the deployment take requests?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.contract.model import Tier
from conformance.probes import Plan, Probe
from conformance.probes.access import access_probes
from conformance.probes.completions import SHORTEST, SMALLEST, shortest, smallest
from conformance.probes.left_out import left_out
from conformance.probes.preflight import (
    PREFLIGHT,
    ROOM_TO_THINK,
    again,
    as_refused,
    optional_fields,
    thinking,
)
from conformance.probes.request_body import RequestBody
from conformance.probes.tools import REQUIRED, tool_probes
from conformance.running.preflight_answers import call_message, has_text, target_failed, thought_only
from conformance.running.run import Run
from conformance.suite.limits import least_limit
from conformance.suite.refusals import advised_limit, refused_fields, refused_together, refuses_streaming
from conformance.suite.setup import ENOUGH_FAILURES, SetupProblem, setup_problem
from conformance.targets.capabilities import STREAMING
from conformance.targets.deployment_dialect import DeploymentDialect
from conformance.wire import Exchange, Observation, RunTime
from conformance.wire import observe as send_probes

MOST_REQUESTS = 5
"""How many requests the preflight sends that are not in the plan anyway, at most."""
STREAM = "stream/plain"
Send = Callable[[Sequence[Probe], Sequence[Exchange]], Awaitable[Observation]]
"""Sends probes, none of them twice, and gives what was seen before with what came of them."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What the preflight sent, by which probes, and what it found out."""

    probes: tuple[Probe, ...]
    """Those that are not in the plan: what had to be sent in another way, and what only the preflight asks."""
    exchanges: tuple[Exchange, ...]
    dialect: DeploymentDialect
    problem: SetupProblem | None
    interrupted: bool = False


async def preflight(run: Run, planned: Plan, send: Send | None = None, time: RunTime | None = None) -> Preflight:
    """Send the smallest valid request, and a few more that show what the deployment takes.

    `planned` is what the run would send to a deployment that takes all that its contract allows; what the preflight
    sends of it is not sent again. `send` gives what came of probes where they are not to be sent to the target now.

    Raises:
        Unreachable: nobody listens at the target's address.
    """
    conversation = _Conversation(run, planned, send or _to_target(run, time))
    await conversation.begin()
    problem = setup_problem(conversation.exchanges, run.contract, run.target)
    if problem is None and not conversation.interrupted:
        await conversation.go_on()
    return Preflight(
        probes=tuple(conversation.own),
        exchanges=tuple(conversation.exchanges),
        dialect=conversation.dialect,
        problem=problem,
        interrupted=conversation.interrupted,
    )


def _to_target(run: Run, time: RunTime | None) -> Send:
    """Sends to the target. What is learnt from answers without secrets can be learnt from the evidence again."""

    async def send(probes: Sequence[Probe], known: Sequence[Exchange]) -> Observation:
        operation, target, limits = run.contract.operation, run.target, run.settings.limits
        record = run.redactor.exchange
        return await send_probes(probes, operation, target, limits, record, resume=known, run_time=time)

    return send


class _Conversation:
    """The requests of one preflight, each made by what was learnt from those before it."""

    def __init__(self, run: Run, planned: Plan, send: Send) -> None:
        self._run = run
        self._to = send
        self._planned = {probe.name: probe for probe in planned.probes}
        self.dialect = run.target.dialect
        self.own: list[Probe] = []
        self.exchanges: list[Exchange] = []
        self.interrupted = False

    @property
    def _body(self) -> RequestBody:
        return replace(self._run, target=replace(self._run.target, dialect=self.dialect)).request_body

    @property
    def _left(self) -> int:
        return MOST_REQUESTS - len(self.own)

    async def begin(self) -> None:
        """Send the smallest valid request: again where the target broke, in another way where it refused a limit."""
        failures = 0
        while self._left > 0:
            first = smallest(self._body)
            (sent,) = await self._send([first]) or (None,)
            if sent is None:
                return
            if target_failed(sent) and failures + 1 < ENOUGH_FAILURES:
                failures += 1
                self._rename(sent, again(first, failures))
            elif not self._learn_limits(first, sent):
                return

    async def go_on(self) -> None:
        """Find out how short an answer may be, which optional fields are refused, and whether there are streams."""
        least = shortest(self._body) if self._body.limit_field else None
        fields = optional_fields(self._body, 1)
        thinks = any(thought_only(one) for one in self._last(SMALLEST))
        call = None if thinks else self._call()  # which needs room to think
        await self._send(self._wanted([least, fields, self._planned.get(STREAM), call, *self._refused_keys()]))
        for sent in self._last(SHORTEST):
            assert least is not None
            self._learn_limits(least, sent)
        self._learn_streaming()
        number = 1
        while fields is not None and self._learn_fields(fields) and self._left > 0:
            number += 1
            fields = optional_fields(self._body, number)
            if fields is not None:
                await self._send([fields])
        await self._let_it_think()
        if thinks:
            call = self._call()
            await self._send(self._wanted([call]))
        self._learn_call(call)

    def _wanted(self, probes: Iterable[Probe | None]) -> list[Probe]:
        return [probe for probe in probes if probe is not None and self._is_wanted(probe)]

    def _is_wanted(self, probe: Probe) -> bool:
        """Whether the run would send a probe anyway, or it is the preflight's own."""
        target = replace(self._run.target, dialect=self.dialect)
        return probe.name.startswith(PREFLIGHT) or (
            probe.name in self._planned and not left_out(Plan((probe,)), target)
        )

    async def _send(self, probes: Sequence[Probe]) -> tuple[Exchange, ...]:
        """Send probes; gives their last exchanges."""
        self.own += [probe for probe in probes if probe.name.startswith(PREFLIGHT)]
        seen = await self._to(probes, self.exchanges)
        self.interrupted = self.interrupted or seen.interrupted
        order = [probe.name for probe in probes]
        new = sorted(seen.exchanges[len(self.exchanges) :], key=lambda one: order.index(one.probe))
        self.exchanges += new
        return tuple(one for one in new if one.last)

    def _last(self, name: str) -> Iterator[Exchange]:
        return (one for one in self.exchanges if one.probe == name and one.last)

    def _rename(self, sent: Exchange, probe: Probe) -> None:
        """Keep what came of a request under another name, so that the planned one is sent in another way."""
        self.own.append(probe)
        self.exchanges = [
            replace(one, probe=probe.name, id=f"{probe.name}#{one.attempt}") if one.probe == sent.probe else one
            for one in self.exchanges
        ]

    def _learn_limits(self, probe: Probe, sent: Exchange) -> bool:
        """Whether a refusal says that tokens must be limited in another way, which is then done."""
        if sent.answer is None:
            return False
        status, body = sent.answer.status, sent.answer.body
        learnt = self.dialect
        limits = set(self._body.limit_fields) - self._body.required
        refused = [name for name in refused_fields(probe.body, status, body) if name in limits]
        least = least_limit(probe.body, status, body)
        if refused:
            advised = advised_limit(probe.body, body) if len(limits) == 1 else None
            learnt = replace(learnt, refused=(*learnt.refused, refused[0]), limit_field=advised)
        elif least is not None:
            learnt = replace(learnt, least_limit=least)
        if learnt == self.dialect:
            return False
        self.dialect = learnt
        self._rename(sent, as_refused(probe, 1 + sum(one.name.startswith(f"{PREFLIGHT}limit-") for one in self.own)))
        return True

    def _learn_streaming(self) -> None:
        for sent in self._last(STREAM):
            if sent.answer is not None and refuses_streaming({"stream": True}, sent.answer.status, sent.answer.body):
                self.dialect = replace(self.dialect, refused=(*self.dialect.refused, STREAMING))

    def _learn_fields(self, probe: Probe) -> bool:
        """Whether the refusal of several fields says which of them, or which of them together, is refused."""
        for sent in self._last(probe.name):
            if sent.answer is None:
                continue
            status, body = sent.answer.status, sent.answer.body
            together = refused_together(probe.body, status, body)
            if together:
                self.dialect = replace(self.dialect, apart=(*self.dialect.apart, together))
                return True
            refused = [name for name in refused_fields(probe.body, status, body) if self._may_refuse(name)]
            if refused:
                self.dialect = replace(self.dialect, refused=(*self.dialect.refused, *refused))
                return True
        return False

    def _call(self) -> Probe | None:
        """What shows whether the deployment takes tools, and how its calls look."""
        return next((one for one in tool_probes(self._body) if one.name == REQUIRED), None)

    def _learn_call(self, probe: Probe | None) -> None:
        for sent in self._last(REQUIRED):
            assert probe is not None
            self._learn_fields(probe)
            self.dialect = replace(self.dialect, call=call_message(sent))

    def _refused_keys(self) -> Iterator[Probe]:
        """Requests that decide much, cost nothing and teach nothing: others wait for an answer at this time anyway."""
        return (one for one in access_probes(self._body) if one.tier is Tier.SMOKE)

    def _may_refuse(self, name: str) -> bool:
        """Whether it makes sense to leave a field out: not what must be there, nor the last that limits tokens."""
        limits = self._body.limit_fields
        return name not in self._body.required and (name not in limits or len(limits) > 1)

    async def _let_it_think(self) -> None:
        """Find out how many more tokens a model needs that spends small limits before its first word."""
        if not any(thought_only(one) for one in self._last(SMALLEST)):
            return
        for room in ROOM_TO_THINK:
            if self._left <= 0:
                return
            probe = thinking(self._body, 16 + room)
            for sent in await self._send([probe]):
                if has_text(sent):
                    self.dialect = replace(self.dialect, thinking=room)
                    return
