"""A share of what the lab judges, such as `1/3`: shares of one size together are the whole."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Share:
    """The `number`th of `count` shares, from 1. A name is of one of them, whatever other names there are."""

    number: int
    count: int

    @classmethod
    def parsed(cls, text: str) -> Self:
        """What `number/count` says.

        Raises:
            ValueError: it is not a share.
        """
        number, _, count = text.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise ValueError(f"{text!r} is not a share; give one like 1/3, with a number from 1 to 3 before it.")
        return cls(int(number), int(count))

    def has(self, name: str) -> bool:
        """Whether a name is of this share."""
        return zlib.crc32(name.encode()) % self.count == self.number - 1


WHOLE = Share(1, 1)
