"""A reference deployment as a witness sees it: where it is, and what it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.reference import EmbeddedReference

PATHS = {
    "openai": "/chat/completions",
    "kodexa": "/api/organizations/{org}/ai/chat/completions",
    "loop-health": "/v1/chat/completions",
}
HELLO = "Hello there, 日本語 🇩🇪."
ANSWER = f"You said: {HELLO}"
"""How the reference begins its answer."""


@dataclass(frozen=True)
class Deployment:
    """One profile's reference."""

    profile: str
    reference: EmbeddedReference

    @property
    def url(self) -> str:
        organization = self.reference.target.parameters.get("orgId", "")
        return self.reference.base_url + PATHS[self.profile].replace("{org}", organization)

    @property
    def sdk_base_url(self) -> str:
        """What a client of the OpenAI API is given."""
        return self.url.removesuffix("/chat/completions")

    @property
    def key(self) -> dict[str, str]:
        return self.header_for(self.reference.api_key)

    def header_for(self, key: str) -> dict[str, str]:
        return {"x-api-key": key} if self.profile == "kodexa" else {"Authorization": f"Bearer {key}"}

    def body(self, **fields: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": HELLO}]
        if self.profile == "loop-health":
            return {"messages": messages, "brand_id": "witness", "requested_by": "witness", **fields}
        return {"model": self.reference.model, "messages": messages, **fields}
