"""Holds an upstream's answer to what the request demands: a call, a function, arguments and documents that fit.

What does not keep it is refused as not supported. So such an answer is sent once it is whole, for nothing that was sent
can be taken back.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Any

from conformance.contract.validators import validator_for
from conformance.reference.errors import ProviderError, Refusal
from conformance.reference.provider import CallPiece, CompletionRequest, Declined, Ended, Piece, Tools

_CUT = frozenset({"length", "content_filter"})
_OBJECT: Mapping[str, Any] = {"type": "object"}


async def keeping_demands(
    request: CompletionRequest, choice: int, pieces: AsyncGenerator[Piece, None]
) -> AsyncGenerator[Piece, None]:
    """The same pieces; all at once where the request demands something of them.

    Raises:
        Refusal: 400 where the answer does not keep it, by the name of the field that demands it.
        ProviderError: the same for a further choice of a stream, of which the first may be on its way.
    """
    strict = dict(_strict_tools(request))
    wanted = _document_schema(request)
    async with aclosing(pieces):
        if request.tool_use is not Tools.REQUIRED and not strict and wanted is None:
            async for piece in pieces:
                yield piece
            return
        whole = [piece async for piece in pieces]
    if not any(isinstance(piece, Ended) and piece.reason in _CUT for piece in whole):
        try:
            _check_calls(request, strict, whole)
            _check_document(wanted, whole)
        except Refusal as refusal:
            if request.stream and choice:
                raise ProviderError(refusal.message) from refusal
            raise
    for piece in whole:
        yield piece


def _check_calls(request: CompletionRequest, strict: Mapping[str, Any], whole: Iterable[Piece]) -> None:
    calls = _calls(whole)
    given = {tool.name for tool in request.tools}
    if request.tool_use is Tools.REQUIRED and not (calls and all(name in given for name, _ in calls)):
        raise _refusal("tool_choice")
    for name, text in calls:
        if name is not None and name in strict and not _fits(text, strict[name]):
            raise _refusal("tools")


def _check_document(schema: Mapping[str, Any] | None, whole: Iterable[Piece]) -> None:
    if schema is None:
        return
    text = "".join(piece for piece in whole if isinstance(piece, str))
    declined = any(isinstance(piece, Declined) for piece in whole)
    called = any(isinstance(piece, CallPiece) for piece in whole)
    if not declined and not called and not _fits(text, schema):
        raise _refusal("response_format")


def _calls(whole: Iterable[Piece]) -> list[tuple[str | None, str]]:
    """The name and the input of each call."""
    found: dict[int, tuple[str | None, str]] = {}
    for piece in whole:
        if isinstance(piece, CallPiece):
            name, text = found.get(piece.index, (piece.name, ""))
            found[piece.index] = name, text + piece.text
    return list(found.values())


def _strict_tools(request: CompletionRequest) -> Iterator[tuple[str, Any]]:
    """The schema of each function whose arguments must fit it, by the function's name."""
    for tool in request.further.get("tools") or ():
        held = tool.get("function") if isinstance(tool, Mapping) else None
        if isinstance(held, Mapping) and held.get("strict") is True:
            yield str(held.get("name")), held.get("parameters") or _OBJECT


def _document_schema(request: CompletionRequest) -> Mapping[str, Any] | None:
    """The schema that the text must fit, None where it need not."""
    form = request.response_format
    if form.get("type") == "json_object":
        return _OBJECT
    held = form.get("json_schema")
    is_strict = isinstance(held, Mapping) and held.get("strict") is True
    return held["schema"] if is_strict and isinstance(held, Mapping) else None


def _fits(text: str, schema: Any) -> bool:
    try:
        return validator_for(schema)(json.loads(text))
    except (ValueError, RecursionError):
        return False


def _refusal(field: str) -> Refusal:
    message = f"'{field}' is not supported by this deployment's provider: its answer did not keep it."
    return Refusal(400, "unsupported_parameter", message, param=field)
