"""Why a bundle is not valid, or a key cannot be used."""

from __future__ import annotations


class BundleError(Exception):
    """A bundle is not valid. The message is one sentence that names the exact problem."""


class ChallengeError(Exception):
    """A challenge cannot be made or used. The message is one sentence: the file, what is wrong, and what to do."""


class KeyFileError(Exception):
    """A key cannot be used. The message is one sentence: the file, what is wrong, and what to do."""
