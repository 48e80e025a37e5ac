"""What was seen on the wire: one request, its answer as timed bytes, and how it ended. Nothing is interpreted here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from conformance.probes.script import Step

Headers = tuple[tuple[str, str], ...]
"""Header fields in the order and spelling of the wire, decoded as latin-1."""


class EndKind(StrEnum):
    """How an exchange ended."""

    COMPLETE = "complete"
    """The HTTP message ended as its framing said it would."""
    TRUNCATED = "truncated"
    """The peer closed the connection before the message was complete."""
    RESET = "reset"
    """The connection was reset, or failed in another way, after the request was sent."""
    CLOSED = "closed"
    """The peer closed the connection without sending an answer."""
    UNREACHABLE = "unreachable"
    """No connection could be made (refused, DNS, TLS)."""
    CONNECT_TIMEOUT = "connect-timeout"
    FIRST_BYTE_TIMEOUT = "first-byte-timeout"
    IDLE_TIMEOUT = "idle-timeout"
    DEADLINE = "deadline"
    """The request's total deadline passed."""
    TOO_LARGE = "too-large"
    """A size limit was reached; `detail` names it."""
    MALFORMED = "malformed"
    """The answer is not HTTP/1.1 as RFC 9112 has it; `detail` says why."""
    HUNG_UP = "hung-up"
    """The client hung up, as the probe planned."""


RUN_IS_FULL = "the bodies of this run take all that is kept"
"""How the detail of an ending begins when the run's memory is full: other exchanges have taken it all."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an exchange ended: `kind`, a short `detail` in words, and `at`, seconds after the request began."""

    kind: EndKind
    at: float = field(compare=False)
    detail: str = ""

    @property
    def by_run_limit(self) -> bool:
        """Whether the run's memory was full, so that the cut says nothing about this exchange."""
        return self.kind is EndKind.TOO_LARGE and self.detail.startswith(RUN_IS_FULL)


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it was sent, but for redacted secrets.

    `steps` says how its bytes were written where they were not written at once; amounts are bytes of the body or
    seconds. `body` is the part that was sent, before the chunked coding.
    """

    method: str
    url: str
    headers: Headers
    body: bytes
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """One read of the response body: the bytes after transfer coding and before content coding.

    `at` is in seconds after the request began (monotonic clock).
    """

    at: float = field(compare=False)
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status line, raw header fields, and the body in the reads in which it arrived."""

    status: int
    reason: str
    http_version: str
    headers: Headers
    headers_at: float = field(compare=False)
    reads: tuple[Read, ...] = ()

    @property
    def body(self) -> bytes:
        """All body bytes, before content decoding."""
        return b"".join(read.data for read in self.reads)

    def header(self, name: str) -> str | None:
        """The value of a header field: several fields of one name are joined with a comma (RFC 9110 §5.3)."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True)
class Peer:
    """Who was at the other end of a connection, as the run saw it.

    `address` is that of the socket, `203.0.113.7:443` or `[2001:db8::7]:443`: a proxy's where there is one.
    `certificates` are those that the peer sent, as DER and its own first; empty without TLS.
    """

    address: str
    certificates: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Redaction:
    """One place where a secret stood before it was taken out.

    `secret` is the secret's name, never its value; `form` the encoding it was found in (`plain`, `base64`, …);
    `where` is `request`, `status`, `header NAME`, `head`, `body`, `ending` or `certificate`.
    """

    secret: str
    form: str
    where: str


CODED_FORM: Final = "content-coding "
"""How the form of a redaction begins that changed a body in a content coding; the coding follows."""
BEYOND_BOUND: Final = ", withheld: beyond the bound"
UNKNOWN_CODING: Final = ", withheld: not decoded here"
"""How such a form ends where part of the body, or all of it, could not be searched for secrets."""


UNSEARCHED: Final = "withheld: too much to search"
"""The form of such a redaction where the body is in no content coding."""


class BodyKept(StrEnum):
    """How evidence kept a body."""

    AS_IT_CAME = "as it came"
    DECODED = "decoded"
    """Decoded and redacted, for the coded bytes held a secret."""
    IN_PART = "in part"
    """With asterisks from where it decodes to more than is searched."""
    HIDDEN = "hidden"
    """As asterisks, for its coding is unknown."""
    WITHHELD = "withheld"
    """With asterisks from where it writes so much in codings that it could not be searched."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One attempt at one probe.

    `id` is unique in a run (`stream/plain#1`: the probe's name and the attempt's number, from 1). `started` is the
    wall-clock time in ISO 8601, UTC. `last` says whether no further attempt followed.
    """

    id: str
    probe: str
    attempt: int
    started: str = field(compare=False)
    request: SentRequest
    answer: Answer | None
    ending: Ending
    connection: int | None = field(default=None, compare=False)
    """A number for the connection that carried it; equal numbers mean a kept-alive connection."""
    redactions: tuple[Redaction, ...] = ()
    last: bool = True
    head: bytes = b""
    """The answer's bytes as they came from the wire, to the end of the header, interim answers included. Where the
    header did not end, all that is kept of it. At most 64 KiB; empty where it was not recorded."""
    tls: str | None = field(default=None, compare=False)
    """The version of TLS, such as `TLSv1.3`; None without TLS, or where it was not recorded."""
    round: int = 0
    """0 for the run itself, n for the nth time that its findings were tried again."""
    peer: Peer | None = field(default=None, compare=False)
    """The peer of the connection, in the first exchange that went over it; None in all others."""
    held_up: float = field(default=0.0, compare=False)
    """Seconds, while it was under way, in which this program got no turn to read: what came then is dated later."""

    @property
    def body_kept(self) -> BodyKept:
        """How evidence kept the body of the answer."""
        found = [one.form for one in self.redactions if one.where == "body"]
        if UNSEARCHED in found:
            return BodyKept.WITHHELD
        forms = [form for form in found if form.startswith(CODED_FORM)]
        if not forms:
            return BodyKept.AS_IT_CAME
        if forms[0].endswith(BEYOND_BOUND):
            return BodyKept.IN_PART
        return BodyKept.HIDDEN if forms[0].endswith(UNKNOWN_CODING) else BodyKept.DECODED
