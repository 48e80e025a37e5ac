"""Writes text from outside as Markdown that shows it and does nothing: no mention, no link, no HTML, nothing hidden.

Trackers look for mentions and references in the text that Markdown renders, so that escapes do not help. They look
into no code: everything that is not plain words becomes code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from conformance.quoting import code_span, one_line, visible

LONGEST_LINE: Final = 240
_CODE: Final = re.compile(r"`([^`]+)`")
_PLAIN_WORD: Final = re.compile(
    r"[(\"']?[^\W\d_]+(?:['/-][^\W\d_]+)*[)\"']?[.,;:?)]?|[0-9]{1,6}(?:[.,][0-9]{1,3})?[.,;:?)]?|[.,;:?)]{1,2}|\("
)
"""Words and small numbers with the punctuation around them; everything else may mean something to a tracker."""
_LIKE_A_COMMIT: Final = re.compile(r"\W*[a-f]{7,}\W*", re.IGNORECASE)
_FENCE: Final = re.compile("`{3,}|~{3,}")
_BACKTICKS: Final = re.compile("`+")
_UNSEEN_KINDS: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_JOINERS: Final = "\u200c\u200d"


def span_of(text: str, limit: int = LONGEST_LINE) -> str:
    """A text as a code span on one line, with everything that would not be seen as an escape."""
    return code_span(shown(one_line(text, limit)), limit * 10)


def prose_of(text: str, limit: int = 1000) -> str:
    """A sentence as prose: plain words as they are, everything else, and what stands between backticks, as code.

    It belongs behind words of ours on the same line, for what begins a line may be a heading or a list.
    """
    parts = _CODE.split(one_line(text, limit))
    pieces = [span_of(part) if number % 2 else " ".join(_words(part)) for number, part in enumerate(parts)]
    return _joined(parts, pieces)


def block_of(lines: Iterable[str], prefix: str = "", info: str = "text", limit: int = LONGEST_LINE) -> str:
    """Lines as a code block that nothing in them can end; behind `prefix`, none begins as it likes."""
    return fenced([f"{prefix}{shown(one_line(line, limit))}" for line in lines], info)


def command_block(command: str) -> str | None:
    """A command as a code block from which it can be copied; None where it cannot be shown as it has to be typed.

    That is where it has characters that are not seen, or a line that a tracker may take for a command to itself.
    """
    lines = command.split("\n")
    if any(_acts(line) for line in lines[1:]) or visible(command) != command:
        return None
    unseen = any(is_unseen(char) and char not in f"\n\t{_JOINERS}" for char in command)
    return None if unseen else fenced(lines, "sh")


def fenced(lines: Iterable[str], info: str) -> str:
    """A fenced code block that ends where we end it (CommonMark section 4.5)."""
    text = "\n".join(lines)
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{info}\n{text}\n{fence}"


def shown(text: str) -> str:
    r"""The text with an escape (`\u200b`) in the place of every character that would not be seen."""
    return "".join(f"\\u{ord(char):04x}" if is_unseen(char) else char for char in text)


def is_unseen(char: str) -> bool:
    """Whether nothing, or nothing but a gap, is seen of a character: it can hide a text within another."""
    return (
        unicodedata.category(char) in _UNSEEN_KINDS
        or char in _BLANK
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0100" <= char <= "\U000e01ef"
    )


def _is_plain(word: str) -> bool:
    fits = _PLAIN_WORD.fullmatch(word) is not None and _LIKE_A_COMMIT.fullmatch(word) is None
    return fits and not word.lower().startswith("www") and not any(map(is_unseen, word))


def _words(text: str) -> Iterator[str]:
    """The words of a text: plain ones as they are, others as code, several in a row as one."""
    odd: list[str] = []
    for word in text.split():
        if _is_plain(word):
            if odd:
                yield span_of(" ".join(odd))
            odd = []
            yield word
        else:
            odd.append(word)
    if odd:
        yield span_of(" ".join(odd))


def _joined(parts: list[str], pieces: list[str]) -> str:
    """The pieces with a space between them where there was one; always one between two codes, which would merge."""
    text = ""
    for number, piece in enumerate(pieces):
        if not piece:
            continue
        glued = number and not parts[number - 1].endswith(" ") and not parts[number].startswith(" ")
        plain = glued and "`" not in (text[-1:], piece[:1])
        punctuation = glued and text.endswith("`") and piece[:1] in ".,;:?)"
        opened = glued and text.endswith("(")
        text += piece if not text or plain or punctuation or opened else f" {piece}"
    return text


def _acts(line: str) -> bool:
    """Whether a line of a command might be one to a tracker, or the end of its block to a careless reader."""
    stripped = line.lstrip()
    return stripped.startswith(("/", "@")) or _FENCE.match(stripped) is not None
