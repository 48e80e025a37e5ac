"""Undoes the spellings of single characters: percent, backslash and HTML escapes, quoted-printable, CSS, markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html.entities import html5

from conformance.evidence.views import Back, Piece, Span, Spans, View, back_through, once

_Decode = Callable[["re.Match[bytes]"], bytes]

# A percent sign may be escaped again, once for each layer; so may a backslash and an ampersand.
_ESCAPES = {
    b"%": rb"%(?:25)*+(?:[uU]00)?(?P<percent>[0-9A-Fa-f]{2})",
    b"\\": rb"\\\\{0,63}+(?:"
    rb"u(?P<high>[dD][89abAB][0-9A-Fa-f]{2})\\{1,64}+u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{2})"
    rb"|u(?P<four>[0-9A-Fa-f]{4})"
    rb"|U000(?P<eight>[0-9A-Fa-f]{5})"
    rb"|[ux]\{0{0,8}+(?P<braces>[0-9A-Fa-f]{1,5})\}"
    rb"|x(?P<two>[0-9A-Fa-f]{2})"
    rb"|o\{0{0,8}+(?P<long>[4-7][0-7]|1[0-7]{2})\}"
    rb"|0?(?P<octal>0[4-7][0-7]|1[0-7]{2})"
    rb"|(?P<layout>[nrt]))",
    b"&": rb"&(?:amp;){0,64}+(?:#(?:0{0,8}+(?P<decimal>[0-9]{2,6})|[xX]0{0,8}+(?P<hexadecimal>[0-9A-Fa-f]{2,5}));?"
    rb"|(?P<name>[A-Za-z]{2,12});)",
    b"U+00": rb"U\+(?P<point>00[2-7][0-9A-Fa-f])",
}
"""Patterns of the escapes that begin with some bytes."""


@cache
def _escapes(marks: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """The escapes that begin with any of these: a search for one of them alone takes a tenth of the time."""
    return re.compile(b"|".join(_ESCAPES[mark] for mark in marks))


_NAMES = {
    name.removesuffix(";").encode(): text.encode()
    for name, text in html5.items()
    if len(text) == 1 and text.isascii() and name.endswith(";")
} | {b"hyphen": b"-", b"dash": b"-"}
_LAYOUT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_OF_JSON = re.compile(
    rb"\\(?:u(?P<high>[dD][89abAB][0-9A-Fa-f]{2})\\u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{2})|u(?P<four>[0-9A-Fa-f]{4})"
    rb"|(?P<plain>.))",
    re.DOTALL,
)

_QUOTED_PRINTABLE = re.compile(rb"=(?:(?P<two>[0-9A-Fa-f]{2})|(?:[ \t]*(?:\r?\n|\\r\\n|\\n)))")
_QUOTED_PRINTABLE_MARK = re.compile(rb"=[2-7][0-9A-Fa-f]|=[ \t]*(?:\r?\n|\\r|\\n)")
_CSS = re.compile(rb"\\\\{0,7}+0{0,4}(?P<two>[2-7][0-9A-Fa-f])(?:\r\n|[ \t\r\n\f])?")
_CSS_MARK = re.compile(rb"\\0{0,4}[2-7][0-9A-Fa-f]")
_MARKUP = re.compile(rb"<[^<>]{0,512}+>")
_MARKUP_MARKS = (b"</", b"<br", b"/>")


def _character(code: int) -> bytes:
    return chr(code).encode("utf-8", "surrogatepass") if code < 0x110000 else b""


def _decode_escape(match: re.Match[bytes]) -> bytes:
    kind = match.lastgroup or ""
    text = match[kind]
    if kind == "low":
        units = int(match["high"], 16), int(text, 16)
        return _character(0x10000 + ((units[0] & 0x3FF) << 10) + (units[1] & 0x3FF))
    if kind == "layout":
        return _LAYOUT[text]
    if kind == "name":
        return _NAMES.get(text, match.group())
    number = int(text, _BASES.get(kind, 16))
    return bytes((number,)) if kind in _OF_BYTES else _character(number)


_BASES = {"octal": 8, "long": 8, "decimal": 10}
_OF_BYTES = {"percent", "two", "octal", "long"}


def _decode_two(match: re.Match[bytes]) -> bytes:
    return bytes((int(match["two"], 16),)) if match["two"] else b""


def escapes_undone(view: View) -> View | None:
    """The view without percent, backslash and HTML escapes; None where there are none."""
    marks = tuple(mark for mark in _ESCAPES if mark in view.data)
    return _substituted(view, "escaped", _escapes(marks), _decode_escape) if marks else None


def other_spellings(view: View) -> list[View]:
    """The views without quoted-printable and CSS escapes, as far as there are any."""
    data, views = view.data, []
    if b"=" in data and _QUOTED_PRINTABLE_MARK.search(data):
        views.append(_substituted(view, "quoted-printable", _QUOTED_PRINTABLE, _decode_two))
    if b"\\" in data and _CSS_MARK.search(data):
        views.append(_substituted(view, "CSS escapes", _CSS, _decode_two))
    return [one for one in views if one is not None]


def punctuation_undone(view: View) -> View | None:
    """The view without the escapes of one JSON text, pair by pair, for secrets that are not letters and digits."""
    if b"\\" not in view.data:
        return None
    return _substituted(view, "escaped", _OF_JSON, _decode_json_escape)


def _decode_json_escape(match: re.Match[bytes]) -> bytes:
    plain = match["plain"]
    return _decode_escape(match) if plain is None else _LAYOUT.get(plain, plain)


def markup_undone(view: View) -> View | None:
    """The view without tags; None where there are none."""
    if b"<" not in view.data or not any(mark in view.data for mark in _MARKUP_MARKS):
        return None
    return _substituted(view, "between tags", _MARKUP, lambda _: b"")


def _substituted(view: View, form: str, pattern: re.Pattern[bytes], decode: _Decode) -> View | None:
    undone, count = pattern.subn(decode, view.data)
    if not count or undone == view.data:
        return None
    data = view.data
    return view.undone(form, undone, once(lambda: _source(data, pattern, decode)))


def _source(data: bytes, pattern: re.Pattern[bytes], decode: _Decode) -> Back:
    pieces: list[Piece] = []
    at = before = 0
    for match in pattern.finditer(data):
        if match.start() > before:
            pieces.append(Piece(at, match.start() - before, before, match.start()))
            at += match.start() - before
        size = len(decode(match))
        pieces.append(Piece(at, size, match.start(), match.end()))
        at += size
        before = match.end()
    pieces.append(Piece(at, len(data) - before, before, len(data)))

    def within(piece: Piece, first: int, last: int) -> Spans:
        if piece.end - piece.start == piece.size:
            return [(piece.start + first, piece.start + last)]
        return [(piece.start, piece.end)]

    return back_through(pieces, within)


def reversed_view(view: View) -> View:
    """The view read from its end."""
    size = len(view.data)

    def back(spans: Spans) -> Spans:
        return [_mirrored(span, size) for span in spans]

    return view.undone("reversed", view.data[::-1], back)


def _mirrored(span: Span, size: int) -> Span:
    return size - span[1], size - span[0]
