"""Reads an upstream's error: what it says, which fields and bounds it names, and what of it a client may see."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.quoting import one_line
from conformance.reference.providers.key_gate import without_key

_LONGEST_QUOTE = 240
"""Characters of an upstream's message that a client sees."""
_LONGEST_READ = 4096
_PROSE = frozenset({"user", "model", "messages", "stream", "store", "metadata", "prediction"})
"""Names of fields that are ordinary words of a message as well: they count in quotation marks only."""
_QUOTE = "['\"`\u2018\u2019\u201c\u201d]"
_ABOUT_STREAMING = re.compile(r"\bstream(?:ing|ed|s)?\b", re.IGNORECASE)
_ABOUT_CONVERSATION = re.compile(r"\b(?:roles?|conversation|messages?|chat template|jinja)\b", re.IGNORECASE)
_LEAST = re.compile(
    r"(?:at least|no less than|greater than or equal to|>=|\u2265|minimum(?: value)?(?: of| is)?)\D{0,12}(\d+)"
)
_MOST = re.compile(
    r"(?:at most|no more than|up to|less than or equal to|<=|\u2264|maximum(?: value| limit)?(?: of| is)?)\D{0,12}(\d+)"
)

_HIDDEN = (
    (re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "[address]"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "[address]"),
    (re.compile(r"\b(?:sk|pk|rk|key|token|bearer|basic)[-_ ](?=\S*\d)\S{8,}", re.IGNORECASE), "[hidden]"),
    (re.compile(r"(?<![\w+/=-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[A-Za-z])[\w+/=-]{24,}"), "[hidden]"),
    (re.compile(r"(?<![\w/])(?:/[\w.@-]+){3,}|\b[A-Za-z]:\\\S+"), "[path]"),
)
"""What a server's message should not tell strangers, by its look: where the server is, keys, files."""


@dataclass(frozen=True, slots=True)
class UpstreamError:
    """An error status of an upstream, with what its body says; all in the upstream's own words."""

    status: int
    message: str = ""
    param: str = ""
    """The field that it names as the one at fault, if it has a place for that."""
    code: str = ""
    retry_after: str = ""
    """The header field of this name, as it was sent."""

    def named(self, fields: Collection[str]) -> tuple[str, ...]:
        """Those of `fields` that the error is about, from the surest sign that it gives."""
        if self.param in fields:
            return (self.param,)
        known = sorted(fields)
        quoted = tuple(name for name in known if re.search(f"{_QUOTE}{re.escape(name)}{_QUOTE}", self.message))
        if quoted:
            return quoted
        words = (name for name in known if name not in _PROSE)
        return tuple(name for name in words if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", self.message))

    @property
    def is_about_context(self) -> bool:
        """Whether prompt and limit are together more than the upstream's context window holds."""
        text = f"{self.message} {self.code}".lower()
        return "context" in text and any(word in text for word in ("length", "exceed", "window", "size"))

    @property
    def is_about_streaming(self) -> bool:
        """Whether it speaks of streaming."""
        return self.param == "stream" or _ABOUT_STREAMING.search(self.message) is not None

    @property
    def is_about_conversation(self) -> bool:
        """Whether it speaks of the messages and their roles."""
        return self.param == "messages" or _ABOUT_CONVERSATION.search(self.message) is not None

    @property
    def is_about_gateway(self) -> bool:
        """Whether it is about what only the gateway decides: the upstream's model, and the key for it."""
        return self.param == "model" or self.code in {"model_not_found", "invalid_api_key"}

    def least(self, sent: int) -> int | None:
        """A lower bound in the message that is greater than what was sent."""
        bounds = (int(match[1][:9]) for match in _LEAST.finditer(self.message.lower()))
        return next((bound for bound in bounds if bound > sent), None)

    def most(self, sent: int) -> int | None:
        """An upper bound in the message that is less than what was sent."""
        bounds = (int(match[1][:9]) for match in _MOST.finditer(self.message.lower()))
        return next((bound for bound in bounds if 0 < bound < sent), None)

    def shown(self, *, key: str | None, host: str) -> str:
        """The message as a client may see it: one short line without addresses, keys and paths.

        `key` and `host` are the upstream's own, which are hidden whatever they look like.
        """
        text = " ".join(self.message.split())
        text = without_key(text, key, "[hidden]")
        text = re.sub(rf"(?<![\w.-]){re.escape(host)}(?::\d+)?(?![\w-])", "[address]", text) if host else text
        for pattern, instead in _HIDDEN:
            text = pattern.sub(instead, text)
        return one_line(text, _LONGEST_QUOTE)


def read_error(status: int, body: bytes, retry_after: str = "") -> UpstreamError:
    """The error in a body, in any of the forms that servers use; a page or a body that is no JSON says nothing."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return UpstreamError(status, retry_after=retry_after)
    parts = list(_parts(value))
    message = "; ".join(filter(None, (_text(part, "message", "msg", "detail", "reason") for part in parts)))
    param = next(filter(None, map(_param, parts)), "")
    code = next(filter(None, (_text(part, "code", "type") for part in parts)), "")
    return UpstreamError(status, message[:_LONGEST_READ], param, code, retry_after)


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects that describe an error: `error`, each of `detail` or `errors`, or the body itself."""
    inner = value.get("error") or value.get("detail") or value.get("errors") if isinstance(value, Mapping) else value
    for part in inner if isinstance(inner, list) else [inner]:
        if isinstance(part, str):
            yield {"message": part}
        elif isinstance(part, Mapping):
            yield part
    if inner is None and isinstance(value, Mapping):
        yield value


def _param(part: Mapping[str, Any]) -> str:
    """The top-level field that an error names: by `param`, or by `loc` as FastAPI does."""
    loc = part.get("loc")
    if isinstance(loc, list):
        steps = [step for step in loc if isinstance(step, str) and step != "body"]
        return steps[0] if steps else ""
    return re.split(r"[.\[]", _text(part, "param"))[0]


def _text(part: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := part.get(name), str)), "")
