"""Forms of secrets that are not the caller's: keys, URLs with credentials, hashes of keys, statements of SQL.

The forms of keys are those that their vendors document for scanners: GitHub (about authentication, token formats),
Slack (token types), AWS (IAM identifiers), Google (API keys), OpenAI and Anthropic (key prefixes), JSON Web Tokens
(RFC 7515 section 3.1), bearer tokens (RFC 6750 section 2.1). Examples have few different characters or no digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from conformance.quoting import quoted

_READ: Final = 64 * 1024
"""Bytes of a text that are searched: an error is short."""
_LEAST_DIFFERENT: Final = 8
"""How many different characters a key has at least; `sk-xxxxxxxx` stands for one in documents."""
_SHOWN: Final = 12
"""Bytes of a secret that a report shows."""
_EXAMPLES: Final = re.compile(rb"example|your|dummy|placeholder|redacted|1234567890|abcdefgh", re.IGNORECASE)

_KEYS: Final = re.compile(
    rb"(?<![A-Za-z0-9_-])(?:"
    rb"sk-(?:ant-|proj-|or-|svcacct-)?[A-Za-z0-9_-]{20,200}"
    rb"|AIza[A-Za-z0-9_-]{35}"
    rb"|gh[pousr]_[A-Za-z0-9]{36,251}"
    rb"|xox[abprs]-[A-Za-z0-9-]{20,200}"
    rb"|(?:AKIA|ASIA)[A-Z0-9]{16}"
    rb"|gsk_[A-Za-z0-9]{40,80}"
    rb"|hf_[A-Za-z0-9]{30,50}"
    rb"|eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,2000}"
    rb")(?![A-Za-z0-9_*-])"
)
_CARRIED: Final = re.compile(
    rb"(?i:\bbearer )[A-Za-z0-9._~+/-]{20,2000}=*(?![A-Za-z0-9*=])"
    rb"|[?&](?i:(?:x-)?api[_-]?key|key|access_token|token|sig)=[A-Za-z0-9._~%-]{16,400}(?![A-Za-z0-9*])"
)
_URL: Final = re.compile(rb"\b[a-z][a-z0-9+.-]{1,20}:\\?/\\?/[^\s/:@\"'<>\\*]{1,80}:[^\s/@\"'<>\\*]{3,200}@[\w\[]")
_URL_OF_AN_EXAMPLE: Final = re.compile(
    rb"//\W?(?:user(?:name)?|login|name|key|id)\W?:\W?(?:pass(?:word|wd)?|secret)\W?@", re.I
)
_HASH: Final = re.compile(
    rb"(?i:(?:key|token)[ _-]?hash|hash(?:ed)?[ _-](?:api[ _-]?)?(?:key|token)"
    rb"|hash of (?:the |your )?(?:api )?(?:key|token))"
    rb"[^A-Za-z0-9]{0,6}(?:\(?[A-Za-z]{1,10}\)?[^A-Za-z0-9]{1,6})?(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-f])"
)
_SQL: Final = re.compile(
    rb"\bSELECT\s[^;{}]{1,400}?\sFROM\s+[\\\"`\w\[]"
    rb"|\bINSERT INTO\s+[\\\"`\w\[]|\bUPDATE\s+[\\\"`\w.]{2,80}\s+SET\s|\bDELETE FROM\s+[\\\"`\w]"
    rb"|\b(?:relation|column|table) \\?[\"'`][\w.]{1,80}\\?[\"'`] (?:of relation \S{1,80} )?does(?: not|n\\?'t) exist"
    rb"|\bTable \\?'[\w.]{1,120}\\?' doesn\\?'t exist|\bno such (?:table|column): \w"
    rb"|\bSQLSTATE\b|\bORA-\d{5}\b|\bduplicate key value violates unique constraint"
    rb"|\bpsycopg2?\.errors\.\w|\b(?:psycopg2?|sqlalchemy|asyncpg|pymysql|sqlite3)\.(?:\w{1,40}\.){0,3}\w{0,40}(?:Error|Exception)\b"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a text shows of a server's secrets: in words, and where it begins."""

    what: str
    start: int


def _is_key(found: re.Match[bytes]) -> bool:
    text = found[0]
    has_digits = any(chr(byte).isdigit() for byte in text)
    return has_digits and len(set(text)) > _LEAST_DIFFERENT and not _EXAMPLES.search(text)


def _is_url(found: re.Match[bytes]) -> bool:
    return _URL_OF_AN_EXAMPLE.search(found[0]) is None


def _is_anything(_: re.Match[bytes]) -> bool:
    return True


_Form = tuple[str, re.Pattern[bytes], Callable[[re.Match[bytes]], bool]]
"""What a match is, how it is found, and whether it counts."""
_FORMS: Final[tuple[_Form, ...]] = (
    ("a URL with a password", _URL, _is_url),
    ("the hash of a key", _HASH, _is_anything),
    ("a part of a database", _SQL, _is_anything),
)
_FORMS_OF_KEYS: Final[tuple[_Form, ...]] = (
    ("what looks like a key", _KEYS, _is_key),
    ("what carries a key", _CARRIED, _is_key),
)


def shown_secret(text: bytes, *, sent: bytes = b"", keys: bool = True) -> Shown | None:
    """The first secret of the server that a text shows, None where there is none.

    What stands in `sent`, all that the caller sent, is the caller's own. Without `keys`, keys alone do not count: those
    of a page's scripts are public, and where the caller sent a wrong key, it may be that one.
    """
    found = min(_found(text[:_READ], sent, (*_FORMS, *(_FORMS_OF_KEYS if keys else ()))), key=_start, default=None)
    return None if found is None else Shown(f"{found[0]}: {_hidden(found[1][0])}", found[1].start())


def masked_forms(text: str) -> str:
    """The text with asterisks in the place of every key, and every URL with a password, whosoever it is.

    For what is published: a page of evidence may show them, an issue in a tracker may not.
    """
    masked = text.encode("utf-8", "surrogatepass")
    for _, pattern, counts in (*_FORMS_OF_KEYS, ("", _URL, _is_url)):
        masked = pattern.sub(partial(_masked, counts), masked)
    return masked.decode("utf-8", "surrogatepass")


def _masked(counts: Callable[[re.Match[bytes]], bool], found: re.Match[bytes]) -> bytes:
    return b"*" * len(found[0]) if counts(found) else found[0]


def _found(text: bytes, sent: bytes, forms: tuple[_Form, ...]) -> Iterator[tuple[str, re.Match[bytes]]]:
    for what, pattern, counts in forms:
        for one in pattern.finditer(text):
            if counts(one) and one[0] not in sent:
                yield what, one
                break


def _start(found: tuple[str, re.Match[bytes]]) -> int:
    return found[1].start()


def _hidden(text: bytes) -> str:
    """The beginning of what was found: a report need not repeat the rest."""
    return quoted(text[:_SHOWN]) + (" \u2026" if len(text) > _SHOWN else "")
