"""Looks for secrets in what a reader could make of some bytes: as they are, and after two codings are undone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.evidence.byte_notations import bytes_undone
from conformance.evidence.charsets import decoded_text
from conformance.evidence.content_coding import unpacked
from conformance.evidence.masked_secrets import MaskedSecret
from conformance.evidence.needles import Sixes, fours_of
from conformance.evidence.secret_pieces import (
    CHANCE,
    MASKED,
    SHORTEST_ANYWHERE,
    Fold,
    SecretPieces,
    Sighting,
    sightings,
)
from conformance.evidence.short_secrets import ShortSecret
from conformance.evidence.spellings import (
    escapes_undone,
    markup_undone,
    other_spellings,
    punctuation_undone,
    reversed_view,
)
from conformance.evidence.views import Spans, View

MOST_CODINGS = 3
"""Notations of bytes and compressions over one another that are undone. Spellings of single characters beside them are
not counted."""
MOST_ESCAPES = 3
"""Layers of escapes that are undone, where one layer is not simply an escape of the other's mark."""
WINDOW = 128 * 1024
"""Bytes that are looked at together."""
_WIDEST = 64
"""Bytes that one character of a secret takes at most, in any coding, for a window's end not to hide it."""
MOST_WORK = 24
"""Bytes of views, for each byte of a window, after which the rest of the window is withheld."""
MOST_FOUND = 1000
"""Places of one window at which something is found, after which the rest of the window is withheld."""
_WORK_AT_LEAST = 4 * 1024 * 1024
_SHORTEST_VIEW = 3


@dataclass(frozen=True, slots=True)
class Found:
    """A secret, or a piece of it: its name, the form it had, and where in the source it stands.

    `numbers` is true where the source writes its bytes as decimal numbers.
    """

    secret: str
    form: str
    spans: Spans
    numbers: bool = False


class TooMuchWorkError(Exception):
    """A window has more views than are looked at."""


class _Alike:
    """Secrets of which the same bytes are compared, and all that four of their successive characters may be."""

    def __init__(self, fold: Fold, secrets: list[SecretPieces]) -> None:
        self.fold, self.secrets = fold, secrets
        self._fours = frozenset[int]().union(*(secret.fours for secret in secrets))
        # Bytes of every kind are no UTF-16.
        self._sixes = None if fold.is_exact else Sixes(whole for secret in secrets for whole in secret.wholes)

    def fours_in(self, folded: bytes) -> frozenset[int]:
        """Those fours of the secrets that `fours_of` a text has; none where no piece of a secret is in it."""
        if self._sixes is not None and not self._sixes.may_be_in(folded):
            return frozenset()
        return self._fours.intersection(fours_of(folded))


class Search:
    """Finds a target's secrets in views."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """`secrets` maps names that may be shown to values."""
        given = [(name, value) for name, value in secrets.items() if value]
        self._pieces = [SecretPieces(name, value) for name, value in given if len(value) >= SHORTEST_ANYWHERE]
        self._short = [ShortSecret(name, value) for name, value in given if len(value) < SHORTEST_ANYWHERE]
        self._masked = [MaskedSecret(secret) for secret in self._pieces]
        folds = {secret.kept: secret.fold for secret in self._pieces}
        self._folds = [
            _Alike(fold, [secret for secret in self._pieces if secret.kept == kept]) for kept, fold in folds.items()
        ]
        self._has_odd_secret = any(alike.fold.is_exact for alike in self._folds)
        longest = max((len(value) for _, value in given), default=0)
        self._overlap = _WIDEST * longest + 1024
        self._window = max(WINDOW, 4 * self._overlap)
        self._shortest = min((len(value) for _, value in given), default=0)
        self.work = 0
        """Bytes of all views that were looked at so far."""

    @property
    def has_secrets(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._pieces or self._short)

    def find(self, view: View) -> Iterator[Found]:
        """Every place where a secret stands, or enough of it.

        Raises:
            TooMuchWorkError: the codings in it are nested so that looking into all of them would take too long. Its
                argument is where in the view the part begins that was not looked into.
        """
        size = len(view.data)
        if not self.has_secrets or size < _SHORTEST_VIEW:
            return
        if size <= self._window + self._overlap:
            yield from self._within(view, 0)
            return
        half = self._overlap // 2
        for start in range(0, size - self._overlap, self._window - self._overlap):
            end = min(start + self._window, size)
            if _is_uniform(view.data[start:end]):
                continue
            first = 0 if start == 0 else start + half
            last = size if end == size else end - half
            for found in self._within(view.part(start, end), start):
                # What begins in the other half of an overlap is found whole in the window beside it.
                begin = min((span[0] for span in found.spans), default=first)
                if first <= begin < last or view.forms or not view.is_source:
                    yield found

    def _within(self, view: View, start: int) -> Iterator[Found]:
        limit = self.work + MOST_WORK * len(view.data) + _WORK_AT_LEAST
        try:
            yield from _no_more_than(MOST_FOUND, self._look(view, 0, limit))
        except _LimitError:
            raise TooMuchWorkError(start) from None

    def _look(self, view: View, codings: int, limit: int) -> Iterator[Found]:
        """What is in a view, its spellings, and the bytes that it writes in some notation."""
        texts = self._spellings(view, inside=codings > 0)
        plainest = texts[-1]
        others = other_spellings(plainest)
        others += [undone for one in others if (undone := escapes_undone(one)) is not None]
        without_tags = markup_undone(plainest)
        for text in (*texts, *others, *([] if without_tags is None else [without_tags])):
            self._count(text, limit)
            yield from self._seen(
                text, masks=codings == 0 and not view.is_report and (text is view or text is plainest)
            )
        if codings == MOST_CODINGS:
            return
        again = [plainest, *others]
        if codings and plainest is not view:
            again.append(view)  # what is compressed is no text
        if codings == 0 and not view.is_report:
            for text in self._backwards(view, plainest):
                self._count(text, limit)
                yield from self._seen(text, masks=False)
                again.append(text)
        for text in again:
            for inner in (*bytes_undone(text), *unpacked(text)):
                yield from self._look(inner, codings + 1, limit)

    def _spellings(self, view: View, *, inside: bool) -> list[View]:
        """The view, and without one layer of escapes after another; the last has none."""
        texts = [view]
        if inside and (text := decoded_text(view, None)) is not None:
            texts.append(text)
        while len(texts) <= MOST_ESCAPES + 1 and (undone := escapes_undone(texts[-1])) is not None:
            texts.append(undone)
        if self._has_odd_secret:
            texts += [undone for one in texts if (undone := punctuation_undone(one)) is not None]
            texts += [undone for one in texts if (undone := escapes_undone(one)) is not None]
        return texts

    def _backwards(self, view: View, plainest: View) -> Iterator[View]:
        """The view from its end, without the escapes that are there when it is read in that way."""
        for one in (view,) if plainest is view else (view, plainest):
            backwards = reversed_view(one)
            undone = escapes_undone(backwards)
            yield backwards if undone is None else undone
            yield from other_spellings(backwards)

    def _count(self, view: View, limit: int) -> None:
        self.work += len(view.data)
        if self.work > limit:
            raise _LimitError

    def _seen(self, view: View, *, masks: bool) -> Iterator[Found]:
        data = view.data
        for alike in self._folds:
            folded = alike.fold(data)
            fours = alike.fours_in(folded)
            for secret in alike.secrets if fours else ():
                for sighting in sightings(secret, data, folded, fours):
                    yield _found(view, sighting)
        for short in self._short:
            for sighting in short.find(data):
                yield _found(view, sighting)
        if masks:
            for masked in self._masked:
                for sighting in masked.find(data):
                    yield _found(view, sighting)


class _LimitError(Exception):
    """More was looked at than the limit allows."""


def _is_uniform(data: bytes) -> bool:
    """Whether one byte is all that some bytes say, as padding does: no more of a key can be in it."""
    return data[:1] == data[-1:] and data.count(data[:1]) == len(data)


def _no_more_than(most: int, founds: Iterable[Found]) -> Iterator[Found]:
    for number, found in enumerate(founds):
        if number == most:
            raise _LimitError
        yield found


def _found(view: View, sighting: Sighting) -> Found:
    form = sighting.form if sighting.form in {CHANCE, MASKED} or not view.forms else _named(view.forms, sighting.form)
    return Found(sighting.secret, form, view.back(list(sighting.spans)), view.numbers)


def _named(forms: Iterable[str], inner: str) -> str:
    """The name of several codings over one another, the innermost first. Escapes in a coding are not worth a word."""
    notable = [form for form in forms if form != "escaped"]
    names = notable or ["escaped"]
    if inner not in {"plain", "case-changed", "with something between"}:
        names = [*names, inner]
    return " in ".join(reversed(names))
