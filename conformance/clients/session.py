"""Shows the scenarios of a run to several clients at once, and says what each of them understood."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.clients.catalogue import Client, Setting
from conformance.clients.comparing import Compared, compared
from conformance.clients.driving import HANG, PATIENCE, Driven, Showing, drive
from conformance.clients.environments import Environment, environment_of
from conformance.clients.expected import Expected, expected_of
from conformance.clients.replay_server import FAST
from conformance.clients.scenarios import Chosen, Scenario, schema_text
from conformance.quoting import one_line
from conformance.report.client_results import ClientResult, Quirk, ScenarioResult, Understanding

AT_ONCE: Final = 5
"""Drivers that run at the same time: most of what they do is to load, and to wait before they try again."""
_PASSES: Final = frozenset({Understanding.SAME})
_FAILS: Final = frozenset({Understanding.BROKE, Understanding.OTHERWISE})
Told = Callable[[ClientResult], None]


@dataclass(frozen=True, slots=True)
class Session:
    """What is shown to clients, and how: scenarios, our reading of each, speed, and whether quirks are tried."""

    chosen: Chosen
    expected: Mapping[str, Expected]
    speed: float = FAST
    quirks: bool = False
    """Whether settings are tried."""
    patience: float = PATIENCE
    """Seconds for one scenario."""
    retries: bool = True
    """Whether clients try again as they do of their own accord, where they have a setting for that."""

    @classmethod
    def of(cls, chosen: Chosen, speed: float = FAST, **more: Any) -> Session:
        """A session with our own reading of each scenario."""
        return cls(chosen, {one.id: expected_of(one) for one in chosen.scenarios}, speed, **more)

    def show(self, clients: Sequence[Client], told: Told = lambda _: None) -> tuple[tuple[ClientResult, ...], bool]:
        """Run every client that is installed, several at once; returns their results, and whether all were confined.

        `told` gets each result as it is there.
        """
        return asyncio.run(self._show(clients, told))

    async def _show(self, clients: Sequence[Client], told: Told) -> tuple[tuple[ClientResult, ...], bool]:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(client: Client) -> tuple[ClientResult, bool]:
            async with slots:
                result, confined = await self._client(client)
            told(result)
            return result, confined

        ran = await asyncio.gather(*map(one, clients))
        return tuple(result for result, _ in ran), all(confined for result, confined in ran if result.results)

    async def _client(self, client: Client) -> tuple[ClientResult, bool]:
        plain = ClientResult(client.name, client.title, client.language, packages=client.packages)
        environment = environment_of(client)
        if isinstance(environment, str):
            return _not_run(plain, environment), True
        supported = [one for one in self.chosen.scenarios if client.supports(one.kind)]
        settings = None if self.retries else _without_retries(client)
        driven = await self._driven(client, environment, [one.id for one in supported], settings)
        if driven.problem and not driven.lines:
            return _not_run(plain, one_line(driven.problem, 400)), driven.confined
        await self._without_waiting(client, environment, driven)
        results = tuple(self._result(client, one, driven) for one in self.chosen.scenarios)
        quirks = await self._quirks(client, environment, results) if self.quirks else ()
        return (
            ClientResult(
                name=client.name,
                title=client.title,
                language=client.language,
                version=driven.version,
                packages=client.packages,
                why=one_line(driven.problem, 400),
                seconds=driven.seconds,
                results=results,
                quirks=quirks,
            ),
            driven.confined,
        )

    async def _driven(
        self,
        client: Client,
        environment: Environment,
        ids: Sequence[str],
        settings: Mapping[str, Any] | None = None,
    ) -> Driven:
        recordings = {one.id: one.exchange for one in self.chosen.scenarios}
        schema = schema_text(self.chosen.schema)
        showing = Showing(recordings, schema, self.speed, self.patience)
        return await drive(client, environment, ids, showing, settings or {})

    async def _without_waiting(self, client: Client, environment: Environment, driven: Driven) -> None:
        """Ask once more, without trying again, for the answers after which a client tries again for too long.

        Some try again after what they cannot parse, not only after errors. How often it tried, and how long it waited,
        is kept from the first time.
        """
        left = [one.id for one in self.chosen.scenarios if _tries_again(driven, one.id)]
        settings = _without_retries(client)
        if not left or not settings:
            return
        again = await self._driven(client, environment, left, settings)
        for name, line in again.lines.items():
            driven.lines[name] = line
        driven.seconds = round(driven.seconds + again.seconds, 2)

    def _result(self, client: Client, scenario: Scenario, driven: Driven) -> ScenarioResult:
        if not client.supports(scenario.kind):
            return ScenarioResult(scenario.id, Understanding.UNSUPPORTED)
        line = driven.lines.get(scenario.id)
        if line is None:
            return ScenarioResult(scenario.id, Understanding.NOT_RUN, message=driven.problem)
        judged = self._compared(client, scenario.id, line)
        seen = driven.requests.get(scenario.id)
        return ScenarioResult(
            scenario.id,
            judged.understanding,
            judged.message,
            judged.differences,
            0 if seen is None else seen.count,
            () if seen is None else seen.waits,
        )

    def _compared(self, client: Client, asked: str, line: Mapping[str, Any]) -> Compared:
        """The comparison with our reading of what was asked, without the client's habits."""
        judged = compared(self.expected[asked], line)
        kind = asked.rpartition("/")[2]
        ignored = {habit.member for habit in client.habits if habit.holds_for(kind)}
        kept = tuple(one for one in judged.differences if one.member not in ignored)
        if judged.understanding is Understanding.BROKE and _is_by_design(client, judged, self.expected[asked]):
            return Compared(Understanding.SAME, (), judged.message)
        if judged.understanding is Understanding.OTHERWISE and not kept:
            return Compared(Understanding.SAME, (), judged.message)
        return Compared(judged.understanding, kept, judged.message)

    async def _quirks(
        self, client: Client, environment: Environment, results: Sequence[ScenarioResult]
    ) -> tuple[Quirk, ...]:
        """The settings that make scenarios pass which do not pass without them, found by trying each."""
        if not any(one.result in _FAILS for one in results):
            return ()
        tried = [await self._tried(client, environment, setting, results) for setting in client.settings]
        return tuple(one for one in tried if one.helps)

    async def _tried(
        self, client: Client, environment: Environment, setting: Setting, results: Sequence[ScenarioResult]
    ) -> Quirk:
        ran = [one for one in results if one.result in _FAILS | _PASSES]
        driven = await self._driven(client, environment, [one.scenario for one in ran], setting.settings)
        helps, costs = [], []
        for one in ran:
            line = driven.lines.get(one.scenario)
            asked = driven.asked(one.scenario)
            passes = line is not None and _passes(self._compared(client, asked, line), asked)
            if passes and one.result in _FAILS:
                helps.append(one.scenario)
            elif not passes and one.result in _PASSES:
                costs.append(one.scenario)
        return Quirk(setting.name, setting.snippet, tuple(helps), tuple(costs))


def _passes(judged: Compared, asked: str) -> bool:
    """Whether a setting helps: of a document, a setting may well take out of the text what surrounds it."""
    if judged.understanding is Understanding.OTHERWISE and "structured" in asked:
        return all(one.member == "text" for one in judged.differences)
    return judged.understanding in _PASSES


def _tries_again(driven: Driven, scenario: str) -> bool:
    """Whether a client was still trying again when its time was over."""
    failed = driven.lines.get(scenario, {}).get("failed")
    hung = isinstance(failed, Mapping) and failed.get("class") == HANG
    requests = driven.requests.get(scenario)
    return hung and requests is not None and requests.count > 1


def _is_by_design(client: Client, judged: Compared, expected: Expected) -> bool:
    """Whether a client says by an exception what the bytes say, too: that a limit cut the answer."""
    raised = judged.message.partition(":")[0]
    cut = expected.problem is None and "length" in expected.understood.get("finish_reason", ())
    return cut and any(raised == name for habit in client.habits for name in habit.raises)


def _without_retries(client: Client) -> Mapping[str, Any]:
    """The setting by which a client asks once, an empty one where it has none."""
    return next(
        (one.settings for one in client.settings if one.settings in ({"max_retries": 0}, {"maxRetries": 0})), {}
    )


def _not_run(client: ClientResult, why: str) -> ClientResult:
    return ClientResult(client.name, client.title, client.language, packages=client.packages, why=why)
