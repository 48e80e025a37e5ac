"""Makes a probe into its HTTP request, and the request into the bytes that are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from conformance import __version__
from conformance.contract.described_parameters import usual_text
from conformance.contract.model import BESIDE_THE_BODY, Operation, Place, Schema
from conformance.probes.model import Probe
from conformance.probes.script import StepKind
from conformance.targets.model import Target
from conformance.wire.credentials import COOKIE, USUAL_SCHEME, CredentialFields, credential_fields
from conformance.wire.errors import RequestError
from conformance.wire.exchange import SentRequest

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"chat-conformance/{__version__}"

# RFC 9110 section 5.6.2 (token) and 5.5 (field value: visible, space and tab inside, obs-text).
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"(?:[\x21-\x7e\x80-\xff](?:[\t \x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
_PARAMETER = re.compile(r"\{([^{}/]+)\}")
# What may stand in a path and query as it is (RFC 3986 section 3.3 and 3.4); `%` stays so that a probe can encode.
_PATH_SAFE = "/%:@!$&'()*+,;=~?-._[]"


def build_request(probe: Probe, operation: Operation, target: Target) -> httpx.Request:
    """The request for a probe, with every header field that is sent and nothing that a library adds.

    Raises:
        RequestError: a path parameter has no value, the base URL is not an http(s) URL, or a header cannot be sent.
        CredentialMissingError: the probe needs a key that the target does not have.
    """
    import httpx  # noqa: PLC0415 - costs 60 ms that a plan or a replay does not need

    scheme, authority, base_path = _base(target.base_url)
    credential = credential_fields(probe.credential, operation.credential or USUAL_SCHEME, target)
    path = ("" if probe.from_root else base_path) + _path(probe, operation, target)
    parameters = {place: _beside(place, probe, operation, target) for place in BESIDE_THE_BODY}
    path = _with_query(path, parameters[Place.QUERY], credential.query, target)
    body = content_of(probe)
    added = {**parameters[Place.HEADER], **_cookie_field(parameters[Place.COOKIE], credential)}
    added |= _added_fields(target, credential)
    headers = [*_headers(probe, operation, credential, authority=authority, body=body, added=added)]
    headers += _script_fields(probe)
    if probe.field_names is not None:
        # But for the host, whose name curl writes in its own way.
        spelled = probe.field_names.spelled
        headers = [(name if name.lower() == "host" else spelled(name), value) for name, value in headers]
    return httpx.Request(
        method=probe.method or operation.method.upper(),
        url=f"{scheme}://{authority}",
        headers=_encoded(probe, headers),
        # With a stream given, httpx adds no header of its own.
        stream=httpx.ByteStream(body or b""),
        # The request target exactly as planned: httpx would take `//` and `..` out of it.
        extensions={"target": path.encode("ascii")},
    )


def sent_request(request: httpx.Request) -> SentRequest:
    """The value that stands for a request in the evidence (still with its secrets)."""
    target: bytes = request.extensions["target"]
    return SentRequest(
        method=request.method,
        url=f"{request.url.scheme}://{request.url.netloc.decode('ascii')}{target.decode('ascii')}",
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw),
        body=request.read(),
    )


_EXTENSION: Final = b';chat-conformance="of no meaning"'
"""A chunk extension that no recipient knows (RFC 9112 section 7.1.1)."""


def head_bytes(
    method: str, target: bytes, fields: Iterable[tuple[bytes, bytes]], kind: StepKind = StepKind.HEAD
) -> bytes:
    """The request line and the header (RFC 9112 sections 3 and 5); `kind` is the step that writes them."""
    version = b"HTTP/1.0" if kind is StepKind.HEAD_1_0 else b"HTTP/1.1"
    lines = [b"%b %b %b" % (method.encode("ascii"), target, version)]
    lines += [b"%b: %b" % field for field in fields]
    return b"\r\n".join([*lines, b"", b""])


def body_bytes(body: bytes, begin: int, end: int, *, chunked: bool, kind: StepKind = StepKind.BODY) -> bytes:
    """A piece of a body: as it is, or as one chunk, the last with what ends the body (RFC 9112 section 7.1).

    `kind` is the step that writes it; it may give each chunk an extension.
    """
    piece = body[begin:end]
    if not chunked:
        return piece
    extension = _EXTENSION if kind is StepKind.EXTENDED else b""
    chunk = b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) if piece else b""
    return chunk + b"0%b\r\n\r\n" % extension if end >= len(body) else chunk


def _base(base_url: str) -> tuple[str, str, str]:
    """Scheme, authority and path (without its last slash) of the base URL."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError as error:
        raise RequestError(f"The base URL cannot be used ({error}); give it as http://host[:port][/path].") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise RequestError(
            "The base URL is not an http or https URL with a host; give it as http://host[:port][/path]."
        )
    if parts.username or parts.password:
        raise RequestError("The base URL holds a user or password; give the key as CONFORMANCE_API_KEY instead.")
    if parts.query or parts.fragment:
        raise RequestError("The base URL has a query or fragment; give only what stands before the operation's path.")
    host = f"[{host}]" if ":" in host else host
    return parts.scheme, host if port is None else f"{host}:{port}", quote(parts.path.rstrip("/"), safe=_PATH_SAFE)


def _path(probe: Probe, operation: Operation, target: Target) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        found = probe.parameters.get(name, target.parameters.get(name))
        if found is None:
            found = usual_text(operation.path_parameters.get(name, True), examples=False)
        if found is None:
            raise RequestError(
                f"The path parameter {name!r} of {operation.path} has no value; give one as --param {name}=VALUE."
            )
        return quote(found, safe="")

    filled = _PARAMETER.sub(value, operation.path if probe.path is None else probe.path)
    return quote(filled, safe=_PATH_SAFE)


def _beside(place: Place, probe: Probe, operation: Operation, target: Target) -> dict[str, str]:
    """The contract's own parameters in the query, the header or the cookies; what the target carries goes before."""
    described: Mapping[str, Schema] = operation.beside.get(place, {}).get("properties", {})
    carried = {Place.QUERY: target.reach.query, Place.HEADER: target.reach.headers}.get(place, {})
    values = {name: target.parameters.get(name, usual_text(schema)) for name, schema in described.items()}
    values = {name: value for name, value in values.items() if name not in carried} | {
        name: value for name, value in probe.parameters.items() if name in described
    }
    return {name: value for name, value in values.items() if value is not None}


def _cookie_field(cookies: Mapping[str, str], credential: CredentialFields) -> dict[str, str]:
    """The one field for the contract's cookies (RFC 6265 section 5.4), with the key where it is one of them."""
    keys = [value for name, value in credential.fields if name == COOKIE]
    pairs = [*(f"{name}={value}" for name, value in cookies.items()), *keys]
    return {COOKIE: "; ".join(pairs)} if cookies else {}


def _with_query(path: str, parameters: Mapping[str, str], credential: str, target: Target) -> str:
    """The path with what the target's requests carry in the query. What is secret stands last, for curl's sake."""
    reach = target.reach
    known = {name: target.reach_values[variable] for name, variable in reach.query_env.items()}
    plain, secret = (
        "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in values.items())
        for values in ({**parameters, **reach.query}, known)
    )
    parts = [part for part in (plain, credential.removeprefix("?"), secret) if part]
    return path + ("&" if "?" in path else "?") + "&".join(parts) if parts else path


def _added_fields(target: Target, credential: CredentialFields) -> dict[str, str]:
    """The header fields that every request carries, but for one in which this probe has a key."""
    reach, taken = target.reach, {name.lower() for name, _ in credential.fields}
    added = {**reach.headers, **{name: target.reach_values[variable] for name, variable in reach.headers_env.items()}}
    return {name: value for name, value in added.items() if name.lower() not in taken}


def content_of(probe: Probe) -> bytes | None:
    """The bytes of a probe's body; None where it has none.

    Raises:
        RequestError: the body is not a JSON value.
    """
    if probe.body is None or isinstance(probe.body, bytes):
        return probe.body
    try:
        return json.dumps(probe.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise RequestError(
            f"The body of probe {probe.name!r} is not a JSON value ({type(error).__name__}); give its bytes instead."
        ) from error


def _headers(
    probe: Probe,
    operation: Operation,
    credential: CredentialFields,
    *,
    authority: str,
    body: bytes | None,
    added: Mapping[str, str],
) -> list[tuple[str, str]]:
    """Every header field, in the order in which they are sent."""
    headers = {"Host": authority, **dict(reversed(credential.fields))}
    headers["User-Agent"] = USER_AGENT
    headers["Accept"] = "text/event-stream" if probe.asks_for_stream else "application/json"
    headers["Accept-Encoding"] = "identity"
    if body is not None:
        headers["Content-Type"] = "application/json"
    own_framing = {name.lower() for name in probe.headers} & {"content-length", "transfer-encoding"}
    if probe.script is not None and probe.script.chunked:
        headers["Transfer-Encoding"] = "chunked"
        own_framing.add("transfer-encoding")
    if not own_framing and (body is not None or (probe.method or operation.method).upper() in {"POST", "PUT", "PATCH"}):
        headers["Content-Length"] = str(len(body or b""))
    for name, value in (*added.items(), *probe.headers.items()):
        spelled = next((usual for usual in headers if usual.lower() == name.lower()), None)
        if spelled is not None and (value is None or spelled != name):
            del headers[spelled]
        if value is not None:
            headers[name] = value
    fields = list(headers.items())
    # A second credential stands behind the first, under the same name.
    return [*fields[:2], *credential.fields[1:], *fields[2:]]


def _script_fields(probe: Probe) -> tuple[tuple[str, str], ...]:
    """The header fields of a probe's script: they follow the usual ones and may repeat a name."""
    return () if probe.script is None else probe.script.fields


def _encoded(probe: Probe, headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    encoded = []
    for name, value in headers:
        try:
            pair = name.encode("ascii"), value.encode("latin-1")
        except UnicodeEncodeError:
            pair = b"", b""
        if not _NAME.fullmatch(pair[0]) or not _VALUE.fullmatch(pair[1]):
            # The value may be a key, so the message does not quote it.
            raise RequestError(
                f"The header {name!r} of probe {probe.name!r} cannot be sent: its value has characters (a line break, "
                "a space at its end, non-Latin text) that HTTP does not allow; check the key or the header."
            )
        encoded.append(pair)
    return encoded
