"""Knows the forms in which a secret may stand in a text: plain, escaped, encoded, reversed."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

SHORTEST_ANYWHERE = 8
"""Characters from which on a secret is looked for within other text, and in encodings. A shorter one (`EMPTY`, `x`)
would be found everywhere; it is only looked for between the boundaries of words."""

SHORTEST_CUT = 8
"""Characters of a secret at the very end of a text that count as the beginning of the secret."""

_WORD = rb"[A-Za-z0-9_-]"
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_JSON_SHORT = {"/": b"/", '"': b'"', "\\": b"\\", "\n": b"n", "\r": b"r", "\t": b"t", "\b": b"b", "\f": b"f"}
_HTML_NAMES = {"&": b"amp", "<": b"lt", ">": b"gt", '"': b"quot", "'": b"apos"}


@dataclass(frozen=True, slots=True)
class Span:
    """Where a secret stands in some bytes, under which name, and in which form."""

    start: int
    end: int
    secret: str
    form: str


class SecretForms:
    """Finds one secret in bytes, in every form."""

    def __init__(self, name: str, secret: str) -> None:
        self._name = name
        self._plain = secret.encode("utf-8", "surrogateescape")
        self._long = len(secret) >= SHORTEST_ANYWHERE
        spelled = b"".join(_spellings(char, fold=self._long) for char in secret)
        if not self._long:
            self._written = re.compile(rb"(?<!%s)%s(?!%s)" % (_WORD, spelled, _WORD))
            self._encoded: tuple[tuple[str, re.Pattern[bytes]], ...] = ()
            return
        self._written = re.compile(spelled)
        cores = [_base64_core(self._plain, offset) for offset in range(3)]
        self._cut = (self._plain, *cores)
        self._encoded = (
            *(("base64", re.compile(b"".join(_base64_spelling(char) for char in core))) for core in cores),
            ("hex", re.compile(b"".join(_hex_pair(byte) for byte in self._plain))),
            ("reversed", re.compile(re.escape(self._plain[::-1]))),
        )

    def find(self, data: bytes) -> Iterator[Span]:
        """Every place where the secret stands."""
        for match in self._written.finditer(data):
            yield Span(match.start(), match.end(), self._name, self._form(match.group()))
        for form, pattern in self._encoded:
            for match in pattern.finditer(data):
                start, end = match.span()
                if form == "base64":
                    # The neighbours hold the bits of the secret that do not fill a character by themselves.
                    start -= start > 0 and data[start - 1] in _BASE64
                    end += end < len(data) and data[end] in _BASE64
                yield Span(start, end, self._name, form)

    def find_cut(self, data: bytes) -> Span | None:
        """The beginning of the secret at the very end of the data, where its rest was cut off."""
        if not self._long:
            return None
        longest = 0
        for whole in self._cut:
            lengths = range(len(whole) - 1, SHORTEST_CUT - 1, -1)
            longest = max(longest, next((length for length in lengths if data.endswith(whole[:length])), 0))
        return Span(len(data) - longest, len(data), self._name, "cut") if longest else None

    def _form(self, found: bytes) -> str:
        if found == self._plain:
            return "plain"
        if found.lower() == self._plain.lower():
            return "case-changed"
        for mark, form in ((b"%", "url-encoded"), (b"\\", "json-escaped"), (b"&", "html-escaped")):
            if found.count(mark) > self._plain.count(mark):
                return form
        return "escaped"


def _spellings(char: str, *, fold: bool) -> bytes:
    """A pattern for one character as text formats may write it; each alternative begins with a fixed byte."""
    variants = {char, char.lower(), char.upper()} if fold and char.isascii() else {char}
    alternatives = [form for variant in sorted(variants) for form in _escapes(variant)]
    alternatives += [re.escape(variant.encode("utf-8", "surrogateescape")) for variant in sorted(variants)]
    return b"(?:%s)" % b"|".join(alternatives)


def _escapes(char: str) -> Iterator[bytes]:
    encoded = char.encode("utf-8", "surrogateescape")
    units = char.encode("utf-16-be", "surrogatepass")
    # Escapes may be escaped again, once for each layer of quoting: `%25`, `\\u`, `&amp;#`.
    yield b"".join(rb"%(?:25)*" + _hex_pair(byte) for byte in encoded)
    yield b"".join(rb"\\+u" + _hex_pair(units[at]) + _hex_pair(units[at + 1]) for at in range(0, len(units), 2))
    yield b"".join(rb"\\+x" + _hex_pair(byte) for byte in encoded)
    number = ord(char)
    yield rb"&(?:amp;)*#(?:0*%d|[xX]0*%s);?" % (number, _any_case(b"%x" % number))
    if char in _HTML_NAMES:
        yield rb"&(?:amp;)*%s;" % _HTML_NAMES[char]
    if char in _JSON_SHORT:
        yield rb"\\+" + re.escape(_JSON_SHORT[char])


def _base64_core(secret: bytes, offset: int) -> bytes:
    """The base64 characters that depend on nothing but the secret, when `offset` bytes (modulo 3) stand before it."""
    encoded = base64.b64encode(b"\0" * offset + secret)
    first = ceil(offset * 8 / 6)
    last = (offset + len(secret)) * 8 // 6
    return encoded[first:last]


def _base64_spelling(char: int) -> bytes:
    """A pattern for one base64 character: of either alphabet, and as a URL or JSON may escape it."""
    match chr(char):
        case "+":
            return rb"(?:[+-]|%(?:25)*2[bB]|\\+u002[bB])"
        case "/":
            return rb"(?:[/_]|\\+/|%(?:25)*2[fF]|\\+u002[fF])"
        case _:
            return re.escape(bytes([char]))


def _hex_pair(byte: int) -> bytes:
    return _any_case(b"%02x" % byte)


def _any_case(digits: bytes) -> bytes:
    return b"".join(
        b"[%c%c]" % (digit, ord(chr(digit).upper())) if chr(digit).isalpha() else b"%c" % digit for digit in digits
    )
