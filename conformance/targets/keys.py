"""What is known about keys by their form: vendors' prefixes, and keys that differ little from another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

VENDOR_PREFIXES: Final = (
    *("sk-proj-", "sk-ant-", "sk-or-", "sk-", "pk-"),
    *("gsk_", "xai-", "hf_", "nvapi-", "key-"),
)
"""What all keys of one kind begin with, which is not secret. A longer prefix comes before its own beginning."""

_FROM_THE_END: Final = 5
"""Which character from the end is changed: the last one of a signed token may have no significant bits."""


def vendor_prefix(key: str) -> str:
    """The vendor's prefix that a key begins with, or nothing."""
    return next((prefix for prefix in VENDOR_PREFIXES if key.startswith(prefix)), "")


def changed_key(key: str) -> str:
    """The key with one character near its end replaced by another of its kind."""
    place = max(len(key) - _FROM_THE_END, len(key) // 2)
    return key[:place] + _another(key[place : place + 1]) + key[place + 1 :]


def cut_key(key: str) -> str:
    """The key without its last character."""
    return key[:-1]


def extended_key(key: str) -> str:
    """The key with one more character."""
    return key + "0"


SUFFIXES: Final[Mapping[str, str]] = {"dash": "-0", "colon": ":0", "slash": "/0", "word": " 0"}
"""What stands behind a key that is not the whole of a credential, by the name of what separates it."""
SHORTEST_VARIED: Final = 9
"""Characters of a key from which on its variations are redacted like the key itself."""
_HEXADECIMAL: Final = re.compile(r"[0-9a-fA-F-]*")


def other_case_key(key: str) -> str | None:
    """The key behind the vendor's prefix in the other letter case; None where that says nothing.

    A key without letters has no other case, and the digits of a hexadecimal number or a UUID mean the same in either.
    """
    prefix = vendor_prefix(key)
    rest = key[len(prefix) :]
    if not key.isascii() or rest.swapcase() == rest or _HEXADECIMAL.fullmatch(rest):
        return None
    return prefix + rest.swapcase()


def varied_keys(key: str) -> frozenset[str]:
    """The key in the other letter case, and with each of `SUFFIXES`: each is as secret as the key."""
    other_case = other_case_key(key)
    return frozenset({*(key + suffix for suffix in SUFFIXES.values()), *([other_case] if other_case else [])})


def _another(character: str) -> str:
    """A character of the same kind: a digit, or a letter of the same case; hexadecimal stays hexadecimal."""
    if character in {"0", "a", "A"}:
        return chr(ord(character) + 1)
    return chr(ord(character) - 1) if character.isascii() and character.isalnum() else "0"
