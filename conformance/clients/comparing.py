"""Compares what a client understood with our own reading of the same exchange: the same, otherwise, or broke."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from conformance.clients.expected import TOKENS, Expected
from conformance.quoting import one_line
from conformance.report.client_results import Difference, Understanding
from conformance.strict_json import parse

_LONGEST: Final = 400
_CRASHES: Final = re.compile(
    r"TypeError|KeyError|IndexError|AttributeError|NameError|ReferenceError|RecursionError|AssertionError"
    r"|JSONDecodeError|SyntaxError|ValidationError|UnboundLocalError|RangeError|MemoryError|EndlessLoop|UnicodeDecodeError"
)
"""Exceptions that no client raises on purpose: a user's handler of the client's own errors does not catch them."""

_REPLAY: Final = re.compile(r"http://127\.0\.0\.1:[0-9]+/[^\s'\"]{1,300}?/v1")
"""The address of the replay server, which another session has otherwise."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The result of one scenario of one client, with what differs and the client's own message."""

    understanding: Understanding
    differences: tuple[Difference, ...] = ()
    message: str = ""


def compared(expected: Expected, line: Mapping[str, Any]) -> Compared:
    """Judge one line of a driver."""
    if line.get("unsupported"):
        return Compared(Understanding.UNSUPPORTED)
    failed = line.get("failed")
    if isinstance(failed, Mapping):
        return _failed(expected, failed)
    understood = line.get("understood")
    if not isinstance(understood, Mapping):
        return Compared(Understanding.BROKE, message="the driver printed neither what it understood nor what failed")
    if expected.is_error:
        said = _shown(expected.error) or f"an error with the status {expected.status}"
        lost = Difference("error", said, f"an answer: {_shown(understood.get('text'))}")
        return Compared(Understanding.OTHERWISE, (lost,))
    differences = tuple(_differences(expected, understood))
    return Compared(Understanding.OTHERWISE if differences else Understanding.SAME, differences)


def _failed(expected: Expected, failed: Mapping[str, Any]) -> Compared:
    name = str(failed.get("class") or "an exception")
    message = _REPLAY.sub("http://replay/v1", str(failed.get("message") or ""))
    said = one_line(f"{name}: {message}", _LONGEST)
    if not expected.is_error or _CRASHES.search(name):
        return Compared(Understanding.BROKE, message=said)
    status = failed.get("status")
    differences = []
    if expected.status != 200 and (
        status != expected.status if status is not None else str(expected.status) not in message
    ):
        shown = "none" if status is None else str(status)
        # A class that stands for the status, such as AuthenticationError, says it, too.
        if status is not None or not _names_status(name, expected.status):
            differences.append(Difference("status", str(expected.status), shown))
    if expected.error and not _has(message, expected.error):
        differences.append(Difference("message", _shown(expected.error), _shown(message)))
    return Compared(Understanding.OTHERWISE if differences else Understanding.SAME, tuple(differences), said)


_NAMES: Final = {
    400: "BadRequest",
    401: "Authentication",
    403: "Permission",
    404: "NotFound",
    422: "Unprocessable",
    429: "RateLimit",
    500: "InternalServer",
    503: "ServiceUnavailable",
}


def _names_status(name: str, status: int | None) -> bool:
    return status is not None and status in _NAMES and _NAMES[status] in name


def _has(message: str, part: str) -> bool:
    """Whether a message has another in it, however it is quoted or escaped."""

    def letters(text: str) -> str:
        return re.sub(r"\W+", "", re.sub(r"\\+(?:u[0-9a-f]{4}|[nrt])", "", text))

    return letters(part)[:120] in letters(message)


def _differences(expected: Expected, understood: Mapping[str, Any]) -> Iterator[Difference]:
    if expected.problem is not None:
        yield Difference("answer", expected.problem, "a whole answer")
    wanted = expected.understood
    if "text" in understood:
        yield from _listed("text", wanted["text"], understood["text"], _text)
    if "finish_reason" in understood:
        yield from _listed("finish_reason", wanted["finish_reason"], understood["finish_reason"], _reason)
    if "tool_calls" in understood:
        calls = understood["tool_calls"]
        yield from _listed("tool_calls", _as_exposed(wanted["tool_calls"], calls), calls, _calls, padded=True)
    if "usage" in understood:
        yield from _usage(wanted["usage"], understood["usage"])
    if "parsed" in understood and "parsed" in wanted and understood["parsed"] != wanted["parsed"]:
        yield Difference("parsed", _shown(wanted["parsed"]), _shown(understood["parsed"]))


def _listed(member: str, wanted: Any, came: Any, plain: Any, *, padded: bool = False) -> Iterator[Difference]:
    """The differences of a member with one value a choice."""
    came = list(came) if isinstance(came, Sequence) and not isinstance(came, str) else [came]
    wanted = list(wanted)
    if padded or not any(map(plain, [*wanted, *came])):  # no calls in any choice: a client need not list the choices
        size = max(len(wanted), len(came))
        wanted, came = (one + [None] * (size - len(one)) for one in (wanted, came))
    if [plain(one) for one in wanted] != [plain(one) for one in came]:
        single = len(wanted) == len(came) == 1
        yield Difference(member, _shown(wanted[0] if single else wanted), _shown(came[0] if single else came))


def _text(value: Any) -> Any:
    return value or ""


def _reason(value: Any) -> Any:
    """A finish reason without the spelling that clients give it."""
    if not isinstance(value, str):
        return None
    plain = value.lower().replace("-", "_")
    return {"tool_call": "tool_calls", "unknown": None, "other": None, "": None, "null": None}.get(plain, plain)


def _calls(value: Any) -> Any:
    calls = value if isinstance(value, Sequence) and not isinstance(value, str) else []
    return [_call(one) for one in calls if isinstance(one, Mapping)]


def _call(call: Mapping[str, Any]) -> Any:
    given = call.get("arguments")
    if isinstance(given, str):
        document = parse(given.encode("utf-8", "surrogatepass"))
        given = document.value if document.readable else given
    return call.get("id") or "", call.get("name") or "", given or {}


def _as_exposed(wanted: Any, came: Any) -> Any:
    """Calls without what the client does not show of them, such as their ids."""
    shown = {name for calls in came or () for one in calls or () if isinstance(one, Mapping) for name in one}
    if not shown:
        return wanted
    return [[{name: one[name] for name in one if name in shown} for one in calls or ()] for calls in wanted]


def _usage(wanted: Any, came: Any) -> Iterator[Difference]:
    counts = came if isinstance(came, Mapping) else {}
    shown = {name: counts[name] for name in TOKENS if isinstance(counts.get(name), int | float)}
    if wanted is None:
        # Clients whose usage is never null say zero for what did not come.
        if any(shown.values()):
            yield Difference("usage", "none", _shown(shown))
        return
    lost = {name: count for name, count in wanted.items() if shown.get(name, 0 if shown else None) != count}
    if lost and (not shown or any(name in shown for name in lost)):
        yield Difference("usage", _shown(wanted), _shown(shown or None))


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return one_line(text, _LONGEST)
