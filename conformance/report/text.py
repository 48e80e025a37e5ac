"""Text for people: what a target wrote with nothing hidden in it, and quantities in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What a terminal or a browser would obey instead of show: C0 (but tab and line feed), DEL, C1, line and paragraph
# separators, marks and overrides of direction, invisible spaces and tags, and halves of surrogate pairs. The joiners
# U+200C and U+200D stay: scripts and emoji need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_BREAKS = {"\t": "\\t", "\n": "\\n"}


def visible(text: str) -> str:
    r"""The text with every character that would act instead of being seen written as an escape (`\x1b`, `\u202e`).

    Tabs and line feeds stay. The result can be encoded as UTF-8 and stands in XML 1.0 but for markup.
    """
    return _HIDDEN.sub(lambda match: _escape(match[0]), text)


def one_line(text: str, limit: int | None = None) -> str:
    r"""`visible` without line breaks, cut to `limit` characters with an ellipsis where it is longer."""
    shown = visible(text)
    for character, escape in _BREAKS.items():
        shown = shown.replace(character, escape)
    if limit is not None and len(shown) > limit:
        return shown[: max(limit - 1, 0)] + "…"
    return shown


def _escape(character: str) -> str:
    code = ord(character)
    if character == "\r":
        return "\\r"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def byte_size(count: int) -> str:
    """A number of bytes for a person: `812 bytes`, `31.2 kB`, `4.7 MB` (decimal units)."""
    if count < 1000:
        return counted(count, "byte")
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000 or unit == "GB":
            break
    return f"{amount:.1f} {unit}"


def duration(seconds: float) -> str:
    """A time span for a person: `312 ms`, `4.2 s`, `2 min 05 s`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 request`, `2,000 requests`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(items: Sequence[str], most: int = 5) -> str:
    """Items as a phrase: `a`, `a and b`, `a, b and c`, `a, b, c, d, e and 12 more`."""
    shown = list(items[:most])
    if len(items) > most:
        shown.append(f"{len(items) - most} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
