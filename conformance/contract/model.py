"""The values that a contract is made of: sources, requirements, the operation and the contract itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from conformance.contract.media_types import is_event_stream
from conformance.shipped import shipped_profiles

Schema = Mapping[str, Any] | bool
"""A JSON Schema (2020-12) with every `$ref` resolved but those of a recursion."""


class Level(StrEnum):
    """How binding a requirement is (RFC 2119)."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Basis(StrEnum):
    """What a requirement rests on, from the strongest to the weakest."""

    STATED = "stated"
    """The document's text says it."""
    SCHEMA = "schema"
    """The document's schema says it."""
    REFERENCE = "reference"
    """A standard that the document leans on says it."""
    EXAMPLE = "example"
    """Only an example shows it."""
    INFERRED = "inferred"
    """Nothing says it; clients depend on it."""


class Section(StrEnum):
    """The part of the contract that a requirement belongs to."""

    TRANSPORT = "transport"
    COMPLETION = "completion"
    STREAM = "stream"
    TOOLS = "tools"
    STRUCTURED = "structured"
    REASONING = "reasoning"
    PARTS = "parts"
    REQUEST = "request"
    ERROR = "error"
    ACCESS = "access"
    ROBUSTNESS = "robustness"


class Tier(StrEnum):
    """How much a run may spend. Smoke, standard and exhaustive each include the one before.

    Load stands beside exhaustive: it includes standard, and what may hurt a deployment that others are using.
    """

    SMOKE = "smoke"
    STANDARD = "standard"
    EXHAUSTIVE = "exhaustive"
    LOAD = "load"

    def includes(self, other: Tier) -> bool:
        """Whether a run of this tier judges what belongs to `other`."""
        return other is self or other is Tier.SMOKE or (other is Tier.STANDARD and self is not Tier.SMOKE)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a requirement comes from.

    `document` is the short name of a document or standard (`whatwg-sse`, `rfc9110`), `place` the
    section, sentence or JSON pointer in it, `title` its full name and `url` where it is published, if it is.
    """

    document: str
    place: str
    basis: Basis
    title: str = ""
    url: str | None = None


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document or standard that sources name: its short name, full title, and where it can be read.

    `file` and `sha256` (hexadecimal) identify the very text that the contract was rebuilt from, where it is at hand.
    """

    name: str
    title: str
    url: str | None = None
    file: str | None = None
    sha256: str | None = None


class Place(StrEnum):
    """Where in a request a value stands, in the words of OpenAPI; and its body."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    BODY = "body"


_MOST_BRANCHES = 20
BESIDE_THE_BODY: Final = (Place.QUERY, Place.HEADER, Place.COOKIE)
"""The places of parameters that stand neither in the path nor in the body."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """One constraining keyword of one schema of the contract.

    `location` says which schema: `request`, `path.NAME`, `query`, `header`, `cookie`, `completion`, `stream.chunk` or
    `error.400`.
    `pointer` is the JSON pointer of the keyword inside this schema (`/properties/n/minimum`). `name` is the
    keyword, `value` what it is set to. For `required`, one `Keyword` stands for one property and `value` is its name.
    """

    location: str
    pointer: str
    name: str
    value: Any = field(hash=False)
    schema: Schema = field(hash=False, repr=False)
    """The schema object that holds the keyword."""

    @property
    def place(self) -> Place | None:
        """Where in a request it applies, or None for a keyword of answers."""
        kind = self.location.partition(".")[0]
        return Place.BODY if kind == "request" else next((one for one in Place if one.value == kind), None)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative statement about a deployment, with a stable id.

    `digest` is the sha256 of what the requirement rests on; when it differs from the reviewed one, the
    requirement is stale. `keyword` is set for requirements that were derived from a schema.
    """

    id: str
    level: Level
    section: Section
    statement: str
    source: Source
    digest: str
    tier: Tier = Tier.STANDARD
    keyword: Keyword | None = None
    excluded: str | None = None
    case: Mapping[str, Any] | None = field(default=None, hash=False)
    """A declared example (request and expected answer) that decides the requirement, if its row has one."""
    shows: tuple[str, ...] = ()
    """Optional fields of a request whose effect it shows: kept, they are honoured; broken, ignored."""
    scored: bool = True
    """Whether the verdict depends on it: False for what was added after the release that is judged by."""


@dataclass(frozen=True, slots=True)
class CredentialScheme:
    """How a caller shows who it is: by a key in a header field, in the query or in a cookie, as `place` says."""

    header: str
    """The name of the field, of the query's parameter or of the cookie."""
    prefix: str = ""
    """What stands before the key in the header's value, with its space (`Bearer `)."""
    source: Source | None = None
    place: Place = Place.HEADER


@dataclass(frozen=True, slots=True)
class SecondValue:
    """The second tenant's value of a parameter: its key and variable, as of the parameter itself.

    `demo` is its public value at the reference deployment, `unknown` a value that names nothing that exists.
    """

    key: str
    variable: str
    demo: str
    unknown: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path, query, header or body of a request whose value only an operator knows.

    `name` is as the document spells it, `noun` what it names (`organization`). `key` is its name in conformance.toml
    and in the evidence, `variable` the environment variable that fills it. Without a `default` it must be configured.
    """

    name: str
    place: Place
    noun: str
    key: str
    variable: str
    also: tuple[str, ...] = ()
    """Other names that a user's own document may give to a parameter of the path."""
    format: str | None = None
    """The form that a value must have (`uuid`), if any."""
    default: str | None = None
    demo: str | None = None
    """Its public value at the reference deployment."""
    names_caller: bool = False
    """Whether it says who is calling."""
    second: SecondValue | None = None
    """The second tenant's value, where the value says whose data a request is about."""

    @property
    def in_path(self) -> bool:
        """Whether it is a part of the path."""
        return self.place is Place.PATH

    @property
    def in_body(self) -> bool:
        """Whether it is a member of the body."""
        return self.place is Place.BODY

    @property
    def placeholder(self) -> str:
        """What stands for its value in the smallest valid request."""
        return f"{{{self.name}}}"


@dataclass(frozen=True, slots=True)
class Response:
    """One documented response: its schema for each media type."""

    status: str
    """`200`, `4XX` or `default`, as the document writes it."""
    json_schema: Schema | None
    item_schema: Schema | None
    """The schema of one event's data, where the response is an event stream."""
    media_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """The one operation under test."""

    method: str
    path: str
    """As in the document, with its parameters in braces."""
    path_parameters: Mapping[str, Schema] = field(hash=False)
    request_schema: Schema = field(hash=False)
    responses: tuple[Response, ...] = field(hash=False)
    credential: CredentialScheme | None
    examples: tuple[Any, ...] = field(default=(), hash=False)
    """Request bodies that the document gives as examples."""
    beside: Mapping[Place, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    """What a request must have in its query, header and cookies: each as the schema of an object of texts."""
    further_credentials: tuple[CredentialScheme, ...] = ()
    """Keys that a request needs beside that of `credential`."""
    perhaps_valid: Schema | None = field(default=None, hash=False, repr=False)
    """What accepts every request that may be meant to be valid, where that is more than `request_schema` accepts."""

    def response(self, status: int) -> Response | None:
        """The documented response that covers an HTTP status: exact, then range (`4XX`), then `default`."""
        documented = {response.status.upper(): response for response in self.responses}
        for key in (str(status), f"{status // 100}XX", "DEFAULT"):
            if key in documented:
                return documented[key]
        return None

    def error_response(self, status: int) -> Response | None:
        """The documented response that says how an error with this status looks.

        A status that the document does not describe looks like a request that is not valid, and that like a failure.
        """
        described = (self.response(one) for one in (status, self.invalid_status, 500))
        return next((one for one in described if one is not None and one.json_schema is not None), None)

    @property
    def only_streams(self) -> bool:
        """Whether every answer that the document describes is an event stream."""
        success = self.success
        return bool(success.media_types) and all(map(is_event_stream, success.media_types))

    @property
    def success(self) -> Response:
        """The documented response of a completion: that of 200, or else of another success; empty without one."""
        others = (response for response in self.responses if response.status.startswith("2"))
        return self.response(200) or next(others, None) or Response("200", None, None, ())

    @property
    def invalid_status(self) -> int:
        """The status that refuses a request that is not valid: 400, or 422 where the document has only that."""
        documented = {response.status for response in self.responses}
        return 422 if "422" in documented and not documented & {"400", "4XX", "4xx"} else 400

    @property
    def properties(self) -> Mapping[str, Schema]:
        """The request body's properties by name; of several kinds of requests, those of the one that is sent."""
        found: dict[str, Schema] = {}
        for schema in self._spoken:
            found = {**schema.get("properties", {}), **found}
        return found

    @property
    def required(self) -> tuple[str, ...]:
        """The members that a request must have; of several kinds of requests, the one that is sent."""
        return tuple(dict.fromkeys(name for schema in self._spoken for name in schema.get("required", ())))

    @property
    def _spoken(self) -> tuple[Mapping[str, Any], ...]:
        """The request schema, and the branch of a choice within it that has messages, or else its first."""
        schemas: list[Mapping[str, Any]] = []
        ahead: list[Any] = [self.request_schema]
        while ahead and len(schemas) < _MOST_BRANCHES:
            schema = ahead.pop(0)
            if isinstance(schema, Mapping):
                schemas.append(schema)
                ahead += schema.get("allOf", ())
                for keyword in ("anyOf", "oneOf"):
                    objects = [one for one in schema.get(keyword, ()) if isinstance(one, Mapping)]
                    ahead += sorted(objects, key=lambda one: "messages" not in one.get("properties", {}))[:1]
        return tuple(schemas)


@dataclass(frozen=True, slots=True)
class Profile:
    """Which contract this is: its name, version and the digest of the document that it was read from."""

    name: str
    version: str
    sha256: str
    title: str
    path: str
    """Where the document was read from, as the user named it."""
    standards: tuple[str, ...]
    """Short names of the standards that the document leans on."""
    operation: str | None = None
    """The operation that was chosen among those of the document, if one was."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a deployment promised: one operation and the requirements on it, in the catalogue's order."""

    profile: Profile
    operation: Operation
    requirements: tuple[Requirement, ...]
    document: Mapping[str, Any] = field(hash=False, repr=False)
    """The OpenAPI document as it was read."""
    excluded: tuple[Requirement, ...] = ()
    """Requirements that cannot be judged, each with its reason in `excluded`; none of them is in `requirements`."""
    template: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    """The smallest valid request; `{model}` and the placeholders of parameters stand for the target's own values."""
    parameters: tuple[Parameter, ...] = ()
    """What an operator configures beside the key and the model."""
    sources: Mapping[str, SourceDocument] = field(default_factory=dict, hash=False, repr=False)
    """The documents and standards that the requirements' sources name, by short name."""

    @property
    def tenancy(self) -> tuple[Parameter, ...]:
        """The parameters of the path that say whose data a request is about."""
        return tuple(parameter for parameter in self.parameters if parameter.second is not None)

    @property
    def is_own(self) -> bool:
        """Whether it is a user's own, and not one of those that are shipped."""
        return self.profile.name not in shipped_profiles()

    def requirement(self, requirement_id: str) -> Requirement | None:
        """The requirement with this id, or None where the profile has none."""
        return next((row for row in self.requirements if row.id == requirement_id), None)
