"""Parts a model's reasoning from its text where a server leaves both in the content, with the marks of its template."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.reference.provider import Thought

_CLOSING = {"<think>": "</think>", "<thinking>": "</thinking>", "[THINK]": "[/THINK]"}
"""What a block of reasoning begins with, and what it ends with."""
_LONE = tuple(_CLOSING.values())
_CHANNELS = ("<|start|>", "<|channel|>")
"""What the head of a message begins with in OpenAI's harmony format; `<|message|>` ends it."""
_MESSAGE = "<|message|>"
_MESSAGE_ENDS = ("<|end|>", "<|return|>", "<|call|>", *_CHANNELS)
_OPENINGS = (*_CLOSING, *_LONE, *_CHANNELS)
_SHOWN_CHANNEL = re.compile(r"<\|channel\|>\s*final\b")
_LONGEST_HEAD = 256
"""Characters of the head of a message, and of the white space before an opening, that are waited for."""
_LEFT_BEHIND = re.compile(r"\n\s*</think>\s*(?:\n|\Z)")


class ContentReader:
    """The content of an answer as it arrives, in texts and thoughts.

    Only what stands at the beginning is taken for a mark: a model may write about these marks, too. So a lone
    `</think>` in the middle of a stream stays, because what came before it has been sent.
    """

    def __init__(self) -> None:
        self._held = ""
        self._at_beginning = True
        """Whether a mark may follow."""
        self._marked = False
        """Whether there was one: then white space before the text belongs to it."""
        self._thinking = False
        self._ends: tuple[str, ...] = ()
        """What ends this part; nothing ends the text after the marks."""

    def feed(self, text: str) -> Iterator[str | Thought]:
        """The pieces that are known now that `text` has arrived."""
        self._held += text
        yield from self._pieces(final=False)

    def whole(self, text: str) -> Iterator[str | Thought]:
        """The pieces of a content that is not streamed: there, all before a lone `</think>` is reasoning as well."""
        behind = None if "<think>" in text else _LEFT_BEHIND.search(text)
        if behind is not None:
            yield Thought(text[: behind.start()])
            text = text[behind.end() :].lstrip()
        yield from self.feed(text)

    def flush(self) -> Iterator[str | Thought]:
        """The pieces that are left, once no more arrives."""
        yield from self._pieces(final=True)

    def _pieces(self, *, final: bool) -> Iterator[str | Thought]:
        while self._held:
            if self._at_beginning:
                if not self._open(final=final):
                    return
                continue
            size, end = self._end_in_held(final=final)
            if size:
                yield Thought(self._held[:size]) if self._thinking else self._held[:size]
            self._held = self._held[size + len(end) if end not in _CHANNELS else size :]
            if not end:
                return
            self._at_beginning = True

    def _open(self, *, final: bool) -> bool:
        """Take the mark at the beginning; false while it cannot be told whether there is one."""
        bare = self._held.lstrip()
        mark = next((one for one in _OPENINGS if bare.startswith(one)), "")
        if mark in _LONE:
            self._marked, self._held = True, bare[len(mark) :]
        elif mark in _CLOSING:
            self._begin(bare[len(mark) :], thinking=True, ends=(_CLOSING[mark],))
        elif mark:
            head, message, rest = bare.partition(_MESSAGE)
            if message and len(head) <= _LONGEST_HEAD:
                self._begin(rest, thinking=_SHOWN_CHANNEL.search(head) is None, ends=_MESSAGE_ENDS)
            elif final or len(bare) > _LONGEST_HEAD:
                self._begin(bare, thinking=True, ends=(_MESSAGE,))
            else:
                return False
        elif not final and len(self._held) <= _LONGEST_HEAD and any(one.startswith(bare) for one in _OPENINGS):
            return False
        else:
            self._at_beginning = False
            self._thinking, self._ends = False, ()
            self._held = bare if self._marked else self._held
        return True

    def _begin(self, held: str, *, thinking: bool, ends: tuple[str, ...]) -> None:
        self._held, self._thinking, self._ends = held, thinking, ends
        self._at_beginning, self._marked = False, True

    def _end_in_held(self, *, final: bool) -> tuple[int, str]:
        """How much of what is held belongs to this part, and what ends it there, if anything does."""
        found = [(at, end) for end in self._ends if (at := self._held.find(end)) >= 0]
        if found:
            return min(found)
        longest = 0 if final else max(map(len, self._ends), default=1) - 1
        sizes = range(min(longest, len(self._held)), 0, -1)
        begun = next((size for size in sizes if any(end.startswith(self._held[-size:]) for end in self._ends)), 0)
        return len(self._held) - begun, ""
