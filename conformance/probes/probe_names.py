"""The names of probes for keywords, and in words what is special about them."""

from __future__ import annotations

import json
from typing import Any

from conformance.probes.request_body import REMOVED, Path

_SHOWN = 60


def probe_name(requirement_id: str, aspect: str, case: str) -> str:
    """The name of the probe for one case of one keyword: `request.n.minimum/enforced/below`."""
    return f"{requirement_id}/{aspect}/{case}"


def place_of(path: Path) -> str:
    """A place in a body as people write it: `messages[0].role`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".") or "the body"


def told(path: Path, value: Any) -> str:
    """What is special about a request: "a request with `temperature` set to 2.00005", "a request without `model`"."""
    if not path:
        return f"a request whose body is {json.dumps(value, ensure_ascii=False)}"
    if value is REMOVED:
        return f"a request without `{place_of(path)}`"
    text = json.dumps(value, ensure_ascii=False)
    shown = text if len(text) <= _SHOWN else f"a value of {len(text)} characters"
    return f"a request with `{place_of(path)}` set to {shown}"
