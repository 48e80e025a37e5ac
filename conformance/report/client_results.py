"""What clients understood of a run's answers, as clients.json has it: its values, how it is written and read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from conformance.contract.regular_files import UnreadableError, read_regular_file
from conformance.quoting import one_line
from conformance.report.record import ResultsError
from conformance.shipped import specs_directory
from conformance.strict_json import JsonError, load

FILE_NAME: Final = "clients.json"
FORMAT: Final = 1
"""Version of the format that specs/client-results.schema.json describes."""
_LARGEST: Final = 16_000_000


class Understanding(StrEnum):
    """What a client made of one recorded answer."""

    BROKE = "broke"
    """It raised an exception, hung, went round in a loop, or died."""
    OTHERWISE = "otherwise"
    """It lost something, or made something up."""
    SAME = "same"
    UNSUPPORTED = "unsupported"
    """The client has no way to ask for it."""
    NOT_RUN = "not run"

    @property
    def mark(self) -> str:
        """One character that stands for it in a table."""
        return _MARKS[self]


_MARKS: Final = {
    Understanding.BROKE: "✕",
    Understanding.OTHERWISE: "≠",
    Understanding.SAME: "✓",
    Understanding.UNSUPPORTED: "·",
    Understanding.NOT_RUN: "?",
}

_WORST: Final = tuple(Understanding)


@dataclass(frozen=True, slots=True)
class Difference:
    """A member that a client understood otherwise: what we read, and what it says."""

    member: str
    expected: str
    came: str


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What a client made of one scenario, how often it asked, and how long it waited between (seconds)."""

    scenario: str
    result: Understanding
    message: str = ""
    differences: tuple[Difference, ...] = ()
    requests: int = 0
    waits: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Quirk:
    """A setting of a client that makes scenarios pass which do not pass without it; `costs` do not pass with it."""

    name: str
    snippet: str
    helps: tuple[str, ...]
    costs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientResult:
    """One client: its version, and what it made of each scenario; `why` it was not run, where it was not."""

    name: str
    title: str
    language: str
    version: str | None = None
    packages: tuple[str, ...] = ()
    why: str = ""
    seconds: float = 0.0
    results: tuple[ScenarioResult, ...] = ()
    quirks: tuple[Quirk, ...] = ()

    @property
    def worst(self) -> Understanding:
        """The worst result among its scenarios."""
        ran = [one.result for one in self.results if one.result is not Understanding.UNSUPPORTED]
        return min(ran, key=_WORST.index, default=Understanding.NOT_RUN)

    def of(self, understanding: Understanding) -> tuple[ScenarioResult, ...]:
        """Its scenarios with this result."""
        return tuple(one for one in self.results if one.result is understanding)


@dataclass(frozen=True, slots=True)
class ShownScenario:
    """A recorded exchange that clients were shown, and the requirements with findings on it."""

    id: str
    kind: str
    exchange: str
    explained_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """A client that breaks by the lab's table, without having been run, and the requirements that say so."""

    client: str
    kind: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClientResults:
    """Everything that clients.json holds."""

    suite_version: str
    profile: str
    base_url: str
    started: str
    made: str
    speed: str
    confinement: str
    scenarios: tuple[ShownScenario, ...]
    clients: tuple[ClientResult, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    predicted: tuple[Prediction, ...] = ()

    @property
    def ran(self) -> tuple[ClientResult, ...]:
        """The clients that were run."""
        return tuple(one for one in self.clients if one.worst is not Understanding.NOT_RUN)

    @property
    def survivors(self) -> tuple[ClientResult, ...]:
        """The clients of which no scenario broke."""
        return tuple(one for one in self.ran if one.worst is not Understanding.BROKE)

    @property
    def any_misunderstood(self) -> bool:
        """Whether a client broke or understood something otherwise."""
        return any(one.of(Understanding.BROKE) or one.of(Understanding.OTHERWISE) for one in self.clients)

    @property
    def is_complete(self) -> bool:
        """Whether a client was run, and each to its end: what was not seen is not understood."""
        return bool(self.ran) and not any(one.why or one.of(Understanding.NOT_RUN) for one in self.clients)

    @property
    def headline(self) -> str:
        """How many of the clients survive, in words."""
        return f"{len(self.survivors)} of {len(self.ran)} survive"

    def broken_by(self, requirement: str) -> tuple[str, ...]:
        """The titles of the clients that break in a scenario with findings of this requirement."""
        explained = {one.id for one in self.scenarios if requirement in one.explained_by}
        return tuple(
            client.title
            for client in self.ran
            if any(one.scenario in explained for one in client.of(Understanding.BROKE))
        )


def client_results_text(results: ClientResults) -> str:
    """The text of clients.json."""
    document = {
        "format": FORMAT,
        "suite": {"name": "chat-conformance", "version": results.suite_version},
        "run": {"profile": results.profile, "base_url": results.base_url, "started": results.started},
        "made": results.made,
        "speed": results.speed,
        "confinement": results.confinement,
        "totals": {
            "clients": len(results.ran),
            "survive": len(results.survivors),
            **{one.value: sum(client.worst is one for client in results.clients) for one in _COUNTED},
        },
        "scenarios": [asdict(one) for one in results.scenarios],
        "left_out": dict(results.left_out),
        "clients": [{**asdict(one), "worst": one.worst.value} for one in results.clients],
        "predicted": [asdict(one) for one in results.predicted],
    }
    return json.dumps(document, ensure_ascii=True, indent=2, allow_nan=False) + "\n"


_COUNTED: Final = (Understanding.BROKE, Understanding.OTHERWISE, Understanding.SAME, Understanding.NOT_RUN)


def read_client_results(path: Path) -> ClientResults:
    """Read a clients.json.

    Raises:
        ResultsError: it cannot be read, is not JSON, or breaks its schema.
    """
    try:
        document = load(read_regular_file(path, _LARGEST))
    except (OSError, UnreadableError) as error:
        raise ResultsError(f"{path}: cannot be read ({error}).") from error
    except JsonError as error:
        raise ResultsError(f"{path}: is not JSON that can be used ({error}).") from error
    _check(path, document)
    run = document["run"]
    return ClientResults(
        suite_version=document["suite"]["version"],
        profile=run["profile"],
        base_url=run["base_url"],
        started=run["started"],
        made=document["made"],
        speed=document["speed"],
        confinement=document["confinement"],
        scenarios=tuple(
            ShownScenario(one["id"], one["kind"], one["exchange"], tuple(one["explained_by"]))
            for one in document["scenarios"]
        ),
        clients=tuple(map(_client, document["clients"])),
        left_out=document["left_out"],
        predicted=tuple(
            Prediction(one["client"], one["kind"], tuple(one["requirements"])) for one in document["predicted"]
        ),
    )


def client_results_beside(directory: Path) -> ClientResults | None:
    """The clients.json of a run's directory, None where there is none.

    Raises:
        ResultsError: it cannot be used.
    """
    path = directory / FILE_NAME
    return read_client_results(path) if path.exists() else None


def _client(one: Mapping[str, Any]) -> ClientResult:
    return ClientResult(
        name=one["name"],
        title=one["title"],
        language=one["language"],
        version=one["version"],
        packages=tuple(one["packages"]),
        why=one["why"],
        seconds=one["seconds"],
        results=tuple(
            ScenarioResult(
                row["scenario"],
                Understanding(row["result"]),
                row["message"],
                tuple(Difference(**difference) for difference in row["differences"]),
                row["requests"],
                tuple(row["waits"]),
            )
            for row in one["results"]
        ),
        quirks=tuple(
            Quirk(row["name"], row["snippet"], tuple(row["helps"]), tuple(row["costs"])) for row in one["quirks"]
        ),
    )


def _check(path: Path, document: object) -> None:
    from jsonschema_rs import Draft202012Validator, ValidationError  # noqa: PLC0415 - takes 50 ms

    schema = load((specs_directory() / "client-results.schema.json").read_text(encoding="utf-8"))
    try:
        Draft202012Validator(schema, validate_formats=True).validate(document)
    except ValidationError as error:
        place = "/" + "/".join(map(str, error.instance_path))
        raise ResultsError(f"{path}: {place}: {one_line(error.message, 300)}.") from error
    except ValueError as problem:
        raise ResultsError(f"{path}: is not a record that can be read ({one_line(str(problem), 200)}).") from problem
