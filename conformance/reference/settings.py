"""How one reference deployment is set up: its tenants, models, limits and deliberate slowness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.reference.errors import DeploymentError
from conformance.targets import demo


@dataclass(frozen=True, slots=True)
class Tenant:
    """One customer of the deployment. `parameters` are its own values of the path's parameters, by their names."""

    name: str
    api_key: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """How long a client may take on one connection, in seconds, and how many connections may be open at once."""

    most: int = 512
    """More than the suite ever opens; one beyond it is closed unread."""
    head_timeout: float = 15.0
    """From the first byte of a request (on a new connection: from its start) to the end of its head."""
    body_timeout: float = 60.0
    """From there to the end of a body that nobody reads; `Settings.body_timeout` is for those that are read."""
    write_timeout: float = 60.0
    """How long a client may not read while more of its answer is ready."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything about a deployment that is not in its contract. Sizes in bytes, times in seconds."""

    profile: str
    tenants: tuple[Tenant, ...]
    models: tuple[str, ...] = (demo.MODEL,)
    """The served models, if the contract does not list their names."""
    max_body: int = 4 * 1024 * 1024
    """The largest request body; a larger one is refused with 413."""
    max_drain: int = 32 * 1024 * 1024
    """How much of a body that is too large is still read, so that its sender sees the 413."""
    max_depth: int = 64
    """How deep arrays and objects of a request may be nested."""
    context_window: int = 131_072
    """Tokens of prompt and completion together."""
    body_timeout: float = 30.0
    """How long a request body may take to arrive."""
    latency: float = 0.0
    """The wait before every answer."""
    event_delay: float = 0.0
    """The wait between two events of a stream."""
    connections: ConnectionBounds = field(default_factory=ConnectionBounds)

    def __post_init__(self) -> None:
        keys = [tenant.api_key for tenant in self.tenants]
        if not keys or not all(keys):
            raise DeploymentError("The reference deployment needs at least one tenant with a key that is not empty.")
        if len(set(keys)) != len(keys):
            raise DeploymentError("Two tenants of the reference deployment have the same key; give each its own.")
        if not self.models:
            raise DeploymentError("The reference deployment serves no model; name at least one.")
        if min(self.max_body, self.max_depth, self.context_window) < 1:
            raise DeploymentError("max_body, max_depth and context_window must be at least 1.")
