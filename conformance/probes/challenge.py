"""A certifier's challenge: random bytes from which a run's requests follow, so that nobody can know them before.

A short tag stands at the beginning of each prompt, canaries are other words, and generated requests have another seed.
Equal texts have equal tags: what compares requests of one prompt compares the same requests as without a challenge.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from conformance.probes.canaries import CANARY
from conformance.targets.errors import TargetError

FORMAT: Final = 1
NONCE_BYTES: Final = 32
LONGEST_NAME: Final = 200
_TAG_LENGTH: Final = 10
"""Characters of five bits each: a tag costs a handful of tokens, and nobody guesses it."""
_TAGGED: Final = re.compile(rf"\[([a-z2-7]{{{_TAG_LENGTH}}})\] (.+)", re.DOTALL)
_NONCE: Final = re.compile(rf"[0-9a-f]{{{2 * NONCE_BYTES}}}")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A nonce (hexadecimal) that a certifier made for `issued_for`, with the time in which it holds.

    The times are ISO 8601 with an offset, as the challenge's file has them.
    """

    issued_for: str
    nonce: str
    issued: str
    expires: str

    def data(self) -> dict[str, Any]:
        """The challenge as plain data; specs/challenge.schema.json describes it."""
        return {
            "format": FORMAT,
            "for": self.issued_for,
            "nonce": self.nonce,
            "issued": self.issued,
            "expires": self.expires,
        }

    @property
    def issued_at(self) -> datetime:
        """From when it holds."""
        return datetime.fromisoformat(self.issued)

    @property
    def expires_at(self) -> datetime:
        """Until when it holds."""
        return datetime.fromisoformat(self.expires)

    @property
    def caller(self) -> str:
        """The name of the caller in requests that name one."""
        return f"chat-conformance-{self._tag('caller')}"

    def woven(self, text: str) -> str:
        """A prompt with its tag before it and with other canaries."""
        changed = CANARY.sub(lambda found: self._canary(found[0]), text)
        return f"[{self._tag(changed)}] {changed}"

    def is_in(self, text: str) -> bool:
        """Whether a prompt begins with the tag that this challenge gives it."""
        found = _TAGGED.fullmatch(text)
        return found is not None and hmac.compare_digest(found[1], self._tag(found[2]))

    def seed(self, purpose: str) -> int:
        """A seed for what is generated."""
        return int.from_bytes(self._derived(f"seed {purpose}"))

    def _tag(self, text: str) -> str:
        return base64.b32encode(self._derived(f"tag {text}")).decode("ascii")[:_TAG_LENGTH].lower()

    def _canary(self, word: str) -> str:
        """Another canary of the same length."""
        start, dash, letters = word.partition("-")
        number = int.from_bytes(self._derived(f"canary {word}"))
        changed = ""
        for _ in letters:
            number, letter = divmod(number, len(_LETTERS))
            changed += _LETTERS[letter]
        return f"{start}{dash}{changed}"

    def _derived(self, label: str) -> bytes:
        """32 bytes that follow from the whole challenge, so that a change of its name or times changes them, too."""
        content = json.dumps(self.data(), sort_keys=True, separators=(",", ":")).encode()
        key = hmac.digest(bytes.fromhex(self.nonce), content, hashlib.sha256)
        return hmac.digest(key, label.encode("utf-8", "surrogatepass"), hashlib.sha256)


def challenge_from(data: Any) -> Challenge:
    """The challenge that plain data describes.

    Raises:
        ValueError: it does not describe one; the message says in a few words what is wrong.
    """
    if not isinstance(data, Mapping) or data.keys() != {"format", "for", "nonce", "issued", "expires"}:
        raise ValueError("it does not have the members of a challenge")
    if data["format"] != FORMAT or isinstance(data["format"], bool):
        raise ValueError(f"its format is not {FORMAT}")
    name, nonce, issued, expires = (data[member] for member in ("for", "nonce", "issued", "expires"))
    if not isinstance(name, str) or not is_name(name):
        raise ValueError("its `for` is not a name")
    if not isinstance(nonce, str) or _NONCE.fullmatch(nonce) is None:
        raise ValueError(f"its nonce is not {NONCE_BYTES} bytes in hexadecimal")
    challenge = Challenge(name, nonce, _time(issued, "issued"), _time(expires, "expires"))
    if challenge.expires_at <= challenge.issued_at:
        raise ValueError("it expires before it is issued")
    return challenge


def is_name(text: str) -> bool:
    """Whether a challenge can be made for this name: one line that can be printed, and not too long."""
    return bool(text.strip()) and text.isprintable() and len(text) <= LONGEST_NAME


def _time(value: Any, name: str) -> str:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        time = None
    # The parser takes any character between date and time, also one that acts on a terminal.
    if time is None or time.tzinfo is None or time.isoformat() != value:
        raise ValueError(f"its `{name}` is not a time like 2026-11-29T10:00:00+00:00")
    return time.isoformat()


def require_in_time(challenge: Challenge, now: datetime, subject: str) -> None:
    """Refuse a challenge that does not hold now; `subject` names it at the beginning of the sentence.

    Raises:
        TargetError: it has expired, or is not valid yet.
    """
    if now >= challenge.expires_at:
        raise TargetError(f"{subject} expired at {challenge.expires}; ask the certifier for a new one.")
    if now < challenge.issued_at:
        raise TargetError(f"{subject} holds only from {challenge.issued} on; check the clock of this machine.")
