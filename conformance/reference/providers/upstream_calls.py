"""Reads the tool calls of an upstream's answer, whole or streamed, and mends how servers tell them; without I/O."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.reading.event_stream import MAX_LINE
from conformance.reference.errors import ProviderError
from conformance.reference.provider import CallPiece
from conformance.reference.providers.json_progress import JsonProgress
from conformance.reference.providers.surrogates import WholeCharacters, well_formed
from conformance.reference.providers.upstream_failure import NOT_UNDERSTOOD

MOST_CALLS = 128
"""Calls of one answer that are read; as many as a request may have tools."""
_LONGEST_NAME = 256
"""Characters of a name, and of an id, that are passed on."""
_INPUTS = {"function": "arguments", "custom": "input"}


def new_id() -> str:
    """An id for a call whose own cannot be used."""
    return f"call_{secrets.token_hex(12)}"


@dataclass(slots=True)
class _Call:
    """One call as far as it is known."""

    number: int
    kind: str
    name: str = ""
    id: str = ""
    """As the upstream has it."""
    next_id: str = ""
    """Another id that came under the same index: that of the next call, if a name follows."""
    named_again: bool = False
    """Whether its name came once more when its input was whole."""
    index: int | None = None
    """Its own, once its first piece has been passed on."""
    progress: JsonProgress = field(default_factory=JsonProgress)
    pending: list[str] = field(default_factory=list)
    """Of its input, the pieces that have not been passed on."""
    characters: WholeCharacters = field(default_factory=WholeCharacters)

    @property
    def is_over(self) -> bool:
        """Whether nothing more can belong to its input."""
        return self.kind == "function" and self.progress.whole


class CallReader:
    """The tool calls of one choice, in order and one after another, each with an id of its own.

    A call is told by its index, or where servers leave that out or always say 0, by a new id with a name, or by a new
    name. What comes of a later call waits for the end of the one before it. A name may come in pieces or again and
    again, arguments as an object or not at all (`{}` is passed on), the type may be missing.

    What the model decided is passed on as it is, because a gateway cannot make it right: a name that is not among the
    tools, arguments that do not fit their schema, and an answer without a call where one was required. But of calls
    that the client said it cannot take, `most` are passed on and no more; where it takes none, none is read.

    `names` are those of the tools. An id is kept, unless it is among those that are `taken` in the conversation.
    """

    def __init__(
        self,
        names: Collection[str] = (),
        most: int = MOST_CALLS,
        longest: int = MAX_LINE,
        *,
        taken: Collection[str] = (),
        keeps_ids: bool = True,
    ) -> None:
        self._names = frozenset(names)
        self._most, self._longest = most, longest
        self._calls: list[_Call] = []
        self._by_index: dict[int | str, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._ids = set(taken)
        self._keeps_ids = keeps_ids
        self._told = 0
        """How many were passed on, or begun to be."""
        self._current = 0
        """The number of the call that is being passed on."""
        self.size = 0
        """Bytes of all names and inputs, in UTF-8."""

    @property
    def called(self) -> bool:
        """Whether a call was passed on."""
        return self._told > 0

    @property
    def is_whole(self) -> bool:
        """Whether no call looks cut."""
        return all(call.kind != "function" or call.progress.whole or not call.progress.begun for call in self._calls)

    def take(self, message: Mapping[str, Any], *, whole: bool) -> Iterator[CallPiece]:
        """What a message, or a delta of one, has of calls. Those of a `whole` one are all new.

        Raises:
            ProviderError: there is something that is no call, or more than is read.
        """
        entries = message.get("tool_calls")
        legacy = message.get("function_call")
        if not entries and isinstance(legacy, dict):
            entries = {"index": "function_call", "function": legacy}
        if not entries:
            return
        if not self._most:
            self._count(len(_input(entries) if isinstance(entries, list | dict) else ""))
            return
        touched: set[int] = set()
        for entry in entries if isinstance(entries, list) else [entries]:
            if entry is not None:
                self._take(entry, touched, whole=whole)
        yield from self._passed_on()

    def end(self, *, cut: bool) -> Iterator[CallPiece]:
        """What is left, once no more arrives. `cut` says that a limit ended the answer, wherever it was.

        Raises:
            ProviderError: a call has no name.
        """
        for call in self._calls:
            self._add(call, call.characters.flush())
            if call.kind == "function" and not call.progress.begun and not cut:
                self._add(call, "{}")
        if not cut and not all(call.name for call in self._calls):
            raise ProviderError(NOT_UNDERSTOOD)
        yield from self._passed_on(final=True)

    def _take(self, entry: Any, touched: set[int], *, whole: bool) -> None:
        if not isinstance(entry, dict):
            raise ProviderError(NOT_UNDERSTOOD)
        kind, held = _kind_and_content(entry)
        name, identity = _word(held.get("name")), _word(entry.get("id"))
        index = entry.get("index")
        index = index if isinstance(index, int | str) and not isinstance(index, bool) else None
        text = _input(held.get(_INPUTS[kind]))
        if not (name or identity or text):
            return
        call = None if whole else self._known(index, name, identity)
        if call is None or self._opens(call, name, identity, text, again=call.number in touched):
            call = self._open(
                kind, index, name or (call.name if call else ""), identity or (call.next_id if call else "")
            )
        else:
            self._go_on(call, name, identity)
        touched.add(call.number)
        self._add(call, call.characters.feed(text))

    def _known(self, index: int | str | None, name: str, identity: str) -> _Call | None:
        """The call that an entry may go on with."""
        if index is not None and index in self._by_index:
            return self._by_index[index]
        if index is not None and name:
            return None
        if identity in self._by_id:
            return self._by_id[identity]
        is_new = (name or identity) and index is not None
        return self._calls[-1] if self._calls and not is_new else None

    def _opens(self, call: _Call, name: str, identity: str, text: str, *, again: bool) -> bool:
        """Whether an entry opens another call than the one that it seems to go on with.

        `again` says that the same delta has a piece of that call already.
        """
        if not name:
            return call.named_again and call.is_over and bool(text.strip())
        if not call.name:
            return False
        if again:
            return True
        if identity and call.id and identity != call.id:
            return name != call.name or call.progress.whole or not call.progress.begun
        if not call.progress.begun:
            return self._joined(call.name, name) is None
        return name != call.name or (call.is_over and bool(text.strip()))

    def _joined(self, before: str, piece: str) -> str | None:
        """A name with another piece of it, or with itself once more; None where the piece is another name."""
        if piece == before:
            return before
        if before in self._names and piece in self._names:
            return None
        if piece.startswith(before):  # it grows from one delta to the next
            return piece
        joined = before + piece
        if any(known.startswith(joined) for known in self._names) or before not in self._names:
            return joined
        return None

    def _open(self, kind: str, index: int | str | None, name: str, identity: str) -> _Call:
        if len(self._calls) >= MOST_CALLS:
            raise ProviderError(NOT_UNDERSTOOD)
        call = _Call(len(self._calls), kind)
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        self._go_on(call, name, identity)
        return call

    def _go_on(self, call: _Call, name: str, identity: str) -> None:
        if identity and not call.id:
            call.id = identity
            self._by_id.setdefault(identity, call)
        elif identity and identity != call.id:
            call.next_id = identity
        if name and not call.progress.begun:
            call.name = (self._joined(call.name, name) or name) if call.name else name
        elif name and not call.name:
            call.name = name
        elif name and call.is_over:
            call.named_again = True
        if len(call.name) > _LONGEST_NAME:
            raise ProviderError(NOT_UNDERSTOOD)
        self._count(len(name.encode()))

    def _add(self, call: _Call, text: str) -> None:
        call.progress.feed(text)
        call.pending.append(text)
        self._count(len(text.encode()))

    def _count(self, size: int) -> None:
        self.size += size
        if self.size > self._longest:
            raise ProviderError(NOT_UNDERSTOOD)

    def _passed_on(self, *, final: bool = False) -> Iterator[CallPiece]:
        """What can be passed on, one call after another."""
        while self._current < min(len(self._calls), self._most):
            call = self._calls[self._current]
            over = final or (bool(call.name) and call.is_over and self._current < len(self._calls) - 1)
            yield from self._pieces(call, over=over)
            if not over:
                return
            self._current += 1

    def _pieces(self, call: _Call, *, over: bool) -> Iterator[CallPiece]:
        if call.index is None:
            if not call.name or not (over or call.progress.begun or self._is_settled(call.name)):
                return
            call.index = self._told
            self._told += 1
            yield CallPiece(call.index, "", self._own_id(call.id), call.kind, call.name)
        if pending := "".join(call.pending):
            yield CallPiece(call.index, pending, kind=call.kind)
        call.pending.clear()

    def _is_settled(self, name: str) -> bool:
        """Whether a name is known, and no other one goes on from it."""
        return name in self._names and not any(known != name and known.startswith(name) for known in self._names)

    def _own_id(self, identity: str) -> str:
        """The upstream's id of a call where no other call has it, or a new one."""
        usable = self._keeps_ids and 0 < len(identity) <= _LONGEST_NAME and identity not in self._ids
        own = identity if usable else new_id()
        self._ids.add(own)
        return own


def _kind_and_content(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The kind of a call, and the object with its name and input, which some servers leave out around them."""
    for kind in _INPUTS:
        held = entry.get(kind)
        if isinstance(held, dict):
            return kind, held
        if held is not None:
            raise ProviderError(NOT_UNDERSTOOD)
    return "custom" if entry.get("type") == "custom" else "function", entry


def _word(value: Any) -> str:
    """A name or an id; empty where there is none. Some servers number their calls."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise ProviderError(NOT_UNDERSTOOD)
    return well_formed(value or "")


def _input(value: Any) -> str:
    """The input of a call as text: an object is encoded, a text never again."""
    if isinstance(value, dict | list):
        try:
            return well_formed(json.dumps(value, ensure_ascii=False, allow_nan=False))
        except (ValueError, RecursionError) as error:
            raise ProviderError(NOT_UNDERSTOOD) from error
    if value is not None and not isinstance(value, str):
        raise ProviderError(NOT_UNDERSTOOD)
    return value or ""
