"""Reads options that are a time span: `90`, `90s`, `15m`, `1h30m`."""

from __future__ import annotations

import re
from typing import Final

import click

_PARTS: Final = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6}(?:\.[0-9]{1,6})?)s?)?")
_LONGEST: Final = 7 * 24 * 3600.0


def seconds_of(value: str) -> float:
    """The seconds of a time span in hours, minutes and seconds; a number alone is seconds.

    Raises:
        click.BadParameter: it is not a time span of more than nothing and at most a week.
    """
    found = _PARTS.fullmatch(value.strip())
    hours, minutes, seconds = found.groups() if found else (None, None, None)
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
    if not 0 < total <= _LONGEST:
        raise click.BadParameter(
            f"{value!r} is not a time span of at most a week; give seconds, or a span such as 90s, 15m or 1h30m."
        )
    return total
