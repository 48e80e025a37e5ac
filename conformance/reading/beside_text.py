"""What the deltas of one choice hold beside text: tool calls, reasoning, a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from conformance.reading.deviation import DeviationLog
from conformance.reading.event_stream import Event
from conformance.reading.reasoning import members_in, reasoning_in
from conformance.reading.tool_calls import ToolCallReader

_KEPT: Final = 64 * 1024
"""Characters of reasoning, and of a refusal, that are kept."""


@dataclass(slots=True)
class BesideText:
    """Follows what one choice has beside text. Give it each delta that has more than role and content."""

    choice: int
    log: DeviationLog
    calls: ToolCallReader = field(init=False)
    call_deltas: int = 0
    members: set[str] = field(default_factory=set)
    _reasoning: list[str] = field(default_factory=list)
    _refusal: list[str] = field(default_factory=list)
    _kept: int = 0

    def __post_init__(self) -> None:
        self.calls = ToolCallReader(self.choice, self.log)

    def take(self, delta: dict[str, Any], event: Event) -> None:
        """Take one delta."""
        calls = delta.get("tool_calls")
        if calls is not None and self.calls.take(calls, event):
            self.call_deltas += 1
        self.members.update(members_in(delta))
        self._keep(self._reasoning, reasoning_in(delta))
        refusal = delta.get("refusal")
        self._keep(self._refusal, refusal if isinstance(refusal, str) else "")

    def _keep(self, pieces: list[str], text: str) -> None:
        if text and self._kept < _KEPT:
            pieces.append(text[: _KEPT - self._kept])
            self._kept += len(pieces[-1])

    def end(self) -> dict[str, Any]:
        """The members of a `Choice` that say what came."""
        return {
            "calls": self.calls.end(),
            "call_deltas": self.call_deltas,
            "reasoning": "".join(self._reasoning),
            "reasoning_members": frozenset(self.members),
            "refusal": "".join(self._refusal),
        }
