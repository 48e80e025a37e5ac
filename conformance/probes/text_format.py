"""Probes for the format `text`, which is that of a request without a format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.probes.model import Probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody

TEXT: Final = "structured/text"
_FORMAT: Final[Mapping[str, Any]] = {"response_format": {"type": "text"}}


def as_text(request: Mapping[str, Any], body: RequestBody) -> dict[str, Any]:
    """A request with the format `text`, where the contract has formats and the target is not known to refuse them."""
    return {**request, **_FORMAT} if body.has("response_format") and body.is_spoken(_FORMAT) else {**request}


def text_probes(body: RequestBody) -> tuple[Probe, ...]:
    """A question with this format alone, whole: what a request for tools with it is taken apart into."""
    if not body.has("response_format"):
        return ()
    request = {**body.asking("Say hello.", tokens=CHEAP), **_FORMAT}
    return (served_probe(TEXT, "a text, asked for by its name", request),)
