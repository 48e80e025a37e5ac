"""Finds a secret of fewer than eight characters, which ordinary text may hold by chance."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from conformance.evidence.secret_pieces import Sighting

_WORD = rb"[A-Za-z0-9_-]"
_LEAST_CODED = 4
"""Characters of a secret from which on it is also looked for in codings."""


class ShortSecret:
    """One short secret: found as it is, base64, hexadecimal or reversed, where that stands between word boundaries."""

    def __init__(self, name: str, secret: str) -> None:
        self._name = name
        plain = secret.encode("utf-8", "surrogateescape")
        spelled = {"plain": [plain]}
        if len(plain) >= _LEAST_CODED:
            coded = base64.b64encode(plain).rstrip(b"=")
            spelled["base64"] = [coded, coded.translate(bytes.maketrans(b"+/", b"-_"))]
            spelled["hex"] = [plain.hex().encode(), plain.hex().upper().encode()]
            spelled["reversed"] = [plain[::-1]]
        self._patterns = [
            (form, texts[0], re.compile(rb"(?<!%s)(?:%s)(?!%s)" % (_WORD, b"|".join(map(re.escape, texts)), _WORD)))
            for form, texts in spelled.items()
        ]

    def find(self, data: bytes) -> Iterator[Sighting]:
        """Every place where the secret stands alone."""
        for form, _, pattern in self._patterns:
            for match in pattern.finditer(data):
                yield Sighting(self._name, form, (match.span(),))
