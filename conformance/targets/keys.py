"""What is known about keys by their form: vendors' prefixes, and keys that differ from another in one character."""

from __future__ import annotations

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


def _another(character: str) -> str:
    """A character of the same kind: a digit, or a letter of the same case; hexadecimal stays hexadecimal."""
    if character in {"0", "a", "A"}:
        return chr(ord(character) + 1)
    return chr(ord(character) - 1) if character.isascii() and character.isalnum() else "0"
