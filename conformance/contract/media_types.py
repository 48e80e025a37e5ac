"""Reads media types: what a Content-Type says, without its parameters or with them (RFC 9110 section 8.3.1)."""

from __future__ import annotations

from collections.abc import Mapping

EVENT_STREAM = "text/event-stream"
JSON = "application/json"


def essence(media_type: str | None) -> str:
    """A media type in lower case without its parameters; empty for None, where a message names none."""
    return (media_type or "").partition(";")[0].strip().lower()


def parameters(media_type: str | None) -> Mapping[str, str]:
    """The parameters of a media type, with names in lower case and values without quotation marks."""
    pairs = (item.partition("=") for item in (media_type or "").split(";")[1:] if item.strip())
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def is_json(media_type: str | None) -> bool:
    """Whether a media type is JSON or built on it (RFC 6839 section 3.1)."""
    name = essence(media_type)
    return name == JSON or (name.startswith("application/") and name.endswith("+json"))


def is_event_stream(media_type: str | None) -> bool:
    """Whether a media type is that of server-sent events (WHATWG HTML section 9.2)."""
    return essence(media_type) == EVENT_STREAM
