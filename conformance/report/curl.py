"""Writes a request as a curl command that sends the same bytes again, with the key from the environment."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator
from functools import partial

from conformance.evidence.redaction import CREDENTIAL_HEADERS, NEARLY, UNKNOWN_CREDENTIAL
from conformance.probes.script import StepKind
from conformance.report.socket_command import Masked, socket_command
from conformance.targets import Reach
from conformance.wire.exchange import Exchange, SentRequest

VARIABLES = {
    "api-key": "CONFORMANCE_API_KEY",
    "other-api-key": "CONFORMANCE_OTHER_API_KEY",
    UNKNOWN_CREDENTIAL: "CONFORMANCE_WRONG_API_KEY",
    NEARLY.format("api-key"): "CONFORMANCE_WRONG_API_KEY",
    NEARLY.format("other-api-key"): "CONFORMANCE_WRONG_API_KEY",
}
"""The environment variable that holds each secret. A deliberately wrong key has one of its own."""

LONGEST_ARGUMENT = 100_000
"""The longest body, in bytes, that is given as an argument; Linux allows 128 KiB. A longer one is piped."""

_ADDED_BY_CURL = ("Accept", "User-Agent", "Content-Type", "Expect")
_MASKED = re.compile(r"\*+$")
_NOTHING_ADDED = Reach()
_PLAIN_TEXT = re.compile(r"[\n\t\x20-\x7e\xa0-\U0010ffff]*")


def curl_command(
    request: SentRequest,
    credential_header: str = "Authorization",
    variable: str = "CONFORMANCE_API_KEY",
    reach: Reach = _NOTHING_ADDED,
) -> str:
    """A command for a POSIX shell that sends the request, byte for byte, and shows the answer with its header.

    The masked value of `credential_header` is replaced by the environment variable `variable`, and what `reach` adds by
    the variable that it names. A key that was sent anywhere else stays masked.
    """
    headers = _headers(request, partial(_masked, credential_header, variable, reach))
    options = [
        "--silent --show-error --include --no-buffer --http1.1 --path-as-is --globoff",
        "--head" if request.method == "HEAD" else f"--request {shlex.quote(request.method)}",
        *_url(request.url, reach),
        *_way(reach),
        *(f"--header {header}" for header in headers),
    ]
    source, argument = _body(request.body)
    command = " \\\n  ".join(["curl", *options, *argument])
    return f"{source} | {command}" if source else command


def curl_for(exchange: Exchange, credential_header: str = "Authorization", reach: Reach = _NOTHING_ADDED) -> str:
    """The command for an exchange; which environment variable it takes follows from whose key was sent.

    A request that was sent in steps becomes a small program instead, since curl cannot send in steps.
    """
    sent = [redaction.secret for redaction in exchange.redactions if redaction.form == "credential header"]
    variable = next((VARIABLES[secret] for secret in sent if secret in VARIABLES), VARIABLES["api-key"])
    request = exchange.request
    place = next((int(step.amount) for step in request.steps if step.kind is StepKind.PIPELINED), None)
    if place is not None:
        note = f"# Sent in one write with the other requests of its connection, as number {place}; on its own, it is:"
        return f"{note}\n{curl_command(request, credential_header, variable, reach)}"
    if request.steps:
        return socket_command(request, partial(_masked, credential_header, variable, reach), reach)
    return curl_command(request, credential_header, variable, reach)


def _masked(credential_header: str, variable: str, reach: Reach, name: str, value: str) -> tuple[int, str] | None:
    """Where a masked secret in a header field begins, and the variable that holds it; None if it has none."""
    added = next((one for header, one in reach.headers_env.items() if header.lower() == name.lower()), None)
    credentials = {header.lower() for header in (*CREDENTIAL_HEADERS, credential_header)}
    masked = _MASKED.search(value) if added is not None or name.lower() in credentials else None
    # A whole value is held by the variable: what has a scheme before it in spite of that is masked but for that.
    return None if masked is None else (0, added) if added is not None else (masked.start(), variable)


def _url(url: str, reach: Reach) -> Iterator[str]:
    """The URL, with the secrets at the end of its query as further options, for curl encodes what a variable holds."""
    plain, _, query = url.partition("?")
    parts = query.split("&") if query else []
    secret = {f"{name}=": variable for name, variable in reach.query_env.items()}
    shown = [part for part in parts if not part.startswith(tuple(secret))]
    yield f"--url {shlex.quote('?'.join([plain, *(['&'.join(shown)] if shown else [])]))}"
    if len(shown) < len(parts):
        yield from (f'--url-query {shlex.quote(start)}"${variable}"' for start, variable in secret.items())


def _way(reach: Reach) -> Iterator[str]:
    """The certificates and the proxy that the request went by."""
    files = {"--cacert": reach.ca_file, "--cert": reach.client_cert, "--key": reach.client_key, "--proxy": reach.proxy}
    yield from (f"{option} {shlex.quote(value)}" for option, value in files.items() if value)
    variables = {"--pass": reach.client_key_password_env, "--proxy-user": reach.proxy_credentials_env}
    yield from (f'{option} "${variable}"' for option, variable in variables.items() if variable)


def _headers(request: SentRequest, masked: Masked) -> list[str]:
    """Every header field in order, then those that curl would add by itself, switched off."""
    headers = []
    for name, value in request.headers:
        held = masked(name, value)
        if held is not None:
            headers.append(f'{shlex.quote(f"{name}: {value[: held[0]]}")}"${held[1]}"')
        elif value:
            headers.append(_quoted(f"{name}: {value}"))
        else:
            # With a colon and no value, curl would remove the field.
            headers.append(shlex.quote(f"{name};"))
    given = {name.lower() for name, _ in request.headers}
    return headers + [shlex.quote(f"{name}:") for name in _ADDED_BY_CURL if name.lower() not in given]


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
    return "", [f"--data-raw {shlex.quote(text)}"]
