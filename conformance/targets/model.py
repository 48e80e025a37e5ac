"""Which deployment is judged, how to reach it, and what may be spent on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.contract.model import Parameter
from conformance.targets.deployment_dialect import PLAIN, DeploymentDialect
from conformance.targets.reach import Reach


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run, and one request of it, may cost. Times in seconds, sizes in bytes."""

    concurrency: int = 16
    least_concurrency: int = 8
    """So many requests go at once however slow the target is; it counts where it is less than `concurrency`."""
    rate: float | None = None
    """Requests a second at most; None sets no limit."""
    max_requests: int | None = None
    max_completion_tokens: int | None = None
    generated_time: float = 600.0
    """How long generated requests are sent, counted from the first; the rest is not sent."""
    run_deadline: float | None = None
    """A run from its first request to its last answer; None leaves that to the plan."""
    connect_timeout: float = 10.0
    first_byte_timeout: float = 60.0
    """An answer that is not streamed has no byte before it is complete, so this is as long as the deadline."""
    idle_timeout: float = 30.0
    """Longest silence within a body. A reasoning model may send its first chunk at once, then nothing for a while."""
    deadline: float = 60.0
    """One request from its start to the end of its body."""
    max_body: int = 17 * 1024 * 1024
    max_bodies: int = 40 * 1024 * 1024
    """All bodies of a run together, since they are kept in memory."""
    small_body: int = 64 * 1024
    """How much of each further body is kept once `max_bodies` is reached."""
    max_headers: int = 64 * 1024
    max_events: int = 100_000
    """Reads of one event stream after which it counts as endless."""
    max_lines: int = 50_000
    """Lines of a body after which it counts as endless; an event has two at least."""
    retries: int = 2
    """Further attempts after a connection failure, 429 or 503."""
    retry_after_limit: float = 10.0
    """The longest Retry-After that is respected by waiting."""


@dataclass(frozen=True, slots=True)
class Target:
    """The deployment under test. `api_key` and `other_api_key` are secrets: they leave only through `wire`."""

    base_url: str
    """What stands before the operation's path, without a slash at its end."""
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The values of the contract's parameters, by the parameter's name; what is not here has its default."""
    other_api_key: str | None = field(default=None, repr=False)
    other_parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The second tenant's values, by the parameter's name."""
    name: str | None = None
    embedded: bool = False
    trust_environment: bool = False
    """Whether proxies and certificates are taken from the environment."""
    unsupported: tuple[str, ...] = ()
    """Capabilities that the target is declared to lack."""
    second_tenant: bool | None = None
    """Whether it has a second tenant, where that is declared."""
    dialect: DeploymentDialect = PLAIN
    """How it takes requests, once the preflight has found that out."""
    reach: Reach = field(default_factory=Reach)
    """What every request carries beside, and its way."""
    reach_values: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """The values of the variables that `reach` names, which are secrets."""

    @property
    def lacks(self) -> tuple[str, ...]:
        """Every capability that it is known to lack."""
        return tuple(dict.fromkeys((*self.unsupported, *self.dialect.refused)))

    def value(self, parameter: Parameter) -> str | None:
        """The value of one of the contract's parameters, or None where it has none."""
        return self.parameters.get(parameter.name, parameter.default)

    @property
    def secrets(self) -> Mapping[str, str]:
        """Every secret of the target by a name that may be shown."""
        named = {"api-key": self.api_key, "other-api-key": self.other_api_key}
        named |= self.reach.secrets(self.reach_values)
        return {name: value for name, value in named.items() if value}
