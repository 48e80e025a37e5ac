"""What an answer lets others have: whether something was generated, and whether a shared cache may keep it."""

from __future__ import annotations

import re
from typing import Any

_GENERATED = ("choices", "content", "output", "outputs", "data", "embedding", "embeddings", "text", "generated_text")
"""Members in which the servers of models answer: of chats, completions, messages, responses, embeddings."""
_SHARED_MAX_AGE = re.compile(r"s-maxage\s*=\s*\"?(\d+)")
_MAX_AGE = re.compile(r"(?<!s-)max-?age\s*=\s*\"?(\d+)")


def has_generated(body: Any) -> bool:
    """Whether a JSON value is the answer of a model, in one of the forms in which servers give it."""
    first = body[0] if isinstance(body, list) and body else body
    return isinstance(first, dict) and any(first.get(name) for name in _GENERATED)


def allows_sharing(cache_control: str) -> bool:
    """Whether a Cache-Control lets a shared cache keep the answer to a request with a credential (RFC 9111 3.5)."""
    told = cache_control.lower()
    if "no-store" in told or "private" in told:
        return False
    shared = _SHARED_MAX_AGE.search(told)
    if shared is not None:
        return int(shared[1]) > 0
    lasting = _MAX_AGE.search(told)
    return "public" in told and lasting is not None and int(lasting[1]) > 0
