"""What the Python drivers share: reads what to do, and prints a line of JSON for each scenario.

It needs nothing but Python, and says nothing about what a client understood.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

QUESTION = [{"role": "user", "content": "Say hello."}]
FUNCTION = {
    "name": "set_city",
    "description": "Sets the city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
TOOLS = [{"type": "function", "function": FUNCTION}]
DEMAND = {"type": "function", "function": {"name": "set_city"}}
CALL_ID = "call_1"
HANDED_BACK = [
    {"role": "user", "content": "Set the city to Oslo."},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": CALL_ID, "type": "function", "function": {"name": "set_city", "arguments": '{"city": "Oslo"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": CALL_ID, "content": "done"},
]
MOST_OF_A_MESSAGE = 4000

# A client that prints must not print between the lines.
_lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


@dataclass(frozen=True)
class Task:
    """One scenario: its kind, where it is asked, and the settings to try."""

    kind: str
    base_url: str
    settings: dict[str, Any]
    api_key: str
    model: str
    schema: dict[str, Any]

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for."""
        return self.kind.startswith("stream")

    @property
    def wants(self) -> str:
        """What is asked for, streamed or not: completion, usage, choices, tools, second-turn or structured."""
        return self.kind.removeprefix("stream").removeprefix("-") or "completion"

    def chosen(self, *names: str) -> dict[str, Any]:
        """Those of the settings that have one of the names."""
        return {name: self.settings[name] for name in names if name in self.settings}

    def extra(self) -> dict[str, Any]:
        """The fields beside model and messages, in the form of the wire, which most clients take over."""
        fields: dict[str, Any] = {}
        if self.wants == "choices":
            fields = {"n": 2}
        if self.wants == "usage":
            fields = {"stream_options": {"include_usage": True}}
        if self.wants == "tools":
            fields = {"tools": TOOLS, "tool_choice": DEMAND}
        if self.wants == "second-turn":
            fields = {"tools": TOOLS}
        if self.wants == "structured":
            named = {"name": "answer", "strict": True, "schema": self.schema}
            fields = {"response_format": {"type": "json_schema", "json_schema": named}}
        return fields

    def messages(self) -> list[dict[str, Any]]:
        """The conversation."""
        return HANDED_BACK if self.wants == "second-turn" else QUESTION


Understand = Callable[[Task], dict[str, Any] | None]


def run(client: str, package: str | None, understand: Understand, release: str = "") -> None:
    """Print what the client is, and for each scenario what it understood, or how it failed.

    `understand` gives None for a scenario that the client does not have.
    """
    _print({"client": client, "version": release or version(package or client)})
    settings = json.loads(sys.argv[1])
    for scenario in sys.argv[2:]:
        try:
            understood = understand(_task(scenario, settings))
        except Exception as error:  # noqa: BLE001 - whatever the client raises is what its user gets
            _print({"scenario": scenario, "failed": _failed(error)})
        else:
            what = {"unsupported": True} if understood is None else {"understood": understood}
            _print({"scenario": scenario, **what})


def _task(scenario: str, settings: dict[str, Any]) -> Task:
    before, slash, asked = scenario.rpartition("/")
    # Who asks without a stream, or without usage, is answered as others are who ask like that.
    if settings.get("stream") is False:
        asked = {"stream": "completion", "stream-usage": "completion"}.get(asked, asked.removeprefix("stream-"))
    if settings.get("include_usage") is False and asked == "stream-usage":
        asked = "stream"
    kind = {"error": "completion", "stream-error": "stream"}.get(asked.rpartition("-")[0], asked)
    return Task(
        kind=kind,
        base_url=f"{os.environ['CLIENT_BASE_URL']}/{before}{slash}{asked}/v1",
        settings=settings,
        api_key=os.environ["CLIENT_API_KEY"],
        model=os.environ["CLIENT_MODEL"],
        schema=json.loads(os.environ.get("CLIENT_SCHEMA") or '{"type": "object"}'),
    )


def last_of(stream: Iterable[Any]) -> Any:
    """The last of what a stream gives, None where it gives nothing."""
    last = None
    for last in stream:  # noqa: B007 - the last one is what is wanted
        pass
    return last


def _failed(error: BaseException) -> dict[str, Any]:
    failed = _named(error)
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        failed["status"] = int(status)
    # A status that is an error says enough; under it is only the HTTP library's own exception.
    if failed.get("status", 0) >= 400:
        return failed
    causes, cause = [], error.__cause__ or error.__context__
    while cause is not None and len(causes) < 3:
        causes.append(_named(cause))
        cause = cause.__cause__ or cause.__context__
    return {**failed, "causes": causes} if causes else failed


def _named(error: BaseException) -> dict[str, Any]:
    return {"class": type(error).__name__, "message": str(error)[:MOST_OF_A_MESSAGE]}


def _print(line: dict[str, Any]) -> None:
    _lines.write(json.dumps(line, default=repr) + "\n")
    _lines.flush()
