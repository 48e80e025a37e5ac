"""The ways in which a bundle does not hold, and a key cannot be used."""

from __future__ import annotations


class BundleError(Exception):
    """A bundle does not hold. The message is one sentence that names the exact problem."""


class KeyFileError(Exception):
    """A key cannot be used. The message is one sentence: the file, what is wrong, and what to do."""
