"""Undoes the notations of bytes: base64, hexadecimal, and decimal, octal and binary numbers."""

from __future__ import annotations

import binascii
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

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
_PACKED_MARKS = (b"H4sI", b"eJ", b"eA", b"eN", b"eF")
"""The first characters of gzip and zlib data in base64."""
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
    packed = _reaches(_PACKED, stripped) if any(mark in stripped for mark in _PACKED_MARKS) else []
    if not regions and not packed:
        return

    def places() -> Sequence[int]:
        return array("L", (at for at, byte in enumerate(view.data) if byte not in _NOT_BASE64_SET))

    yield from _decoded(view, "base64", _read_base64(stripped, regions, range(4)), places, 6)
    yield from _decoded(view, "base64", _read_base64(stripped, packed, range(1)), places, 6)


_NOT_BASE64_SET = frozenset(_NOT_BASE64)


def _hexadecimal(view: View) -> Iterator[View]:
    data = view.data
    plain = data.replace(b"0x", b"").replace(b"0X", b"") if b"0x" in data or b"0X" in data else data
    digits = plain.translate(None, _NOT_HEX)
    regions = _regions(_PAIRS.finditer(digits), len(digits))
    lower = digits.lower()
    packed = _reaches(_PACKED_HEX, lower) if any(mark in lower for mark in _PACKED_HEX_MARKS) else []
    if not regions and not packed:
        return

    def places() -> Sequence[int]:
        return array("L", (match.start() for match in _HEX_TOKEN.finditer(data) if len(match.group()) == 1))

    yield from _decoded(view, "hex", _read_hex(digits, regions, range(2)), places, 4)
    yield from _decoded(view, "hex", _read_hex(digits, packed, range(1)), places, 4)


def _regions(matches: Iterator[re.Match[bytes]], size: int) -> Spans:
    return merged((max(one.start() - _MARGIN, 0), min(one.end() + _MARGIN, size)) for one in matches)


def _reaches(beginning: re.Pattern[bytes], text: bytes) -> Spans:
    """From each beginning of compressed data to where it may end."""
    starts = (one.start() for one in islice(beginning.finditer(text), _MOST_PACKED))
    return [(start, min(start + _MOST_REACH, len(text))) for start in starts]


_MOST_PACKED = 16
Read = Iterator[tuple[int, bytes]]
"""Where in the characters a part begins, and what it decodes to."""


def _read_base64(stripped: bytes, regions: Spans, offsets: range) -> Read:
    for start, end in regions:
        for offset in offsets:
            text = stripped[start + offset : end]
            text = text[: len(text) - (len(text) % 4 == 1)]
            yield start + offset, binascii.a2b_base64(text + b"=" * (-len(text) % 4))


def _read_hex(digits: bytes, regions: Spans, offsets: range) -> Read:
    for start, end in regions:
        for offset in offsets:
            text = digits[start + offset : end]
            yield start + offset, binascii.a2b_hex(text[: len(text) // 2 * 2])


def _decoded(view: View, form: str, parts: Read, places: Callable[[], Sequence[int]], bits: int) -> Iterator[View]:
    """One view of all parts. Each byte comes from the characters that hold any of its bits."""
    pieces: list[Piece] = []
    joined = bytearray()
    for start, data in parts:
        pieces.append(Piece(len(joined), len(data), start, start + len(data) * 8 // bits))
        joined += data + b"\n"
    if not pieces:
        return

    def back() -> Back:
        characters = places()

        def within(piece: Piece, first: int, last: int) -> Spans:
            begin, end = piece.start + first * 8 // bits, piece.start + (last * 8 - 1) // bits
            return merged((at, at + 1) for at in characters[begin : end + 1])

        return back_through(pieces, within)

    yield view.undone(form, bytes(joined), once(back))


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
