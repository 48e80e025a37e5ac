"""The addresses that an OpenAPI document names as its servers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from conformance.quoting import one_line

_VARIABLE = re.compile(r"\{([^{}]+)\}")
_LONGEST = 120


def server_urls(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The http(s) URLs of a document's servers, each variable with its default (OpenAPI 3.1, section 4.8.5).

    A variable without a default stays in braces.
    """
    servers = document.get("servers")
    return tuple(dict.fromkeys(_urls(servers if isinstance(servers, list) else [])))


def _urls(servers: list[Any]) -> Iterator[str]:
    for server in servers:
        url = server.get("url") if isinstance(server, Mapping) else None
        if not isinstance(url, str) or not url.startswith(("http://", "https://", "{")):
            continue
        variables = server.get("variables")
        named = variables if isinstance(variables, Mapping) else {}
        yield one_line(_VARIABLE.sub(partial(_value, variables=named), url), _LONGEST)


def _value(match: re.Match[str], variables: Mapping[str, Any]) -> str:
    variable = variables.get(match[1])
    default = variable.get("default") if isinstance(variable, Mapping) else None
    return match[0] if default is None else str(default)
