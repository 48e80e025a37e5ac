"""Finds a secret in bytes, however it is written: plain, escaped, encoded, reversed, cut or masked."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil

from conformance.targets.keys import vendor_prefix

SHORTEST_ANYWHERE = 8
"""Characters from which on a secret is looked for within other text, and in encodings. A shorter one (`EMPTY`, `x`)
would be found everywhere; it is only looked for between the boundaries of words."""

SHORTEST_CUT = 8
"""Characters of a secret at the very end of a text that count as the beginning of the secret."""

MASKED = "masked"
"""The form of a secret that stands in a text with only its middle covered."""
SHOWN_BY_MASK = 6
"""Characters of a secret, a vendor's prefix not counted, that a mask must leave for the secret to count as shown: more
than the last four, by which a vendor's console names a key."""
_MOST_MASKS = 10_000
_MASK_MARKS = (
    b"**",
    b"...",
    b"xxx",
    b"XXX",
    b"##",
    b"---",
    b"___",
    b"\xe2\x80",
    b"\\u202",
    b"ed]",
    b"ed>",
    b"ed)",
    b"ED",
)
"""Every text with a mask has one of these."""
_MASK = re.compile(
    rb"\*{2,}|\.{3,}|x{3,}|X{3,}|#{2,}|-{3,}|_{3,}"
    rb"|(?:\xe2\x80[\xa2\xa6]|\\u202[26]){1,64}"  # bullets and the ellipsis, raw or escaped
    rb"|[\[<(](?i:redacted|hidden|masked)[\]>)]"
)

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


class SecretFinder:
    """Finds one secret in bytes, in every form.

    Bodies are large and secrets rare: each search first looks for bytes that every match must have, which costs a tenth
    of the search itself.
    """

    def __init__(self, name: str, secret: str) -> None:
        self._name = name
        self._plain = secret.encode("utf-8", "surrogateescape")
        self._prefix = len(vendor_prefix(secret))
        self._folded = self._plain.lower()
        self._marks = _marks(secret)
        self._long = len(secret) >= SHORTEST_ANYWHERE
        spelled = b"".join(_spellings(char, fold=self._long) for char in secret)
        self._encoded: list[tuple[str, bytes, re.Pattern[bytes]]] = []
        self._shortest = 0
        if not self._long:
            self._written = re.compile(rb"(?<!%s)%s(?!%s)" % (_WORD, spelled, _WORD))
            return
        self._written = re.compile(spelled)
        cores = [_base64_core(self._plain, offset) for offset in range(3)]
        self._cut = (self._plain, *cores)
        self._shortest = min(map(len, self._cut))
        for core in cores:
            self._encoded.append(("base64", _anchor(core), re.compile(b"".join(map(_base64_spelling, core)))))
        digits = self._plain.hex().encode()
        self._encoded.append(("hex", digits, re.compile(digits)))
        self._encoded.append(("hex", digits.upper(), re.compile(digits.upper())))
        reverse = self._plain[::-1]
        self._encoded.append(("reversed", reverse, re.compile(re.escape(reverse))))

    def find(self, data: bytes) -> Iterator[Span]:
        """Every place where the secret stands."""
        if len(data) < self._shortest:
            return  # no form takes fewer bytes; most header fields are that short
        if self._folded in data.lower() or any(mark in data for mark in self._marks):
            for match in self._written.finditer(data):
                yield Span(match.start(), match.end(), self._name, self._form(match.group()))
        for form, anchor, pattern in self._encoded:
            if anchor not in data:
                continue
            for match in pattern.finditer(data):
                start, end = match.span()
                if form == "base64":
                    # The neighbours hold the bits of the secret that do not fill a character by themselves.
                    start -= start > 0 and data[start - 1] in _BASE64
                    end += end < len(data) and data[end] in _BASE64
                yield Span(start, end, self._name, form)

    def find_cut(self, data: bytes) -> Span | None:
        """The beginning of the secret at the very end of the data, where the rest was cut off."""
        if not self._long:
            return None
        longest = 0
        for whole in self._cut:
            if whole[:SHORTEST_CUT] not in data[-len(whole) :]:
                continue
            lengths = range(len(whole) - 1, SHORTEST_CUT - 1, -1)
            longest = max(longest, next((length for length in lengths if data.endswith(whole[:length])), 0))
        return Span(len(data) - longest, len(data), self._name, "cut") if longest else None

    def find_masked(self, data: bytes) -> Iterator[Span]:
        """What a mask leaves of the secret: its beginning before the mask, or its end after it.

        Only call it for bytes that `may_have_mask`.
        """
        if not self._long:
            return
        # One side must show half of what counts as shown, so one of these two stands beside the mask.
        begin, end = self._plain[: self._prefix + SHOWN_BY_MASK // 2], self._plain[-SHOWN_BY_MASK // 2 :]
        if begin not in data and end not in data:
            return
        for mask in islice(_MASK.finditer(data), _MOST_MASKS):
            before = data[max(0, mask.start() - len(self._plain)) : mask.start()]
            behind = data[mask.end() : mask.end() + len(self._plain)]
            if begin not in before and end not in behind:
                continue
            head = next((n for n in range(len(before), 0, -1) if before.endswith(self._plain[:n])), 0)
            tail = next((n for n in range(len(behind), 0, -1) if behind.startswith(self._plain[-n:])), 0)
            if max(0, head - self._prefix) + tail >= SHOWN_BY_MASK:
                yield Span(mask.start() - head, mask.start(), self._name, MASKED)
                yield Span(mask.end(), mask.end() + tail, self._name, MASKED)

    def _form(self, found: bytes) -> str:
        if found == self._plain:
            return "plain"
        if found.lower() == self._plain.lower():
            return "case-changed"
        for mark, form in ((b"%", "url-encoded"), (b"\\", "json-escaped"), (b"&", "html-escaped")):
            if found.count(mark) > self._plain.count(mark):
                return form
        return "escaped"


def may_have_mask(data: bytes) -> bool:
    """Whether some bytes may hold a mask, of whatever secret."""
    return any(mark in data for mark in _MASK_MARKS)


def _marks(secret: str) -> tuple[bytes, ...]:
    """Every text that holds the secret with an escaped character has one of these."""
    short = {b"\\" + _JSON_SHORT[char] for char in secret if char in _JSON_SHORT}
    return (b"\\u", b"\\x", b"%", b"&", *sorted(short))


def _spellings(char: str, *, fold: bool) -> bytes:
    """A pattern for one character as text formats may write it.

    Each alternative begins with a fixed byte, so that the search can skip ahead. Repetitions are bounded and
    possessive, so that a hostile text costs no more than its length. Escapes may be escaped again, once for each layer
    of quoting: `%2525`, `&amp;amp;#`.
    """
    variants = sorted({char, char.lower(), char.upper()}) if fold and char.isascii() else [char]
    backslash = rb"\\{1,8}+"
    escaped = [_unicode_escape(variant, backslash) for variant in variants]
    if len(_utf8(char)) == 1:
        escaped += [b"x" + _hex_pair(_utf8(variant)[0]) for variant in variants]
    if char in _JSON_SHORT and char != "\\":
        escaped.append(re.escape(_JSON_SHORT[char]))
    percent = (rb"%(?:25){0,4}".join([b"", *map(_hex_pair, _utf8(variant))]) for variant in variants)
    alternatives = [
        *percent,
        backslash + b"(?:%s)" % b"|".join(escaped),
        b"&(?:amp;){0,4}(?:%s)" % b"|".join(_html_escapes(variants)),
        *(re.escape(_utf8(variant)) for variant in variants if variant != "\\"),
    ]
    if char == "\\":
        alternatives.append(rb"\\{1,8}")
    return b"(?:%s)" % b"|".join(alternatives)


def _utf8(char: str) -> bytes:
    return char.encode("utf-8", "surrogateescape")


def _unicode_escape(char: str, backslash: bytes) -> bytes:
    """`uXXXX` after its backslash; beyond the first plane, two of them."""
    units = char.encode("utf-16-be", "surrogatepass")
    pairs = [_hex_pair(units[at]) + _hex_pair(units[at + 1]) for at in range(0, len(units), 2)]
    return b"u" + (backslash + b"u").join(pairs)


def _html_escapes(variants: list[str]) -> Iterator[bytes]:
    for variant in variants:
        number = ord(variant)
        yield b"#(?:0{0,8}%d|[xX]0{0,8}%s);?" % (number, _any_case(b"%x" % number))
        if variant in _HTML_NAMES:
            yield _HTML_NAMES[variant] + b";"


def _anchor(core: bytes) -> bytes:
    """The longest part of a base64 text that every alphabet and format writes in the same way."""
    return max(re.split(rb"[^A-Za-z0-9]", core), key=len)


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
            return rb"(?:[+-]|%(?:25){0,4}2[bB]|\\{1,8}+u002[bB])"
        case "/":
            return rb"(?:[/_]|\\{1,8}+(?:/|u002[fF])|%(?:25){0,4}2[fF])"
        case _:
            return re.escape(bytes([char]))


def _hex_pair(byte: int) -> bytes:
    return _any_case(b"%02x" % byte)


def _any_case(digits: bytes) -> bytes:
    return b"".join(
        b"[%c%c]" % (digit, ord(chr(digit).upper())) if chr(digit).isalpha() else b"%c" % digit for digit in digits
    )
