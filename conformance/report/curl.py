"""Writes a request as a short curl command that sends it again, with the key from the environment."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator, Mapping
from functools import partial
from urllib.parse import urlsplit

from conformance.evidence.redaction import CREDENTIAL_HEADERS, NEARLY, UNKNOWN_CREDENTIAL, VARIED
from conformance.probes.script import StepKind
from conformance.report.socket_command import Masked, socket_command
from conformance.strict_json import JsonError, load
from conformance.targets import Reach
from conformance.wire.exchange import Exchange, SentRequest

API_KEY, OTHER_API_KEY = "CONFORMANCE_API_KEY", "CONFORMANCE_OTHER_API_KEY"
WRONG_API_KEY = "CONFORMANCE_WRONG_API_KEY"
VARIABLES = {
    "api-key": API_KEY,
    "other-api-key": OTHER_API_KEY,
    UNKNOWN_CREDENTIAL: WRONG_API_KEY,
    NEARLY.format("api-key"): WRONG_API_KEY,
    NEARLY.format("other-api-key"): WRONG_API_KEY,
    VARIED.format("api-key"): WRONG_API_KEY,
    VARIED.format("other-api-key"): WRONG_API_KEY,
}
"""The environment variable that holds each secret. A deliberately wrong key has one of its own."""

A_WRONG_KEY = "never-issued"
"""What stands for a deliberately wrong key where its variable is not set."""

LONGEST_ARGUMENT = 100_000
"""The longest body, in bytes, that is given as an argument; Linux allows 128 KiB. A longer one is piped."""

_USER_AGENT = re.compile(r"chat-conformance/[\w.+-]+")
_MASKED = re.compile(r"\*+$")
_NOTHING_ADDED = Reach()
_PLAIN_TEXT = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*")
_PLAIN_PREFIX = re.compile(r"[\w :=./-]*", re.ASCII)
_GLOB = re.compile(r"[\[\]{}]")
_DOTS = re.compile(r"/\.{1,2}(/|$|\?)")
_EXPECT_FROM = 1024
"""Body bytes from which on some versions of curl ask before they send (Expect: 100-continue)."""


def curl_command(
    request: SentRequest,
    credential_header: str = "Authorization",
    variable: str = API_KEY,
    reach: Reach = _NOTHING_ADDED,
) -> str:
    """A command for a POSIX shell that sends the request, and shows the answer with its header.

    It has the request's target, body, and every header field that matters, in order. Fields that stand for nothing but
    the client that sent them are left to curl (`left_to_curl`). The masked value of `credential_header` is replaced by
    the environment variable `variable`, and what `reach` adds by the variable that it names. A key that was sent
    anywhere else stays masked.
    """
    source, argument = _body(request.body)
    url, *secret_query = _url(request.url, reach)
    first = " ".join(["curl", *_options(request), url])
    headers = (f"-H {header}" for header in _headers(request, partial(_masked, credential_header, variable, reach)))
    command = " \\\n  ".join([first, *secret_query, *_way(reach), *headers, *argument])
    return f"{source} | {command}" if source else command


def curl_for(
    exchange: Exchange,
    credential_header: str = "Authorization",
    reach: Reach = _NOTHING_ADDED,
    names: Mapping[str, str] | None = None,
) -> str:
    """The command for an exchange; which environment variable it takes follows from whose key was sent.

    `names` are the variables that a named target has its keys in, by those that they replace. A request that was sent
    in steps becomes a small program instead, since curl cannot send in steps.
    """
    sent = [redaction.secret for redaction in exchange.redactions if redaction.form == "credential header"]
    variable = next((VARIABLES[secret] for secret in sent if secret in VARIABLES), API_KEY)
    variable = (names or {}).get(variable, variable)
    request = exchange.request
    place = next((int(step.amount) for step in request.steps if step.kind is StepKind.PIPELINED), None)
    if place is not None:
        note = f"# Sent in one write with the other requests of its connection, as number {place}; on its own, it is:"
        return f"{note}\n{curl_command(request, credential_header, variable, reach)}"
    if request.steps:
        masked = partial(_masked, credential_header, variable, reach)
        return socket_command(request, masked, reach, {WRONG_API_KEY: A_WRONG_KEY})
    return curl_command(request, credential_header, variable, reach)


def left_to_curl(request: SentRequest) -> frozenset[str]:
    """The header fields, by lower-case name, that a command leaves to curl: they are as our client always sends them.

    Host is the URL's, Content-Length is the body's, and nothing hangs on the others: the name of the client, the media
    type that any answer to this request has, and that no content coding is wanted.
    """
    values: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.istitle():  # curl writes the names in this letter case, too
            values.setdefault(name.lower(), []).append(value)
    usual = {
        "host": urlsplit(request.url).netloc,
        "accept": "text/event-stream" if _asks_for_stream(request.body) else "application/json",
        "accept-encoding": "identity",
    }
    if request.body:  # without one, curl says nothing of its length
        usual["content-length"] = str(len(request.body))
    left = {name for name, value in usual.items() if values.get(name) == [value]}
    if len(values.get("user-agent", ())) == 1 and _USER_AGENT.fullmatch(values["user-agent"][0]):
        left.add("user-agent")
    return frozenset(left)


def _asks_for_stream(body: bytes) -> bool:
    try:
        value = load(body)
    except JsonError:
        return False
    return isinstance(value, dict) and value.get("stream") is True


def _options(request: SentRequest) -> Iterator[str]:
    """`-i` shows the header of the answer, `-N` each event as it comes; the rest is for the odd request."""
    yield "-isSN"
    if urlsplit(request.url).scheme == "https":
        yield "--http1.1"
    path = request.url.partition("//")[2]
    if _DOTS.search(path):
        yield "--path-as-is"
    if _GLOB.search(path):
        yield "--globoff"
    if request.method == "HEAD":
        yield "--head"
    elif request.method != ("POST" if request.body else "GET"):
        yield f"-X {shlex.quote(request.method)}"


def _masked(credential_header: str, variable: str, reach: Reach, name: str, value: str) -> tuple[int, str] | None:
    """Where a masked secret in a header field begins, and the variable that holds it; None if it has none."""
    added = next((one for header, one in reach.headers_env.items() if header.lower() == name.lower()), None)
    credentials = {header.lower() for header in (*CREDENTIAL_HEADERS, credential_header)}
    masked = _MASKED.search(value) if added is not None or name.lower() in credentials else None
    # A whole value is held by the variable: what has a scheme before it in spite of that is masked but for that.
    return None if masked is None else (0, added) if added is not None else (masked.start(), variable)


def _url(url: str, reach: Reach) -> Iterator[str]:
    """The URL, then the secrets at the end of its query as further options, for curl encodes what a variable holds."""
    plain, _, query = url.partition("?")
    parts = query.split("&") if query else []
    secret = {f"{name}=": variable for name, variable in reach.query_env.items()}
    shown = [part for part in parts if not part.startswith(tuple(secret))]
    yield shlex.quote("?".join([plain, *(["&".join(shown)] if shown else [])]))
    if len(shown) < len(parts):
        yield from (f'--url-query {shlex.quote(start)}"${variable}"' for start, variable in secret.items())


def _way(reach: Reach) -> Iterator[str]:
    """The certificates and the proxy that the request went by."""
    files = {"--cacert": reach.ca_file, "--cert": reach.client_cert, "--key": reach.client_key, "--proxy": reach.proxy}
    yield from (f"{option} {shlex.quote(value)}" for option, value in files.items() if value)
    variables = {"--pass": reach.client_key_password_env, "--proxy-user": reach.proxy_credentials_env}
    yield from (f'{option} "${variable}"' for option, variable in variables.items() if variable)


def _headers(request: SentRequest, masked: Masked) -> Iterator[str]:
    """Every header field that matters, in order; then those that curl would add, switched off."""
    left = left_to_curl(request)
    for name, value in request.headers:
        held = masked(name, value)
        if name.lower() in left:
            continue
        if held is not None:
            yield _with_key(f"{name}: {value[: held[0]]}", held[1])
        elif value:
            yield _quoted(f"{name}: {value}")
        else:
            # With a colon and no value, curl would remove the field.
            yield shlex.quote(f"{name};")
    given = {name.lower() for name, _ in request.headers}
    for name in _added_by_curl(request.body):
        if name.lower() not in given:
            yield shlex.quote(f"{name}:")


def _added_by_curl(body: bytes) -> Iterator[str]:
    yield from ("Accept", "User-Agent")
    if body:
        yield "Content-Type"
    if len(body) >= _EXPECT_FROM:
        yield "Expect"


def _with_key(before: str, variable: str) -> str:
    """A header field that ends with the key, which the shell takes from the environment."""
    key = f"${{{variable}:-{A_WRONG_KEY}}}" if variable == WRONG_API_KEY else f"${variable}"
    return f'"{before}{key}"' if _PLAIN_PREFIX.fullmatch(before) else f'{shlex.quote(before)}"{key}"'


def _quoted(field: str) -> str:
    """A header field for the shell; bytes beyond ASCII go through printf, since a terminal would write UTF-8."""
    if field.isascii():
        return shlex.quote(field)
    octal = "".join(
        char if char.isalnum() and char.isascii() else f"\\{byte:03o}"
        for char, byte in zip(field, field.encode("latin-1", "replace"), strict=True)
    )
    return f"\"$(printf '{octal}')\""


def _body(body: bytes) -> tuple[str, list[str]]:
    """What is piped into curl, if anything, and the option that makes curl send the body."""
    if not body:
        return "", []
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or not _PLAIN_TEXT.fullmatch(text):
        return f"printf %s {base64.b64encode(body).decode('ascii')} | base64 -d", ["--data-binary @-"]
    if len(body) > LONGEST_ARGUMENT:
        return f"printf %s {shlex.quote(text)}", ["--data-binary @-"]
    # `-d @…` would read a file.
    return "", [f"{'--data-raw' if text.startswith('@') else '-d'} {shlex.quote(text)}"]
