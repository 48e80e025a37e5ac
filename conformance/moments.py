"""Dates, times and spans of time from outside: read without an error, whatever the text is."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SPAN = re.compile(r"([0-9]{1,6})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def moment(text: str) -> datetime | None:
    """A date and time with its offset from UTC (RFC 3339 section 5.6); None where the text is something else."""
    if not _DATE_TIME.fullmatch(text):
        return None
    try:
        read = datetime.fromisoformat(text.upper())
        read.timestamp()
    except (ValueError, OverflowError):  # no such day, a leap second, or a year that no calendar here has
        return None
    return read


def day(text: str) -> date | None:
    """A day as `2026-11-29`; None where the text is something else."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def span(text: str) -> timedelta | None:
    """A number and its unit as a span of time: `90m`, `48h`, `7d`; None where the text is something else."""
    found = _SPAN.fullmatch(text)
    return None if found is None else int(found[1]) * _UNITS[found[2]]
