"""Quantities in words: sizes, time spans, counts and lists."""

from __future__ import annotations

from collections.abc import Sequence


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
