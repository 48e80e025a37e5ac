"""Takes secrets out of what is kept: finds them by their value, in every encoding, and moves no byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from conformance.evidence.content_coding import Decoded, decode, form_of_clear, form_of_withheld
from conformance.evidence.secret_encodings import SHORTEST_ANYWHERE, SecretFinder, Span, may_have_mask
from conformance.evidence.split_secrets import find_split
from conformance.targets.keys import changed_key, cut_key
from conformance.wire.exchange import Answer, Ending, Exchange, Headers, Read, Redaction, SentRequest

CREDENTIAL_HEADERS = ("Authorization", "Proxy-Authorization", "X-API-Key", "Api-Key")
"""Request headers whose value is a credential, whatever it is."""

UNKNOWN_CREDENTIAL = "credential"
"""The name of a credential that is not one of the target's secrets, such as a wrong key."""

NEARLY = "{}, but for one character"
"""The name of a key that differs from a secret in one character: it is redacted like the secret."""

_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]* +)?(?P<key>.*)", re.DOTALL)
_SCHEMES_ALONE = {"bearer", "basic", "digest", "token"}

Found = list[tuple[str, str]]
"""Name and form of each secret that was found."""


class Redactor:
    """Replaces secrets by asterisks of the same length, so that offsets, reads and lengths stay true."""

    def __init__(self, secrets: Mapping[str, str], credential_headers: Iterable[str] = CREDENTIAL_HEADERS) -> None:
        """`secrets` maps names that may be shown to values; the values of `credential_headers` are always redacted."""
        self._secrets = [SecretFinder(name, secret) for name, secret in secrets.items() if secret]
        self._nearly = [
            SecretFinder(NEARLY.format(name), nearly(secret))
            for name, secret in secrets.items()
            if len(secret) > SHORTEST_ANYWHERE
            for nearly in (changed_key, cut_key)
        ]
        self._credential_headers = {name.lower() for name in (*CREDENTIAL_HEADERS, *credential_headers)}

    def data(self, data: bytes) -> tuple[bytes, tuple[tuple[str, str], ...]]:
        """The data without secrets, and the name and form of each that was taken out."""
        found: Found = []
        return self._clean(data, found), tuple(dict.fromkeys(found))

    def text(self, text: str) -> str:
        """The text without secrets; for messages, reports and logs."""
        return self.data(text.encode("utf-8", "surrogatepass"))[0].decode("utf-8", "surrogatepass")

    def value(self, value: Any) -> Any:
        """A JSON value of this program with every string redacted; names of members stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.value(member) for name, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(element) for element in value]
        return value

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange without secrets, with a `Redaction` for each place where one stood."""
        redactions: dict[Redaction, None] = dict.fromkeys(exchange.redactions)
        request = self._request(exchange.request, redactions)
        answer = None if exchange.answer is None else self._answer(exchange.answer, redactions)
        detail = self._field(exchange.ending.detail, "ending", redactions, cut=True)
        ending = Ending(exchange.ending.kind, at=exchange.ending.at, detail=detail)
        head = self._head(exchange.head, redactions)
        return replace(exchange, request=request, answer=answer, ending=ending, redactions=tuple(redactions), head=head)

    # Exchanges

    def _request(self, request: SentRequest, redactions: dict[Redaction, None]) -> SentRequest:
        headers = []
        for name, value in request.headers:
            if name.lower() in self._credential_headers:
                headers.append((name, self._credential(value, redactions)))
            else:
                headers.append((name, self._field(value, "request", redactions)))
        found: Found = []
        body = self._clean(request.body, found)
        _note(found, "request", redactions)
        return replace(
            request,
            url=self._field(request.url, "request", redactions),
            headers=tuple(headers),
            body=body,
        )

    def _credential(self, value: str, redactions: dict[Redaction, None]) -> str:
        """A credential header's value: the scheme's name stays, everything else is masked, known or not."""
        match = _SCHEME.fullmatch(value)
        key = value if match is None else match["key"]
        if not key or value.lower() in _SCHEMES_ALONE:
            return value
        names = self._names(value.encode("latin-1", "replace"), len(key)) or {UNKNOWN_CREDENTIAL}
        _note([(name, "credential header") for name in sorted(names)], "request", redactions)
        return value[: len(value) - len(key)] + "*" * len(key)

    def _head(self, head: bytes, redactions: dict[Redaction, None]) -> bytes:
        found: Found = []
        cleaned = self._clean(head, found, cut=True)
        # What stands in a field is noted under the field's name.
        noted = {(one.secret, one.form) for one in redactions if one.where.startswith(("status", "header "))}
        _note([one for one in found if one not in noted], "head", redactions)
        return cleaned

    def _names(self, value: bytes, length: int) -> set[str]:
        """The names of the secrets in a credential of this length; one with a character more is nearly the secret."""
        found = self._find(value)
        longer = {span.secret for span in found if span.form == "plain" and span.end - span.start == length - 1}
        names = {NEARLY.format(span.secret) if span.secret in longer else span.secret for span in found}
        return names or {span.secret for secret in self._nearly for span in secret.find(value)}

    def _answer(self, answer: Answer, redactions: dict[Redaction, None]) -> Answer:
        headers: Headers = tuple(
            (self._field(name, "header", redactions), self._header(name, value, redactions))
            for name, value in answer.headers
        )
        return replace(
            answer,
            reason=self._field(answer.reason, "status", redactions),
            headers=headers,
            reads=self._body(answer, redactions),
        )

    def _header(self, name: str, value: str, redactions: dict[Redaction, None]) -> str:
        shown = self.data(name.encode("latin-1", "replace"))[0].decode("latin-1")
        return self._field(value, f"header {shown}", redactions)

    def _field(self, text: str, where: str, redactions: dict[Redaction, None], *, cut: bool = False) -> str:
        """A string from the wire. Header fields hold bytes as latin-1, in which a key in UTF-8 is still found."""
        encoding = "latin-1" if all(char <= "\xff" for char in text) else "utf-8"
        found: Found = []
        data = text.encode(encoding, "surrogatepass")
        cleaned = self._clean(data, found, cut=cut)
        if cleaned == data:
            return text
        _note(found, where, redactions)
        return cleaned.decode(encoding, "surrogatepass")

    # Bodies

    def _body(self, answer: Answer, redactions: dict[Redaction, None]) -> tuple[Read, ...]:
        if not self._secrets or not answer.reads:
            return answer.reads
        body = answer.body
        found: Found = []
        cleaned = self._clean_body(body, found)
        fields = [value for name, value in answer.headers if name.lower() == "content-encoding"]
        decoded = decode(body, fields)
        if decoded is not None:
            inside: Found = []
            clear = self._clean_body(decoded.data, inside)
            if inside:
                # A secret within coded bytes cannot be masked, so the decoded body is kept instead.
                _note([*inside, (inside[0][0], form_of_clear(decoded))], "body", redactions)
                return (Read(at=answer.reads[-1].at, data=clear),)
            cleaned = _withhold(cleaned, decoded, found)
        _note(found, "body", redactions)
        return answer.reads if cleaned == body else _cut_again(cleaned, answer.reads)

    def _clean_body(self, body: bytes, found: Found) -> bytes:
        cleaned = self._clean(body, found, cut=True)
        if b"data:" in cleaned:
            cleaned = _mask(cleaned, find_split(cleaned, self._find), found)
        return cleaned

    # Bytes

    def _find(self, data: bytes) -> list[Span]:
        return [span for secret in self._secrets for span in secret.find(data)]

    def _clean(self, data: bytes, found: Found, *, cut: bool = False) -> bytes:
        cleaned = _mask(data, self._find(data), found)
        # Only after that: a whole secret is not one that is nearly right.
        cleaned = _mask(cleaned, [span for secret in self._nearly for span in secret.find(cleaned)], found)
        if may_have_mask(cleaned):
            cleaned = _mask(cleaned, [span for secret in self._secrets for span in secret.find_masked(cleaned)], found)
        if cut:
            rests = [secret.find_cut(cleaned) for secret in self._secrets]
            cleaned = _mask(cleaned, [span for span in rests if span is not None], found)
        return cleaned


def _mask(data: bytes, spans: Iterable[Span], found: Found) -> bytes:
    masked: bytearray | None = None
    for span in spans:
        masked = bytearray(data) if masked is None else masked
        masked[span.start : span.end] = b"*" * (span.end - span.start)
        found.append((span.secret, span.form))
    return data if masked is None else bytes(masked)


def _withhold(body: bytes, decoded: Decoded, found: Found) -> bytes:
    """Mask the coded bytes that could not be searched: of an unknown coding, or beyond the bound (a bomb)."""
    if decoded.read >= len(body):
        return body
    found.append((UNKNOWN_CREDENTIAL, form_of_withheld(decoded)))
    return body[: decoded.read] + b"*" * (len(body) - decoded.read)


def _cut_again(body: bytes, reads: Iterable[Read]) -> tuple[Read, ...]:
    cut, at = [], 0
    for read in reads:
        cut.append(Read(at=read.at, data=body[at : at + len(read.data)]))
        at += len(read.data)
    return tuple(cut)


def _note(found: Iterable[tuple[str, str]], where: str, redactions: dict[Redaction, None]) -> None:
    for secret, form in found:
        redactions[Redaction(secret, form, where)] = None
