"""Finds a secret, or so much of it that the rest can be guessed, in bytes that a reader sees as they are."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from conformance.evidence.needles import Direction
from conformance.evidence.views import Span, Spans, merged
from conformance.targets.keys import changed_key, cut_key, vendor_prefix

SHORTEST_ANYWHERE = 8
"""Characters from which on a secret is looked for within other text, and in pieces. A shorter one (`EMPTY`, `x`) would
be found everywhere; it is only looked for between the boundaries of words."""
SHORTEST_PIECE = 8
"""Successive letters and digits of a secret, a vendor's prefix not counted, that give it away."""
SHORTEST_TELLING = 12
"""The same for a piece of hexadecimal digits to be told as the secret's. Answers are full of random identifiers: of
eight such digits, some agree with a piece of a key by chance once in some thousand runs. They are still taken out."""
SHORTEST_WORDS = 16
"""The same where they are ordinary words; and they must be more than half of the secret."""
_HEAVY = 6
"""How many characters of a piece must not belong to ordinary words."""
_TABLE = b"0123456789abcdefghijklmnopqrstuvwxyz"
"""What a table of all characters has is none either."""
_PUBLIC = b"chatconformance"
"""What the suite says of itself in every request is never taken for a piece of a secret."""

_ALPHANUMERIC = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_HEXADECIMAL = frozenset(b"0123456789abcdef")
_LEAST_BEYOND_HEXADECIMAL = 2
_WORD = re.compile(rb"[A-Z]?[a-z]{1,15}|[A-Z]{1,16}|[0-9]{1,4}")
_TOKEN = re.compile(rb"[A-Za-z0-9]+")
_WIDEST_SLIP = 3
"""Characters that a piece may have too many or too few between it and the next."""
_LEAST_BEYOND = 3
"""Characters beyond a slip that still count as a piece of the secret."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where a secret, or a piece of it, was seen: its name, the spans that show it, and whether all of it is there."""

    secret: str
    form: str
    spans: tuple[Span, ...]


def kept_bytes(secret: bytes) -> frozenset[int]:
    """The bytes of a text that are compared with a secret; all others are passed over.

    Letters and digits say enough, and whatever stands between them (breaks, quotation marks, invisible characters) does
    not hide a secret then. A secret of other characters is compared byte for byte.
    """
    plain = sum(byte in _ALPHANUMERIC for byte in secret)
    return _ALPHANUMERIC if plain >= SHORTEST_ANYWHERE and plain > len(secret) // 2 else frozenset(range(256))


class Fold:
    """Reduces bytes to those that are compared, in lower case."""

    def __init__(self, kept: frozenset[int]) -> None:
        self._kept = kept
        self._deleted = bytes(sorted(frozenset(range(256)) - kept))
        self.is_exact = len(kept) == 256
        """Whether every byte is compared."""
        self._lower = bytes(range(256)).lower()

    def __call__(self, data: bytes) -> bytes:
        """The bytes that are compared."""
        return data.translate(self._lower, self._deleted)

    def places(self, data: bytes) -> Sequence[int]:
        """Where in the data each of them stands."""
        kept = self._kept
        return array("L", (at for at, byte in enumerate(data) if byte in kept))


class SecretPieces:
    """One secret of at least `SHORTEST_ANYWHERE` characters, as it is looked for in folded bytes."""

    def __init__(self, name: str, secret: str) -> None:
        self.name = name
        self.plain = secret.encode("utf-8", "surrogateescape")
        self.kept = kept_bytes(self.plain)
        self.fold = Fold(self.kept)
        prefix = vendor_prefix(secret).encode()
        if len(self.fold(self.plain[len(prefix) :])) < SHORTEST_ANYWHERE:
            prefix = b""
        self.prefix = prefix
        self.body = self.plain[len(prefix) :]
        self.changed = changed_key(secret).encode("utf-8", "surrogateescape")
        self.cut = cut_key(secret).encode("utf-8", "surrogateescape")
        self.folded = self.fold(self.body)
        self._raw = [at + len(prefix) for at in self.fold.places(self.body)]
        self._weights = _weights(self.body, self._raw, len(prefix))
        size = len(self.folded)
        self._least = min(SHORTEST_PIECE, size - 1)
        self._half = min(max(size // 2 + 1, self._least), size)
        needles = self._needles()
        backward = {needle[::-1]: size - at - len(needle) for needle, at in needles.items()}
        self._forward = Direction(self.folded, needles)
        self._backward = Direction(self.folded[::-1], backward)
        self.wholes = self._forward.whole, self._backward.whole
        """The compared characters as they are read in both directions."""
        self.fours = self._forward.fours | self._backward.fours
        """What of `fours_of` a text has in which enough of the secret stands."""

    def runs(self, folded: bytes, fours: Set[int], *, reverse: bool = False) -> Iterator[tuple[int, int, int]]:
        """Runs of successive characters that give the secret away: begin and end in `folded`, and where in the secret.

        `fours` are those of `self.fours` that are in `fours_of(folded)`. With `reverse`, of the secret read from its
        end.
        """
        direction = self._backward if reverse else self._forward
        if not direction.may_be_in(folded, fours):
            return
        needles, whole = direction.needles, direction.whole
        seen = 0
        present = [needle for needle in needles if needle in folded]
        for start, needle, at in sorted(_occurrences(folded, {needle: needles[needle] for needle in present})):
            if start < seen:
                continue
            begin, first = start, at
            while begin > seen and first > 0 and folded[begin - 1] == whole[first - 1]:
                begin, first = begin - 1, first - 1
            end, last = start + len(needle), at + len(needle)
            while end < len(folded) and last < len(whole) and folded[end] == whole[last]:
                end, last = end + 1, last + 1
            span = (len(whole) - last, len(whole) - first) if reverse else (first, last)
            if self._counts(*span):
                seen = end
                yield begin, end, first

    def is_in_words(self, first: int, last: int) -> bool:
        """Whether these characters are ordinary words, which may stand in a text for another reason."""
        return sum(self._weights[first:last]) < min(_HEAVY, self._least)

    def is_telling(self, text: bytes) -> bool:
        """Whether a piece of this secret, in compared characters, cannot stand in a text by chance."""
        beyond = sum(byte not in _HEXADECIMAL for byte in text)
        return beyond >= _LEAST_BEYOND_HEXADECIMAL or len(text) >= min(SHORTEST_TELLING, self._half)

    def as_written(self, first: int, last: int) -> bytes:
        """The secret from one of its compared characters to another, with all that stands between them."""
        return self.plain[self._raw[first] : self._raw[last - 1] + 1]

    def between(self, number: int) -> bytes:
        """What the secret has between a compared character and the next."""
        return self.plain[self._raw[number] + 1 : self._raw[number + 1]]

    @property
    def lead(self) -> bytes:
        """What stands before the first compared character: the vendor's prefix, and other characters."""
        return self.plain[: self._raw[0]]

    @property
    def trail(self) -> bytes:
        """What stands behind the last compared character."""
        return self.plain[self._raw[-1] + 1 :]

    def _counts(self, first: int, last: int) -> bool:
        size = last - first
        if size == len(self.folded):
            return True
        piece = self.folded[first:last]
        if piece in _PUBLIC or piece in _TABLE:
            return False
        if size >= self._half and (size >= SHORTEST_WORDS or any(self._weights[first:last])):
            return True
        return size >= self._least and not self.is_in_words(first, last)

    def _needles(self) -> dict[bytes, int]:
        """Short texts of which every run that counts has at least one, and where in the secret they stand."""
        size, least = len(self.folded), self._least
        heavy = [at for at in range(size - least + 1) if not self.is_in_words(at, at + least)]
        needles = {}
        length = max(least // 2, 1)
        for at in range(0, size - length + 1, least - length + 1):
            if any(start <= at and at + length <= start + least for start in heavy):
                needles[self.folded[at : at + length]] = at
        # More than half of the secret has one of these, unless some of it is but words.
        spans = range(size - self._half + 1)
        if all(any(start <= one <= start + self._half - least for one in heavy) for start in spans):
            return needles
        length = min(self._half, 8)
        for at in range(0, size - length + 1, self._half - length + 1):
            needles.setdefault(self.folded[at : at + length], at)
        return needles


def _occurrences(folded: bytes, needles: dict[bytes, int]) -> Iterator[tuple[int, bytes, int]]:
    for needle, at in needles.items():
        start = folded.find(needle)
        while start >= 0:
            yield start, needle, at
            start = folded.find(needle, start + 1)


def _weights(body: bytes, raw: list[int], offset: int) -> list[int]:
    """Of each compared character, 1 where it belongs to no ordinary word and 0 where it does."""
    ordinary = [1] * len(body)
    for token in _TOKEN.finditer(body):
        if _WORD.fullmatch(token.group()):
            ordinary[token.start() : token.end()] = [0] * (token.end() - token.start())
    return [ordinary[at - offset] for at in raw]


def sightings(secret: SecretPieces, data: bytes, folded: bytes, fours: Set[int]) -> Iterator[Sighting]:
    """Every place in some bytes where the secret stands, or enough of it.

    `folded` is the data after `secret.fold`, and `fours` those of the secret that `fours_of` it has.
    """
    places: Sequence[int] | None = None
    for reverse in (False, True):
        for begin, end, first in secret.runs(folded, fours, reverse=reverse):
            places = secret.fold.places(data) if places is None else places
            sighting = _sighting(secret, data, folded, places, (begin, end, first), reverse=reverse)
            if sighting is not None:
                yield sighting


def _sighting(
    secret: SecretPieces, data: bytes, folded: bytes, places: Sequence[int], run: tuple[int, int, int], *, reverse: bool
) -> Sighting | None:
    begin, end, first = run
    last, size = first + end - begin, len(secret.folded)
    span = (size - last, size - first) if reverse else (first, last)
    if secret.is_in_words(*span) and _is_prose(secret, data, places[begin:end], first, reverse=reverse):
        return None
    if reverse:
        spans = _joined(places[begin:end], lambda _: b"", data)
        if last - first < size:
            form = MASKED if secret.is_telling(folded[begin:end]) else CHANCE
            return Sighting(secret.name, form, tuple(spans))
        if data[places[begin] : places[end - 1] + 1] == secret.as_written(0, size)[::-1]:
            spans = [(places[begin], places[end - 1] + 1)]
        return Sighting(secret.name, "reversed", tuple(_with_ends(secret, data, spans, reverse=True)))
    spans = _joined(places[begin:end], lambda at: secret.between(first + at), data)
    whole = last - first == size
    if not whole:
        spans = merged([*spans, *_beyond(secret, folded, places, run)])
    spans = _with_ends(secret, data, spans)
    name, form = _named(secret, data, spans, whole=whole)
    stands_apart = (first == 0 or last == size) and _is_apart(data, spans)
    if form == MASKED and not stands_apart and not secret.is_telling(_compared(secret, data, spans)):
        form = CHANCE
    return Sighting(name, form, tuple(spans))


def _compared(secret: SecretPieces, data: bytes, spans: Spans) -> bytes:
    return secret.fold(b"".join(data[start:end] for start, end in spans))


def _is_apart(data: bytes, spans: Spans) -> bool:
    """Whether no letter or digit stands directly before or behind what was found, as beside a mask."""
    start, end = spans[0][0], spans[-1][1]
    return not (set(data[max(start - 1, 0) : start] + data[end : end + 1]) & _ALPHANUMERIC)


def _is_prose(secret: SecretPieces, data: bytes, places: Sequence[int], first: int, *, reverse: bool) -> bool:
    """Whether a sentence has the secret's words: with other characters between the words, and only there."""
    gaps = []
    for at, (before, after) in enumerate(pairwise(places), start=first):
        own = secret.between(len(secret.folded) - 2 - at)[::-1] if reverse else secret.between(at)
        gaps.append((data[before + 1 : after], own))
    return any(gap != own for gap, own in gaps) and not any(gap and not own for gap, own in gaps)


def _joined(places: Sequence[int], between: Callable[[int], bytes], data: bytes) -> Spans:
    """The places as spans; what stands between two of them belongs to the secret where it is as the secret has it."""
    spans: Spans = []
    for number, place in enumerate(places):
        if spans and data[spans[-1][1] : place].lstrip(b"\\") == between(number - 1):
            spans[-1] = (spans[-1][0], place + 1)
        else:
            spans.append((place, place + 1))
    return spans


def _with_ends(secret: SecretPieces, data: bytes, spans: Spans, *, reverse: bool = False) -> Spans:
    """With what the secret has before its first compared character and behind its last, where it stands there."""
    start, end = spans[0][0], spans[-1][1]
    lead, trail = (secret.trail[::-1], secret.lead[::-1]) if reverse else (secret.lead, secret.trail)
    more: Spans = []
    if lead and data[max(start - len(lead), 0) : start].lower() == lead.lower():
        more.append((start - len(lead), start))
    if trail and data[end : end + len(trail)].lower() == trail.lower():
        more.append((end, end + len(trail)))
    return merged([*spans, *more])


def _beyond(secret: SecretPieces, folded: bytes, places: Sequence[int], run: tuple[int, int, int]) -> Spans:
    """Pieces next to a run that a slip separates from it: a character is missing, wrong or too many."""
    begin, end, first = run
    whole, last = secret.folded, first + end - begin
    spans: Spans = []
    while slip := _slip(folded[end : end + 2 * len(whole)], whole[last:]):
        skipped, missed, size = slip
        end, last = end + skipped, last + missed
        spans += [(place, place + 1) for place in places[end : end + size]]
        end, last = end + size, last + size
    before, start = folded[max(begin - 2 * len(whole), 0) : begin][::-1], whole[:first][::-1]
    while slip := _slip(before, start):
        skipped, missed, size = slip
        begin -= skipped + size
        spans += [(place, place + 1) for place in places[begin : begin + size]]
        before, start = before[skipped + size :], start[missed + size :]
    return spans


def _slip(text: bytes, rest: bytes) -> tuple[int, int, int] | None:
    """How many characters of a text, and of the rest of a secret, lie before they agree again, and for how many."""
    for distance in range(2 * _WIDEST_SLIP + 1):
        for skipped in range(min(distance, _WIDEST_SLIP) + 1):
            missed = distance - skipped
            if missed > _WIDEST_SLIP:
                continue
            size = _agreeing(text[skipped:], rest[missed:])
            if size >= _LEAST_BEYOND:
                return skipped, missed, size
    return None


def _agreeing(one: bytes, other: bytes) -> int:
    size = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        size += 1
    return size


MASKED = "masked"
"""The form of a secret of which only a part stands in a text."""
CHANCE = "perhaps by chance"
"""The form of a piece that is taken out, but too short to be told as the secret's."""
NEARLY = "{}, but for one character"
"""The name of a key that differs from a secret in one character: it is redacted like the secret."""

VARIED = "{}, varied"
"""The name of a secret in the other letter case, or with something behind it."""


def _named(secret: SecretPieces, data: bytes, spans: Spans, *, whole: bool) -> tuple[str, str]:
    start, end = spans[0][0], spans[-1][1]
    found = data[start:end]
    if whole:
        return secret.name, _form(secret.plain, found)
    if data[start : start + len(secret.plain)] == secret.changed or found == secret.cut:
        return NEARLY.format(secret.name), "plain"
    if data.startswith(secret.plain[: end - start], start) and end == len(data):
        return secret.name, "cut"
    return secret.name, MASKED


def _form(plain: bytes, found: bytes) -> str:
    if found == plain:
        return "plain"
    if found.lower() == plain.lower():
        return "case-changed"
    for mark, form in ((b"%", "url-encoded"), (b"\\", "json-escaped"), (b"&", "html-escaped")):
        if found.count(mark) > plain.count(mark):
            return form
    return "with something between"
