"""How requests get to a deployment beyond its address: what is added to each, which certificates, which proxy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import urlsplit

from conformance.targets.errors import TargetError

CLIENT_KEY_PASSWORD = "CONFORMANCE_CLIENT_KEY_PASSWORD"  # noqa: S105 - the name of a variable
PROXY_CREDENTIALS = "CONFORMANCE_PROXY_CREDENTIALS"

VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
OF_A_SECRET = re.compile("KEY|TOKEN|SECRET|PASS|CREDENTIAL", re.IGNORECASE)
"""What the name of a variable must have in it so that no report of a defect shows its value."""
HOW_IT_IS_NAMED = "the name of an environment variable with KEY, TOKEN, SECRET, PASS or CREDENTIAL in it"

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2 (token)
_CARRIES_A_SECRET = re.compile(
    r"(proxy-)?authorization|cookie|sig(nature)?|code|key"
    r"|(.*[-_])?(api[-_]?key|(access|auth|subscription|functions?)[-_]key|token|secret|password|credentials?)",
    re.IGNORECASE,
)
"""Names of header fields and query parameters whose value is usually a secret."""
_SET_BY_THE_SUITE = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "host"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
"""Header fields that make a request what it is: a probe sets them, or leaves them out, on purpose."""
_ADDED = ("header ", "query parameter ", "client key password", "proxy credentials", "proxy password")


@dataclass(frozen=True, slots=True)
class Reach:
    """What every request of a run carries, and by which way it goes. It holds no secret, only names of variables.

    `headers` and `query` map names to values; `headers_env` and `query_env` map names to the environment variables that
    hold the values. Files are paths as the user gave them, from the working directory.
    """

    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    headers_env: Mapping[str, str] = field(default_factory=dict, hash=False)
    query: Mapping[str, str] = field(default_factory=dict, hash=False)
    query_env: Mapping[str, str] = field(default_factory=dict, hash=False)
    ca_file: str | None = None
    """PEM file of the certificates that are trusted instead of the usual ones."""
    client_cert: str | None = None
    client_key: str | None = None
    """PEM file of the client certificate's private key; None where it is in the certificate's file."""
    client_key_password_env: str | None = None
    proxy: str | None = None
    """URL of the proxy, without user and password."""
    proxy_credentials_env: str | None = None
    """The variable that holds `user:password` for the proxy."""

    def __bool__(self) -> bool:
        """Whether anything differs from the plain way to the base URL."""
        return bool(self.data())

    def data(self) -> dict[str, Any]:
        """What is set, as plain data; `Reach(**data)` is the same again."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items() if value}

    def over(self, other: Reach) -> Reach:
        """This one where it says something, and the other one elsewhere; header names have no case."""
        certificate = self if self.client_cert else other
        return Reach(
            headers=_left(other.headers, self.headers, self.headers_env) | dict(self.headers),
            headers_env=_left(other.headers_env, self.headers, self.headers_env) | dict(self.headers_env),
            query={name: value for name, value in other.query.items() if name not in self.query_env} | dict(self.query),
            query_env={name: value for name, value in other.query_env.items() if name not in self.query}
            | dict(self.query_env),
            ca_file=self.ca_file or other.ca_file,
            client_cert=certificate.client_cert,
            client_key=self.client_key or certificate.client_key,
            client_key_password_env=self.client_key_password_env or certificate.client_key_password_env,
            proxy=self.proxy or other.proxy,
            proxy_credentials_env=self.proxy_credentials_env or other.proxy_credentials_env,
        )

    def with_usual_variables(self, environ: Mapping[str, str]) -> Reach:
        """With the variables that hold a password where none is named, if they are set."""
        password, credentials = self.client_key_password_env, self.proxy_credentials_env
        if self.client_cert and password is None and environ.get(CLIENT_KEY_PASSWORD):
            password = CLIENT_KEY_PASSWORD
        if self.proxy and credentials is None and environ.get(PROXY_CREDENTIALS):
            credentials = PROXY_CREDENTIALS
        return replace(self, client_key_password_env=password, proxy_credentials_env=credentials)

    def secrets(self, values: Mapping[str, str]) -> dict[str, str]:
        """Every secret by a name that may be shown; `values` are those of the variables, by the variable's name."""
        named = {f"header {name}": values.get(variable) for name, variable in self.headers_env.items()}
        named |= {f"query parameter {name}": values.get(variable) for name, variable in self.query_env.items()}
        named["client key password"] = values.get(self.client_key_password_env or "")
        credentials = values.get(self.proxy_credentials_env or "")
        named["proxy credentials"] = credentials
        named["proxy password"] = (credentials or "").partition(":")[2]
        return {name: value for name, value in named.items() if value}


def reach_from(data: Any) -> Reach:
    """What `Reach.data` gave.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(data, Mapping):
        raise TypeError(f"the reach {data!r} is not an object")
    usual = Reach()
    for name, value in data.items():
        of_texts = isinstance(getattr(usual, name, None), Mapping)
        texts = [*value, *value.values()] if of_texts and isinstance(value, Mapping) else [value]
        if not hasattr(usual, name) or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"{name} cannot be {value!r}")
    return Reach(**data)


def is_added(secret: str) -> bool:
    """Whether the name of a redacted secret is that of one that `Reach` adds, and not of the contract's key."""
    return secret.startswith(_ADDED)


def carries_a_secret(name: str) -> bool:
    """Whether a header field or a query parameter of this name usually carries a secret."""
    return _CARRIES_A_SECRET.fullmatch(name) is not None


def checked_reach(reach: Reach, credential_header: str | None = None) -> Reach:
    """The same, if it can be used; `credential_header` is the field in which the contract has its key.

    Raises:
        TargetError: a name or a value cannot be sent, a secret stands where it would be seen, or parts are missing.
    """
    for name in (*reach.headers, *reach.headers_env):
        _check_header(name, credential_header)
    twice = _twice(name.lower() for name in (*reach.headers, *reach.headers_env))
    twice = twice or _twice((*reach.query, *reach.query_env))
    if twice:
        raise TargetError(f"{twice} is added twice; keep one.")
    for kind, plain, option in (("header", reach.headers, "headers"), ("query parameter", reach.query, "query")):
        for name, value in plain.items():
            if carries_a_secret(name):
                flag = "--header-env" if kind == "header" else "--query-env"
                raise TargetError(
                    f"the {kind} {name} usually carries a secret; name the variable that holds it instead:"
                    f" {flag} {name}=VARIABLE, or {option}_env in conformance.toml."
                )
            _check_value(f"the {kind} {name}", value)
    for name in (*reach.query, *reach.query_env):
        if not name or not name.isascii() or not name.isprintable() or set(name) & set(" &=#?"):
            raise TargetError(f"{name!r} is not the name of a query parameter; use letters, digits, '-', '_' and '.'.")
    if reach.client_key and not reach.client_cert:
        raise TargetError("a client key needs its certificate; give --client-cert, or client_cert in conformance.toml.")
    if reach.proxy is not None:
        _check_proxy(reach.proxy)
    return reach


def values_of(reach: Reach, environ: Mapping[str, str]) -> dict[str, str]:
    """The values of the variables that `reach` names.

    Raises:
        TargetError: one is not set, or its value cannot be sent.
    """
    found = {}
    for use, variable in _uses(reach):
        value = environ.get(variable, "").strip()
        if not value:
            raise TargetError(f"{variable}, which holds {use}, is not set.")
        _check_value(f"{variable}, which holds {use},", value)
        found[variable] = value
    credentials = found.get(reach.proxy_credentials_env or "")
    if credentials is not None and ":" not in credentials:
        raise TargetError(f"{reach.proxy_credentials_env} must hold the proxy's user and password as user:password.")
    return found


def _uses(reach: Reach) -> Iterator[tuple[str, str]]:
    for name, variable in reach.headers_env.items():
        yield f"the header {name}", variable
    for name, variable in reach.query_env.items():
        yield f"the query parameter {name}", variable
    if reach.client_key_password_env is not None:
        yield "the password of the client key", reach.client_key_password_env
    if reach.proxy_credentials_env is not None:
        yield "the credentials for the proxy", reach.proxy_credentials_env


def _left(other: Mapping[str, str], *given: Mapping[str, str]) -> dict[str, str]:
    """What is left of the other's header fields where some were given again."""
    names = {name.lower() for one in given for name in one}
    return {name: value for name, value in other.items() if name.lower() not in names}


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _check_header(name: str, credential_header: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise TargetError(f"{name!r} is not the name of a header field; use letters, digits and '-'.")
    if name.lower() in _SET_BY_THE_SUITE:
        raise TargetError(f"the header {name} is what the suite tests with; it cannot be added to every request.")
    if credential_header is not None and name.lower() == credential_header.lower():
        raise TargetError(
            f"the header {name} carries the key of the contract; set CONFORMANCE_API_KEY (api_key_env in"
            " conformance.toml) instead of adding it."
        )


def _check_value(what: str, value: str) -> None:
    # The value may be a secret, so the message does not quote it.
    if not (value.isascii() and value.isprintable() and value == value.strip()):
        raise TargetError(f"{what} has a character that cannot be sent as it is; use printable ASCII on one line.")


def _check_proxy(proxy: str) -> None:
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its message may repeat the password
        usable = False
    if "@" in proxy:
        raise TargetError(
            "the proxy's URL must not contain a user or password; put user:password into"
            f" {PROXY_CREDENTIALS}, or name another variable as proxy_credentials_env."
        )
    if not usable or parts.path.strip("/") or parts.query or parts.fragment or not proxy.isprintable():
        raise TargetError(f"the proxy {proxy!r} is not an http or https URL; give one like http://proxy.example:3128.")
