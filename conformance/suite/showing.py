"""How a target's values are shown in a message: short, as ASCII, with escapes."""

from __future__ import annotations

import json
from typing import Any

from conformance.reading.deviation import shown as shown_text
from conformance.suite.observations import Answered


def shown(value: Any) -> str:
    """A value as JSON, or a text or bytes in quotes, cut to what a message can hold."""
    if isinstance(value, (str, bytes)):
        return shown_text(value)
    text = json.dumps(value, default=repr)
    return text if len(text) <= 80 else f"{text[:80]} (cut; {len(text)} in all)"


def status_of(answered: Answered) -> str:
    """The status of an answer and the beginning of its body."""
    body = answered.answer.body
    return f"status {answered.answer.status}" + (f" with the body {shown(body)}" if body else " without a body")
