"""The reasoning of a model in an answer, where it stands apart from the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MEMBERS: Final = ("reasoning_content", "reasoning")
"""The two members of a message or delta in which deployments show reasoning; no document has them."""


def reasoning_in(message: Any) -> str:
    """The reasoning text of a message or delta, from whichever member has it; empty where there is none."""
    if not isinstance(message, Mapping):
        return ""
    texts = (message.get(name) for name in MEMBERS)
    return next((text for text in texts if isinstance(text, str) and text), "")


def members_in(message: Any) -> tuple[str, ...]:
    """The members of a message or delta that hold reasoning text."""
    if not isinstance(message, Mapping):
        return ()
    return tuple(name for name in MEMBERS if isinstance(message.get(name), str) and message[name])
