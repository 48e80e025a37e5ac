"""One probe: a named request, what a conforming deployment does with it, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeGuard

from conformance.contract.model import Tier
from conformance.probes.script import Script

LIMIT_FIELDS: Final[tuple[str, ...]] = ("max_tokens", "max_completion_tokens")
"""The fields that limit a completion's tokens."""
UNLIMITED: Final = 256
"""The assumed cost of a completion that the request does not limit: a short answer to a short question."""
REFUSED_FOR_LOAD: Final = frozenset({429, 503})
"""Statuses by which a deployment says that it is busy: they say nothing of the request itself."""


class Intent(StrEnum):
    """What a conforming deployment does with a probe."""

    SERVED = "served"
    """The request is valid: a completion must come back."""
    REFUSED = "refused"
    """The request is invalid: an error must come back and no completion may be paid for."""
    EITHER = "either"
    """The contract leaves it open; the answer must be well-formed either way."""


class Credential(StrEnum):
    """Whose credential a probe carries. A probe never holds the key itself: `wire` fills it in."""

    OWN = "own"
    OWN_LOWER_CASE = "own-lower-case"
    """The right key, with the name of its scheme in lower case."""
    NONE = "none"
    EMPTY = "empty"
    WRONG = "wrong"
    """A key of the same form that was never issued."""
    BEYOND_ASCII = "beyond-ascii"
    """That key with an octet beyond ASCII behind it."""
    WRONG_SCHEME = "wrong-scheme"
    """The right key under another authentication scheme."""
    OTHER = "other"
    """The key of the second tenant (CONFORMANCE_OTHER_API_KEY)."""
    CHANGED = "changed"
    """The right key with one character changed: as secret as the key itself, like the next two."""
    CUT = "cut"
    """The right key without its last character."""
    EXTENDED = "extended"
    """The right key with one character more."""
    OTHER_CASE = "other-case"
    """The right key in the other letter case: as secret as the key itself, like the next four."""
    DASH = "dash"
    """The right key with a dash and a digit behind it."""
    COLON = "colon"
    """The right key with a colon and a digit behind it."""
    SLASH = "slash"
    """The right key with a slash and a digit behind it."""
    WORD = "word"
    """The right key with a space and a digit behind it, where its scheme has a name."""
    SPACED = "spaced"
    """The right key after two spaces, where its scheme has a name."""
    OTHER_HEADER = "other-header"
    """The right key in a header field that the contract does not name."""
    IN_QUERY = "in-query"
    """The right key in the URL, and no header field."""
    BESIDE_OTHER = "beside-other"
    """The right key, and a wrong one in a header field that the contract does not name."""
    WRONG_BESIDE_OTHER = "wrong-beside-other"
    """A wrong key, and the right one in a header field that the contract does not name."""
    TWICE = "twice"
    """Two header fields, one with the right key and one with a wrong one."""
    TWICE_WRONG = "twice-wrong"
    """Two header fields, each with a wrong key."""


class FieldNames(StrEnum):
    """The letter case in which all names of header fields are written."""

    UPPER = "upper"
    LOWER = "lower"

    def spelled(self, name: str) -> str:
        """The name of a field in this case."""
        return name.upper() if self is FieldNames.UPPER else name.lower()


@dataclass(frozen=True, slots=True)
class Probe:
    """One named request with an intent.

    `about` says in words what is special about it. `body` is a JSON value, or the exact bytes to send; None sends no
    body. `path` replaces the operation's path and is appended to the base URL, or with `from_root` to the host alone;
    None means the operation's own. `parameters` replaces the target's values of single parameters, of the path and
    beside it; None leaves one out that is not of the path. `headers` are added to the usual ones; the value None
    removes one; `field_names` is the letter case of all their names but the host's, where it is not the usual one.
    `completion_tokens` is the worst case that a deployment may charge for. `connection` names a connection that
    several probes share one after another, in the plan's order; None leaves it to the pool. `disconnect_after` makes
    the client hang up after so many bytes of the body. `wave` orders probes that must not overlap: a wave is sent
    when the one before has ended (`waves` has them).
    """

    name: str
    about: str
    intent: Intent
    body: Any = field(default=None, hash=False)
    method: str | None = None
    path: str | None = None
    from_root: bool = False
    parameters: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    headers: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    field_names: FieldNames | None = None
    credential: Credential = Credential.OWN
    completion_tokens: int = 0
    tier: Tier = Tier.STANDARD
    connection: str | None = None
    disconnect_after: int | None = None
    wave: int = 0
    generated: bool = False
    """Whether it is one of many generated requests, which are only sent while the limits allow."""
    script: Script | None = None
    """How the request is put on the wire, where not as an ordinary client does it."""
    instead: tuple[Probe, ...] = ()
    """Sent after it, one by one, where it must be served and was not, or may be and broke the server."""
    apart_unless_served: bool = False
    """Whether these are sent also where it may be refused and was: then it says nothing, and each of them does."""

    @property
    def leaves(self) -> bool:
        """Whether the client ends its side of the connection before the answer has ended."""
        return self.script is not None and self.script.leaves

    @property
    def asks_for_stream(self) -> bool:
        """Whether the body asks for an event stream."""
        return isinstance(self.body, Mapping) and self.body.get("stream") is True


def worst_case_tokens(body: Any) -> int:
    """The most completion tokens that a deployment may charge for a body: the limit times the choices."""
    if not isinstance(body, Mapping):
        return 0
    limits = [body.get(name) for name in LIMIT_FIELDS]
    limit = next((value for value in limits if _is_count(value)), UNLIMITED)
    choices = body.get("n")
    return limit * (choices if _is_count(choices) else 1)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def served_probe(name: str, about: str, body: Any, **fields: Any) -> Probe:
    """A probe that a conforming deployment answers with a completion; `fields` are further ones of `Probe`."""
    return _probe(name, about, Intent.SERVED, body, fields)


def refused_probe(name: str, about: str, body: Any, **fields: Any) -> Probe:
    """A probe that a conforming deployment answers with an error; `fields` are further ones of `Probe`."""
    return _probe(name, about, Intent.REFUSED, body, fields)


def either_probe(name: str, about: str, body: Any, **fields: Any) -> Probe:
    """A probe that a deployment may serve or refuse; `fields` are further ones of `Probe`."""
    return _probe(name, about, Intent.EITHER, body, fields)


def _probe(name: str, about: str, intent: Intent, body: Any, fields: dict[str, Any]) -> Probe:
    return Probe(name, about, intent, body, **{"completion_tokens": worst_case_tokens(body), **fields})
