"""The options of `run` that say how a deployment is reached: what is added to requests, certificates, a proxy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from conformance.terminal.exits import UsageFailure

if TYPE_CHECKING:
    from conformance.targets import NamedTarget, Reach

_Command = TypeVar("_Command", bound=Callable[..., Any])
_OPTIONS = (
    click.option(
        "--header",
        metavar="NAME:VALUE",
        multiple=True,
        help="Add a header field to every request; may be given several times. No secrets: see --header-env.",
    ),
    click.option(
        "--header-env",
        metavar="NAME=VARIABLE",
        multiple=True,
        help="Add a header field whose value, a secret, is in an environment variable.",
    ),
    click.option(
        "--query",
        metavar="NAME=VALUE",
        multiple=True,
        help="Add a query parameter to every request, such as api-version=2024-10-21; may be given several times.",
    ),
    click.option(
        "--query-env",
        metavar="NAME=VARIABLE",
        multiple=True,
        help="Add a query parameter whose value, a secret, is in an environment variable.",
    ),
    click.option(
        "--param",
        metavar="NAME=VALUE",
        multiple=True,
        help="The value of a parameter that the contract has in its path, query, header or cookies; may be given"
        " several times.",
    ),
    click.option(
        "--ca-file", metavar="FILE", help="Trust the certificate authorities in this PEM file, and no others."
    ),
    click.option("--client-cert", metavar="FILE", help="Show this client certificate (PEM)."),
    click.option(
        "--client-key",
        metavar="FILE",
        help="The private key of the client certificate (PEM); its password is taken from"
        " CONFORMANCE_CLIENT_KEY_PASSWORD.",
    ),
    click.option(
        "--proxy",
        metavar="URL",
        help="Send everything through this HTTP proxy; user:password is taken from CONFORMANCE_PROXY_CREDENTIALS.",
    ),
)
_TABLES = {"header": ("headers", ":", "VALUE"), "query": ("query", "=", "VALUE")}
_TABLES_OF_VARIABLES = {"header_env": "headers_env", "query_env": "query_env"}
_TEXTS = ("ca_file", "client_cert", "client_key", "proxy")


def reach_options(command: _Command) -> _Command:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def reach_asked_for(given: Mapping[str, Any], named: NamedTarget | None, base_url: str | None) -> Reach:
    """How the target is reached: as the options say, and where they do not, as conformance.toml does.

    Raises:
        UsageFailure: an option does not have its form, or there is no target to reach.
        TargetError: what is to be added cannot be used.
    """
    from conformance.targets import checked_reach, reach_from

    tables = {
        field: _pairs(option, given.get(option, ()), separator, value)
        for option, (field, separator, value) in _TABLES.items()
    }
    tables |= {field: _variables(option, given.get(option, ())) for option, field in _TABLES_OF_VARIABLES.items()}
    asked = reach_from({**tables, **{name: given[name] for name in _TEXTS if name in given}})
    if asked and base_url is None:
        used = next(
            f"--{name.replace('_', '-')}" for name in (*_TABLES, *_TABLES_OF_VARIABLES, *_TEXTS) if name in given
        )
        raise UsageFailure(f"{used} says how a deployment is reached; give the deployment with --base-url or --target.")
    return checked_reach(asked if named is None else asked.over(named.reach))


def _pairs(option: str, values: tuple[str, ...], separator: str, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    flag = f"--{option.replace('_', '-')}"
    for text in values:
        name, mark, value = (part.strip() for part in text.partition(separator))
        if not mark or not name or not value:
            # Not quoted: it may be a secret.
            raise UsageFailure(f"{flag} takes NAME{separator}{what}, with neither of them empty.")
        if name in found:
            raise UsageFailure(f"{flag} gives {name} twice; keep one.")
        found[name] = value
    return found


def _variables(option: str, values: tuple[str, ...]) -> dict[str, str]:
    from conformance.targets.reach import HOW_IT_IS_NAMED, OF_A_SECRET, VARIABLE

    found = _pairs(option, values, "=", "VARIABLE")
    for name, variable in found.items():
        if not (VARIABLE.fullmatch(variable) and OF_A_SECRET.search(variable)):
            flag = f"--{option.replace('_', '-')}"
            raise UsageFailure(f"{flag} {name} takes {HOW_IT_IS_NAMED}, never the secret itself.")
    return found
