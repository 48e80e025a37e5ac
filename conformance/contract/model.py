"""The values that a contract is made of: sources, requirements, the operation and the contract itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Keyword:
    """One constraining keyword of one schema of the contract.

    `location` says which schema: `request`, `path.NAME`, `completion`, `stream.chunk` or `error.400`.
    `pointer` is the JSON pointer of the keyword inside this schema (`/properties/n/minimum`). `name` is the
    keyword, `value` what it is set to. For `required`, one `Keyword` stands for one property and `value` is its name.
    """

    location: str
    pointer: str
    name: str
    value: Any = field(hash=False)
    schema: Schema = field(hash=False, repr=False)
    """The schema object that holds the keyword."""


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
    scored: bool = True
    """Whether the verdict depends on it: False for what was added after the release that is judged by."""


@dataclass(frozen=True, slots=True)
class CredentialScheme:
    """How a caller shows who it is: the value of one request header."""

    header: str
    prefix: str = ""
    """What stands before the key in the header's value, with its space (`Bearer `)."""
    source: Source | None = None


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
    """A part of the path, or a member of the request body, whose value only an operator knows.

    `name` is as the document spells it, `noun` what it names (`organization`). `key` is its name in conformance.toml
    and in the evidence, `variable` the environment variable that fills it. Without a `default` it must be configured.
    """

    name: str
    in_path: bool
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

    def response(self, status: int) -> Response | None:
        """The documented response that covers an HTTP status: exact, then range (`4XX`), then `default`."""
        documented = {response.status.upper(): response for response in self.responses}
        for key in (str(status), f"{status // 100}XX", "DEFAULT"):
            if key in documented:
                return documented[key]
        return None

    @property
    def properties(self) -> Mapping[str, Schema]:
        """The request body's properties by name."""
        if isinstance(self.request_schema, bool):
            return {}
        properties: Mapping[str, Schema] = self.request_schema.get("properties", {})
        return properties


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

    def requirement(self, requirement_id: str) -> Requirement | None:
        """The requirement with this id, or None where the profile has none."""
        return next((row for row in self.requirements if row.id == requirement_id), None)
