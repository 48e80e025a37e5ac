"""Chooses, among the exchanges of a run, those that clients are shown: which of them is of which kind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from conformance.strict_json import parse
from conformance.wire.exchange import BodyKept, EndKind, Exchange

MOST_OF_A_KIND: Final = 2
"""Recordings of one kind that clients are shown."""

_USUAL: Final = frozenset(
    {
        *("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "user", "stop"),
        *("n", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "response_format"),
    }
)
"""The fields of a request that clients send of their own accord: one with others shows another kind of answer."""
_DUE: Final = 0.9
"""The share of requests from which on a field that they have is due in each, and says nothing of what is asked for."""
_FEWEST: Final = 10
"""Requests that it takes to tell so."""
_ENDED: Final = frozenset(
    {EndKind.COMPLETE, EndKind.TRUNCATED, EndKind.RESET, EndKind.CLOSED, EndKind.IDLE_TIMEOUT, EndKind.DEADLINE}
)
"""Endings that can be played again: by the target, or its silence."""
_FUNCTION: Final = "set_city"
"""The function that drivers offer."""
_LARGEST: Final = 2 * 1024 * 1024
"""Bytes of an answer that clients are shown."""
_ERRORS: Final = range(400, 600)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One recorded exchange that clients are shown.

    `kind` says what a driver does, `id` is unique in a run: the kind, with a number before it from the second on.
    `explains` are the requirements with findings on this exchange.
    """

    id: str
    kind: str
    exchange: Exchange
    explains: tuple[str, ...] = ()

    @property
    def is_stream(self) -> bool:
        """Whether the client asks for a stream."""
        return self.kind.startswith("stream")

    @property
    def error_status(self) -> int | None:
        """The status of the recorded error, None where the answer is none."""
        status = self.kind.rpartition("error-")[2]
        return int(status) if "error-" in self.kind else None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The scenarios of a run, the schema that its structured output was asked by, and why some kinds are missing."""

    scenarios: tuple[Scenario, ...]
    schema: Mapping[str, Any] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def scenarios_of(
    exchanges: Iterable[Exchange], broken: Mapping[str, Sequence[str]], most: int = MOST_OF_A_KIND
) -> Chosen:
    """The exchanges to show, of each kind those first that break the most; `broken` has the requirements by exchange.

    A second one of a kind is shown only where it breaks what the first does not, and of errors only one is: clients
    take their time to try again.
    """
    candidates: dict[str, list[Exchange]] = {}
    left_out: dict[str, str] = {}
    seen = list(exchanges)
    path = _usual_path(seen)
    due = _due_fields(seen, path)
    for one in seen:
        kind = kind_of(one, path, due)
        if kind is None or _calls_another(one):
            continue
        problem = _unplayable(one)
        if problem is None:
            candidates.setdefault(kind, []).append(one)
        else:
            left_out.setdefault(kind, f"{one.id}: {problem}")
    schema = _schema(candidates, broken)
    chosen: list[Scenario] = []
    for kind in sorted(candidates, key=_order):
        fitting = [one for one in candidates[kind] if "structured" not in kind or _schema_of(one) == schema]
        for number, one in enumerate(_telling(fitting, broken, 1 if "error-" in kind else most)):
            prefix = f"{number + 1}/" if number else ""
            chosen.append(Scenario(f"{prefix}{kind}", kind, one, tuple(broken.get(one.id, ()))))
    shown = {one.kind for one in chosen}
    return Chosen(tuple(chosen), schema, {kind: why for kind, why in left_out.items() if kind not in shown})


def kind_of(exchange: Exchange, path: str, due: Set[str] = frozenset()) -> str | None:
    """The kind of scenario that an exchange shows, by its request and its status; None where it shows none.

    `due` are fields that every request to this deployment has to have.
    """
    request, answer = exchange.request, exchange.answer
    if request.method != "POST" or urlsplit(request.url).path != path or request.steps or not exchange.last:
        return None
    body = parse(request.body).value if request.body else None
    body = body if isinstance(body, dict) else {}
    streams = body.get("stream") is True
    if answer is not None and answer.status in _ERRORS:
        return f"{'stream-' if streams else ''}error-{answer.status}"
    if answer is not None and answer.status != 200:
        return None
    if set(body) - _USUAL - due or not body.get("messages"):
        return None
    return _served_kind(body, streams=streams)


def _served_kind(body: Mapping[str, Any], *, streams: bool) -> str | None:
    prefix = "stream-" if streams else ""
    several = body.get("n") not in (None, 1)
    structured = _schema_in(body) is not None
    special = [name for name in ("tools", "response_format", "tool_choice") if name in body]
    kind: str | None = None
    if any(isinstance(one, dict) and one.get("role") == "tool" for one in body["messages"]):
        kind = None if several or structured or streams else "second-turn"
    elif several:
        kind = f"{prefix}choices" if body["n"] == 2 and not special else None
    elif "tools" in body:
        kind = f"{prefix}tools" if _is_demand(body) and not structured else None
    elif structured:
        kind = f"{prefix}structured"
    elif not special:
        kind = _plain_kind(body, streams=streams)
    return kind


def _plain_kind(body: Mapping[str, Any], *, streams: bool) -> str:
    options = body.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    return "stream-usage" if streams and with_usage else "stream" if streams else "completion"


def _is_demand(body: Mapping[str, Any]) -> bool:
    """Whether the request demands a call, and offers the function that drivers offer."""
    tools, choice = body["tools"], body.get("tool_choice")
    functions = [one.get("function") for one in tools if isinstance(one, dict)] if isinstance(tools, list) else []
    offered = any(isinstance(one, dict) and one.get("name") == _FUNCTION for one in functions)
    named = choice.get("function") if isinstance(choice, dict) else None
    return offered and (choice == "required" or named == {"name": _FUNCTION})


def _calls_another(exchange: Exchange) -> bool:
    """Whether the answer calls a function that drivers do not offer: their clients demand the one that they do."""
    names = {name for name in _offered(exchange) if name != _FUNCTION}
    body = b"" if exchange.answer is None else exchange.answer.body
    return any(f'"{name}"'.encode() in body for name in names)


def _offered(exchange: Exchange) -> Iterator[str]:
    body = parse(exchange.request.body).value if b'"tools"' in exchange.request.body else None
    tools = body.get("tools") if isinstance(body, dict) else None
    for one in tools if isinstance(tools, list) else ():
        function = one.get("function") if isinstance(one, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            yield function["name"]


def _unplayable(exchange: Exchange) -> str | None:
    """Why an exchange cannot be played again as it was, None where it can."""
    if exchange.ending.kind not in _ENDED:
        return f"it ended in a way that the bytes do not show ({exchange.ending.kind.value})"
    if any(one.where != "request" for one in exchange.redactions) or exchange.body_kept is not BodyKept.AS_IT_CAME:
        return "a secret was taken out of the answer"
    answer = exchange.answer
    if answer is None:
        return None if exchange.ending.kind is EndKind.CLOSED else "nothing came back"
    if answer.header("Content-Encoding") is not None:
        return "the answer is in a content coding, which each client asks for on its own"
    return "the answer is too large" if len(answer.body) > _LARGEST else None


def _telling(candidates: Sequence[Exchange], broken: Mapping[str, Sequence[str]], most: int) -> Iterator[Exchange]:
    """The candidates that show the most: each breaks what those before it do not. The first is always there."""
    left, told = list(candidates), set[str]()
    for number in range(most):
        if not left:
            return
        # A complete answer before one that was cut, where both tell as much; max takes the first of equals.
        best = max(
            left,
            key=lambda one: (len(set(broken.get(one.id, ())) - told), one.ending.kind is EndKind.COMPLETE),
        )
        new = set(broken.get(best.id, ())) - told
        if number and not new:
            return
        yield best
        told |= new
        left.remove(best)


def _schema(candidates: Mapping[str, Sequence[Exchange]], broken: Mapping[str, Sequence[str]]) -> Any:
    """The schema of the most telling structured exchange: drivers take one for all of them."""
    for kind in ("structured", "stream-structured"):
        for one in _telling(candidates.get(kind, ()), broken, 1):
            return _schema_of(one)
    return None


def _schema_of(exchange: Exchange) -> Any:
    body = parse(exchange.request.body).value
    return _schema_in(body) if isinstance(body, dict) else None


def _schema_in(body: Mapping[str, Any]) -> Any:
    wanted = body.get("response_format")
    named = wanted.get("json_schema") if isinstance(wanted, dict) and wanted.get("type") == "json_schema" else None
    return named.get("schema") if isinstance(named, dict) else None


def _usual_path(exchanges: Iterable[Exchange]) -> str:
    """The path of the operation: the one that most requests went to."""
    paths = Counter(urlsplit(one.request.url).path for one in exchanges)
    return max(paths, key=paths.__getitem__, default="")


def _due_fields(exchanges: Iterable[Exchange], path: str) -> Set[str]:
    """The fields that nearly every request for the operation has: the contract may demand some of its own."""
    bodies = [
        parse(one.request.body).value
        for one in exchanges
        if urlsplit(one.request.url).path == path and one.request.body
    ]
    objects = [one for one in bodies if isinstance(one, dict)]
    counts = Counter(name for one in objects for name in one)
    return {name for name, count in counts.items() if count >= max(_FEWEST, _DUE * len(objects))}


def _order(kind: str) -> tuple[bool, str]:
    """Errors after answers, and streams after whole answers."""
    return "error-" in kind, kind.removeprefix("stream-") + ("~" if kind.startswith("stream") else "")


def schema_text(schema: Mapping[str, Any] | None) -> str:
    """The schema as drivers take it from their environment; a plain object where the run has none."""
    return json.dumps(schema if schema is not None else {"type": "object"}, ensure_ascii=True)
