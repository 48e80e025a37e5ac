"""The reasoning of a model in an answer: where it stands apart, and where it has leaked into the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MEMBERS: Final = ("reasoning_content", "reasoning")
"""The two members of a message or delta in which deployments show reasoning; no document has them."""
_LEAKED: Final = re.compile(
    r"</?think(?:ing)?>|</?seed:think>|<\|?/?reasoning\|?>|<\u25c1/?think\u25b7>|\u25c1/?think\u25b7"
    r"|<\|channel\|>|<\|channel>|<channel\|>|\[/?THINK\]"
)
"""Tags and tokens by which models mark their reasoning."""
_CALL_TAGS: Final = re.compile(
    r"</?tool_calls?>|<\|tool_calls?(?:_section)?(?:_begin|_end|_sep)?\|?>|<\|python_tag\|>|\[/?TOOL_CALLS\]|\[TOOL_CALL\]"
    r"|<function=[\w.-]{1,64}>|</function>|</?function_calls?>|<\uff5ctool\u2581[\w\u2581]{1,30}\uff5c>|<invoke name="
    r"|<\|action_start\|>|<\|call\|>|<\|tool\u2581|to=functions\.|<minimax:tool_call>"
)
"""Tags and tokens by which models mark a call."""


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


def leaked_reasoning(text: str) -> str | None:
    """The first tag or token in a text that marks reasoning, None where there is none."""
    found = _LEAKED.search(text)
    return found[0] if found else None


def leaked_call(text: str) -> str | None:
    """The first tag or token in a text that marks a call, None where there is none."""
    found = _CALL_TAGS.search(text)
    return found[0] if found else None
