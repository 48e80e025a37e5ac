"""A header field that a request tries to put into its own answer: a line break in a value that a server may echo."""

from __future__ import annotations

from typing import Any, Final

from conformance.probes.request_body import RequestBody

FIELD: Final = "X-Chat-Conformance-Injected"
"""No answer may have this field: only a line break that was let through makes one."""
BREAKING: Final = f"chat-conformance\r\n{FIELD}: yes\n{FIELD}: yes"
"""A value with line breaks of both kinds, each followed by a header field."""
_CALLER: Final = "user"
"""The field of the OpenAI API that names a request's caller, as deployments like to write into logs and headers."""


def injected(body: RequestBody, asked: dict[str, Any]) -> dict[str, Any]:
    """The body with line breaks in the field that names the caller, where the contract has one."""
    names = (_CALLER, *(one.name for one in body.contract.parameters if one.names_caller))
    field = next((name for name in names if body.has(name)), None)
    return asked if field is None else {**asked, field: BREAKING}
