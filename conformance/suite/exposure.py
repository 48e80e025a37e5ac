"""What an answer exposes: whether a model generated something, and whether a shared cache may store it."""

from __future__ import annotations

import re
from typing import Any

_GENERATED = ("choices", "content", "output", "outputs", "data", "embedding", "embeddings", "text", "generated_text")
"""Members that hold a model's answer in the APIs for chat, completions, messages, responses and embeddings."""
_SHARED_MAX_AGE = re.compile(r"s-maxage\s*=\s*\"?(\d+)")
_MAX_AGE = re.compile(r"(?<!s-)max-?age\s*=\s*\"?(\d+)")


def has_generated(body: Any) -> bool:
    """Whether a JSON value holds the answer of a model, in any of the common formats."""
    first = body[0] if isinstance(body, list) and body else body
    return isinstance(first, dict) and any(first.get(name) for name in _GENERATED)


def allows_sharing(cache_control: str) -> bool:
    """Whether a Cache-Control lets a shared cache store the answer to a request with a credential (RFC 9111 3.5)."""
    directives = cache_control.lower()
    if "no-store" in directives or "private" in directives:
        return False
    shared = _SHARED_MAX_AGE.search(directives)
    if shared is not None:
        return int(shared[1]) > 0
    lasting = _MAX_AGE.search(directives)
    return "public" in directives and lasting is not None and int(lasting[1]) > 0
