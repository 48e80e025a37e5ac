"""What a request has that not every model can do, and whether an error says that this one cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.reference.providers.conversation import has_parts
from conformance.reference.providers.upstream_error import UpstreamError

_STATUSES = frozenset({400, 404, 415, 422, 500, 501})
"""Statuses with which servers and routers say that a model cannot do something."""
_UNABLE = re.compile(
    r"\b(?:supports?|supported|unsupported|enabled?|available|capable|requires?|provide|unable|cannot|not an?)\b",
    re.IGNORECASE,
)
"""Words without which an error is about a mistake, such as a call without its result."""
_ABOUT_TOOLS = re.compile(r"\b(?:tool|function)[ _-]?(?:use|call(?:s|ing)?)\b", re.IGNORECASE)
_ABOUT_PARTS = re.compile(
    r"\b(?:(?:image|video|audio|file|vision|content[ _](?:part|type))s?|visual|multi-?modal|mmproj)\b"
    r"|image_url|input_audio",
    re.IGNORECASE,
)


def missing_ability(error: UpstreamError, sent: Mapping[str, Any]) -> str | None:
    """The field of the request that asks for what the upstream cannot do; None where the error is about others."""
    if error.status not in _STATUSES or not _UNABLE.search(error.message):
        return None
    if "tools" in sent and _ABOUT_TOOLS.search(error.message):
        return "tools"
    return "messages" if has_parts(sent["messages"]) and _ABOUT_PARTS.search(error.message) else None
