"""Undoes the notations of bytes: base64, hexadecimal, and decimal, octal and binary numbers."""

from __future__ import annotations

import binascii
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from conformance.evidence.content_coding import packed_size
from conformance.evidence.views import Back, Piece, Spans, View, back_through, merged, once

_TEXT = frozenset(range(0x20, 0x7F)) | {0, 9, 10, 13}
"""The bytes of a text that may hold a secret. NUL is what UTF-16 has between characters."""
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_NOT_BASE64 = bytes(sorted(frozenset(range(256)) - frozenset(_ALPHABET + b"-_")))
_MARGIN = 8
"""Characters on either side of what surely is base64 or hexadecimal that may belong to it."""


_PACKED = re.compile(rb"H4sI|eJ[w-z]|eA[E-H]|eN[o-r]|eF[4-7]")
_TEXT_BEGINS, _PACKED_BEGINS, _BOTH_BEGIN = b"\x01", b"\x10", b"\x11"


def _places_in_quads() -> bytes:
    """What each character of base64 may be, in bits: three for a quad of text, three for a beginning of zlib data.

    Each has a bit for its first, its second and its third character. Of the quads of a sentence one in ten is let
    through, though it stands for no text.
    """
    high, low, top = ({byte >> shift for byte in _TEXT} for shift in (2, 4, 6))
    text = ((one in high) | (one & 15 in low) << 1 | (one & 3 in top) << 2 for one in range(64))
    packed = ((one in b"e") | (one in b"JANF") << 1 | (one in b"wxyzEFGHopqr4567") << 2 for one in _ALPHABET)
    bits = (a * _TEXT_BEGINS[0] | b * _PACKED_BEGINS[0] for a, b in zip(text, packed, strict=True))
    return bytes.maketrans(_ALPHABET, bytes(bits))


_PLACES_IN_QUADS = _places_in_quads()
_QUADS = re.compile(
    b"(?:[%s][%s][%s].){2,}+" % tuple(re.escape(bytes(n for n in range(128) if n >> bit & 1)) for bit in range(3)),
    re.DOTALL,
)
"""Quads that stand for text, among what `_PLACES_IN_QUADS` makes of them."""

# Kinds of bytes that are searched for a single byte take half the time of bytes that are searched for one of a set.
_PAIRS = re.compile(rb"h.(?:h.){6,}+")
_KINDS_OF_HEX = bytes(ord("h") if byte in b"0234567" else ord("x") for byte in range(256))
"""Which hexadecimal digits may be the first of a byte of text."""
_PACKED_HEX_MARKS = (b"1f8b08", b"789c", b"7801", b"78da", b"785e")
_PACKED_HEX = re.compile(b"|".join(_PACKED_HEX_MARKS))
_HEX_DIGIT = frozenset(b"0123456789abcdefABCDEF")
_NOT_HEX = bytes(sorted(frozenset(range(256)) - _HEX_DIGIT))
_LOWER = bytes(range(256)).lower()
_HEX_MARK = re.compile(rb"0[xX]")
_HEX_TOKEN = re.compile(rb"0[xX]|[0-9A-Fa-f]")
_NUMBERS = re.compile(rb"00{1,3}+(?: {1,12}+00{1,3}+(?!0)){6,}+")
_KINDS_OF_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
"""All digits are alike, and all else is."""
_NUMBER = re.compile(rb"[0-9]{2,4}(?![0-9])")
_BINARIES = re.compile(rb"0[01]{7}(?:[^0-9]{0,6}+0[01]{7}){6,}+")
_BINARY = re.compile(rb"[01]{8}")
_LEAST_NUMBERS = 7
_DECIMAL = {(b"%d" % byte).rjust(size, b"0"): byte for byte in _TEXT for size in (2, 3)}
_OCTAL = {(b"%o" % byte).rjust(size, b"0"): byte for byte in _TEXT for size in (2, 3, 4)}
_BINARY_DIGITS = {f"{byte:08b}".encode(): byte for byte in _TEXT}
"""What numbers stand for, as they may be written."""
_MOST_REACH = 1024 * 1024
"""Characters of base64 or hexadecimal that are looked at as compressed data."""


def bytes_undone(view: View) -> Iterator[View]:
    """The views of the bytes that a text writes in some notation, as far as they may be text, or compressed."""
    yield from _base64(view)
    yield from _hexadecimal(view)
    kinds = view.data.translate(_KINDS_OF_DIGITS)
    numbers = [(match.start(), view.data[match.start() : match.end()]) for match in _NUMBERS.finditer(kinds)]
    for form, meanings in (("decimal bytes", _DECIMAL), ("octal bytes", _OCTAL)) if numbers else ():
        runs = [run for run in numbers if sum(map(meanings.__contains__, _NUMBER.findall(run[1]))) >= _LEAST_NUMBERS]
        if runs:
            yield _numbers(view, form, runs, _NUMBER, meanings)
    if b"0" in view.data and (runs := [(match.start(), match.group()) for match in _BINARIES.finditer(view.data)]):
        yield _numbers(view, "binary digits", runs, _BINARY, _BINARY_DIGITS)


def _base64(view: View) -> Iterator[View]:
    stripped = view.data.translate(_TO_STANDARD, _NOT_BASE64)
    quads, beginnings = _found_in(stripped)
    regions = _regions(quads, len(stripped))
    packed = _reaches(_BASE64, beginnings, stripped)
    if not regions and not packed:
        return

    def places() -> Sequence[int]:
        return array("L", (at for at, byte in enumerate(view.data) if byte not in _NOT_BASE64_SET))

    yield from _decoded(view, _BASE64, stripped, regions, range(4), places)
    for reach in packed:
        yield from _decoded(view, _BASE64, stripped, [reach], range(1), places)


_NOT_BASE64_SET = frozenset(_NOT_BASE64)


def _found_in(stripped: bytes) -> tuple[Iterator[re.Match[bytes]], Iterator[re.Match[bytes]]]:
    """Where two quads or more stand for text, in a text of base64 alone, and where compressed data may begin.

    Numbers as long as the text find all places at once, in a third of the time that a search takes: shifted by a byte
    and a bit, what the next character may be comes to lie over what this one may be.
    """
    places = stripped.translate(_PLACES_IN_QUADS)
    fits = int.from_bytes(places, "little")
    fits &= fits >> 9 & fits >> 18
    beginnings: Iterator[re.Match[bytes]] = iter(())
    if b"H4sI" in stripped:
        beginnings = _PACKED.finditer(stripped)
    elif fits:
        packed = fits.to_bytes(len(places), "little").replace(_BOTH_BEGIN, _PACKED_BEGINS)
        if _PACKED_BEGINS in packed:
            possible = (_PACKED.match(stripped, one.start()) for one in re.finditer(_PACKED_BEGINS, packed))
            beginnings = (one for one in possible if one is not None)
    fits &= fits >> 32
    if not fits:
        return iter(()), beginnings
    twice = fits.to_bytes(len(places), "little").replace(_BOTH_BEGIN, _TEXT_BEGINS)
    return _matches(places, twice), beginnings


def _matches(places: bytes, begins: bytes) -> Iterator[re.Match[bytes]]:
    at = begins.find(_TEXT_BEGINS)
    while at >= 0:
        match = _QUADS.match(places, at)
        if match is None:  # the second quad is cut short
            return
        yield match
        at = begins.find(_TEXT_BEGINS, match.end())


def _hexadecimal(view: View) -> Iterator[View]:
    data = view.data
    plain = data.replace(b"0x", b"").replace(b"0X", b"") if _HEX_MARK.search(data) else data
    digits = plain.translate(_LOWER, _NOT_HEX)
    regions = _regions(_PAIRS.finditer(digits.translate(_KINDS_OF_HEX)), len(digits))
    may_be_packed = any(mark in digits for mark in _PACKED_HEX_MARKS) if b"78" in digits else b"1f8b08" in digits
    packed = _reaches(_HEX, _PACKED_HEX.finditer(digits), digits) if may_be_packed else []
    if not regions and not packed:
        return

    def places() -> Sequence[int]:
        return array("L", (match.start() for match in _HEX_TOKEN.finditer(data) if len(match.group()) == 1))

    yield from _decoded(view, _HEX, digits, regions, range(2), places)
    for reach in packed:
        yield from _decoded(view, _HEX, digits, [reach], range(1), places)


def _regions(matches: Iterator[re.Match[bytes]], size: int) -> Spans:
    """Where the matches are, with a margin around each; those that touch then are one. They come in order."""
    regions: Spans = []
    for match in matches:
        start, end = max(match.start() - _MARGIN, 0), min(match.end() + _MARGIN, size)
        if regions and start <= regions[-1][1]:
            regions[-1] = (regions[-1][0], end)
        else:
            regions.append((start, end))
    return regions


@dataclass(frozen=True, slots=True)
class _Notation:
    """A notation of bytes by characters of `bits` bits each.

    `endings` complete a text so that it decodes, and a line break behind it: the first a text that is complete, the
    second one that has a character too many, and so on.
    """

    form: str
    bits: int
    decode: Callable[[bytes], bytes]
    endings: tuple[bytes, ...]

    def bytes_of(self, text: bytes) -> bytes:
        """What a text decodes to, and a line break."""
        return self.decode(text + self.endings[len(text) % len(self.endings)])


_BASE64 = _Notation("base64", 6, binascii.a2b_base64, (b"Cgog", b"AAACgog", b"AACgog", b"ACgog"))
_HEX = _Notation("hex", 4, binascii.a2b_hex, (b"0a", b"00a"))


def _reaches(notation: _Notation, beginnings: Iterator[re.Match[bytes]], text: bytes) -> Spans:
    """From each beginning of compressed data to where it may end. Most of what looks like a beginning is none."""
    starts = (one.start() for one in islice(beginnings, _MOST_ATTEMPTS))
    begun = (start for start in starts if packed_size(notation.bytes_of(text[start : start + _ATTEMPT])))
    return [(start, min(_end_of_packed(notation, text, start), len(text))) for start in islice(begun, _MOST_PACKED)]


def _end_of_packed(notation: _Notation, text: bytes, start: int) -> int:
    """Where compressed data in a text ends: what follows is looked at as the text that it is."""
    size = packed_size(notation.bytes_of(text[start : start + _MOST_REACH]))
    return start + size * 8 // notation.bits + _MARGIN


_MOST_ATTEMPTS = 512
_MOST_PACKED = 16
_ATTEMPT = 1024
"""Characters that show whether compressed data begins."""


def _decoded(
    view: View, notation: _Notation, text: bytes, regions: Spans, offsets: range, places: Callable[[], Sequence[int]]
) -> Iterator[View]:
    """One view of what all regions of a text decode to, from each offset on; `places` are its characters in the view.

    All regions are decoded at once, since there may be thousands of a few characters.
    """
    if not regions:
        return
    endings = notation.endings
    unit = len(endings)
    parts = ((start + offset, end) for offset in offsets for start, end in regions)
    joined = b"".join([text[start:end] + endings[max(end - start, 0) % unit] for start, end in parts])

    def back() -> Back:
        return _back_from(notation, regions, offsets, places())

    yield view.undone(notation.form, notation.decode(joined), once(back))


def _back_from(notation: _Notation, regions: Spans, offsets: range, characters: Sequence[int]) -> Back:
    """The way back from what `_decoded` gives. Each byte comes from the characters that hold any of its bits."""
    bits, endings = notation.bits, notation.endings
    pieces: list[Piece] = []
    at = 0
    for offset in offsets:
        for start, end in regions:
            begin = min(start + offset, end)
            size = end - begin + len(endings[(end - begin) % len(endings)])
            pieces.append(Piece(at, (end - begin) * bits // 8, begin, end))
            at += size * bits // 8

    def within(piece: Piece, first: int, last: int) -> Spans:
        begin, end = piece.start + first * 8 // bits, piece.start + (last * 8 - 1) // bits
        return merged((at, at + 1) for at in characters[begin : end + 1])

    return back_through(pieces, within)


def _numbers(
    view: View, form: str, runs: list[tuple[int, bytes]], number: re.Pattern[bytes], meanings: Mapping[bytes, int]
) -> View:
    """The view of bytes that are written as numbers; `runs` are where such numbers begin, and what stands there."""
    undone = b"\n".join(bytes([meanings.get(one, 0) for one in number.findall(run)]) for _, run in runs)

    def back() -> Back:
        pieces: list[Piece] = []
        at = 0
        for start, run in runs:
            for one in number.finditer(run):
                pieces.append(Piece(at, 1, start + one.start(), start + one.end()))
                at += 1
            at += 1  # the separator
        return back_through(pieces, lambda piece, _first, _last: [(piece.start, piece.end)])

    return view.undone(form, undone, once(back), numbers=meanings is _DECIMAL)
