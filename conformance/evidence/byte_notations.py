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


def _one_of(values: Iterator[bool]) -> bytes:
    return b"[" + re.escape(bytes(_ALPHABET[number] for number, fits in enumerate(values) if fits)) + b"]"


def _quad() -> bytes:
    """A pattern for four characters of base64 that stand for text. It lets one of ten quads of a sentence through."""
    high, low, top = ({byte >> shift for byte in _TEXT} for shift in (2, 4, 6))
    return b"".join(
        (
            _one_of(number in high for number in range(64)),
            _one_of(number & 15 in low for number in range(64)),
            _one_of(number & 3 in top for number in range(64)),
            b"[A-Za-z0-9+/]",
        )
    )


# Each pattern begins with a set of bytes, so that the search skips ahead to one of them.
_QUADS = re.compile(b"%s%s(?:%s)*+" % ((_quad(),) * 3))
_PACKED = re.compile(rb"H4sI|eJ[w-z]|eA[E-H]|eN[o-r]|eF[4-7]")
_EACH_PACKED = tuple(re.compile(one) for one in _PACKED.pattern.split(b"|"))
"""The same one by one: the engine searches for the two bytes that each begins with, in half the time."""
_PAIRS = re.compile(rb"[02-7][0-9A-Fa-f](?:[02-7][0-9A-Fa-f]){6,}+")
_PACKED_HEX_MARKS = (b"1f8b08", b"789c", b"7801", b"78da", b"785e")
_PACKED_HEX = re.compile(b"|".join(_PACKED_HEX_MARKS))
_HEX_DIGIT = frozenset(b"0123456789abcdefABCDEF")
_NOT_HEX = bytes(sorted(frozenset(range(256)) - _HEX_DIGIT))
_HEX_TOKEN = re.compile(rb"0[xX]|[0-9A-Fa-f]")
_NUMBERS = re.compile(rb"[0-9][0-9]{1,3}(?![0-9])(?:[^0-9]{1,12}+[0-9]{2,4}(?![0-9])){6,}+")
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
    numbers = [(match.start(), match.group()) for match in _NUMBERS.finditer(view.data)]
    for form, meanings in (("decimal bytes", _DECIMAL), ("octal bytes", _OCTAL)) if numbers else ():
        runs = [run for run in numbers if sum(map(meanings.__contains__, _NUMBER.findall(run[1]))) >= _LEAST_NUMBERS]
        if runs:
            yield _numbers(view, form, runs, _NUMBER, meanings)
    if b"0" in view.data and (runs := [(match.start(), match.group()) for match in _BINARIES.finditer(view.data)]):
        yield _numbers(view, "binary digits", runs, _BINARY, _BINARY_DIGITS)


def _base64(view: View) -> Iterator[View]:
    stripped = view.data.translate(_TO_STANDARD, _NOT_BASE64)
    regions = _regions(_QUADS.finditer(stripped), len(stripped))
    packed = _reaches(_BASE64, _PACKED, stripped) if any(one.search(stripped) for one in _EACH_PACKED) else []
    if not regions and not packed:
        return

    def places() -> Sequence[int]:
        return array("L", (at for at, byte in enumerate(view.data) if byte not in _NOT_BASE64_SET))

    yield from _decoded(view, _BASE64, stripped, regions, range(4), places)
    for reach in packed:
        yield from _decoded(view, _BASE64, stripped, [reach], range(1), places)


_NOT_BASE64_SET = frozenset(_NOT_BASE64)


def _hexadecimal(view: View) -> Iterator[View]:
    data = view.data
    plain = data.replace(b"0x", b"").replace(b"0X", b"") if b"0x" in data or b"0X" in data else data
    digits = plain.translate(None, _NOT_HEX)
    regions = _regions(_PAIRS.finditer(digits), len(digits))
    lower = digits.lower()
    packed = _reaches(_HEX, _PACKED_HEX, lower) if any(mark in lower for mark in _PACKED_HEX_MARKS) else []
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


def _reaches(notation: _Notation, beginning: re.Pattern[bytes], text: bytes) -> Spans:
    """From each beginning of compressed data to where it may end. Most of what looks like a beginning is none."""
    starts = (one.start() for one in islice(beginning.finditer(text), _MOST_ATTEMPTS))
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
