"""Several short texts as one, so that they are searched at once and a secret that is split over them is found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from conformance.evidence.joinings import joined_spans
from conformance.evidence.search import Found
from conformance.evidence.views import Spans, View, together, view_of

_BREAK = b"\r\n"


class TextFields:
    """Texts from the wire, each with the place that it stands in. `split` says which of them may hold pieces of one."""

    def __init__(self, texts: Iterable[tuple[str, str, str]]) -> None:
        """Each text comes with its place and the name of those with which it is joined (none where that is empty)."""
        self._texts = list(texts)
        # Header fields hold bytes as latin-1, in which a key in UTF-8 is still found.
        self._encodings = [
            "latin-1" if text.isascii() or max(text) <= "\xff" else "utf-8" for _, text, _ in self._texts
        ]
        encoded = [
            text.encode(encoding, "surrogatepass")
            for (_, text, _), encoding in zip(self._texts, self._encodings, strict=True)
        ]
        self.data = _BREAK.join(encoded)
        ends, at = [0], 0
        for one in encoded:
            at += len(one) + len(_BREAK)
            ends.append(at)
        self._spans: Spans = [(start, end - len(_BREAK)) for start, end in pairwise(ends)]

    def views(self) -> Iterator[View]:
        """All texts one a line, then those joined that belong together."""
        yield from together(self._views())

    def _views(self) -> Iterator[View]:
        whole = view_of(self.data)
        yield whole
        names = dict.fromkeys(name for _, _, name in self._texts if name)
        for name in names:
            spans = [span for span, text in zip(self._spans, self._texts, strict=True) if text[2] == name]
            if len(spans) > 1:
                yield joined_spans(whole, spans, "spread over fields")

    def texts(self, cleaned: bytes) -> list[str]:
        """The texts as they are in `cleaned`, which has the length of `data`."""
        if cleaned == self.data:
            return [text for _, text, _ in self._texts]
        return [
            cleaned[start:end].decode(encoding, "surrogatepass")
            for (start, end), encoding in zip(self._spans, self._encodings, strict=True)
        ]

    def place_of(self, found: Found) -> list[str]:
        """The places in which something was found."""
        places = [
            place
            for (start, end), (place, _, _) in zip(self._spans, self._texts, strict=True)
            if any(first < end and start < last for first, last in found.spans)
        ]
        return list(dict.fromkeys(places))
